// Images that are computed where they are read (for pass fuse).
#ifndef LG_PASSES_PROLOGUES_H
#define LG_PASSES_PROLOGUES_H

#include "ir/graph.h"
#include "passes/map.h"
#include "passes/target.h"

// Gives each reader of an image its own copy of the elementwise ops that make it of at most `most`
// images, if tiled kernels can take these as prologues and less memory is read and written so.
// Notes copies that contractions read in `copies` (op -> 1); returns the number of such images.
int lg_copy_prologues(lg_function *function, const lg_target *target, int64_t most, lg_map *copies,
                      lg_arena *scratch);

#endif
