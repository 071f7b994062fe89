// Files of a set of images with the same bytes. In two folders they have two labels, of which one
// is wrong: the same image cannot be of two models, nor generated and real.
#ifndef LG_TOOLS_DUPLICATE_IMAGES_H
#define LG_TOOLS_DUPLICATE_IMAGES_H

#include "tools/image_survey.h"

typedef struct lg_duplicate {
    size_t sample, first; // samples; `first` is the first of all with these bytes
} lg_duplicate;

typedef struct lg_duplicates {
    size_t count;         // samples whose bytes another sample before has
    lg_duplicate *across; // those of them that are of another model than `first`, in order of both
    size_t across_count;
} lg_duplicates;

// By size and XXH64 of the surveyed files; broken images are left out. False when memory is short.
// Free with lg_duplicates_free in either case.
bool lg_duplicates_find(lg_duplicates *duplicates, const lg_dataset *dataset,
                        const lg_image_survey *survey);
void lg_duplicates_free(lg_duplicates *duplicates);

#endif
