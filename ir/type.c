// Types are small values passed by copy; only a layout is shared, and never changed once made.
// lg_type_fault is the one place that says what a type may be: everything else relies on it and
// multiplies sizes without fear.
#include "ir/type.h"
#include "ir/lexer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct dtype_info {
    const char *name;
    int bytes;
    bool is_float;
} dtype_info;

static const dtype_info dtypes[] = {
#define DTYPE(enumerator, text, bytes, is_float) [enumerator] = {text, bytes, is_float},
    LG_DTYPES(DTYPE)
#undef DTYPE
};

const char *lg_dtype_name(lg_dtype dtype)
{
    return dtypes[dtype].name;
}

int lg_dtype_bytes(lg_dtype dtype)
{
    return dtypes[dtype].bytes;
}

bool lg_dtype_is_float(lg_dtype dtype)
{
    return dtypes[dtype].is_float;
}

bool lg_dtype_parse(const char *text, size_t length, lg_dtype *dtype)
{
    for (int i = 0; i < LG_DTYPE_COUNT; i++) {
        if (strlen(dtypes[i].name) == length && memcmp(dtypes[i].name, text, length) == 0) {
            *dtype = (lg_dtype)i;
            return true;
        }
    }
    return false;
}

lg_type lg_type_make(lg_dtype dtype, int rank, const int64_t *dims)
{
    assert(rank >= 0 && rank <= LG_MAX_RANK);
    lg_type type = {.dtype = dtype, .rank = rank};
    for (int i = 0; i < rank; i++)
        type.dims[i] = dims[i];
    return type;
}

lg_type lg_type_scalar(lg_dtype dtype)
{
    return (lg_type){.dtype = dtype};
}

bool lg_shape_equal(const lg_type *a, const lg_type *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    return true;
}

static bool layout_dim_equal(const lg_layout_dim *a, const lg_layout_dim *b)
{
    return a->part == b->part && a->axis == b->axis && a->border == b->border &&
           (a->part == LG_PART_WHOLE || a->block == b->block) && a->extent == b->extent &&
           (a->extent == 0 || a->offset == b->offset);
}

bool lg_layout_equal(const lg_layout *a, const lg_layout *b)
{
    if (a == b || !a || !b)
        return a == b;
    if (a->count != b->count)
        return false;
    for (int i = 0; i < a->count; i++)
        if (!layout_dim_equal(&a->dims[i], &b->dims[i]))
            return false;
    return true;
}

bool lg_type_equal(const lg_type *a, const lg_type *b)
{
    return a->dtype == b->dtype && lg_shape_equal(a, b) && lg_layout_equal(a->layout, b->layout);
}

int64_t lg_type_elements(const lg_type *type)
{
    int64_t elements = 1;
    for (int i = 0; i < type->rank; i++)
        elements *= type->dims[i];
    return elements;
}

int lg_type_physical_rank(const lg_type *type)
{
    return type->layout ? type->layout->count : type->rank;
}

// Without regard to a window.
static int64_t part_size(const lg_type *type, const lg_layout_dim *dim)
{
    int64_t size = type->dims[dim->axis];
    switch (dim->part) {
    case LG_PART_OUTER:
        return size / dim->block + (size % dim->block != 0);
    case LG_PART_INNER:
        return dim->block;
    case LG_PART_WHOLE:
        break;
    }
    return size + 2 * dim->border;
}

int64_t lg_type_physical_dim(const lg_type *type, int d)
{
    assert(d >= 0 && d < lg_type_physical_rank(type));
    if (!type->layout)
        return type->dims[d];
    const lg_layout_dim *dim = &type->layout->dims[d];
    return dim->extent ? dim->extent : part_size(type, dim);
}

int64_t lg_type_bytes(const lg_type *type)
{
    int64_t bytes = lg_dtype_bytes(type->dtype);
    for (int d = 0; d < lg_type_physical_rank(type); d++)
        bytes *= lg_type_physical_dim(type, d);
    return bytes;
}

// ---- what a type may be

static const char *layout_dim_fault(const lg_type *type, const lg_layout_dim *dim)
{
    if (dim->axis < 0 || dim->axis >= type->rank)
        return "the layout names an axis that the shape does not have";
    if (dim->part != LG_PART_WHOLE && (dim->block < 1 || dim->block > LG_MAX_ELEMENTS))
        return "a block of the layout is not positive, or too large";
    if (dim->border < 0 || dim->border > LG_MAX_ELEMENTS)
        return "a border of the layout is negative or too large";
    if (dim->border && dim->part != LG_PART_WHOLE)
        return "only an axis that is not blocked can have a border";
    if (dim->extent < 0 || dim->extent > LG_MAX_ELEMENTS || dim->offset < 0)
        return "a window of the layout is negative or too large";
    if (dim->extent && dim->offset > dim->extent - part_size(type, dim))
        return "a window of the layout does not lie within its extent";
    return NULL;
}

// Every axis stands there once whole or once in two parts of the same block.
static const char *layout_parts_fault(const lg_type *type)
{
    for (int axis = 0; axis < type->rank; axis++) {
        int count[3] = {0};
        int64_t block[3] = {0};
        for (int d = 0; d < type->layout->count; d++) {
            const lg_layout_dim *dim = &type->layout->dims[d];
            if (dim->axis == axis) {
                count[dim->part]++;
                block[dim->part] = dim->block;
            }
        }
        bool whole = count[LG_PART_WHOLE] == 1 && !count[LG_PART_OUTER] && !count[LG_PART_INNER];
        bool parts = !count[LG_PART_WHOLE] && count[LG_PART_OUTER] == 1 &&
                     count[LG_PART_INNER] == 1 && block[LG_PART_OUTER] == block[LG_PART_INNER];
        if (!whole && !parts)
            return "the layout must name every axis once, whole or as outer and inner part of one "
                   "block";
    }
    return NULL;
}

const char *lg_type_fault(const lg_type *type)
{
    if (type->rank < 0 || type->rank > LG_MAX_RANK)
        return "a shape has at most 6 dimensions";
    int64_t elements = 1;
    for (int i = 0; i < type->rank; i++) {
        if (type->dims[i] < 1)
            return "a dimension must be at least 1";
        if (type->dims[i] > LG_MAX_ELEMENTS / elements)
            return "the shape has more than 2^40 elements";
        elements *= type->dims[i];
    }
    if (!type->layout)
        return NULL;
    if (type->layout->count < 1 || type->layout->count > LG_MAX_PHYSICAL)
        return "a layout has 1 to 12 dimensions";
    elements = 1;
    for (int d = 0; d < type->layout->count; d++) {
        const char *fault = layout_dim_fault(type, &type->layout->dims[d]);
        if (fault)
            return fault;
        if (lg_type_physical_dim(type, d) > LG_MAX_ELEMENTS / elements)
            return "the layout has more than 2^40 elements";
        elements *= lg_type_physical_dim(type, d);
    }
    return layout_parts_fault(type);
}

// ---- text

enum { TYPE_TEXT = 1600 }; // 18 dimensions with up to four numbers of 20 characters

static int write_layout(char *out, const lg_layout *layout)
{
    int at = sprintf(out, "{");
    for (int d = 0; d < layout->count; d++) {
        const lg_layout_dim *dim = &layout->dims[d];
        at += sprintf(out + at, "%s%d", d ? " " : "", dim->axis);
        if (dim->part != LG_PART_WHOLE)
            at += sprintf(out + at, "%c%lld", dim->part == LG_PART_OUTER ? '/' : '%',
                          (long long)dim->block);
        if (dim->border)
            at += sprintf(out + at, "+%lld", (long long)dim->border);
        if (dim->extent)
            at += sprintf(out + at, "@%lld:%lld", (long long)dim->offset, (long long)dim->extent);
    }
    return at + sprintf(out + at, "}");
}

char *lg_layout_text(lg_arena *arena, const lg_layout *layout)
{
    char text[TYPE_TEXT];
    write_layout(text, layout);
    return lg_strdup(arena, text);
}

char *lg_type_text(lg_arena *arena, const lg_type *type)
{
    char text[TYPE_TEXT];
    int at = sprintf(text, "%s[", lg_dtype_name(type->dtype));
    for (int i = 0; i < type->rank; i++)
        at += sprintf(text + at, "%s%lld", i ? "," : "", (long long)type->dims[i]);
    at += sprintf(text + at, "]");
    if (type->layout)
        write_layout(text + at, type->layout);
    return lg_strdup(arena, text);
}

// ---- text to type

// "4:9", which the lexer takes for a name behind the @.
static bool parse_window(lg_lexer *lexer, lg_layout_dim *dim)
{
    const lg_token *token = &lexer->token;
    char text[40], *colon, *end = text;
    if (token->length < sizeof text) {
        memcpy(text, token->text, token->length);
        text[token->length] = '\0';
        dim->offset = strtoll(text, &colon, 10);
        if (colon != text && *colon == ':' && colon[1] != '-')
            dim->extent = strtoll(colon + 1, &end, 10);
    }
    if (end == text || *end || dim->extent < 1)
        return lg_error_at(lexer->diag, token->where, "expected a window, @offset:extent");
    lg_lexer_next(lexer);
    return true;
}

static bool parse_inner(lg_lexer *lexer, lg_layout_dim *dim)
{
    const lg_token *token = &lexer->token;
    bool good = token->length <= 18; // digits that fit in 64 bits
    dim->part = LG_PART_INNER;
    for (size_t i = 0; good && i < token->length; i++) {
        good = token->text[i] >= '0' && token->text[i] <= '9';
        dim->block = dim->block * 10 + (token->text[i] - '0');
    }
    if (!good)
        return lg_error_at(lexer->diag, token->where, "expected a block size after the %%");
    lg_lexer_next(lexer);
    return true;
}

static bool parse_layout_dim(lg_lexer *lexer, lg_layout_dim *dim)
{
    int64_t axis;
    lg_location where = lexer->token.where;
    if (!lg_lexer_expect_integer(lexer, &axis))
        return false;
    if (axis < 0 || axis >= LG_MAX_RANK)
        return lg_error_at(lexer->diag, where, "an axis is 0 to %d", LG_MAX_RANK - 1);
    dim->axis = (int)axis;
    if (lexer->token.kind == LG_TOKEN_LOCAL) {
        if (!parse_inner(lexer, dim))
            return false;
    } else if (lg_lexer_accept(lexer, "/")) {
        dim->part = LG_PART_OUTER;
        if (!lg_lexer_expect_integer(lexer, &dim->block))
            return false;
    } else if (lg_lexer_accept(lexer, "+") && !lg_lexer_expect_integer(lexer, &dim->border)) {
        return false;
    }
    return lexer->token.kind != LG_TOKEN_GLOBAL || parse_window(lexer, dim);
}

static bool parse_layout(lg_lexer *lexer, lg_arena *arena, lg_type *type)
{
    lg_layout layout = {0};
    while (!lg_lexer_is(lexer, "}")) {
        if (layout.count == LG_MAX_PHYSICAL)
            return lg_error_at(lexer->diag, lexer->token.where,
                               "a layout has at most %d dimensions", LG_MAX_PHYSICAL);
        if (!parse_layout_dim(lexer, &layout.dims[layout.count++]))
            return false;
    }
    lg_lexer_next(lexer);
    type->layout = lg_copy(arena, &layout, sizeof layout);
    return true;
}

static bool parse_dims(lg_lexer *lexer, lg_type *type)
{
    if (!lg_lexer_expect(lexer, "["))
        return false;
    while (!lg_lexer_is(lexer, "]")) {
        if (type->rank == LG_MAX_RANK)
            return lg_error_at(lexer->diag, lexer->token.where, "a shape has at most %d dimensions",
                               LG_MAX_RANK);
        if (type->rank && !lg_lexer_expect(lexer, ","))
            return false;
        if (!lg_lexer_expect_integer(lexer, &type->dims[type->rank]))
            return false;
        type->rank++;
    }
    lg_lexer_next(lexer);
    return true;
}

// A layout starts with an axis; another brace behind a type starts with a word.
static bool at_layout(const lg_lexer *lexer)
{
    if (!lg_lexer_is(lexer, "{"))
        return false;
    const char *at = lexer->at;
    while (at < lexer->end && *at == ' ')
        at++;
    return at < lexer->end && *at >= '0' && *at <= '9';
}

bool lg_type_parse(lg_lexer *lexer, lg_arena *arena, lg_type *type)
{
    *type = (lg_type){0};
    lg_location where = lexer->token.where;
    if (lexer->token.kind != LG_TOKEN_WORD ||
        !lg_dtype_parse(lexer->token.text, lexer->token.length, &type->dtype))
        return lg_error_at(lexer->diag, where,
                           "expected a type like f32[1,3]; element types are f32, bf16, f16, i32, "
                           "i64, u8 and bool");
    lg_lexer_next(lexer);
    if (!parse_dims(lexer, type))
        return false;
    if (at_layout(lexer)) {
        lg_lexer_next(lexer);
        if (!parse_layout(lexer, arena, type))
            return false;
    }
    const char *fault = lg_type_fault(type);
    if (fault)
        return lg_error_at(lexer->diag, where, "%s", fault);
    return true;
}
