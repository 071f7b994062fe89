// Convolutions on the matrix unit of a CPU, in parts of bf16 (op split_conv2d).
#include "passes/schedule/split_conv.h"

const lg_layout *lg_split_layout(lg_arena *arena)
{
    const lg_layout layout = {8,
                              {{.part = LG_PART_OUTER, .axis = 1, .block = LG_SPLIT_OUTPUTS},
                               {.part = LG_PART_OUTER, .axis = 2, .block = LG_SPLIT_INPUTS / 2},
                               {.part = LG_PART_WHOLE, .axis = 3},
                               {.part = LG_PART_WHOLE, .axis = 4},
                               {.part = LG_PART_WHOLE, .axis = 0},
                               {.part = LG_PART_INNER, .axis = 2, .block = LG_SPLIT_INPUTS / 2},
                               {.part = LG_PART_INNER, .axis = 1, .block = LG_SPLIT_OUTPUTS},
                               {.part = LG_PART_WHOLE, .axis = 5}}};
    return lg_copy(arena, &layout, sizeof layout);
}
