// What a set of images is made of, as tables and as JSON.
#ifndef LG_TOOLS_DATA_REPORT_H
#define LG_TOOLS_DATA_REPORT_H

#include "tools/duplicate_images.h"

#include <stdio.h>

typedef struct lg_data_report lg_data_report;

// `data` and `real` are what the user called the folders; all arguments outlive the report. A
// dataset that was opened with a fold shows that one, else all four. NULL when memory is short.
lg_data_report *lg_data_report_new(const lg_dataset *dataset, const lg_image_survey *survey,
                                   const lg_duplicates *duplicates, const char *data,
                                   const char *real);
void lg_data_report_free(lg_data_report *report);

void lg_data_report_text(const lg_data_report *report, FILE *out);
// One object, with a newline after it.
void lg_data_report_json(const lg_data_report *report, FILE *out);

#endif
