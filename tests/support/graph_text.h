// Modules and diagnostics as text, for tests of the graph IR.
#ifndef LG_TESTS_SUPPORT_GRAPH_TEXT_H
#define LG_TESTS_SUPPORT_GRAPH_TEXT_H

#include "ir/graph.h"

// What the printers write; free it.
char *lg_text_of_module(const lg_module *module);
char *lg_text_of_diag(const lg_diag *diag);
// The module of a text without faults, verified; ends the test when there is one. Free it.
lg_module *lg_module_of_text(const char *text);
lg_module *lg_module_of_parsed(const char *text); // the same, not verified
// What parsing and verifying `text` as the file "t.ir" reports: one line `line:col: message` for
// each error, without source lines. Free it.
char *lg_faults_of_text(const char *text);

#endif
