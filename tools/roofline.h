// What this machine can do at best, measured on the spot: the roofs that a kernel's speed is held
// against (Williams, Waterman and Patterson, "Roofline", CACM 2009).
#ifndef LG_TOOLS_ROOFLINE_H
#define LG_TOOLS_ROOFLINE_H

#include "ir/diag.h"
#include "passes/target.h"
#include "runtime/artifact.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum lg_roof {
    LG_ROOF_PEAK,   // FLOP/s of fmas that wait for nothing
    LG_ROOF_READ,   // bytes/s, reading memory that no L2 holds
    LG_ROOF_UPDATE, // bytes/s, the same memory read and written, both counted
    LG_ROOF_CACHE,  // bytes/s, reading what stays in L2
    LG_ROOF_COUNT
} lg_roof;

typedef struct lg_roofline {
    double rate[LG_ROOF_COUNT];                           // a second: the median of the samples,
    double lowest[LG_ROOF_COUNT], highest[LG_ROOF_COUNT]; // between these
    int64_t memory_bytes, cache_bytes;                    // what READ and CACHE go over
    int64_t l3_bytes;                                     // 0: the system doesn't say
} lg_roofline;

// The better of reading and updating, bytes a second.
double lg_roofline_bandwidth(const lg_roofline *roofline);
// The least time that so many FLOPs and bytes from memory can take.
double lg_roofline_seconds(const lg_roofline *roofline, double flops, double bytes);

// Measures with kernels that are compiled like any other, for the vectors and registers of
// `target`, on the threads of `parallel`, which outlives the meter. NULL after reporting.
typedef struct lg_meter lg_meter;
lg_meter *lg_meter_new(const lg_target *target, const lg_parallel *parallel, lg_diag *diag);
void lg_meter_free(lg_meter *meter); // NULL is allowed

// Takes one sample of every roof, a tenth of a second or so. `only_peak`: of PEAK alone, which
// takes a few milliseconds and leaves the caches as they are.
void lg_meter_sample(lg_meter *meter, bool only_peak);
const lg_roofline *lg_meter_roofline(const lg_meter *meter);

#endif
