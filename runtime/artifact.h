// The artifact ABI: what compiled code and whoever runs it agree on. Plain C, no other header of
// the project needed, no runtime behind it.
//
// An artifact is a constant table `lg_artifact`. The caller owns all memory; compiled code
// allocates nothing, prints nothing and keeps no globals, so that two threads may run one artifact
// at once on two workspaces. A shared library exports `lgpnc_artifact()`; an object's header
// declares the table.
#ifndef LG_RUNTIME_ARTIFACT_H
#define LG_RUNTIME_ARTIFACT_H

#include <stdint.h>

// Counts up whenever anything below changes its meaning or its place.
#define LG_ARTIFACT_ABI 4
#define LG_ARTIFACT_SYMBOL "lgpnc_artifact"
#define LG_ABI_MAX_RANK 8
// Alignment of the packed weights and of the workspace, in bytes.
#define LG_ABI_ALIGNMENT 64

// Element types of everything that crosses the ABI. The numbers are part of the ABI.
enum lg_abi_dtype {
    LG_ABI_F32,
    LG_ABI_BF16,
    LG_ABI_F16,
    LG_ABI_I32,
    LG_ABI_I64,
    LG_ABI_U8,
    LG_ABI_BOOL,
};

// A tensor that crosses the boundary: row-major, dense, aligned to its element.
typedef struct lg_tensor_desc {
    const char *name;
    uint32_t dtype; // enum lg_abi_dtype
    uint32_t rank;
    int64_t shape[LG_ABI_MAX_RANK];
    uint64_t bytes;
    uint32_t state;  // of a parameter: 1 if it is a state (running statistics, moments), else 0
    uint32_t unused; // of a parameter: 1 if it is in the checkpoint but no function reads it
    // Of an input: what the weights that were built in were trained with, as LGPN's graph, for
    // callers who have nothing else to give; else NULL.
    const void *value;
} lg_tensor_desc;

// Part of a kernel: iterations begin <= i < end of its parallel loop. `worker` says whose scratch
// memory it may use: no two parts that run at once have the same.
typedef void (*lg_kernel_fn)(void *const *buffers, int64_t begin, int64_t end, uint32_t worker);

// How compiled code uses threads. `run` calls kernel(buffers, b, e, worker) for ranges that
// together are 0..count, in any order, on any threads, with worker < threads, and returns when all
// are done. The result does not depend on how the range is split. `launch` indexes
// lg_entry_desc.launches.
typedef struct lg_parallel {
    void *context;
    uint64_t threads; // parts that may run at once
    void (*run)(void *context, uint32_t launch, lg_kernel_fn kernel, void *const *buffers,
                int64_t count);
} lg_parallel;

// One call of an entry point. Pointers in the order of the entry's descriptions.
typedef struct lg_call {
    const void *const *inputs;
    void *const *outputs;
    void *const *params; // one a tensor of lg_artifact.params; by the entry's flags, else NULL
    void *packed;        // lg_artifact.packed_bytes, likewise
    void *workspace;     // lg_workspace_bytes
    const lg_parallel *parallel; // NULL: serial
} lg_call;

typedef struct lg_launch_desc {
    const char *kernel, *label;
    double flops, bytes; // multiply-add counts as 2; every operand and result once
} lg_launch_desc;

// What an entry point does with parameters and packed weights, as bits of lg_entry_desc.flags.
// A training step writes parameters and states in place, so nobody else may use them meanwhile.
// Whoever ran it runs `pack` again before an entry that reads packed weights.
enum lg_entry_flag {
    LG_ENTRY_READS_PARAMS = 1,
    LG_ENTRY_WRITES_PARAMS = 2,
    LG_ENTRY_READS_PACKED = 4,
    LG_ENTRY_WRITES_PACKED = 8, // `pack`
};

// What a call returns. One that is refused has written nothing.
enum lg_entry_status {
    LG_ENTRY_DONE = 0,
    LG_ENTRY_REFUSED = 1, // Linux keeps the matrix unit from this process: build for another target
};

typedef struct lg_entry_desc {
    const char *name; // "infer", "pack", "train_step" ...
    uint32_t input_count, output_count, launch_count;
    uint32_t flags; // enum lg_entry_flag
    const lg_tensor_desc *inputs, *outputs;
    const lg_launch_desc *launches;
    uint64_t workspace_bytes;        // for a call on one thread,
    uint64_t scratch_bytes;          // and more for each further one
    int (*run)(const lg_call *call); // returns an enum lg_entry_status
} lg_entry_desc;

// Size of the workspace of a call with `parallel`.
static inline uint64_t lg_workspace_bytes(const lg_entry_desc *entry, const lg_parallel *parallel)
{
    uint64_t more = parallel && parallel->threads > 1 ? parallel->threads - 1 : 0;
    return entry->workspace_bytes + more * entry->scratch_bytes;
}

typedef struct lg_artifact {
    uint32_t abi;         // LG_ARTIFACT_ABI of the compiler; always the first field
    uint32_t bytes;       // sizeof(lg_artifact)
    const char *compiler; // "lgpnc 0.1.0"
    const char *model;    // "lgpn:image=256,width=64"
    const char *target;   // the instruction set it needs: "x86-64-v3", "sapphirerapids", ...
    uint32_t entry_count, param_count;
    const lg_entry_desc *entries;
    const lg_tensor_desc *params; // what a checkpoint must hold, by state_dict names
    uint64_t packed_bytes;
    const void *packed; // the packed weights if they were built in, else NULL: run `pack` first
} lg_artifact;

typedef const lg_artifact *(*lg_artifact_fn)(void);

// Bytes rounded up to the next LG_ABI_ALIGNMENT.
static inline uint64_t lg_bytes_aligned(uint64_t bytes)
{
    return (bytes + LG_ABI_ALIGNMENT - 1) / LG_ABI_ALIGNMENT * LG_ABI_ALIGNMENT;
}

// Room for all parameters and states, each aligned to LG_ABI_ALIGNMENT.
static inline uint64_t lg_params_bytes(const lg_artifact *artifact)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < artifact->param_count; i++)
        bytes += lg_bytes_aligned(artifact->params[i].bytes);
    return bytes;
}

// Fills params[param_count] with pointers into `memory`, lg_params_bytes of it.
static inline void lg_params_place(const lg_artifact *artifact, void *memory, void **params)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < artifact->param_count; i++) {
        params[i] = (char *)memory + at;
        at += lg_bytes_aligned(artifact->params[i].bytes);
    }
}

#endif
