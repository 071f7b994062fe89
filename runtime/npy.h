// NumPy's .npy files (format versions 1.0, 2.0, 3.0; numpy.lib.format documents them).
#ifndef LG_RUNTIME_NPY_H
#define LG_RUNTIME_NPY_H

#include "runtime/tensor.h"

// Reads one array; "-" is standard input. Accepted: <f4 <f2 <i4 <i8 |u1 |b1, and <f8, which is
// rounded to f32; C order. NULL with a message that names file, place and remedy for everything
// else, damaged and truncated files included. Free with lg_tensor_free.
lg_tensor *lg_npy_read(const char *path, lg_error *e);

// The same from memory; `name` stands for the file in messages.
lg_tensor *lg_npy_decode(const void *bytes, size_t size, const char *name, lg_error *e);

// Writes version 1.0, atomically. NumPy has no bf16: such tensors are written as f4.
bool lg_npy_write(const char *path, const lg_tensor *tensor, lg_error *e);

#endif
