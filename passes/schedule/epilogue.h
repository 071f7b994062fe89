// What becomes of a contraction's elements while they are in registers: elementwise ops, stores,
// and sums over pixels.
#ifndef LG_PASSES_SCHEDULE_EPILOGUE_H
#define LG_PASSES_SCHEDULE_EPILOGUE_H

#include "passes/outline.h"
#include "passes/schedule/schedule.h"

enum { LG_MAX_EPILOGUE_RESULTS = 8 };

// The results of a kernel function around one contraction. Those that start at the same column and
// have as many of them are one range: they come of the same accumulators.
typedef struct lg_epilogue {
    int count;
    int64_t starts[LG_MAX_EPILOGUE_RESULTS];         // column of the contraction, by result
    int first[LG_MAX_EPILOGUE_RESULTS];              // first result of its range, by result
    const lg_value *images[LG_MAX_EPILOGUE_RESULTS]; // what is stored or summed, by result
    lg_kbuffer *sums[LG_MAX_EPILOGUE_RESULTS];       // TILE: sums of the job by channel, or NULL
} lg_epilogue;

// A few rows of an image that stays within the kernel: `buffer` holds them as one image of `type`
// that begins with row `row` of `value`.
typedef struct lg_strip {
    const lg_value *value;
    lg_kbuffer *buffer;
    const lg_type *type;
    lg_kx *row;
} lg_strip;
// As lg_tile_store, into a strip; `at` are indices of the value.
void lg_tile_store_in(lg_schedule *s, lg_tile_state *state, const lg_strip *strip,
                      const lg_index *at, int valid, int lanes);
// Is each element of `value` made of the same element of the contraction `op`, and of no other
// contraction?
bool lg_tile_follows(const lg_value *value, const lg_op *op);

// Is `op` a sum of an image over its pixels, of each image or of all of them? Such a sum may end a
// convolution's kernel.
bool lg_is_pixel_sum(const lg_op *op);
// What is stored or summed for a result of a kernel.
const lg_value *lg_summed_image(const lg_value *result);
// If every result of `function` is an epilogue of the convolution `op` (elementwise, or a slice of
// whole panels of channels), or a pixel sum of one, describes them.
bool lg_epilogue_find(const lg_function *function, const lg_op *op, int64_t panel, lg_epilogue *e);
// Before there is a kernel: can tiles compute `results` of the ops `members` around `op`, a
// contraction or the end of its epilogue? Every result has to come of whole panels, and no two of
// columns that overlap without being the same: these would be computed twice.
bool lg_epilogue_suits(const lg_group *members, const lg_value *const *results, int count,
                       const lg_op *op, int64_t panel);
// Such a panel of the contraction `op`, the narrowest that its schedule has. Of a convolution in
// groups all channels are one.
int64_t lg_epilogue_panel(const lg_op *op, const lg_target *target);
// How many ranges there are.
int lg_epilogue_ranges(const lg_epilogue *e);
// Is result `r` the sum of an image?
bool lg_epilogue_is_sum(const lg_epilogue *e, const lg_function *function, int r);

// A schedule cuts every image into `parts` of any shape. For each range (r: its first result) and
// each part it clears the sums of some channels, stores all of the part's elements of these
// channels, and flushes the sums. Channels count from the range's start; `count` is constant, and
// the store's channels lie in it. All of them do nothing where there is no sum.
//
//   lg_epilogue_begin(s, &e, parts)                         in the loop over jobs
//     lg_epilogue_clear(s, &e, r, channel, count)
//       lg_epilogue_store(s, &e, &state, r, at, valid, lanes)      each vector
//     lg_epilogue_flush(s, &e, r, image, part, channel, count)
//
// The kernel's parameter of a sum then is f32[images, parts, 1, channels], to be added up by a
// kernel behind it (lower does that): which thread ran which job leaves no trace in the result.
void lg_epilogue_begin(lg_schedule *s, lg_epilogue *e, int64_t parts);
void lg_epilogue_clear(lg_schedule *s, const lg_epilogue *e, int r, lg_kx *channel, int64_t count);
// As lg_tile_store, for all results on the range of `r`.
void lg_epilogue_store(lg_schedule *s, const lg_epilogue *e, lg_tile_state *state, int r,
                       const lg_index *at, int valid, int lanes);
// Images that the stores of range `r` read from memory or write to it, larger than a cache: they
// are worth asking for ahead. 0 where none is read, since stores need no data.
int lg_epilogue_far_images(const lg_schedule *s, const lg_epilogue *e, const lg_op *op, int r);
// Asks for the lines of these images that a store at `at` will want.
void lg_epilogue_prefetch(lg_schedule *s, const lg_epilogue *e, const lg_op *op, int r,
                          const lg_index *at, int lanes);
void lg_epilogue_flush(lg_schedule *s, const lg_epilogue *e, int r, lg_kx *image, lg_kx *part,
                       lg_kx *channel, int64_t count);

// What a job makes of a result: images, rows and columns, and part `split` of `splits` of the
// blocks of channels.
typedef struct lg_image_part {
    lg_range axes[3];
    lg_kx *split;
    int64_t splits;
} lg_image_part;

// Zeros the borders that adjoin the part, of every result that is an image.
void lg_epilogue_zero_borders(lg_schedule *s, const lg_epilogue *e, const lg_image_part *part);

// The type in which `kernel`, made of `function`, writes result `r`: its own, or, of a sum or the
// gradient of a filter in parts, a row for each part.
lg_type lg_written_type(const lg_kernel *kernel, const lg_function *function, int r);

#endif
