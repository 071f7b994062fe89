// What the two halves of the kernel IR parser share: statements (ir/kernel_parse.c) and expressions
// (ir/kernel_parse_expr.c). A function that returns false or NULL has reported why.
#ifndef LG_IR_KERNEL_PARSE_INTERNAL_H
#define LG_IR_KERNEL_PARSE_INTERNAL_H

#include "ir/kernel_internal.h"
#include "ir/lexer.h"

typedef struct lg_kparser {
    lg_lexer lexer;
    lg_program *program;
    lg_kbuilder k;
    int depth;   // of blocks
    int nesting; // of parentheses, brackets and calls in the expression being read
    int parts;   // of that expression
    bool ended;  // inside a block, which has been reported
} lg_kparser;

bool lg_kparse_error(lg_kparser *p, lg_location where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// The current token as a string in the program's arena.
const char *lg_kparse_text(lg_kparser *p);

// One expression, from operators down.
lg_kx *lg_kparse_expression(lg_kparser *p);

// `[i, j : 8]` behind the name of `buffer`. An access has `lanes` elements in a row (1 but for `:
// n`) and moves vectors of `width`, the lanes of the buffer or of a vector among the indices
// included.
typedef struct lg_kaccess {
    lg_kx *index[LG_MAX_PHYSICAL];
    int lanes, width;
} lg_kaccess;

bool lg_kparse_access(lg_kparser *p, lg_kbuffer *buffer, lg_kaccess *access);

// A positive integer up to `limit`; `what` names it in messages.
bool lg_kparse_positive(lg_kparser *p, const char *what, int64_t limit, int64_t *value);

#endif
