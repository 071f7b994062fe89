// NVIDIA's driver API, opened at run time: nothing of CUDA is needed to build lgpnc, and a machine
// without a GPU only says so. One device, the first that CUDA_VISIBLE_DEVICES leaves visible, its
// primary context, the default stream.
//
// Members of lg_cuda_driver are the driver's own functions under short names: 0 is success, a
// function that fails is reported by lg_cuda_check.
#ifndef LG_CODEGEN_CUDA_DRIVER_H
#define LG_CODEGEN_CUDA_DRIVER_H

#include "ir/diag.h"

#include <stddef.h>
#include <stdint.h>

typedef int lg_cuda_result;
typedef uint64_t lg_cuda_pointer; // into the device's memory; 0: none
typedef struct CUctx_st *lg_cuda_context;
typedef struct CUmod_st *lg_cuda_module;
typedef struct CUfunc_st *lg_cuda_function;
typedef struct CUstream_st *lg_cuda_stream;
typedef struct CUevent_st *lg_cuda_event;

// CUDA_FUNCTION(field, symbol, parameters): declared by hand from the driver's documentation; all
// are the same in every driver since CUDA 11.
#define LG_CUDA_FUNCTIONS                                                                          \
    CUDA_FUNCTION(init, cuInit, (unsigned flags))                                                  \
    CUDA_FUNCTION(version, cuDriverGetVersion, (int *version))                                     \
    CUDA_FUNCTION(device_count, cuDeviceGetCount, (int *count))                                    \
    CUDA_FUNCTION(device_get, cuDeviceGet, (int *device, int ordinal))                             \
    CUDA_FUNCTION(device_name, cuDeviceGetName, (char *name, int bytes, int device))               \
    CUDA_FUNCTION(device_attribute, cuDeviceGetAttribute, (int *value, int attribute, int device)) \
    CUDA_FUNCTION(context_retain, cuDevicePrimaryCtxRetain, (lg_cuda_context *, int device))       \
    CUDA_FUNCTION(context_release, cuDevicePrimaryCtxRelease_v2, (int device))                     \
    CUDA_FUNCTION(context_set, cuCtxSetCurrent, (lg_cuda_context))                                 \
    CUDA_FUNCTION(synchronize, cuCtxSynchronize, (void))                                           \
    CUDA_FUNCTION(module_load, cuModuleLoadData, (lg_cuda_module *, const void *image))            \
    CUDA_FUNCTION(module_unload, cuModuleUnload, (lg_cuda_module))                                 \
    CUDA_FUNCTION(module_function, cuModuleGetFunction,                                            \
                  (lg_cuda_function *, lg_cuda_module, const char *name))                          \
    CUDA_FUNCTION(allocate, cuMemAlloc_v2, (lg_cuda_pointer *, size_t bytes))                      \
    CUDA_FUNCTION(release, cuMemFree_v2, (lg_cuda_pointer))                                        \
    CUDA_FUNCTION(fill, cuMemsetD8_v2, (lg_cuda_pointer, unsigned char value, size_t bytes))       \
    CUDA_FUNCTION(write, cuMemcpyHtoD_v2, (lg_cuda_pointer, const void *from, size_t bytes))       \
    CUDA_FUNCTION(read, cuMemcpyDtoH_v2, (void *to, lg_cuda_pointer, size_t bytes))                \
    CUDA_FUNCTION(launch, cuLaunchKernel,                                                          \
                  (lg_cuda_function, unsigned grid_x, unsigned grid_y, unsigned grid_z,            \
                   unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,    \
                   lg_cuda_stream, void **parameters, void **extra))                               \
    CUDA_FUNCTION(event_new, cuEventCreate, (lg_cuda_event *, unsigned flags))                     \
    CUDA_FUNCTION(event_free, cuEventDestroy_v2, (lg_cuda_event))                                  \
    CUDA_FUNCTION(event_record, cuEventRecord, (lg_cuda_event, lg_cuda_stream))                    \
    CUDA_FUNCTION(event_elapsed, cuEventElapsedTime,                                               \
                  (float *milliseconds, lg_cuda_event start, lg_cuda_event end))

typedef struct lg_cuda_driver {
    void *library;
    int device;
    bool has_context;
    char name[96]; // "NVIDIA H100 80GB HBM3"
    char arch[16]; // its machine code: "sm_90"
    lg_cuda_result (*error_string)(lg_cuda_result, const char **text);
#define CUDA_FUNCTION(field, symbol, parameters) lg_cuda_result(*field) parameters;
    LG_CUDA_FUNCTIONS
#undef CUDA_FUNCTION
} lg_cuda_driver;

// Opens the driver and its device for this thread. NULL after reporting what is missing.
lg_cuda_driver *lg_cuda_driver_open(lg_diag *diag);
void lg_cuda_driver_close(lg_cuda_driver *driver); // NULL allowed

// Whether `result` is success; else reports that `what` failed and why.
bool lg_cuda_check(const lg_cuda_driver *driver, lg_cuda_result result, const char *what,
                   lg_diag *diag);

#endif
