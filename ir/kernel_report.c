// The one message form of the kernel verifier and interpreter.
#include "ir/kernel_report.h"

#include <stdlib.h>
#include <string.h>

// The line of `stmt`, printed as the only statement of a kernel.
static char *statement_text(lg_arena *arena, const lg_kstmt *stmt)
{
    lg_kstmt alone = *stmt;
    alone.next = NULL;
    if (alone.kind == LG_K_LOOP)
        alone.as.loop.body = (lg_kblock){NULL, NULL};
    if (alone.kind == LG_K_IF)
        alone.as.branch.then = alone.as.branch.otherwise = (lg_kblock){NULL, NULL};
    lg_kernel around = {.arena = arena, .name = "", .body = {&alone, &alone}};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return lg_strdup(arena, "?");
    lg_print_kernel(&around, out);
    fclose(out);
    const char *line = strchr(text, '\n') + 1;
    line += strspn(line, " ");
    char *copy = lg_strndup(arena, line, strcspn(line, "\n"));
    free(text);
    size_t length = strlen(copy);
    if ((stmt->kind == LG_K_LOOP || stmt->kind == LG_K_IF) && length > 2)
        copy[length - 2] = '\0'; // " {"
    return copy;
}

bool lg_kernel_fault(lg_diag *diag, const lg_kernel *kernel, const lg_kstmt *stmt,
                     const char *format, ...)
{
    lg_arena *arena = lg_arena_new();
    va_list args;
    va_start(args, format);
    const char *text = lg_vformat(arena, format, args);
    va_end(args);
    if (stmt)
        lg_error_at(diag, (lg_location){0}, "kernel @%s: %s, in `%s`", kernel->name, text,
                    statement_text(arena, stmt));
    else
        lg_error_at(diag, (lg_location){0}, "kernel @%s: %s", kernel->name, text);
    lg_arena_free(arena);
    return false;
}
