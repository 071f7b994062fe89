#include "tools/markup.h"

#include <string.h>

void lg_markup_print_part(FILE *out, const char *text, int length)
{
    for (int i = 0; i < length; i++)
        switch (text[i]) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        case '\n':
        case '\t':
            fputc(text[i], out);
            break;
        default:
            fputc((unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i], out);
        }
}

void lg_markup_print(FILE *out, const char *text)
{
    lg_markup_print_part(out, text, (int)strlen(text));
}
