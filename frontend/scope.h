// Inside the front end: what a scope is, and the steps that every layer shares.
#ifndef LG_FRONTEND_SCOPE_H
#define LG_FRONTEND_SCOPE_H

#define LG_NO_SHORT_NAMES
#include "frontend/lgpnc.h"
#include "ir/names.h"

// A composite that exists already; `key` spells its kind, argument types and constants.
typedef struct lg_shared_composite {
    const char *key;
    lg_function *function;
} lg_shared_composite;

typedef struct lg_loss_part {
    const char *group; // what the names of the parameters that it moves begin with
    const char *name;
    lg_value *value;
} lg_loss_part;

typedef struct lg_pending_write {
    lg_value *symbol, *value;
    lg_location where;
} lg_pending_write;

// What Adam's steps of all parameters have in common.
typedef struct lg_adam_scalars {
    lg_value *rate; // made for this learning rate and these betas
    double beta1, beta2;
    lg_value *size, *inverse; // rate / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
} lg_adam_scalars;

// One run of the builder, for one function.
typedef struct lg_builder_run {
    lg_model_function kind;
    lg_names declared; // symbols of this run, by name
    LG_LIST(lg_loss_part) losses;
    LG_LIST(lg_pending_write) writes; // held back until it is known whether the loss is finite
    lg_value *learning_rate, *steps;  // steps: i64[], taken with this one
    lg_adam_scalars adam;
    lg_value *counter;      // of random numbers, if there are any
    lg_optimizer optimizer; // of parameters that the model does not treat itself
    int random_calls;
} lg_builder_run;

// What all scopes of one model share.
typedef struct lg_builder {
    lg_module *module;
    lg_diag *diag;
    const lg_model_info *info; // NULL outside a model
    int64_t options[LG_MAX_OPTIONS][LG_MAX_OPTION_NUMBERS];
    LG_LIST(lg_shared_composite) composites;
    lg_training training;
    lg_builder_run run;
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

lg_arena *lg_scope_arena(const lg_name_scope *s); // the module's
bool lg_is_name(const char *name);

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
bool lg_check_floats(lg_site site, lg_value *x);
bool lg_check_f32(lg_site site, lg_value *x);

// A symbol of the scope, new or that of an earlier run of the builder; NULL after a report. A
// symbol is dead if all runs say so.
lg_symbol *lg_declare(lg_site site, lg_role role, const char *name, lg_dtype dtype, lg_shape shape,
                      lg_init_kind init, double bound, bool dead);
// The same for NAME.TENSOR of a layer.
lg_value *lg_declare_f32(lg_site site, bool dead, lg_role role, const char *tensor, lg_shape shape,
                         lg_init_kind init, double bound);
// A state of training itself, which starts as 0: random.* or optimizer.*, names that a model may
// not take. Asked for again it is the same.
lg_value *lg_training_state(lg_name_scope *s, lg_location where, const char *name,
                            const lg_type *type);
// Puts the states of training itself behind all others.
void lg_training_states_last(lg_module *module);

// Appends an op; NULL when an operand is NULL or after a report.
lg_value *lg_append(lg_name_scope *s, lg_location where, lg_opcode code, int operand_count,
                    lg_value *const *operands, int attr_count, const lg_attr *attrs,
                    const lg_type *declared);
// lg_binary of two tensors, and of a tensor and a number.
lg_value *lg_combine(lg_name_scope *s, lg_location where, lg_opcode code, lg_value *a, lg_value *b);
lg_value *lg_combine_number(lg_name_scope *s, lg_location where, lg_opcode code, lg_value *a,
                            double b);
// Repeats axes of `x` (aligned at the end) to the shape of `type`, which it fits.
lg_value *lg_expand(lg_name_scope *s, lg_location where, lg_value *x, const lg_type *type);

// A result of the function; `what` asks for it.
void lg_return(lg_name_scope *s, lg_location where, const char *what, const char *name,
               lg_value *value);

// False after a report when the numbers of an optimizer are out of range.
bool lg_check_optimizer(lg_site site, const lg_optimizer *optimizer);

// After the builder: results, gradients, optimizer and writes of a training function. `where` is
// the place of faults that no line of the builder has.
void lg_finish_training(lg_name_scope *root, lg_location where);

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
