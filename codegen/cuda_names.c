// Names of the IR as identifiers of C++: characters that an identifier cannot hold become _, words
// that mean something else get v_ before them, and a name that is taken then gets a number. Names
// of the emitter's own functions start with lg_ and are never given away.
#include "codegen/cuda_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// Keywords of C++17 and what the emitted text uses of CUDA, sorted.
static const char *const reserved[] = {
    "alignas",
    "alignof",
    "and",
    "and_eq",
    "asm",
    "auto",
    "bitand",
    "bitor",
    "blockDim",
    "blockIdx",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "char16_t",
    "char32_t",
    "class",
    "compl",
    "const",
    "const_cast",
    "constexpr",
    "continue",
    "cosf",
    "decltype",
    "default",
    "delete",
    "do",
    "double",
    "dynamic_cast",
    "else",
    "enum",
    "expf",
    "explicit",
    "export",
    "extern",
    "fabsf",
    "false",
    "float",
    "floorf",
    "fmaf",
    "for",
    "friend",
    "goto",
    "gridDim",
    "if",
    "inline",
    "int",
    "linux",
    "logf",
    "long",
    "main",
    "mutable",
    "namespace",
    "new",
    "noexcept",
    "not",
    "not_eq",
    "nullptr",
    "operator",
    "or",
    "or_eq",
    "private",
    "protected",
    "public",
    "register",
    "reinterpret_cast",
    "return",
    "short",
    "signed",
    "sizeof",
    "sqrtf",
    "static",
    "static_assert",
    "static_cast",
    "struct",
    "switch",
    "tanhf",
    "template",
    "this",
    "thread_local",
    "threadIdx",
    "throw",
    "true",
    "try",
    "typedef",
    "typeid",
    "typename",
    "union",
    "unix",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "warpSize",
    "wchar_t",
    "while",
    "xor",
    "xor_eq",
};

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_reserved(const char *name)
{
    return strncmp(name, "lg_", 3) == 0 || strncmp(name, "__", 2) == 0 ||
           bsearch(&name, reserved, sizeof reserved / sizeof *reserved, sizeof *reserved,
                   compare_words);
}

static const char *identifier(lg_arena *arena, const char *name)
{
    bool starts = isalpha((unsigned char)name[0]) || name[0] == '_';
    char *result = lg_format(arena, "%s%s", starts ? "" : "v", name);
    for (char *at = result; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '_')
            *at = '_';
    return is_reserved(result) ? lg_format(arena, "v%s%s", result[0] == '_' ? "" : "_", result)
                               : result;
}

// ---- a set of strings, open addressing

typedef struct name_set {
    const char **slots;
    size_t mask;
} name_set;

static name_set name_set_new(lg_arena *arena, int capacity)
{
    size_t size = 16;
    while (size < 2 * (size_t)capacity)
        size *= 2;
    return (name_set){LG_NEW_ARRAY(arena, const char *, size), size - 1};
}

// False if it was there.
static bool name_set_add(name_set *set, const char *name)
{
    size_t hash = 14695981039346656037u;
    for (const char *at = name; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    for (;; hash++) {
        const char **slot = &set->slots[hash & set->mask];
        if (*slot && strcmp(*slot, name) == 0)
            return false;
        if (!*slot) {
            *slot = name;
            return true;
        }
    }
}

static const char *take(lg_arena *arena, name_set *taken, const char *name)
{
    const char *base = identifier(arena, name), *result = base;
    for (int i = 2; !name_set_add(taken, result); i++)
        result = lg_format(arena, "%s_%d", base, i);
    return result;
}

// CUDA has some thousand functions without a header (exp, round, norm3d, atomicAdd ...). None has
// an underscore in its name but at its start.
static const char *kernel_name(lg_arena *arena, const char *name)
{
    return strpbrk(name, "_.:-") ? name : lg_format(arena, "%s_kernel", name);
}

const char **lg_cuda_kernel_names(lg_arena *arena, const lg_program *program)
{
    int count = lg_program_kernel_count(program);
    const char **names = LG_NEW_ARRAY(arena, const char *, count + 1);
    name_set taken = name_set_new(arena, count);
    int i = 0;
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next)
        names[i++] = take(arena, &taken, kernel_name(arena, kernel->name));
    return names;
}

void lg_cuda_name_locals(lg_cuda_emitter *emitter)
{
    const lg_kernel *kernel = emitter->kernel;
    lg_arena *arena = emitter->scratch;
    int buffers = kernel->params.count + kernel->locals.count;
    name_set taken = name_set_new(arena, buffers + kernel->vars.count);
    emitter->buffer_names = LG_NEW_ARRAY(arena, const char *, buffers + 1);
    emitter->var_names = LG_NEW_ARRAY(arena, const char *, kernel->vars.count + 1);
    for (int i = 0; i < kernel->params.count; i++)
        emitter->buffer_names[i] = take(arena, &taken, kernel->params.items[i]->name);
    for (int i = 0; i < kernel->locals.count; i++)
        emitter->buffer_names[kernel->locals.items[i]->id] =
            take(arena, &taken, kernel->locals.items[i]->name);
    for (int i = 0; i < kernel->vars.count; i++)
        emitter->var_names[kernel->vars.items[i]->id] =
            take(arena, &taken, kernel->vars.items[i]->name);
}
