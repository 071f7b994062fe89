// What an evaluation found, for people and for programs.
#ifndef LG_TOOLS_EVAL_REPORT_H
#define LG_TOOLS_EVAL_REPORT_H

#include "runtime/evaluation.h"

#include <stdio.h>

typedef struct lg_eval_report {
    const lg_model_scores *scores;
    const lg_dataset *dataset;
    const char *model, *weights; // weights: NULL for those built in
    const char *data, *real;     // folders; real: NULL for none
    const char *split;           // "test" or "train"
    uint64_t seed;               // of the pairs
    size_t pairs;                // asked for
    int batch;
} lg_eval_report;

// "f", "V", "generated graph": short, for people.
const char *lg_eval_representation_title(int representation);

// `report` is an lg_eval_report: these fit lg_cli_write.
void lg_eval_print_text(const void *report, FILE *out); // at most 100 columns
void lg_eval_print_json(const void *report, FILE *out); // docs/training.md
void lg_eval_print_html(const void *report, FILE *out); // one page with everything in it

#endif
