// lgpnc: the table of commands.def.
#include "tools/cli.h"
#include "tools/dispatch.h"

#include <string.h>

int main(int argc, char **argv)
{
    static const lg_command commands[] = {
#define COMMAND(name, function, summary) {name, function, summary},
#include "tools/commands.def"
    };
    static const lg_command_set set = {
        .program = "lgpnc",
        .purpose = "Compiles neural networks ahead of time.",
        .example = "lgpnc build lgpn:image=128 --weights=lgpn.safetensors -o lgpn",
        .commands = commands,
        .count = (int)(sizeof commands / sizeof *commands)};
    argp_err_exit_status = LG_EXIT_USAGE;
    if (argc > 1 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        printf("lgpnc %s\n", lg_version());
        return LG_EXIT_OK;
    }
    return lg_dispatch(&set, argc, argv);
}
