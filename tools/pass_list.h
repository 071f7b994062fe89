// The tables of passes, pipelines and targets, for people: `opt --list` and docs/passes.md.
#ifndef LG_TOOLS_PASS_LIST_H
#define LG_TOOLS_PASS_LIST_H

#include <stdio.h>

void lg_list_passes(FILE *out);
void lg_list_passes_markdown(FILE *out);

#endif
