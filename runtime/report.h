// Predictions as people and as programs read them.
#ifndef LG_RUNTIME_REPORT_H
#define LG_RUNTIME_REPORT_H

#include "runtime/predictor.h"
#include "runtime/truth.h"

#include <stdio.h>

// A table: real or fake, the losses, the continuous values, the choices, each with its confidence.
// With a truth, which may be NULL, that stands first, a * before what it contradicts, and a last
// row counts.
void lg_report_table(FILE *out, const char *file, const lg_parsed_image *image,
                     const lg_truth *truth);

// One JSON object in one line: {"file", "fake", "hyperparameters": {NAME: {"value", "confidence",
// ...}}}. Names are those of hyperparameters.def. With a truth (or NULL): "truth" in each of them,
// and "truly_fake", "right" and "compared" in the object.
void lg_report_json(FILE *out, const char *file, const lg_parsed_image *image,
                    const lg_truth *truth);

// `text` as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD.
void lg_json_string(FILE *out, const char *text);

#endif
