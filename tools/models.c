// lgpnc models: what can be compiled.
#include "models/models.h"
#include "tools/cli.h"
#include "tools/compile.h"

#include <inttypes.h>

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    const char **model = state->input;
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    if (*model)
        argp_error(state, "one MODEL only, `%s' is the second", value);
    *model = value;
    return 0;
}

static void print_options(const lg_model_info *info)
{
    for (int i = 0; i < LG_MAX_OPTIONS && info->options[i].name; i++) {
        const lg_model_option *option = &info->options[i];
        char text[64];
        snprintf(text, sizeof text, "%s=%s", option->name, option->initial);
        printf("    %-16s %s", text, option->help);
        if (option->choices)
            printf(" (%s)", option->choices);
        else if (option->multiple > 1)
            printf(" (a multiple of %" PRId64 ")", option->multiple);
        printf("\n");
    }
}

static void print_all(void)
{
    const lg_model_info *info;
    for (int i = 0; (info = lg_model_at(i)); i++) {
        printf("%s  %s\n", info->name, info->summary);
        print_options(info);
        printf("\n");
    }
    printf(
        "A model is also a C file of your own that uses the DSL (./my_net.c:width=8) or a file of\n"
        "IR (model.ir). Options follow a colon: lgpn:image=128,width=32. `lgpnc models MODEL` "
        "shows\ninputs, outputs and size of one.\n");
}

static void print_ports(const char *heading, lg_arena *arena, int count, lg_value *const *values,
                        const char *const *names)
{
    printf("%s\n", heading);
    for (int i = 0; i < count; i++)
        printf("    %-16s %s\n", names ? names[i] : values[i]->name,
               lg_type_text(arena, &values[i]->type));
}

static void print_tensors(const lg_module *module)
{
    int64_t count[2] = {0}, elements[2] = {0}, dead = 0, bytes = 0;
    LG_FOR_SYMBOLS (symbol, module) {
        if (symbol->role == LG_ROLE_PACKED)
            continue;
        const lg_type *type = &symbol->value->type;
        int kind = symbol->role == LG_ROLE_STATE;
        count[kind]++;
        elements[kind] += lg_type_elements(type);
        bytes += lg_type_bytes(type);
        dead += symbol->dead;
    }
    printf("checkpoint\n");
    printf("    %" PRId64 " parameters in %" PRId64 " tensors, and %" PRId64
           " tensors of states; %.1f MB\n",
           elements[0], count[0], count[1], 1e-6 * (double)bytes);
    if (dead)
        printf("    %" PRId64 " of the tensors are stored but not read\n", dead);
}

static void print_module(const lg_module *module)
{
    lg_arena *arena = lg_arena_new();
    printf("%s\n", module->name);
    LG_FOR_FUNCTIONS (function, module) {
        if (function->kind != LG_FUNC)
            continue;
        printf("entry point %s, %.3f GFLOP\n", function->name, 1e-9 * lg_function_flops(function));
        print_ports("  inputs", arena, function->arguments.count, function->arguments.items, NULL);
        print_ports("  outputs", arena, function->results.count, function->results.items,
                    function->result_names.items);
    }
    print_tensors(module);
    lg_arena_free(arena);
}

int lg_command_models(int argc, char **argv)
{
    static const struct argp parser = {
        .parser = parse_option,
        .args_doc = "[MODEL]",
        .doc = "Lists the models that are built in with their options, or shows inputs, outputs "
               "and size of MODEL.\vExample:\n  lgpnc models lgpn:image=128,width=32"};
    const char *model = NULL;
    argp_parse(&parser, argc, argv, 0, NULL, &model);
    if (!model) {
        print_all();
        return LG_EXIT_OK;
    }
    lg_diag *diag = lg_diag_new();
    lg_compilation compilation;
    bool good = lg_compile_load(&compilation, model, NULL, NULL, diag);
    if (good && compilation.module)
        print_module(compilation.module);
    else if (good)
        good = lg_error_at(diag, (lg_location){.file = model}, "kernel IR is no model");
    lg_compilation_free(&compilation);
    return lg_cli_finish(diag, good);
}
