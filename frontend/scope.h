// Inside the front end: what a scope is, and the steps that every layer shares.
#ifndef LG_FRONTEND_SCOPE_H
#define LG_FRONTEND_SCOPE_H

#define LG_NO_SHORT_NAMES
#include "frontend/lgpnc.h"

// A composite that exists already; `key` spells its kind, argument types and constants.
typedef struct lg_shared_composite {
    const char *key;
    lg_function *function;
} lg_shared_composite;

// What all scopes of one model share.
typedef struct lg_builder {
    lg_module *module;
    lg_diag *diag;
    const lg_model_info *info; // NULL outside a model
    int64_t options[LG_MAX_OPTIONS][LG_MAX_OPTION_NUMBERS];
    LG_LIST(lg_shared_composite) composites;
} lg_builder;

struct lg_name_scope {
    lg_builder *builder;
    lg_function *function;
    const char *prefix; // "" or "GTC.layer1."
};

// What is being built, for messages: `conv2d "GTC.conv1"`; `name` may be NULL.
typedef struct lg_site {
    lg_name_scope *scope;
    lg_location where;
    const char *what, *name;
} lg_site;

// Reports `what "name": ...` and returns NULL.
lg_value *lg_fault(lg_site site, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The type in text, for messages; in the module's arena.
const char *lg_show(lg_name_scope *s, lg_value *value);
const char *lg_show_shape(lg_name_scope *s, int rank, const int64_t *dims);

// False after a report when the rank is too large, a size is below 1 or there are too many
// elements.
bool lg_check_shape(lg_site site, int rank, const int64_t *dims);
// Makes a negative axis count from the front; false after a report when there is no such axis.
bool lg_check_axis(lg_site site, int rank, int *axis);
// An image is [n,h,w,c].
bool lg_check_image(lg_site site, lg_value *x);

// A symbol of the scope; NULL after a report.
lg_symbol *lg_declare(lg_site site, lg_role role, const char *name, lg_dtype dtype, lg_shape shape,
                      lg_init_kind init, double bound);

// Appends an op; NULL when an operand is NULL or after a report.
lg_value *lg_append(lg_name_scope *s, lg_location where, lg_opcode code, int operand_count,
                    lg_value *const *operands, int attr_count, const lg_attr *attrs,
                    const lg_type *declared);
// Repeats axes of `x` (aligned at the end) to the shape of `type`, which it fits.
lg_value *lg_expand(lg_name_scope *s, lg_location where, lg_value *x, const lg_type *type);

// Writes the body of a composite in the scope `s` of its function.
typedef lg_value *lg_composite_body(lg_name_scope *s, lg_location where, lg_value *const *arguments,
                                    const double *constants);

typedef struct lg_composite {
    const char *kind;
    const char *argument_names; // "x weight bias"
    lg_composite_body *body;
} lg_composite;

// Calls the composite on operands that fit it. It is made once a distinct list of argument types
// and constants.
lg_value *lg_call_composite(lg_name_scope *s, lg_location where, const lg_composite *composite,
                            lg_value *const *operands, int constant_count, const double *constants);

#endif
