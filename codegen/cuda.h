// The CUDA target: kernel IR as plain CUDA C, and a manifest that says how to launch it.
//
// The emitter spells and never decides: which thread does what, what lies in shared memory and
// where threads wait is the schedule's, and stands in the kernel IR. It knows no op.
//
//   block %i in 0..n       one block an iteration: blockIdx.x
//   thread %t in 0..T      one thread an iteration: threadIdx.x; T is the block size
//   shared and tile        static __shared__ arrays
//   register               arrays of every thread, alive across thread loops
//   barrier                __syncthreads()
//
// What stands in a block loop outside its thread loops is done by all threads alike, but for a
// store to memory that they share: thread 0 does it.
#ifndef LG_CODEGEN_CUDA_H
#define LG_CODEGEN_CUDA_H

#include "ir/kernel.h"

#include <stdio.h>

// How a kernel is launched: a grid of `blocks` blocks of `threads` threads, both along x.
typedef struct lg_cuda_launch {
    int64_t blocks;
    int threads;
    int64_t shared_bytes; // static; nothing to ask for at the launch
} lg_cuda_launch;

// Whether `kernel` (verified) can be spelled in CUDA C, and how it is launched then. Reports
// vectors and parallel loops, and what no device has: more than 1024 threads a block, 2^31 - 1
// blocks or 48 KiB of static shared memory. A kernel without a block loop is one block.
bool lg_cuda_measure(const lg_kernel *kernel, lg_cuda_launch *launch, lg_diag *diag);

// Writes every kernel of `program` (verified) to `out` as one text that needs no header. False
// after reporting to `diag`, and nothing is written then; errors of `out` are the caller's to see.
// Compile it with --fmad=false: the kernel IR says where it means an fma.
bool lg_emit_cuda(const lg_program *program, FILE *out, lg_diag *diag);

// The same of `count` kernels from number `first` on alone.
bool lg_emit_cuda_part(const lg_program *program, int first, int count, FILE *out, lg_diag *diag);

// Writes the manifest, JSON (docs/cuda.md has its fields): kernels with grid, block and parameters,
// the launches of every entry with the memory they point at, parameters of the checkpoint, packed
// bytes. Fails as lg_emit_cuda does.
bool lg_emit_cuda_manifest(const lg_program *program, FILE *out, lg_diag *diag);

#endif
