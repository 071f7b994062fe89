// Event files, the logs that TensorBoard shows: scalars and pictures over the steps of a training.
//
// Records are framed as TFRecords and hold protobuf messages `Event`; both are simple enough to be
// written by hand:
//   framing   u64 length, u32 masked CRC-32C of it, data, u32 masked CRC-32C of the data; all
//             little-endian; masked(c) = rotate_right(c, 15) + 0xa282ead8
//             (tensorflow/core/lib/io/record_writer.h, tsl/lib/hash/crc32c.h)
//   messages  tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto;
//             https://protobuf.dev/programming-guides/encoding
// A record is written whole and at once; what a crash cuts off the end fails its checksum and
// readers drop it.
#ifndef LG_RUNTIME_EVENT_FILE_H
#define LG_RUNTIME_EVENT_FILE_H

#include "runtime/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct lg_event_file lg_event_file;

// Makes FOLDER/events.out.tfevents.SECONDS.PID.N.lgpnc, N being the first number that is free.
// `wall_time`: seconds since 1970. `step`: where the training begins; what older files of the
// folder say of this step and later ones is no longer shown, so that a resumed training has one
// curve. NULL with a message; close with lg_event_file_close.
lg_event_file *lg_event_file_open(const char *folder, double wall_time, int64_t step, lg_error *e);
// NULL is allowed.
void lg_event_file_close(lg_event_file *events);
const char *lg_event_file_path(const lg_event_file *events);

// A value of the curve `tag`, as in "loss/train". NaN is shown as such.
bool lg_event_scalar(lg_event_file *events, double wall_time, int64_t step, const char *tag,
                     float value, lg_error *e);

// A matrix as a grey picture, 8x8 pixels an entry: `lowest` black, `highest` white, what is outside
// or not finite clipped. rows and columns are 1..1024.
bool lg_event_matrix(lg_event_file *events, double wall_time, int64_t step, const char *tag,
                     const float *values, int rows, int columns, float lowest, float highest,
                     lg_error *e);

// CRC-32C (Castagnoli, reflected 0x82f63b78; RFC 3720, B.4): "123456789" gives 0xe3069283.
uint32_t lg_crc32c(const void *bytes, size_t size);

#endif
