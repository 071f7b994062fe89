// Runs while lgpnc is built: writes lg_model_table_default() as C, which holds the table of models
// as text. A dataset needs no file beside the program then.
//
//     gen_default_table models/red140.tsv default_table.c
#include "runtime/atomic_file.h"
#include "runtime/read_file.h"

#include <stdlib.h>

// As a string literal, a line of it a line of the table.
static void write_text(FILE *out, const unsigned char *text, size_t size)
{
    fputs("    \"", out);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n')
            fputs(i + 1 < size ? "\\n\"\n    \"" : "\\n", out);
        else if (text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
            fprintf(out, "\\%03o", text[i]);
        else
            fputc(text[i], out);
    }
    fputs("\";\n", out);
}

static bool write_table(const char *path, const unsigned char *text, size_t size, lg_error *e)
{
    lg_atomic_file out;
    if (!lg_atomic_open(&out, path, 0666, e))
        return false;
    fputs("// Made by gen_default_table.\n#include \"runtime/cooccurrence.h\"\n\n"
          "static const char text[] =\n",
          out.stream);
    write_text(out.stream, text, size);
    fputs("\nlg_model_table *lg_model_table_default(lg_error *e)\n{\n    return "
          "lg_model_table_parse(text, sizeof text - 1, \"the built-in table\", e);\n}\n",
          out.stream);
    return lg_atomic_commit(&out, e);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: gen_default_table TABLE.tsv OUT.c\n");
        return 2;
    }
    lg_error e;
    size_t size;
    unsigned char *text = lg_file_read(argv[1], 1 << 20, &size, &e);
    bool ok = text && write_table(argv[2], text, size, &e);
    if (!ok)
        fprintf(stderr, "gen_default_table: %s\n", e.message);
    free(text);
    return ok ? 0 : 1;
}
