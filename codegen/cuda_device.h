// A program on a GPU: its text compiled for that device, its memory there, its launches in order on
// one stream. Choosing an entry, copies and launches are apart, so that what is timed is launches
// alone. Faults are reported to the `diag` that the device was made with.
#ifndef LG_CODEGEN_CUDA_DEVICE_H
#define LG_CODEGEN_CUDA_DEVICE_H

#include "codegen/cuda_driver.h"
#include "ir/kernel.h"
#include "runtime/artifact.h"

typedef struct lg_cuda_device lg_cuda_device;

// Opens the driver, compiles `program` (verified, for the target "cuda") with NVRTC for its GPU and
// loads it; `program` and `diag` must outlive the device. Parameters and packed weights get memory
// that lasts as long as the device. NULL after reporting: no driver, no GPU, no NVRTC, no room.
// Used by the thread that made it only.
lg_cuda_device *lg_cuda_device_new(const lg_program *program, lg_diag *diag);
void lg_cuda_device_free(lg_cuda_device *device); // NULL allowed
// "NVIDIA H100 80GB HBM3 (sm_90)"
const char *lg_cuda_device_name(const lg_cuda_device *device);

// Makes room for the inputs, the outputs and the workspace of `entry`, which the functions below
// are about, instead of those of the entry before it. Choosing the same entry again keeps all.
bool lg_cuda_device_choose(lg_cuda_device *device, const lg_entry *entry);

// Copies a whole stretch of memory: input, output or parameter number `index`, or (index 0) the
// packed weights or the workspace.
bool lg_cuda_device_write(lg_cuda_device *device, lg_place place, int index, const void *from);
bool lg_cuda_device_read(lg_cuda_device *device, lg_place place, int index, void *to);

// Runs the launches on what lies there and waits. `seconds`: how long each launch of the entry
// took by the GPU's clock, or NULL.
bool lg_cuda_device_run(lg_cuda_device *device, double *seconds);

// lg_entry_interpret on the GPU: everything in `memory` goes there, runs, and comes back.
bool lg_cuda_device_interpret(lg_cuda_device *device, const lg_entry *entry,
                              const lg_memory *memory);

// `run` of an lg_executor (runtime/model.h) whose context is a device: inputs go there, outputs
// come back, parameters go and come as the entry uses them. Packed weights stay there, and
// `call->packed` and the workspace are left alone: one model a device. Returns 0, or 1 after
// reporting.
int lg_cuda_device_execute(void *device, const lg_entry_desc *desc, const lg_call *call);

#endif
