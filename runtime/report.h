// Predictions as people and as programs read them.
#ifndef LG_RUNTIME_REPORT_H
#define LG_RUNTIME_REPORT_H

#include "runtime/predictor.h"

#include <stdio.h>

// A table: real or fake, the losses, the continuous values, the choices, each with its confidence.
void lg_report_table(FILE *out, const char *file, const lg_parsed_image *image);

// One JSON object in one line: {"file", "fake", "hyperparameters": {NAME: {"value", "confidence",
// ...}}}. Names are those of hyperparameters.def.
void lg_report_json(FILE *out, const char *file, const lg_parsed_image *image);

// `text` as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD.
void lg_json_string(FILE *out, const char *text);

#endif
