// The C DSL: a model is a C function that calls layers. This is the one header that a model needs,
// one of ours or a user's own:
//
//     static void build(lg_name_scope *s)
//     {
//         lg_value *x = input(s, "image", LG_F32, 1, 32, 32, 3);
//         x = relu(s, batch_norm(s, "bn1", conv2d(s, "conv1", x, .filters = 16, .kernel = 3)));
//         output(s, "logits", linear(s, "fc", global_average_pool(s, x), 10));
//     }
//     LG_MODEL("tiny", build, "two layers", {.name = "image", ...});
//
// Layers append ops to the function of their scope and give back the value they made. Options of a
// layer are designated initialisers; one that is absent is 0 and means its default. Images are
// [batch, height, width, channels]; filters and weights have PyTorch's shapes and names.
//
// Faults: what is wrong with a call (a shape, an option, a name taken twice) is reported at the C
// file and line of the call, and the call returns NULL. A layer that is fed NULL returns NULL and
// says nothing, so a builder never checks anything and all independent faults are told in one go.
//
// Functions are lg_*; the short names are macros that add the place of the call. A file that
// wants only the functions defines LG_NO_SHORT_NAMES before the include.
#ifndef LG_FRONTEND_LGPNC_H
#define LG_FRONTEND_LGPNC_H

// Before the short names: these declare functions of the same names (exp, div, ...).
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir/graph.h"

// A position in the tree of names ("GTC.layer1.0") and the function being built. Scopes live as
// long as the module; nothing has to be closed.
typedef struct lg_name_scope lg_name_scope;

#define LG_HERE ((lg_location){__FILE__, __LINE__, 0})

typedef struct lg_shape {
    int rank;
    const int64_t *dims;
} lg_shape;

#define LG_COUNT(type, ...) ((int)(sizeof((type[]){__VA_ARGS__}) / sizeof(type)))
#define LG_INTS(...)                                                                               \
    LG_COUNT(int64_t, __VA_ARGS__), (const int64_t[])                                              \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define LG_SHAPE(...) ((lg_shape){LG_INTS(__VA_ARGS__)})
#define LG_SCALAR_SHAPE ((lg_shape){0, NULL})

// ---- scopes and models (scope.c, model.c)

// The scope whose names begin with those of `s` and `format`: scope(s, "layer%d", 1).
lg_name_scope *lg_scope_inside(lg_name_scope *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// An argument of the function; every size is at least 1.
lg_value *lg_input(lg_name_scope *s, lg_location where, const char *name, lg_dtype dtype,
                   lg_shape shape);
// A result of the function, in the order of the calls.
void lg_output(lg_name_scope *s, lg_location where, const char *name, lg_value *value);

// A trained tensor of the checkpoint. `bound`: see lg_init_kind.
lg_value *lg_parameter(lg_name_scope *s, lg_location where, const char *name, lg_dtype dtype,
                       lg_shape shape, lg_init_kind init, double bound);
// A tensor of the checkpoint that is not trained but written by a training step.
lg_value *lg_state(lg_name_scope *s, lg_location where, const char *name, lg_dtype dtype,
                   lg_shape shape, lg_init_kind init, double bound);
// Puts the tensors made so far in the order of a checkpoint: those of the children `names` of the
// scope first, in this order, then its others as they were made.
void lg_order_symbols(lg_name_scope *s, lg_location where, int count, const char *const *names);

// The value of an option of the model that is one number; of one that is several (3-4-6-3), the
// number at `index`, from 0.
int64_t lg_option(lg_name_scope *s, lg_location where, const char *name, int index);

enum { LG_MAX_OPTIONS = 16, LG_MAX_OPTION_NUMBERS = 8 };

typedef struct lg_model_option {
    const char *name, *initial; // `initial` as one would write it: "256", "3-4-6-3"
    int64_t min, max;           // of every number
    int64_t multiple;           // that every number must be of; 0: any number
    int count;                  // of numbers, joined by '-'; 0 means 1
    const char *choices;        // "18|50": nothing else is allowed; NULL: anything in the range
    const char *help;
} lg_model_option;

typedef struct lg_model_info {
    size_t bytes; // sizeof(lg_model_info): tells when a model was built for another version
    const char *name, *summary;
    void (*build)(lg_name_scope *s);
    lg_model_option options[LG_MAX_OPTIONS]; // up to the first that has no name
} lg_model_info;

#define LG_MODEL_INFO(name_, build_, summary_, ...)                                                \
    {                                                                                              \
        .bytes = sizeof(lg_model_info), .name = name_, .summary = summary_, .build = build_,       \
        .options = {                                                                               \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

// What a user's own C file exports.
#define LG_MODEL_SYMBOL "lgpnc_model"
#define LG_MODEL(name_, build_, summary_, ...)                                                     \
    extern const lg_model_info lgpnc_model;                                                        \
    const lg_model_info lgpnc_model = LG_MODEL_INFO(name_, build_, summary_, __VA_ARGS__)

// Runs the builder on a new module with the function @infer. `options` is "image=128,width=32" or
// NULL, `spec` what the user called all of it, for messages (it must outlive `diag`). NULL after
// reporting every fault of the options, or else of the builder. Free it with lg_module_free.
lg_module *lg_model_instantiate(const lg_model_info *info, const char *options, const char *spec,
                                lg_diag *diag);

// The same for "name" or "name:options" of one of `count` models.
lg_module *lg_model_from_spec(int count, const lg_model_info *models, const char *spec,
                              lg_diag *diag);

// ---- layers with parameters (layers.c)

// How a filter is filled at the start: He's normal distribution over what an output reaches
// (deviation sqrt(2 / (filters * kernel^2))) or over what it is made of (channels / groups).
typedef enum lg_he_init { LG_HE_FAN_OUT, LG_HE_FAN_IN } lg_he_init;

enum { LG_NO_PAD = -1 };

typedef struct lg_conv2d_options {
    lg_value *x;      // image [n,h,w,c]
    int64_t filters;  // channels of the result; needed
    int64_t kernel;   // height and width of the window, 1
    int64_t stride;   // 1
    int64_t dilation; // 1
    int64_t pad;      // zeros on every side; dilation * (kernel / 2); LG_NO_PAD: none
    int64_t groups;   // 1
    bool bias;
    lg_he_init init;
} lg_conv2d_options;

// NAME.weight [filters, c/groups, kernel, kernel] and NAME.bias [filters], which starts uniform in
// +-1/sqrt(fan in). Result [n, oh, ow, filters], oh = (h + 2 pad - dilation (kernel-1) - 1) /
// stride + 1.
lg_value *lg_conv2d(lg_name_scope *s, lg_location where, const char *name,
                    lg_conv2d_options options);

typedef struct lg_batch_norm_options {
    lg_value *x; // [..., c]
    double eps;  // 1e-5
} lg_batch_norm_options;

// Inference: (x - running_mean) / sqrt(running_var + eps) * weight + bias, over the last axis; the
// composite "batch_norm". NAME.weight, bias, running_mean, running_var [c], and the i64
// num_batches_tracked, which inference does not read.
lg_value *lg_batch_norm(lg_name_scope *s, lg_location where, const char *name,
                        lg_batch_norm_options options);

// x [..., in] times NAME.weight [features, in] transposed, plus NAME.bias: [..., features]. Both
// start uniform in +-1/sqrt(in).
lg_value *lg_linear(lg_name_scope *s, lg_location where, const char *name, lg_value *x,
                    int64_t features);
// The same in two halves, for weights that are used more than once.
typedef struct lg_linear_weights {
    lg_value *weight, *bias; // NULL both after a fault
} lg_linear_weights;
lg_linear_weights lg_linear_declare(lg_name_scope *s, lg_location where, const char *name,
                                    int64_t in, int64_t features);
lg_value *lg_linear_apply(lg_name_scope *s, lg_location where, lg_value *x,
                          lg_linear_weights weights);

// Tensors of a layer that stands in the checkpoint but that nothing reads. `channels` go in.
void lg_dead_conv2d(lg_name_scope *s, lg_location where, const char *name, int64_t channels,
                    lg_conv2d_options options);
void lg_dead_batch_norm(lg_name_scope *s, lg_location where, const char *name, int64_t channels);
void lg_dead_linear(lg_name_scope *s, lg_location where, const char *name, int64_t in,
                    int64_t features);

// ---- layers without parameters (functional.c)

// e^x / sum e^x along `axis`, with the maximum subtracted first; the composite "softmax".
lg_value *lg_softmax(lg_name_scope *s, lg_location where, lg_value *x, int axis);
// x / max(|x|, 1e-12), the norm taken along `axis`; the composite "l2_normalize".
lg_value *lg_l2_normalize(lg_name_scope *s, lg_location where, lg_value *x, int axis);

typedef struct lg_pool_options {
    lg_value *x;    // image [n,h,w,c]
    int64_t kernel; // needed
    int64_t stride; // kernel
    int64_t pad;    // 0, at most half the kernel
} lg_pool_options;

// The maximum and the mean of every window; the border counts as -infinity and as 0.
lg_value *lg_max_pool(lg_name_scope *s, lg_location where, lg_pool_options options);
lg_value *lg_avg_pool(lg_name_scope *s, lg_location where, lg_pool_options options);
// [n,h,w,c] to [n,c].
lg_value *lg_global_average_pool(lg_name_scope *s, lg_location where, lg_value *x);

// Image [n,h,w,c] to [n,height,width,c], bilinear, corners not aligned (PyTorch's
// align_corners=False, no antialiasing); the composite "resize_bilinear".
lg_value *lg_resize_bilinear(lg_name_scope *s, lg_location where, lg_value *x, int64_t height,
                             int64_t width);

// ---- ops (elementwise.c, movement.c). Axes count from 0; negative ones from the end.

// A tensor or a number, which takes the type of the tensor beside it.
typedef struct lg_operand {
    lg_value *value;
    bool is_number;
    double number;
} lg_operand;

lg_operand lg_operand_value(lg_value *value);
lg_operand lg_operand_number(double number);
#define LG_OPERAND(x) _Generic((x), lg_value *: lg_operand_value, default: lg_operand_number)(x)

// Any elementwise op of ir/ops.def. The operands are broadcast as in NumPy: shapes are aligned at
// the end, axes of size 1 are repeated. Element types must agree.
lg_value *lg_unary(lg_name_scope *s, lg_location where, lg_opcode code, lg_value *a);
lg_value *lg_binary(lg_name_scope *s, lg_location where, lg_opcode code, lg_operand a,
                    lg_operand b);
// a where `condition` (bool), else b. Two numbers make an f32.
lg_value *lg_where(lg_name_scope *s, lg_location where, lg_value *condition, lg_operand a,
                   lg_operand b);

lg_value *lg_constant(lg_name_scope *s, lg_location where, lg_dtype dtype, lg_shape shape,
                      double value);
lg_value *lg_iota(lg_name_scope *s, lg_location where, lg_dtype dtype, lg_shape shape, int axis);
lg_value *lg_cast(lg_name_scope *s, lg_location where, lg_value *x, lg_dtype dtype);
// One size may be -1: what is left.
lg_value *lg_reshape(lg_name_scope *s, lg_location where, lg_value *x, int rank,
                     const int64_t *dims);
lg_value *lg_transpose(lg_name_scope *s, lg_location where, lg_value *x, int rank,
                       const int64_t *perm);
lg_value *lg_broadcast(lg_name_scope *s, lg_location where, lg_value *x, int rank,
                       const int64_t *dims);
// Elements first .. limit-1 along one axis.
lg_value *lg_slice(lg_name_scope *s, lg_location where, lg_value *x, int axis, int64_t first,
                   int64_t limit);
lg_value *lg_pad(lg_name_scope *s, lg_location where, lg_value *x, int axis, int64_t low,
                 int64_t high, double value);
// One behind another along an axis that is there, or along a new one.
lg_value *lg_concat(lg_name_scope *s, lg_location where, int axis, int count,
                    lg_value *const *values);
lg_value *lg_stack(lg_name_scope *s, lg_location where, int axis, int count,
                   lg_value *const *values);
// Element i along `axis` is element indices[i] of x.
lg_value *lg_gather(lg_name_scope *s, lg_location where, lg_value *x, int axis, lg_value *indices);

// Sum or maximum (LG_OP_reduce_sum, LG_OP_reduce_max) over axes, which stay with size 1.
lg_value *lg_reduce(lg_name_scope *s, lg_location where, lg_opcode code, lg_value *x, int count,
                    const int64_t *axes);
// The axes go away.
lg_value *lg_sum(lg_name_scope *s, lg_location where, lg_value *x, int count, const int64_t *axes);
lg_value *lg_mean(lg_name_scope *s, lg_location where, lg_value *x, int count, const int64_t *axes);

typedef struct lg_matmul_options {
    lg_value *b;
    bool ta, tb; // that operand is stored transposed
} lg_matmul_options;

// [...,m,k] times [...,k,n]; leading axes are broadcast.
lg_value *lg_matmul(lg_name_scope *s, lg_location where, lg_value *a, lg_matmul_options options);

#ifndef LG_NO_SHORT_NAMES

#define scope(s, ...) lg_scope_inside(s, __VA_ARGS__)
#define input(s, name, dtype, ...) lg_input(s, LG_HERE, name, dtype, LG_SHAPE(__VA_ARGS__))
#define output(s, name, value) lg_output(s, LG_HERE, name, value)
#define parameter(s, name, dtype, shape, init, bound)                                              \
    lg_parameter(s, LG_HERE, name, dtype, shape, init, bound)
#define state(s, name, dtype, shape, init, bound)                                                  \
    lg_state(s, LG_HERE, name, dtype, shape, init, bound)
#define order_symbols(s, ...)                                                                      \
    lg_order_symbols(s, LG_HERE, LG_COUNT(const char *, __VA_ARGS__), (const char *[]){__VA_ARGS__})
#define option(s, name) lg_option(s, LG_HERE, name, 0)
#define option_at(s, name, index) lg_option(s, LG_HERE, name, index)

#define conv2d(s, name, ...) lg_conv2d(s, LG_HERE, name, (lg_conv2d_options){.x = __VA_ARGS__})
#define batch_norm(s, name, ...)                                                                   \
    lg_batch_norm(s, LG_HERE, name, (lg_batch_norm_options){.x = __VA_ARGS__})
#define linear(s, name, x, features) lg_linear(s, LG_HERE, name, x, features)
#define linear_declare(s, name, in, features) lg_linear_declare(s, LG_HERE, name, in, features)
#define linear_apply(s, x, weights) lg_linear_apply(s, LG_HERE, x, weights)
#define dead_conv2d(s, name, channels, ...)                                                        \
    lg_dead_conv2d(s, LG_HERE, name, channels, (lg_conv2d_options){__VA_ARGS__})
#define dead_batch_norm(s, name, channels) lg_dead_batch_norm(s, LG_HERE, name, channels)
#define dead_linear(s, name, in, features) lg_dead_linear(s, LG_HERE, name, in, features)

#define softmax(s, x, axis) lg_softmax(s, LG_HERE, x, axis)
#define l2_normalize(s, x, axis) lg_l2_normalize(s, LG_HERE, x, axis)
#define max_pool(s, ...) lg_max_pool(s, LG_HERE, (lg_pool_options){.x = __VA_ARGS__})
#define avg_pool(s, ...) lg_avg_pool(s, LG_HERE, (lg_pool_options){.x = __VA_ARGS__})
#define global_average_pool(s, x) lg_global_average_pool(s, LG_HERE, x)
#define resize_bilinear(s, x, height, width) lg_resize_bilinear(s, LG_HERE, x, height, width)

#define relu(s, a) lg_unary(s, LG_HERE, LG_OP_relu, a)
#define sigmoid(s, a) lg_unary(s, LG_HERE, LG_OP_sigmoid, a)
#define tanh(s, a) lg_unary(s, LG_HERE, LG_OP_tanh, a)
#define exp(s, a) lg_unary(s, LG_HERE, LG_OP_exp, a)
#define log(s, a) lg_unary(s, LG_HERE, LG_OP_log, a)
#define sqrt(s, a) lg_unary(s, LG_HERE, LG_OP_sqrt, a)
#define neg(s, a) lg_unary(s, LG_HERE, LG_OP_neg, a)
#define add(s, a, b) lg_binary(s, LG_HERE, LG_OP_add, LG_OPERAND(a), LG_OPERAND(b))
#define sub(s, a, b) lg_binary(s, LG_HERE, LG_OP_sub, LG_OPERAND(a), LG_OPERAND(b))
#define mul(s, a, b) lg_binary(s, LG_HERE, LG_OP_mul, LG_OPERAND(a), LG_OPERAND(b))
#define div(s, a, b) lg_binary(s, LG_HERE, LG_OP_div, LG_OPERAND(a), LG_OPERAND(b))
#define maximum(s, a, b) lg_binary(s, LG_HERE, LG_OP_max, LG_OPERAND(a), LG_OPERAND(b))
#define minimum(s, a, b) lg_binary(s, LG_HERE, LG_OP_min, LG_OPERAND(a), LG_OPERAND(b))
#define greater(s, a, b) lg_binary(s, LG_HERE, LG_OP_gt, LG_OPERAND(a), LG_OPERAND(b))
#define where(s, condition, a, b) lg_where(s, LG_HERE, condition, LG_OPERAND(a), LG_OPERAND(b))

#define constant(s, dtype, shape, value) lg_constant(s, LG_HERE, dtype, shape, value)
#define cast(s, x, dtype) lg_cast(s, LG_HERE, x, dtype)
#define reshape(s, x, ...) lg_reshape(s, LG_HERE, x, LG_INTS(__VA_ARGS__))
#define transpose(s, x, ...) lg_transpose(s, LG_HERE, x, LG_INTS(__VA_ARGS__))
#define broadcast(s, x, ...) lg_broadcast(s, LG_HERE, x, LG_INTS(__VA_ARGS__))
#define slice(s, x, axis, first, limit) lg_slice(s, LG_HERE, x, axis, first, limit)
#define pad(s, x, axis, low, high, value) lg_pad(s, LG_HERE, x, axis, low, high, value)
#define concat(s, axis, ...) lg_concat(s, LG_HERE, axis, LG_OPERANDS(__VA_ARGS__))
#define stack(s, axis, ...) lg_stack(s, LG_HERE, axis, LG_OPERANDS(__VA_ARGS__))
#define stack_array(s, axis, count, values) lg_stack(s, LG_HERE, axis, count, values)
#define gather(s, x, axis, indices) lg_gather(s, LG_HERE, x, axis, indices)
#define reduce_sum(s, x, ...) lg_reduce(s, LG_HERE, LG_OP_reduce_sum, x, LG_INTS(__VA_ARGS__))
#define reduce_max(s, x, ...) lg_reduce(s, LG_HERE, LG_OP_reduce_max, x, LG_INTS(__VA_ARGS__))
#define sum(s, x, ...) lg_sum(s, LG_HERE, x, LG_INTS(__VA_ARGS__))
#define mean(s, x, ...) lg_mean(s, LG_HERE, x, LG_INTS(__VA_ARGS__))
#define matmul(s, a, ...) lg_matmul(s, LG_HERE, a, (lg_matmul_options){.b = __VA_ARGS__})

#endif
#endif
