// What the files of the shape rules share. A rule sees the op, its operands and attributes already
// checked against the columns of its row, and sets the dimensions and element type of the result.
#ifndef LG_IR_INFER_H
#define LG_IR_INFER_H

#include "ir/graph.h"

typedef struct lg_inference {
    const lg_op *op;
    const lg_type *a, *b;    // of the first two operands, NULL if there are not so many
    const lg_type *declared; // or NULL
    lg_type *result;
    lg_diag *diag;
} lg_inference;

#define ELEMENTWISE(name, arity, operands, result, summary, ...)
#define OP(name, class, operands, attributes, summary) bool infer_##name(const lg_inference *in);
#include "ir/ops.def"
#undef ELEMENTWISE
#undef OP

// Reports "OP: ..." at the op; returns false.
bool lg_infer_fault(const lg_inference *in, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// The text of a type for a message.
const char *lg_infer_text(const lg_inference *in, const lg_type *type);

// Checks that share their words. All return false after reporting.
bool lg_infer_axis(const lg_inference *in, const lg_type *type, int *axis); // attribute `axis`
bool lg_infer_axes(const lg_inference *in, const lg_type *type);            // attribute `axes`
bool lg_infer_count(const lg_inference *in, lg_attr_name name, int count);  // entries of a list
bool lg_infer_same_dtype(const lg_inference *in, const char *a, const char *b);
// `value` can be held by an element of type `dtype`.
bool lg_infer_number(const lg_inference *in, double value, lg_dtype dtype);

// The attributes column of a row. An alternative is the other of "a|b", or `name` itself.
bool lg_attr_is_allowed(lg_opcode code, lg_attr_name name);
bool lg_attr_is_optional(lg_opcode code, lg_attr_name name);
lg_attr_name lg_attr_alternative(lg_opcode code, lg_attr_name name);

#endif
