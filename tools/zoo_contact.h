// A sheet of all models of a zoo: a row each with its images and, beside them, its labels. HTML
// with links to the images beside it; no script, nothing from elsewhere.
#ifndef LG_TOOLS_ZOO_CONTACT_H
#define LG_TOOLS_ZOO_CONTACT_H

#include "tools/zoo_folder.h"

typedef struct lg_zoo_contact {
    const lg_zoo_plan *plan;
    const lg_zoo_record *records; // one a model of the plan
    int images, size, steps;      // a model; pixels; of training
    uint64_t seed;
    size_t photos, reals;
} lg_zoo_contact;

// Prints an lg_zoo_contact; for lg_cli_write.
void lg_zoo_contact_print(const void *contact, FILE *out);

#endif
