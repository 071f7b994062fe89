// Types of values: an element type, a static shape, and how the elements lie in memory.
//
// A layout lists the physical dimensions, outermost first. Each is a whole axis, the outer part of
// a blocked axis (axis/block) or its inner part (axis%block), and may have a border of zeros on
// both sides or be a window of a larger extent:
//
//     f32[1,56,56,64]{0 1+1 3/8 2+1 3%8}     images: n, h with border 1, c/8, w with border 1, c%8
//     f32[64,32,3,3]{0/16 1/8 2 3 1%8 0%16}  filters in panels of 16 outputs and 8 inputs
//     f32[1,8,8,16]{0 1 3/8@4:9 2 3%8}       channel blocks 4 and 5 of a buffer that has 9
//
// No layout means row-major. A blocked axis is rounded up; the extra elements are zero.
#ifndef LG_IR_TYPE_H
#define LG_IR_TYPE_H

#include "ir/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum { LG_MAX_RANK = 6, LG_MAX_PHYSICAL = 12 };

// DTYPE(enumerator, text, bytes, is_float)
#define LG_DTYPES(DTYPE)                                                                           \
    DTYPE(LG_F32, "f32", 4, true)                                                                  \
    DTYPE(LG_BF16, "bf16", 2, true)                                                                \
    DTYPE(LG_F16, "f16", 2, true)                                                                  \
    DTYPE(LG_I32, "i32", 4, false)                                                                 \
    DTYPE(LG_I64, "i64", 8, false)                                                                 \
    DTYPE(LG_U8, "u8", 1, false)                                                                   \
    DTYPE(LG_BOOL, "bool", 1, false)

typedef enum lg_dtype {
#define DTYPE(enumerator, text, bytes, is_float) enumerator,
    LG_DTYPES(DTYPE)
#undef DTYPE
        LG_DTYPE_COUNT
} lg_dtype;

const char *lg_dtype_name(lg_dtype dtype);
int lg_dtype_bytes(lg_dtype dtype);
bool lg_dtype_is_float(lg_dtype dtype);
// False if `length` characters at `text` name no element type.
bool lg_dtype_parse(const char *text, size_t length, lg_dtype *dtype);

typedef enum lg_part { LG_PART_WHOLE, LG_PART_OUTER, LG_PART_INNER } lg_part;

typedef struct lg_layout_dim {
    lg_part part;
    int axis;
    int64_t block;          // of OUTER and INNER parts
    int64_t border;         // zeros on both sides; only where part is WHOLE
    int64_t offset, extent; // window of a larger buffer; extent 0 means not a window
} lg_layout_dim;

typedef struct lg_layout {
    int count;
    lg_layout_dim dims[LG_MAX_PHYSICAL];
} lg_layout;

typedef struct lg_type {
    lg_dtype dtype;
    int rank;
    int64_t dims[LG_MAX_RANK];
    const lg_layout *layout; // NULL: row-major
} lg_type;

// A row-major type; `dims` holds `rank` sizes.
lg_type lg_type_make(lg_dtype dtype, int rank, const int64_t *dims);
#define LG_TYPE(dtype, ...)                                                                        \
    lg_type_make((dtype), (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),               \
                 (int64_t[]){__VA_ARGS__})
lg_type lg_type_scalar(lg_dtype dtype);

bool lg_type_equal(const lg_type *a, const lg_type *b);  // layout included
bool lg_shape_equal(const lg_type *a, const lg_type *b); // sizes only
bool lg_layout_equal(const lg_layout *a, const lg_layout *b);
int64_t lg_type_elements(const lg_type *type); // logical, without borders

// Size of physical dimension `d` (borders, rounding and windows included), 0 <= d < physical rank.
int lg_type_physical_rank(const lg_type *type);
int64_t lg_type_physical_dim(const lg_type *type, int d);
int64_t lg_type_bytes(const lg_type *type); // of the buffer that holds it

// Where the element at the logical `index` lies in the buffer, counted in elements (ir/layout.c).
int64_t lg_layout_offset(const lg_type *type, const int64_t *index);
// Calls `visit` with the offset of every element of borders and rounding: those that are zero and
// belong to no index. What lies beside a window belongs to others and is left out.
void lg_layout_for_padding(const lg_type *type, void (*visit)(void *context, int64_t offset),
                           void *context);

// `f32[1,2]{...}`, in `arena`.
char *lg_type_text(lg_arena *arena, const lg_type *type);
char *lg_layout_text(lg_arena *arena, const lg_layout *layout); // `{...}`
// Reads one, layout included, into `arena`; false after reporting to the lexer's diagnostics. A
// brace that does not start with a digit is not a layout and stays.
struct lg_lexer;
bool lg_type_parse(struct lg_lexer *lexer, lg_arena *arena, lg_type *type);

// A shape is refused beyond this many elements: sizes stay far from int64 overflow.
#define LG_MAX_ELEMENTS ((int64_t)1 << 40)
// What is wrong with a type that came from outside (sizes below 1, too many elements, a layout that
// does not fit the shape), or NULL. All other functions here take only types without a fault.
const char *lg_type_fault(const lg_type *type);

#endif
