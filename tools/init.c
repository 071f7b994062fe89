// lgpnc init: a checkpoint with initial weights.
#include "tools/arguments.h"
#include "tools/cli.h"
#include "tools/compile.h"
#include "tools/init_weights.h"
#include "tools/supervise.h"

typedef struct init_arguments {
    const char *model, *output;
    uint64_t seed;
} init_arguments;

static const struct argp_option option_rows[] = {
    {"output", 'o', "W.safetensors", 0, "the checkpoint to write", 0},
    {"seed", 's', "N", 0, "of the random numbers (0); equal seeds give equal files everywhere", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    init_arguments *a = state->input;
    switch (key) {
    case 'o':
        a->output = value;
        return 0;
    case 's':
        a->seed = (uint64_t)lg_argument_number(state, "--seed", value, 0, INT64_MAX);
        return 0;
    case ARGP_KEY_ARG:
        if (a->model)
            argp_error(state, "one MODEL only, `%s' is the second", value);
        a->model = value;
        return 0;
    case ARGP_KEY_END:
        if (!a->model)
            argp_error(state, "no MODEL given; `lgpnc models' shows what there is");
        if (!a->output)
            argp_error(state, "no file to write; name one with -o W.safetensors");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool write_weights(const init_arguments *a, const lg_compilation *c, lg_diag *diag)
{
    lg_error error;
    if (!c->module)
        return lg_error_at(diag, (lg_location){.file = a->model}, "kernel IR is no model");
    return lg_init_weights(c->module, a->seed, a->output, &error) || lg_cli_fail(diag, &error);
}

static int work(void *context)
{
    const init_arguments *a = context;
    lg_progress progress;
    lg_progress_init(&progress, false);
    lg_diag *diag = lg_diag_new();
    lg_compilation compilation;
    bool good = lg_compile_load(&compilation, a->model, NULL, &progress, diag);
    lg_progress_step(&progress, "writing %s", a->output);
    good = good && write_weights(a, &compilation, diag);
    lg_progress_end(&progress);
    lg_compilation_free(&compilation);
    return lg_cli_finish(diag, good);
}

int lg_command_init(int argc, char **argv)
{
    static const struct argp parser = {
        .options = option_rows,
        .parser = parse_option,
        .args_doc = "MODEL",
        .doc = "Writes initial weights of MODEL as training starts from them: an untrained "
               "checkpoint by the names of PyTorch's state_dict.\vExample:\n"
               "  lgpnc init lgpn:image=128 --seed=1 -o lgpn.safetensors"};
    init_arguments a = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    return lg_supervise(a.output, work, &a);
}
