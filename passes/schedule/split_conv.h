// Convolutions on the matrix unit of a CPU, in parts of bf16 (op split_conv2d).
#ifndef LG_PASSES_SCHEDULE_SPLIT_CONV_H
#define LG_PASSES_SCHEDULE_SPLIT_CONV_H

#include "ir/graph.h"

// The output and the input channels that a block of the filter has: 16 columns, and 32 rows of
// which two each adjoin.
enum { LG_SPLIT_OUTPUTS = 16, LG_SPLIT_INPUTS = 32 };

// Where a filter bf16[parts,o,c/groups/2,kh,kw,2] lies so that every 32 input x 16 output channels
// of a part are one right operand of the matrix unit: 1 KB in one piece, [16 pairs][16 o][2].
const lg_layout *lg_split_layout(lg_arena *arena);

#endif
