// Copies of the operands' blocks in memory of the job: what the tiles read again and again lies
// dense there, whatever the strides of the operand are.
//
//     left     [rows][kc + a vector]      one row after the other; the extra keeps rows that are a
//                                         power of two apart from sharing sets of the cache
//              [kc][rows + a vector]      of a left operand that lies transposed
//     right    [panels][kc][columns]      as lg_matrix_layout, the last panel filled up with zeros
//     lines    [columns][kc + a vector]   of a right operand that lies transposed: its part of a
//                                         panel, from which the vectors are gathered
#include "passes/schedule/matmul.h"

static bool flag(const lg_product *p, lg_attr_name name)
{
    return lg_op_int(p->op, name);
}

void lg_product_alloc(lg_product *p)
{
    lg_kbuilder *k = &p->s->k;
    int64_t lanes = p->panel.lanes, width = (int64_t)p->blocks.vectors * lanes;
    int64_t rows = lg_product_rows(p), kc = p->blocks.kc;
    bool ta = flag(p, LG_ATTR_ta);
    if (p->blocks.copy_left)
        p->left = lg_k_alloc(k, "left", LG_SCOPE_TILE, LG_F32, 1, 2,
                             (int64_t[]){ta ? kc : rows, (ta ? rows : kc) + lanes});
    if (p->blocks.form == LG_RIGHT_COPIED)
        p->right = lg_k_alloc(k, "right", LG_SCOPE_TILE, LG_F32, 1, 3,
                              (int64_t[]){lg_product_units(p), kc, width});
    if (p->chunks > 1)
        p->partial = lg_k_alloc(k, "partial", LG_SCOPE_TILE, LG_F32, 1, 2,
                                (int64_t[]){rows, lg_product_units(p) * width});
}

// What a copied line consists of.
typedef struct line {
    const lg_product *p;
    lg_kbuffer *to;
    lg_kx *row; // of `to`
    lg_kx *(*from)(const struct line *, lg_kx *at, int lanes);
    lg_kx *i, *k; // where it starts in the operand
} line;

static void copy_part(const line *l, lg_kx *at, int lanes)
{
    lg_schedule *s = l->p->s;
    int mark = lg_tensor_mark(&s->ctx);
    lg_kx *index[] = {l->row, at};
    lg_k_store(&s->k, l->to, index, lanes, l->from(l, at, lanes));
    lg_tensor_forget(&s->ctx, mark);
}

// Copies `count` elements by vectors and then, unless it is a multiple of the lanes, what is left.
static void copy_line(const line *l, lg_kx *count, bool multiple)
{
    lg_kbuilder *k = &l->p->s->k;
    int lanes = l->p->panel.lanes;
    lg_kx *zero = lg_kx_int(k, 0);
    lg_kx *whole = multiple ? count : lg_kx_muli(k, lg_kx_divi(k, count, lanes), lanes);
    if (!lg_kx_is_int(whole, 0)) {
        copy_part(l, lg_k_loop(k, LG_LOOP_SERIAL, "v", zero, whole, lanes), lanes);
        lg_k_end(k);
    }
    if (multiple)
        return;
    if (count->kind == LG_KX_INT) {
        int rest = (int)(count->as.integer % lanes);
        if (rest)
            copy_part(l, whole, rest);
        return;
    }
    copy_part(l, lg_k_loop(k, LG_LOOP_SERIAL, "v", whole, count, 1), 1);
    lg_k_end(k);
}

// Is the length of every chunk a multiple of the lanes?
static bool whole_vectors(const lg_product *p)
{
    return p->shape.k % p->panel.lanes == 0 && p->blocks.kc % p->panel.lanes == 0;
}

static lg_kx *left_along_depth(const line *l, lg_kx *at, int lanes)
{
    return lg_product_left(l->p, l->i, lg_kx_add(&l->p->s->k, l->k, at), false, lanes);
}

static lg_kx *left_along_rows(const line *l, lg_kx *at, int lanes)
{
    return lg_product_left(l->p, lg_kx_add(&l->p->s->k, l->i, at), l->k, true, lanes);
}

void lg_product_copy_left(const lg_product *p)
{
    lg_kbuilder *k = &p->s->k;
    lg_kx *first = lg_product_row(p, p->t0), *end = lg_product_row(p, p->t1);
    lg_kx *rows = lg_kx_add(k, end, lg_kx_muli(k, first, -1));
    line l = {.p = p, .to = p->left};
    if (flag(p, LG_ATTR_ta)) {
        l.row = lg_k_loop(k, LG_LOOP_SERIAL, "k", lg_kx_int(k, 0), p->length, 1);
        l.i = first;
        l.k = lg_kx_add(k, p->k0, l.row);
        l.from = left_along_rows;
        bool multiple = p->row_blocks == 1 && p->shape.m % p->panel.lanes == 0;
        copy_line(&l, rows, multiple);
    } else {
        l.row = lg_k_loop(k, LG_LOOP_SERIAL, "r", lg_kx_int(k, 0), rows, 1);
        l.i = lg_kx_add(k, first, l.row);
        l.k = p->k0;
        l.from = left_along_depth;
        copy_line(&l, p->length, whole_vectors(p));
    }
    lg_k_end(k);
}

// ---- right

// One vector of unit `u` from column `c` of it on: `valid` elements and zeros.
static void store_right(const lg_product *p, lg_kx *u, lg_kx *at, int c, int valid, lg_kx *element)
{
    lg_kbuilder *k = &p->s->k;
    lg_kx *index[] = {lg_kx_add(k, u, lg_kx_muli(k, p->u0, -1)), at, lg_kx_int(k, c)};
    if (valid)
        lg_k_store(k, p->right, index, valid, element);
    index[2] = lg_kx_int(k, c + valid);
    if (valid < p->panel.lanes)
        lg_k_store(k, p->right, index, p->panel.lanes - valid, lg_kx_float(k, 0));
}

static int valid_lanes(const lg_product *p, int columns, int c)
{
    int left = columns - c;
    return left < 0 ? 0 : left > p->panel.lanes ? p->panel.lanes : left;
}

// Unit `u`, of `columns` columns, at reduced index `at` of the chunk.
static void copy_columns(const lg_product *p, lg_kx *u, lg_kx *at, int columns)
{
    lg_kbuilder *k = &p->s->k;
    int width = p->blocks.vectors * p->panel.lanes;
    lg_kx *first = lg_kx_muli(k, u, width), *depth = lg_kx_add(k, p->k0, at);
    for (int c = 0; c < width; c += p->panel.lanes) {
        int valid = valid_lanes(p, columns, c), mark = lg_tensor_mark(&p->s->ctx);
        lg_kx *element =
            valid ? lg_product_right(p, lg_kx_addi(k, first, c), depth, true, valid) : NULL;
        store_right(p, u, at, c, valid, element);
        lg_tensor_forget(&p->s->ctx, mark);
    }
}

static lg_kx *right_along_depth(const line *l, lg_kx *at, int lanes)
{
    return lg_product_right(l->p, l->i, lg_kx_add(&l->p->s->k, l->k, at), false, lanes);
}

// The same of a transposed operand, for all of the chunk: its lines, then vectors across them.
static void copy_lines(const lg_product *p, lg_kx *u, lg_kbuffer *lines, int columns)
{
    lg_kbuilder *k = &p->s->k;
    int lanes = p->panel.lanes, width = p->blocks.vectors * lanes;
    line l = {.p = p, .to = lines, .from = right_along_depth, .k = p->k0};
    l.row = lg_k_for(k, LG_LOOP_SERIAL, "c", columns);
    l.i = lg_kx_add(k, lg_kx_muli(k, u, width), l.row);
    copy_line(&l, p->length, whole_vectors(p));
    lg_k_end(k);
    lg_kx *at = lg_k_loop(k, LG_LOOP_SERIAL, "k", lg_kx_int(k, 0), p->length, 1);
    for (int c = 0; c < width; c += lanes) {
        int valid = valid_lanes(p, columns, c);
        lg_kx *row = valid > 1
                         ? lg_kx_apply(k, LG_S_ADD, lg_kx_lanes(k, valid), lg_kx_int(k, c), NULL)
                         : lg_kx_int(k, c);
        lg_kx *index[] = {row, at};
        store_right(p, u, at, c, valid, valid ? lg_kx_load(k, lines, index, 1) : NULL);
    }
    lg_k_end(k);
}

// Units low..high; where the last of all is not full, the job that has it copies it by itself.
static void copy_units(const lg_product *p, lg_kx *low, lg_kx *high, lg_kbuffer *lines, int columns)
{
    lg_kbuilder *k = &p->s->k;
    if (lines) {
        copy_lines(p, lg_k_loop(k, LG_LOOP_SERIAL, "p", low, high, 1), lines, columns);
        lg_k_end(k);
        return;
    }
    lg_kx *at = lg_k_loop(k, LG_LOOP_SERIAL, "k", lg_kx_int(k, 0), p->length, 1);
    copy_columns(p, lg_k_loop(k, LG_LOOP_SERIAL, "p", low, high, 1), at, columns);
    lg_k_end(k);
    lg_k_end(k);
}

void lg_product_copy_right(const lg_product *p)
{
    lg_kbuilder *k = &p->s->k;
    int width = p->blocks.vectors * p->panel.lanes;
    int64_t whole = p->shape.n / width;
    int rest = (int)(p->shape.n % width);
    lg_kbuffer *lines = NULL;
    if (!p->shape.adjoin)
        lines = lg_k_alloc(k, "lines", LG_SCOPE_TILE, LG_F32, 1, 2,
                           (int64_t[]){whole ? width : rest, p->blocks.kc + p->panel.lanes});
    lg_kx *high = rest ? lg_kx_mini(k, p->u1, whole) : p->u1;
    if (whole)
        copy_units(p, p->u0, high, lines, width);
    if (!rest)
        return;
    if (p->splits > 1)
        lg_k_if(k, lg_kx_apply(k, LG_S_EQ, p->split, lg_kx_int(k, p->splits - 1), NULL));
    copy_units(p, lg_kx_int(k, whole), lg_kx_int(k, whole + 1), lines, rest);
    if (p->splits > 1)
        lg_k_end(k);
}
