// Passes and their manager. A pass is one function on one structure and one row in passes.def; a
// pipeline is text ("fold-bn,inline,simplify,fuse{max-ops=32}"). The manager checks that what a
// pass needs holds, verifies the IR after it, times and counts, prints and checks on demand.
#ifndef LG_PASSES_PASS_H
#define LG_PASSES_PASS_H

#include "ir/graph.h"
#include "ir/kernel.h"
#include "passes/target.h"

// What a pipeline works on: the graph, and from the pass `lower` on the program.
typedef struct lg_unit {
    lg_module *module;
    lg_program *program; // NULL before `lower`
} lg_unit;

// Facts about a unit that passes need, make and break.
typedef enum lg_property {
    LG_HAS_NO_COMPOSITES = 1 << 0, // every composite is inlined
    LG_IS_FUSED = 1 << 1,          // funcs hold only calls of kernels, write, and views
    LG_IS_PACKED = 1 << 2,         // funcs that write nothing read packed symbols only
    LG_HAS_LAYOUTS = 1 << 3,       // the layouts of values are final
    LG_IS_LOWERED = 1 << 4,        // the unit has a program
    LG_IS_PLANNED = 1 << 5,        // workspace offsets are assigned
    LG_HAS_NO_GRADIENTS = 1 << 6   // every gradient is a graph of other ops
} lg_property;

typedef struct lg_pass_option {
    const char *name; // "max-ops"
    int64_t value;
} lg_pass_option;

typedef struct lg_pass_ctx {
    lg_diag *diag;
    lg_arena *scratch; // dies with the pass
    const lg_target *target;
    int option_count;
    const lg_pass_option *options;
    int changes; // the pass counts its rewrites here; 0 means that it changed nothing
} lg_pass_ctx;

// Returns false after reporting to ctx->diag.
typedef bool (*lg_pass_fn)(lg_unit *unit, lg_pass_ctx *ctx);

// The value given for `name` in the pipeline text, or `initial`.
int64_t lg_pass_option_value(const lg_pass_ctx *ctx, const char *name, int64_t initial);
// The value of an option that the pass's row has: from the pipeline text, else the row's default.
int64_t lg_pass_option_of(const lg_pass_ctx *ctx, const char *name);

typedef struct lg_pass_info {
    const char *name, *help;
    const char *options; // "max-ops=32: most ops in a group; ..." or ""
    lg_pass_fn run;
    unsigned needs, makes, breaks; // lg_property bits
} lg_pass_info;

const lg_pass_info *lg_pass_find(const char *name); // or NULL
const lg_pass_info *lg_pass_at(int index);          // NULL behind the last
// The text of the pipeline "O0" .. "O3" for a kind of target, or NULL.
const char *lg_pipeline_named(const char *name, lg_target_kind kind);

// A pass from a shared object exports `const lg_pass_info lgpnc_pass;`.
#define LG_PASS_SYMBOL "lgpnc_pass"
// Opens the shared object `path` for the rest of the process and returns its pass; NULL after
// reporting why not.
const lg_pass_info *lg_pass_load(const char *path, lg_diag *diag);

// Runs one pass with `options`, and the defaults of its row where they name none. `changes` gets
// the number of its rewrites, NULL if nobody wants it. Nothing is checked.
bool lg_pass_run(const lg_pass_info *pass, lg_unit *unit, int option_count,
                 const lg_pass_option *options, const lg_target *target, int *changes,
                 lg_diag *diag);

// The properties that can be seen in a unit.
unsigned lg_unit_properties(const lg_unit *unit);
// The property of one bit in words ("no composites"), NULL behind the last.
const char *lg_property_text(int bit);

// One option of a row's text: `at` starts at lg_pass_info.options and moves on; false at the end.
typedef struct lg_option_row {
    const char *name, *help;
    int name_length, help_length;
    int64_t initial;
} lg_option_row;
bool lg_option_next(const char **at, lg_option_row *row);

typedef struct lg_pipeline_options {
    const lg_target *target;
    const char *print_after; // comma-separated pass names, "all", or NULL
    FILE *print_to;          // where; standard error of the program
    const char *dump_dir;    // numbered files go here instead, or NULL
    bool verify;             // after every pass
    bool check_each;         // compare with the reference interpreter before and after every pass
    const char *disable;     // comma-separated names of passes to leave out, or NULL
    const char *set;         // options for passes of the pipeline, "winograd{tile=4}", or NULL
    int loaded_count;        // passes loaded from shared objects
    const lg_pass_info *const *loaded;
    FILE *timing; // a table of passes with time and changes goes here, or NULL
} lg_pipeline_options;

// Runs the pipeline `text` on `unit`. Unknown passes and options, unmet needs, faults of the
// verifier and a check that fails are reported to `diag` and end the run with false.
bool lg_pipeline_run(lg_unit *unit, const char *text, const lg_pipeline_options *options,
                     lg_diag *diag);

#endif
