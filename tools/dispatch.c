#include "tools/dispatch.h"

#include "tools/cli.h"

#include "ir/nearest.h"

#include <string.h>

static void print_usage(const lg_command_set *set, FILE *out)
{
    fprintf(out, "Usage: %s COMMAND [OPTION...] [ARGUMENT...]\n%s\n\n", set->program, set->purpose);
    for (int i = 0; i < set->count; i++)
        fprintf(out, "  %-10s %s\n", set->commands[i].name, set->commands[i].summary);
    fprintf(out, "\n`%s COMMAND --help` explains a command.\n\nExample:\n  %s\n", set->program,
            set->example);
}

static const lg_command *find(const lg_command_set *set, const char *name)
{
    for (int i = 0; i < set->count; i++)
        if (strcmp(set->commands[i].name, name) == 0)
            return &set->commands[i];
    return NULL;
}

static int unknown(const lg_command_set *set, const char *name)
{
    lg_nearest nearest = {.wanted = name};
    for (int i = 0; i < set->count; i++)
        lg_nearest_consider(&nearest, set->commands[i].name);
    if (name[0] == '-')
        fprintf(stderr, "%s: unrecognized option '%s'", set->program, name);
    else
        fprintf(stderr, "%s: error: there is no command `%s`", set->program, name);
    if (nearest.name)
        fprintf(stderr, "; did you mean `%s`?", nearest.name);
    fprintf(stderr, "\nTry `%s --help' for the commands.\n", set->program);
    return LG_EXIT_USAGE;
}

static int run(const lg_command_set *set, const lg_command *command, int argc, char **argv)
{
    char title[64]; // what argp calls the program
    snprintf(title, sizeof title, "%s %s", set->program, command->name);
    argv[0] = title;
    return command->run(argc, argv);
}

int lg_dispatch(const lg_command_set *set, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        print_usage(set, stderr);
        return LG_EXIT_USAGE;
    }
    if (strcmp(name, "help") == 0 && argc == 3 && find(set, argv[2])) {
        char *help[] = {argv[2], "--help", NULL};
        return run(set, find(set, argv[2]), 2, help);
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_usage(set, stdout);
        return LG_EXIT_OK;
    }
    const lg_command *command = find(set, name);
    return command ? run(set, command, argc - 1, argv + 1) : unknown(set, name);
}
