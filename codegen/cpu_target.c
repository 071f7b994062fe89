// The CPUs code is made for. A row fixes the instruction set, so that what is built on one machine
// runs on every machine of the row: "native" picks a row, it never means "whatever is here".
#include "codegen/codegen.h"
#include "runtime/matrix_unit.h"

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>
#include <stdio.h>
#include <string.h>

typedef struct cpu_row {
    const char *name, *architecture, *default_triple, *cpu, *tune, *features;
} cpu_row;

// `tune` is the machine whose pipelines LLVM schedules for. Its own choice for x86-64-v4 moves
// loads so far up that tiles of 28 accumulators spill, and copies all of them in every iteration.
// Best first, an architecture after the other: "native" takes the first row that runs here.
static const cpu_row rows[] = {
    {"sapphirerapids", "x86_64", "x86_64-pc-linux-gnu", "x86-64-v4", "sapphirerapids",
     "+amx-tile,+amx-bf16,+avx512bf16"},
    {"x86-64-v4", "x86_64", "x86_64-pc-linux-gnu", "x86-64-v4", "sapphirerapids", ""},
    {"x86-64-v3", "x86_64", "x86_64-pc-linux-gnu", "x86-64-v3", "", ""},
    {"x86-64-v2", "x86_64", "x86_64-pc-linux-gnu", "x86-64-v2", "", ""},
    {"aarch64", "aarch64", "aarch64-unknown-linux-gnu", "generic", "", "+neon"},
};
enum { ROWS = sizeof rows / sizeof *rows };

static bool runs_here(const cpu_row *row)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool v2 = __builtin_cpu_supports("sse4.2");
    bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
              __builtin_cpu_supports("avx512cd");
    return (v2 && !strcmp(row->name, "x86-64-v2")) || (v3 && !strcmp(row->name, "x86-64-v3")) ||
           (v4 && !strcmp(row->name, "x86-64-v4")) ||
           (v4 && !strcmp(row->name, "sapphirerapids") && lg_matrix_unit_is_permitted());
#elif defined(__aarch64__)
    return !strcmp(row->name, "aarch64");
#else
    (void)row;
    return false;
#endif
}

// The best row with a vector unit that this machine can run, or NULL.
static const cpu_row *native_row(void)
{
    for (int i = 0; i < ROWS; i++)
        if (runs_here(&rows[i]) && strcmp(rows[i].name, "x86-64-v2") != 0)
            return &rows[i];
    return NULL;
}

static const cpu_row *find_row(const char *name)
{
    for (int i = 0; i < ROWS; i++)
        if (!strcmp(rows[i].name, name))
            return &rows[i];
    return NULL;
}

static bool architecture_matches(const cpu_row *row, const char *triple)
{
    size_t length = strlen(row->architecture);
    return !strncmp(triple, row->architecture, length) && triple[length] == '-';
}

// The triple to use: the one asked for, else this machine's where it fits the row.
static void set_triple(lg_cpu_target *target, const cpu_row *row, const char *triple)
{
    char *host = LLVMGetDefaultTargetTriple();
    if (!triple || !*triple)
        triple = architecture_matches(row, host) ? host : row->default_triple;
    snprintf(target->triple, sizeof target->triple, "%s", triple);
    LLVMDisposeMessage(host);
}

// "native" with the triple of another machine: which rows it may have meant.
static bool refuse_native(const char *triple, lg_diag *diag)
{
    lg_location nowhere = {0};
    for (int i = 0; i < ROWS; i++)
        if (architecture_matches(&rows[i], triple))
            return lg_error_at(diag, nowhere,
                               "--triple=%s: is another machine than this; name its CPU, as in "
                               "--cpu=%s",
                               triple, rows[i].name);
    return lg_error_at(diag, nowhere, "--triple=%s: there is no CPU of this architecture", triple);
}

static bool refuse_unknown(const char *name, lg_diag *diag)
{
    lg_location nowhere = {0};
    char known[128] = "native";
    for (int i = 0; i < ROWS; i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, ", %s", rows[i].name);
    }
    lg_error_at(diag, nowhere, "--cpu=%s: there is no such CPU", name);
    lg_note_at(diag, nowhere, "known are %s", known);
    return false;
}

bool lg_cpu_target_resolve(lg_cpu_target *target, const char *cpu, const char *triple,
                           lg_diag *diag)
{
    lg_location nowhere = {0};
    bool native = !strcmp(cpu, "native");
    const cpu_row *row = native ? native_row() : find_row(cpu);
    if (!row && native)
        return lg_error_at(diag, nowhere,
                           "--cpu=native: this machine has no supported vector unit (AVX2 with "
                           "FMA, AVX-512, or NEON); name the machine to build for, as in "
                           "--cpu=x86-64-v3");
    if (!row)
        return refuse_unknown(cpu, diag);
    if (triple && strlen(triple) >= sizeof target->triple)
        return lg_error_at(diag, nowhere, "--triple: longer than any triple");
    if (triple && *triple && !architecture_matches(row, triple) && native)
        return refuse_native(triple, diag);
    if (triple && *triple && !architecture_matches(row, triple))
        return lg_error_at(diag, nowhere, "--triple=%s: --cpu=%s needs a triple of %s, as in %s",
                           triple, cpu, row->architecture, row->default_triple);
    target->name = row->name;
    target->cpu = row->cpu;
    target->tune = row->tune;
    target->features = row->features;
    set_triple(target, row, triple);
    return true;
}

bool lg_cpu_target_has(const lg_cpu_target *target, const char *feature)
{
    size_t length = strlen(feature);
    for (const char *at = target->features; (at = strstr(at, feature)); at += length)
        if (at[length] == '\0' || at[length] == ',')
            return true;
    return false;
}

const char *lg_cpu_target_architecture(const lg_cpu_target *target)
{
    return find_row(target->name)->architecture;
}

bool lg_cpu_target_is_foreign(const lg_cpu_target *target)
{
    char *host = LLVMGetDefaultTargetTriple();
    bool foreign = !architecture_matches(find_row(target->name), host);
    LLVMDisposeMessage(host);
    return foreign;
}

bool lg_cpu_target_runs_here(const lg_cpu_target *target)
{
    return !lg_cpu_target_is_foreign(target) && runs_here(find_row(target->name));
}
