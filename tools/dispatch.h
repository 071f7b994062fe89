// A word that chooses a command, as `build` in `lgpnc build` and `check` in `lgpnc data check`.
#ifndef LG_TOOLS_DISPATCH_H
#define LG_TOOLS_DISPATCH_H

#include <stdio.h>

typedef struct lg_command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} lg_command;

typedef struct lg_command_set {
    const char *program; // "lgpnc data"
    const char *purpose; // a sentence
    const char *example; // a line
    const lg_command *commands;
    int count;
} lg_command_set;

// Runs the command that argv[1] names, with argv[0] as "lgpnc data NAME"; `help` and --help
// explain. Returns the exit code.
int lg_dispatch(const lg_command_set *set, int argc, char **argv);

#endif
