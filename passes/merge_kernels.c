// merge-kernels: calls of equal kernels become calls of one kernel.
//
// needs `fused`; keeps everything. Two kernels are equal if their text is, names apart: arguments,
// results and values are named by position. The bottlenecks of a stage share their kernels that
// way.
//
//     %0 = call @conv2d(%x, @w) : ...
//     %1 = call @conv2d.1(%0, @v) : ...        the same shapes, attributes and layouts
// becomes
//     %0 = call @conv2d(%x, @w) : ...
//     %1 = call @conv2d(%0, @v) : ...
#include "passes/passes.h"

#include "passes/rewriter.h"

#include <stdlib.h>
#include <string.h>

// The text of the kernel from its argument list on.
static char *body_text(lg_arena *arena, const lg_function *kernel)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return "";
    lg_print_function(kernel, out);
    fclose(out);
    const char *arguments = strchr(text, '(');
    char *copy = lg_strdup(arena, arguments ? arguments : text);
    free(text);
    return copy;
}

typedef struct known {
    lg_function *kernel;
    const char *text;
    uint64_t hash;
} known;

static uint64_t hash_of(const char *text)
{
    uint64_t hash = 14695981039346656037u; // FNV-1a
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

bool lg_pass_merge_kernels(lg_unit *unit, lg_pass_ctx *ctx)
{
    LG_LIST(known) kernels = {0};
    lg_map replacement = {.arena = ctx->scratch};
    for (lg_function *f = unit->module->first, *next; f; f = next) {
        next = f->next;
        if (f->kind != LG_KERNEL)
            continue;
        known own = {.kernel = f, .text = body_text(ctx->scratch, f)};
        own.hash = hash_of(own.text);
        for (int i = 0; i < kernels.count; i++)
            if (kernels.items[i].hash == own.hash && !strcmp(kernels.items[i].text, own.text))
                lg_map_at(&replacement, f)->as.pointer = kernels.items[i].kernel;
        if (!lg_map_pointer(&replacement, f))
            LG_PUSH(ctx->scratch, &kernels, own);
    }
    LG_FOR_FUNCTIONS (f, unit->module)
        LG_FOR_OPS (op, f) {
            lg_function *kernel =
                op->code == LG_OP_call ? lg_map_pointer(&replacement, lg_op_callee(op)) : NULL;
            if (kernel)
                op->attrs[0].as.function = kernel;
        }
    for (lg_function *f = unit->module->first, *next; f; f = next) {
        next = f->next;
        if (!lg_map_pointer(&replacement, f))
            continue;
        lg_function_remove(f);
        ctx->changes++;
    }
    return true;
}
