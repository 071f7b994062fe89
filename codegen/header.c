// The header that goes with an object: what an embedder needs to call it, and nothing to install.
// It carries the ABI of runtime/artifact.h word for word (under that header's own guard, so that
// several such headers get along) and for each entry point a function with named arguments.
#include "codegen/codegen.h"
#include "codegen/header_text.h"
#include "codegen/scratch.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static const char *c_type(lg_dtype dtype)
{
    static const char *const types[LG_DTYPE_COUNT] = {
        [LG_F32] = "float",   [LG_BF16] = "uint16_t", [LG_F16] = "uint16_t", [LG_I32] = "int32_t",
        [LG_I64] = "int64_t", [LG_U8] = "uint8_t",    [LG_BOOL] = "uint8_t",
    };
    return types[dtype];
}

static char *upper_case(lg_arena *arena, const char *text)
{
    char *copy = lg_strdup(arena, text);
    for (char *c = copy; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return copy;
}

// A name of the IR as a name of C; the argument's index makes it unique and keeps it off keywords.
static char *identifier(lg_arena *arena, const char *name, int index)
{
    static const char *const taken[] = {
        "auto",     "break",  "case",    "char",     "const",    "default", "do",        "double",
        "else",     "enum",   "extern",  "float",    "for",      "goto",    "if",        "inline",
        "int",      "long",   "packed",  "params",   "return",   "short",   "signed",    "static",
        "struct",   "switch", "union",   "void",     "volatile", "while",   "workspace", "register",
        "restrict", "sizeof", "typedef", "unsigned", "parallel", "call",    "inputs",    "outputs"};
    bool clean = isalpha((unsigned char)*name);
    for (const char *c = name; *c; c++)
        clean = clean && (isalnum((unsigned char)*c) || *c == '_');
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        clean = clean && strcmp(name, taken[i]) != 0;
    if (clean)
        return lg_strdup(arena, name);
    char *copy = lg_format(arena, "%s_%d", name, index);
    for (char *c = copy; *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = '_';
    return isalpha((unsigned char)*copy) ? copy : lg_format(arena, "x%s", copy);
}

static const lg_kslot *find_slot(const lg_entry *entry, lg_place place, int index)
{
    for (int i = 0; i < entry->slots.count; i++)
        if (entry->slots.items[i]->place == place && entry->slots.items[i]->index == index)
            return entry->slots.items[i];
    return NULL;
}

typedef struct writer {
    lg_arena *arena;
    const lg_program *program;
    const lg_codegen_options *options;
    FILE *out;
} writer;

static int port_count(const lg_entry *entry, lg_place place)
{
    return place == LG_PLACE_INPUT ? entry->input_count : entry->output_count;
}

static const char *port_name(writer *w, const lg_entry *entry, lg_place place, int i)
{
    return identifier(w->arena, find_slot(entry, place, i)->name, i);
}

// `const float *image, const float *graph,` on a line of their own.
static void declare_ports(writer *w, const lg_entry *entry, lg_place place)
{
    const char *qualifier = place == LG_PLACE_INPUT ? "const " : "";
    for (int i = 0; i < port_count(entry, place); i++)
        fprintf(w->out, "%s%s%s *%s,", i ? " " : "\n    ", qualifier,
                c_type(find_slot(entry, place, i)->type.dtype), port_name(w, entry, place, i));
}

// `{image, graph}`
static void list_ports(writer *w, const lg_entry *entry, lg_place place)
{
    fputc('{', w->out);
    for (int i = 0; i < port_count(entry, place); i++)
        fprintf(w->out, "%s%s", i ? ", " : "", port_name(w, entry, place, i));
    fputs(port_count(entry, place) ? "};\n" : "0};\n", w->out);
}

static bool has_value(const lg_codegen_options *o, const char *input)
{
    for (int i = 0; i < o->value_count; i++)
        if (strcmp(o->values[i].name, input) == 0)
            return true;
    return false;
}

static void describe_ports(writer *w, const lg_entry *entry, int index, lg_place place)
{
    for (int i = 0; i < port_count(entry, place); i++) {
        const lg_kslot *slot = find_slot(entry, place, i);
        fprintf(w->out, "//   %-10s %s: %s\n", place == LG_PLACE_INPUT ? "reads" : "writes",
                port_name(w, entry, place, i), lg_type_text(w->arena, &slot->type));
        if (place == LG_PLACE_INPUT && has_value(w->options, slot->name))
            fprintf(w->out,
                    "//              trained with %s_artifact.entries[%d].inputs[%d].value\n",
                    w->options->prefix, index, i);
    }
}

// What of the weights a function is given.
typedef struct weights {
    bool params, writes; // the checkpoint's tensors
    bool packed, packs;
} weights;

static weights weights_of(const writer *w, const lg_entry *entry)
{
    weights uses = {.writes = lg_entry_writes(entry, LG_PLACE_PARAM),
                    .packs = lg_entry_writes(entry, LG_PLACE_PACKED)};
    uses.params = uses.writes || lg_entry_reads(entry, LG_PLACE_PARAM);
    uses.packed = uses.packs || (lg_entry_reads(entry, LG_PLACE_PACKED) && !w->options->packed);
    return uses;
}

static void describe_weights(const writer *w, const weights *uses)
{
    const char *prefix = w->options->prefix;
    if (uses->params)
        fprintf(w->out, "//   %-10s params: the tensors of %s_artifact.params, in that order\n",
                uses->writes ? "updates" : "reads", prefix);
    if (uses->packed)
        fprintf(w->out, "//   %-10s packed: %s_PACKED_BYTES\n", uses->packs ? "writes" : "reads",
                upper_case(w->arena, prefix));
}

static void write_function(writer *w, const lg_entry *entry, int index)
{
    const char *prefix = w->options->prefix;
    weights uses = weights_of(w, entry);
    const char *macro = lg_format(w->arena, "%s_%s", upper_case(w->arena, prefix),
                                  upper_case(w->arena, entry->name));
    fprintf(w->out,
            "\n#define %s_WORKSPACE_BYTES %" PRId64 " // on one thread,\n"
            "#define %s_SCRATCH_BYTES %" PRId64 " // and more for each further one\n",
            macro, lg_entry_workspace(entry), macro, lg_entry_scratch(entry));
    fprintf(w->out, "\n// Runs \"%s\". Tensors are dense, row-major, in the order given.\n",
            entry->name);
    describe_ports(w, entry, index, LG_PLACE_INPUT);
    describe_ports(w, entry, index, LG_PLACE_OUTPUT);
    describe_weights(w, &uses);
    fprintf(w->out, "// `parallel` may be NULL: then it runs on the calling thread. Returns %s.\n",
            lg_entry_uses_matrix_unit(entry)
                ? "LG_ENTRY_DONE, or\n// LG_ENTRY_REFUSED where Linux refuses the matrix unit"
                : "0");

    fprintf(w->out, "static inline int %s_%s(", prefix, entry->name);
    declare_ports(w, entry, LG_PLACE_INPUT);
    declare_ports(w, entry, LG_PLACE_OUTPUT);
    fprintf(w->out, "\n    %s%svoid *workspace, const lg_parallel *parallel)\n{\n",
            uses.params ? "void *const *params, " : "",
            uses.packs    ? "void *packed, "
            : uses.packed ? "const void *packed, "
                          : "");
    fprintf(w->out, "    const void *inputs[] = ");
    list_ports(w, entry, LG_PLACE_INPUT);
    fprintf(w->out, "    void *outputs[] = ");
    list_ports(w, entry, LG_PLACE_OUTPUT);
    fprintf(w->out, "    lg_call call = {inputs, outputs, %s, (void *)%s, workspace, parallel};\n",
            uses.params ? "params" : "0",
            uses.packed ? "packed" : lg_format(w->arena, "%s_artifact.packed", prefix));
    fprintf(w->out, "    return %s_artifact.entries[%d].run(&call);\n}\n", prefix, index);
}

static bool trains(const lg_program *program)
{
    for (int i = 0; i < program->entries.count; i++)
        if (lg_entry_writes(program->entries.items[i], LG_PLACE_PARAM))
            return true;
    return false;
}

static void write_head(writer *w)
{
    const char *prefix = w->options->prefix;
    const char *guard = upper_case(w->arena, prefix);
    fprintf(w->out,
            "// %s, compiled by %s for %s. Generated; the object beside it needs libc and libm.\n"
            "//\n"
            "// The caller owns all memory. The workspace%s aligned to %d bytes;\n"
            "// two threads may call at once with a workspace each%s\n",
            w->options->model, w->options->compiler, w->options->target->name,
            w->program->packed && !w->options->packed ? " and the packed weights are" : " is",
            LG_ABI_ALIGNMENT,
            trains(w->program) ? ", but for training steps:\n// those write the parameters."
                               : ". Nothing is kept between calls.");
    if (w->program->packed && !w->options->packed)
        fprintf(w->out, "// The packed weights are made once from a checkpoint, by %s_pack.\n",
                prefix);
    fprintf(w->out, "#ifndef %s_LGPNC_H\n#define %s_LGPNC_H\n\n", guard, guard);
    fputs("// ---- the ABI, the same in every header that lgpnc writes\n\n", w->out);
    fputs(lg_artifact_header_text, w->out);
    fprintf(w->out, "\n// ---- %s\n\n", w->options->model);
    fputs("#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n", w->out);
    fprintf(w->out, "// Names, types and shapes of everything, and the entry points.\n");
    fprintf(w->out, "extern const lg_artifact %s_artifact;\n", prefix);
    fprintf(w->out, "\n#define %s_PACKED_BYTES %" PRId64 "\n", guard, w->program->packed);
}

// ---- names of the parameters

static bool needs_params(const lg_program *program)
{
    for (int i = 0; i < program->entries.count; i++)
        if (lg_entry_reads(program->entries.items[i], LG_PLACE_PARAM) ||
            lg_entry_writes(program->entries.items[i], LG_PLACE_PARAM))
            return true;
    return false;
}

// `name` with _ for what C has not, and its index where another parameter comes to the same.
static const char *param_name(writer *w, lg_names *taken, const char *name, int index)
{
    char *copy = lg_strdup(w->arena, name);
    for (char *c = copy; *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = '_';
    while (lg_names_find(taken, copy))
        copy = lg_format(w->arena, "%s_%d", copy, index);
    lg_names_set(w->arena, taken, copy, w);
    return copy;
}

static void write_params(writer *w)
{
    const char *prefix = w->options->prefix;
    const char *macro = upper_case(w->arena, prefix);
    lg_names taken = {0};
    lg_names_set(w->arena, &taken, "COUNT", w);
    fprintf(w->out,
            "\n// Where the parameters and states lie in `params`. lg_params_bytes and\n"
            "// lg_params_place give them memory; %s_artifact.params has names and shapes.\n"
            "enum {\n",
            prefix);
    for (int i = 0; i < w->program->params.count; i++) {
        const lg_kslot *param = w->program->params.items[i];
        fprintf(w->out, "    %s_PARAM_%s, // %s%s\n", macro, param_name(w, &taken, param->name, i),
                param->state ? "state " : "", lg_type_text(w->arena, &param->type));
    }
    fprintf(w->out, "    %s_PARAM_COUNT\n};\n", macro);
}

void lg_emit_header(const lg_program *program, const lg_codegen_options *options, FILE *out)
{
    writer w = {lg_arena_new(), program, options, out};
    write_head(&w);
    if (needs_params(program))
        write_params(&w);
    for (int i = 0; i < program->entries.count; i++)
        write_function(&w, program->entries.items[i], i);
    fprintf(out, "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
    lg_arena_free(w.arena);
}
