// lgpnc zoo: generative models whose hyperparameters are known.
#include "tools/cli.h"
#include "tools/dispatch.h"

int lg_command_zoo(int argc, char **argv)
{
    static const lg_command commands[] = {
#define ZOO_COMMAND(name, function, summary) {name, function, summary},
#include "tools/commands.def"
    };
    static const lg_command_set set = {
        .program = "lgpnc zoo",
        .purpose = "Small generative models whose hyperparameters are known: a benchmark of model\n"
                   "parsing made of nothing but a folder of photographs.",
        .example = "lgpnc zoo make -o zoo --models=12 --images=64 --size=32 --photos=photos/",
        .commands = commands,
        .count = (int)(sizeof commands / sizeof *commands)};
    return lg_dispatch(&set, argc, argv);
}
