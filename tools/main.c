// lgpnc: finds the command in the table of commands.def and hands over.
#include "tools/cli.h"

#include "ir/nearest.h"

#include <stdlib.h>
#include <string.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
#define COMMAND(name, function, summary) {name, function, summary},
#include "tools/commands.def"
#undef COMMAND
};

enum { COMMAND_COUNT = (int)(sizeof commands / sizeof commands[0]) };

static void print_usage(FILE *out)
{
    fprintf(out, "Usage: lgpnc COMMAND [OPTION...] [ARGUMENT...]\n"
                 "Compiles neural networks ahead of time.\n\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\n`lgpnc COMMAND --help` explains a command. For example:\n"
                 "  lgpnc build lgpn:image=128 --weights=lgpn.safetensors -o lgpn\n");
}

static const struct command *find(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    lg_nearest nearest = {.wanted = name};
    for (int i = 0; i < COMMAND_COUNT; i++)
        lg_nearest_consider(&nearest, commands[i].name);
    fprintf(stderr, "lgpnc: error: there is no command `%s`", name);
    if (nearest.name)
        fprintf(stderr, "; did you mean `%s`?", nearest.name);
    fprintf(stderr, "\nTry `lgpnc --help' for the commands.\n");
    return LG_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    argp_err_exit_status = LG_EXIT_USAGE;
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        print_usage(stderr);
        return LG_EXIT_USAGE;
    }
    if (strcmp(name, "help") == 0 && argc == 3 && find(argv[2])) {
        char *help[] = {argv[2], "--help", NULL};
        return find(argv[2])->run(2, help);
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_usage(stdout);
        return LG_EXIT_OK;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("lgpnc %s\n", lg_version());
        return LG_EXIT_OK;
    }
    const struct command *command = find(name);
    if (!command)
        return unknown_command(name);
    char title[64]; // what argp calls the program
    snprintf(title, sizeof title, "lgpnc %s", command->name);
    argv[1] = title;
    return command->run(argc - 1, argv + 1);
}
