// lgpnc data: sets of images for training.
#include "tools/cli.h"
#include "tools/dispatch.h"

int lg_command_data(int argc, char **argv)
{
    static const lg_command commands[] = {
#define DATA_COMMAND(name, function, summary) {name, function, summary},
#include "tools/commands.def"
    };
    static const lg_command_set set = {
        .program = "lgpnc data",
        .purpose = "Sets of images for training, and what is known of generative models.",
        .example = "lgpnc data check images/ --real=photos/",
        .commands = commands,
        .count = (int)(sizeof commands / sizeof *commands)};
    return lg_dispatch(&set, argc, argv);
}
