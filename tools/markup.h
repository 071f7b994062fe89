// Text in XML and HTML.
#ifndef LG_TOOLS_MARKUP_H
#define LG_TOOLS_MARKUP_H

#include <stdio.h>

// Prints it so that it stays text, between tags and in quoted attributes. Control characters, which
// XML cannot have, become '?'.
void lg_markup_print(FILE *out, const char *text);
// Its first `length` bytes.
void lg_markup_print_part(FILE *out, const char *text, int length);

#endif
