// lgpnc image: the tensor that a network sees of an image file.
#include "tools/arguments.h"
#include "tools/cli.h"
#include "tools/supervise.h"

#include "runtime/npy.h"
#include "runtime/preprocess.h"

typedef struct image_arguments {
    const char *file, *output;
    int size;
} image_arguments;

enum { LARGEST_SIZE = 8192 };

static const struct argp_option option_rows[] = {
    {"output", 'o', "F.npy", 0, "the array to write (`-': standard output)", 0},
    {"size", 'n', "N", 0, "height and width of it in pixels (256)", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    image_arguments *a = state->input;
    switch (key) {
    case 'o':
        a->output = value;
        return 0;
    case 'n':
        a->size = (int)lg_argument_number(state, "--size", value, 1, LARGEST_SIZE);
        return 0;
    case ARGP_KEY_ARG:
        if (a->file)
            argp_error(state, "one FILE only, `%s' is the second", value);
        a->file = value;
        return 0;
    case ARGP_KEY_END:
        if (!a->file)
            argp_error(state, "no FILE given; `-' is standard input");
        if (!a->output)
            argp_error(state, "no file to write; name one with -o F.npy");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool convert(const image_arguments *a, lg_diag *diag)
{
    lg_error error;
    lg_tensor *tensor = lg_preprocess_file(a->file, a->size, &error);
    bool good = tensor && lg_npy_write(a->output, tensor, &error);
    lg_tensor_free(tensor);
    return good || lg_cli_fail(diag, &error);
}

static int work(void *context)
{
    lg_diag *diag = lg_diag_new();
    return lg_cli_finish(diag, convert(context, diag));
}

int lg_command_image(int argc, char **argv)
{
    static const struct argp parser = {
        .options = option_rows,
        .parser = parse_option,
        .args_doc = "FILE",
        .doc = "Writes a JPEG or PNG file as `predict' feeds it to the network: f32 [1,N,N,3], "
               "resized as Pillow does (bilinear), values in -1..1. `run' takes the file as input."
               "\vExample:\n  lgpnc image photo.jpg -o photo.npy --size=256"};
    image_arguments a = {.size = 256};
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    return lg_supervise(a.output, work, &a);
}
