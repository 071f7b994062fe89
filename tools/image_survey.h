// All images of a set, decoded once to see what they are.
#ifndef LG_TOOLS_IMAGE_SURVEY_H
#define LG_TOOLS_IMAGE_SURVEY_H

#include "runtime/dataset.h"

typedef struct lg_surveyed_image {
    int width, height;    // 0: broken
    uint64_t bytes, hash; // of the file: its size, XXH64
    char *reason;         // why, with the file's name; NULL: whole
} lg_surveyed_image;

typedef struct lg_image_survey {
    lg_surveyed_image *images; // one a sample
    size_t count, broken_count;
} lg_image_survey;

// Decodes with `threads` threads (0: one a core); on a terminal, standard error shows how far it
// is. False with a message when threads or memory are missing. Free it in either case.
bool lg_image_survey_make(lg_image_survey *survey, const lg_dataset *dataset, int threads,
                          lg_error *e);
void lg_image_survey_free(lg_image_survey *survey);

#endif
