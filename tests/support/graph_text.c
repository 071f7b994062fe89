// See the header.
#include "tests/support/graph_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

static FILE *open_text(char **text, size_t *size)
{
    FILE *out = open_memstream(text, size);
    ck_assert_ptr_nonnull(out);
    return out;
}

char *lg_text_of_module(const lg_module *module)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_text(&text, &size);
    lg_print_module(module, out);
    fclose(out);
    return text;
}

char *lg_text_of_diag(const lg_diag *diag)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_text(&text, &size);
    lg_diag_print(diag, out);
    fclose(out);
    return text;
}

static lg_module *parse_right(const char *text, bool verify)
{
    lg_diag *diag = lg_diag_new();
    lg_diag_add_source(diag, "t.ir", text, strlen(text));
    lg_module *module = lg_parse_module("t.ir", text, strlen(text), diag);
    if (module && verify)
        lg_verify_module(module, diag);
    char *messages = lg_text_of_diag(diag);
    ck_assert_msg(lg_diag_errors(diag) == 0, "%s", messages);
    free(messages);
    lg_diag_free(diag);
    return module;
}

lg_module *lg_module_of_text(const char *text)
{
    return parse_right(text, true);
}

lg_module *lg_module_of_parsed(const char *text)
{
    return parse_right(text, false);
}

// Keeps of every message its first line, without the file's name and the word error.
static char *only_faults(const char *messages)
{
    char *faults = NULL;
    size_t size = 0;
    FILE *out = open_text(&faults, &size);
    for (const char *at = messages; *at;) {
        const char *end = strchr(at, '\n');
        size_t length = end ? (size_t)(end - at) : strlen(at);
        const char *word = memmem(at, length, " error: ", 8);
        const char *start = strncmp(at, "t.ir:", 5) == 0 ? at + 5 : at;
        if (word && start <= word)
            fprintf(out, "%.*s%.*s\n", (int)(word + 1 - start), start,
                    (int)(at + length - word - 8), word + 8);
        at += length + (end != NULL);
    }
    fclose(out);
    return faults;
}

char *lg_faults_of_text(const char *text)
{
    lg_diag *diag = lg_diag_new();
    lg_diag_add_source(diag, "t.ir", "", 0); // no source lines
    lg_module *module = lg_parse_module("t.ir", text, strlen(text), diag);
    if (module)
        lg_verify_module(module, diag);
    lg_module_free(module);
    char *messages = lg_text_of_diag(diag);
    char *faults = only_faults(messages);
    free(messages);
    lg_diag_free(diag);
    return faults;
}
