// Schedules: from a kernel function of the graph IR to a kernel of the kernel IR. Each decides the
// loops for a kind of kernel on a kind of target; lg_schedule picks the first that applies.
#ifndef LG_PASSES_SCHEDULE_SCHEDULE_H
#define LG_PASSES_SCHEDULE_SCHEDULE_H

#include "passes/lower/tensor_expr.h"
#include "passes/schedule/nest.h"

// What a schedule works with.
typedef struct lg_schedule {
    const lg_function *function;
    const lg_target *target;
    int64_t serial_work; // kernels of less work do not divide it among threads
    lg_arena *scratch;
    lg_kernel *kernel;
    lg_kbuilder k;
    lg_tensor_context ctx;
} lg_schedule;

// The kernel of `function`, appended to `program`. Kernels of less work (FLOPs and elements) than
// `serial_work` run on one thread.
lg_kernel *lg_schedule_kernel(lg_program *program, const lg_function *function,
                              const lg_target *target, int64_t serial_work, lg_arena *scratch);

// Each schedule says whether it applies to a function, and fills the begun kernel.
bool lg_schedule_conv_applies(const lg_function *function, const lg_target *target);
void lg_schedule_conv(lg_schedule *s);
bool lg_schedule_winograd_applies(const lg_function *function, const lg_target *target);
void lg_schedule_winograd(lg_schedule *s);
bool lg_schedule_matmul_applies(const lg_function *function, const lg_target *target);
void lg_schedule_matmul(lg_schedule *s);
void lg_schedule_loops(lg_schedule *s); // any function on a CPU
void lg_schedule_cuda(lg_schedule *s);  // any function on a GPU

// The role of a kernel's loop over jobs: parallel, or serial where all of it is less work than
// waking a thread.
lg_loop_role lg_schedule_job_role(const lg_schedule *s);
// Notes on the kernel which of several ways the schedule went: `key` and `text` of
// passes/schedule/choice.h, which live as long as the kernel.
void lg_schedule_chose(lg_schedule *s, const char *key, const char *text, bool measured);
// The buffer of the `i`th result (a parameter of the kernel behind the arguments).
lg_kbuffer *lg_schedule_result(const lg_schedule *s, int i);

// ---- stages (passes/schedule/stages.c): which values of a function are kept in buffers

typedef struct lg_stages {
    LG_LIST(const lg_value *) kept; // in the order of computation, results included
    int lead;                       // leading axes over which all stages are independent
} lg_stages;

void lg_stages_find(const lg_schedule *s, lg_stages *stages);
// Which result of the function `value` is, or -1.
int lg_result_index(const lg_function *function, const lg_value *value);
// Binds a kept value to a buffer without its `lead` leading axes (scope TILE or SHARED), unless it
// is a result, which has its buffer. Returns the buffer, `*dropped` its missing axes.
lg_kbuffer *lg_stage_buffer(lg_schedule *s, const lg_value *value, lg_scope scope, int lead,
                            int *dropped);

// ---- register tiles (passes/schedule/tile.c)

// A tile of rows x vectors accumulators, rows being pixels or rows of a matrix.
typedef struct lg_tile {
    int rows, vectors, lanes;
} lg_tile;

// The largest tile for `columns` output columns: by the target's vector width and registers.
lg_tile lg_tile_choose(const lg_target *target, int64_t columns);
// The columns of a panel of such tiles.
int64_t lg_tile_panel(lg_tile tile);
// A length cut into `count[0]` tiles of `size[0]` and `count[1]` of `size[0] - 1` rows.
typedef struct lg_cut {
    int64_t count[2];
    int size[2];
} lg_cut;
lg_cut lg_tile_cut(int64_t length, int rows);

// Columns cut into panels: `panels` of them from `start` on, each of `vectors` vectors of `lanes`;
// of the last vector only `valid` lanes are stored.
typedef struct lg_columns {
    int64_t start, panels;
    int vectors, lanes, valid;
} lg_columns;
// Cuts `count` columns from `start` on into at most three runs of equal panels. `padded`: the right
// operand is padded to whole panels, so that its last vectors may be read whole. Returns the
// number.
int lg_tile_columns(lg_tile tile, int64_t start, int64_t count, bool padded, lg_columns runs[3]);

// Emits acc[r, j] = fma(left(r), right(j), acc[r, j]) for all of the tile, once.
typedef struct lg_tile_operands {
    lg_kx *(*left)(void *data, lg_kx *row);     // f32 scalar
    lg_kx *(*right)(void *data, lg_kx *vector); // f32 x lanes
    void *data;
} lg_tile_operands;
void lg_tile_clear(lg_kbuilder *k, lg_kbuffer *acc, lg_tile tile);
void lg_tile_multiply(lg_kbuilder *k, lg_kbuffer *acc, lg_tile tile, const lg_tile_operands *from);
// A loop of `extent` iterations, or just 0 where it is 1. `*opened` counts.
lg_kx *lg_loop_over(lg_kbuilder *k, const char *name, int64_t extent, int *opened);
// Closes so many loops or tests.
void lg_end_loops(lg_kbuilder *k, int opened);
// Such a loop over the tiles of part 0 or 1 of a cut, of which there is at least one; returns where
// its tile begins.
lg_kx *lg_loop_over_cut(lg_kbuilder *k, const char *name, const lg_cut *cut, int part, int *opened);

// Is `value` a matmul that tiles suit (as a stage of a larger kernel)?
bool lg_tile_suits(const lg_schedule *s, const lg_value *value);
// Computes such a value in tiles, all of it but the `axes` leading axes, which are at `lead`.
// Returns false, having done nothing, if tiles do not suit.
bool lg_tile_stage(lg_schedule *s, const lg_value *value, lg_kbuffer *buffer, int dropped, int axes,
                   const lg_index *lead);

// The layout in which a schedule wants the right operand: panels of `vectors` vectors of output
// channels, which are axis `outputs` (0 of a convolution, 1 of the gradient of its image); of
// tile.vectors * tile.lanes columns.
const lg_layout *lg_filter_layout(lg_arena *arena, const lg_target *target, const lg_type *filter,
                                  int outputs, int64_t vectors);
// The vectors of the panels in which `filter` lies; 0 if it lies otherwise.
int lg_filter_vectors(const lg_target *target, const lg_type *filter, int outputs);
// How many vectors the schedule of the convolution `op` of the kernel `function` wants; 0 if no
// panels suit it.
int64_t lg_conv_vectors(const lg_function *function, const lg_op *op, const lg_target *target);
// Can it work with panels of so many?
bool lg_conv_takes(const lg_function *function, const lg_op *op, const lg_target *target,
                   int64_t vectors);
// Of a filter in Winograd's form: all channels of one place in a panel adjoin.
const lg_layout *lg_winograd_layout(lg_arena *arena, const lg_target *target,
                                    const lg_type *filter);
// The output channels of such a panel, where there are `outputs` in all.
int64_t lg_winograd_panel(const lg_target *target, int64_t outputs);
const lg_layout *lg_matrix_layout(lg_arena *arena, const lg_target *target, const lg_type *matrix,
                                  bool transposed);
// The layout of images: channels blocked by the vector width, a border of zeros of at least `h`
// rows and `w` columns.
const lg_layout *lg_image_layout(lg_arena *arena, const lg_target *target, const lg_type *image,
                                 int64_t h, int64_t w);

// ---- epilogues (passes/schedule/epilogue.c; of convolutions epilogue.h)

// The tile whose accumulators stand for the elements of a contraction in its epilogue.
typedef struct lg_tile_state {
    lg_kbuffer *acc;
    lg_kx *row;
    int vector;
} lg_tile_state;
// The `element` function of that binding (ctx->schedule is the lg_tile_state).
lg_kx *lg_tile_element(lg_tensor_context *ctx, const lg_value *value, const lg_index *index,
                       int lanes);
// Computes `valid` lanes of result `r` at `at` (one entry an axis) from the accumulator that
// `state` names, and stores them; the lanes from there to `lanes`, which round up a block, become
// zero.
void lg_tile_store(lg_schedule *s, lg_tile_state *state, int r, const lg_index *at, int valid,
                   int lanes);
// If every result of `function` is an epilogue of the single contraction `op` (elementwise, or a
// slice of whole panels along the last axis), gives the column where each result starts.
bool lg_tile_epilogues(const lg_function *function, const lg_op *op, int64_t panel,
                       int64_t *starts);
// The only op of that code in `function`, if no other reduces or contracts (but for the sums over
// pixels that a convolution's kernel may return); or NULL.
const lg_op *lg_tile_single(const lg_function *function, lg_opcode code);

#endif
