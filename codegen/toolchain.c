// Which program assembles and links for a target. On this machine that is the system's C compiler;
// for another one it is, by the convention that Debian and others keep, the compiler that is named
// after the machine's triple.
#include "codegen/compile.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_in_path(lg_arena *arena, const char *program)
{
    const char *path = getenv("PATH");
    char *folders = lg_strdup(arena, path ? path : "/usr/bin:/bin"), *rest = NULL;
    for (char *f = strtok_r(folders, ":", &rest); f; f = strtok_r(NULL, ":", &rest))
        if (access(lg_format(arena, "%s/%s", f, program), X_OK) == 0)
            return true;
    return false;
}

// "aarch64-linux-gnu" of "aarch64-unknown-linux-gnu": compilers' names leave the vendor out.
static char *without_vendor(lg_arena *arena, const char *triple)
{
    int dashes = 0;
    for (const char *c = triple; *c; c++)
        dashes += *c == '-';
    const char *vendor = strchr(triple, '-');
    if (dashes < 3)
        return lg_strdup(arena, triple);
    return lg_format(arena, "%.*s%s", (int)(vendor - triple), triple, strchr(vendor + 1, '-'));
}

char *lg_toolchain_command(lg_arena *arena, const lg_codegen_options *options, const char *output,
                           lg_diag *diag)
{
    const char *given = getenv("CC"), *triple = options->target->triple;
    if (options->cc)
        return lg_strdup(arena, options->cc);
    if (!lg_cpu_target_is_foreign(options->target))
        return lg_strdup(arena, given && *given ? given : "cc");
    char *system = without_vendor(arena, triple);
    char *exact = lg_format(arena, "%s-gcc", triple), *usual = lg_format(arena, "%s-gcc", system);
    if (is_in_path(arena, exact))
        return exact;
    if (is_in_path(arena, usual))
        return usual;
    lg_location where = {.file = output};
    lg_error_at(diag, where, "there is no %s to link for %s with", usual, triple);
    lg_note_at(diag, where,
               "install it (Debian: gcc-%s and its libc), or name another compiler, as in "
               "--cc='clang --target=%s -fuse-ld=lld'; --emit=object needs none",
               system, triple);
    return NULL;
}
