// What the commands of lgpnc share: exit codes, reading and writing, and how a fault is told.
#ifndef LG_TOOLS_CLI_H
#define LG_TOOLS_CLI_H

#include "ir/diag.h"
#include "passes/target.h"
#include "runtime/dataset.h"
#include "runtime/error.h"

#include <argp.h>
#include <stdio.h>

enum {
    LG_EXIT_OK = 0,
    LG_EXIT_INPUT = 1, // the input's fault, or the machine's
    LG_EXIT_USAGE = 2,
    LG_EXIT_SIGNAL = 128 // plus its number: asked to stop, and did so in good order
};

#define COMMAND(name, function, summary) int function(int argc, char **argv);
#define DATA_COMMAND COMMAND
#define ZOO_COMMAND COMMAND
#include "tools/commands.def"

// "0.1.0".
const char *lg_version(void);

// Reads the whole file ("-": standard input) as text that `diag` knows. NULL after reporting why
// not; else the caller frees it.
char *lg_cli_read(const char *path, size_t *length, lg_diag *diag);

// Writes what `print` prints to `path` ("-" or NULL: standard output); a file appears whole or not
// at all.
bool lg_cli_write(const char *path, void (*print)(const void *what, FILE *out), const void *what,
                  lg_diag *diag);

// Reports that `what`, which went to standard output, could not all be written there.
bool lg_cli_flush(const char *what, lg_diag *diag);

// Tells before the work what would be told after it: reports that `path` cannot be written. A pipe
// is left alone: whoever reads it would take this for the end.
bool lg_cli_can_write(const char *path, lg_diag *diag);

// Prints the messages to standard error and frees `diag`. The exit code: INPUT if `ok` is false or
// an error was reported.
int lg_cli_finish(lg_diag *diag, bool ok);

// Reports a fault of the runtime as an error.
bool lg_cli_fail(lg_diag *diag, const lg_error *error);

// Opens a set of images, its warnings reported; free it with lg_dataset_free. NULL after reporting
// why not.
lg_dataset *lg_cli_open_dataset(const lg_dataset_options *options, lg_diag *diag);

// The target of that name; ends with a usage error that lists them if there is none.
const lg_target *lg_cli_target(struct argp_state *state, const char *name);

#endif
