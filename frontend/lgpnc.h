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
// The builder runs once for every function that is wanted of the model: @infer, and for training
// @loss_and_grad and @train_step, where layers take their training form (batch statistics, dropout)
// and the builder adds inputs and losses `if (is_training(s))`. Gradients and the optimizer come by
// themselves: docs/training.md, "What a step computes".
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
#include <unistd.h>

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

// A tensor or a number, which takes the type of the tensor beside it.
typedef struct lg_operand {
    lg_value *value;
    bool is_number;
    double number;
} lg_operand;

lg_operand lg_operand_value(lg_value *value);
lg_operand lg_operand_number(double number);
#define LG_OPERAND(x) _Generic((x), lg_value *: lg_operand_value, default: lg_operand_number)(x)

// ---- scopes and models (scope.c, symbols.c, model.c)

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
    const char *choices; // "18|50": nothing else is allowed; NULL: anything in the range. Of words,
                         // "none|batch", the number is that of the word, from 0
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

// The functions that a module may get; or-ed to a mask. Training ones compute f32[] losses:
//   @infer(inputs) -> (outputs)
//   @loss_and_grad(inputs) -> (loss, loss_NAME..., grad.PARAMETER...)
//   @train_step(inputs, learning_rate: f32[]) -> (loss, loss_NAME...)
// with one loss_NAME a call of loss() and one grad.PARAMETER a parameter that is not dead, in the
// checkpoint's order. Only @train_step writes: parameters, running statistics, the optimizer's
// states, the counter of random numbers; nothing at all when the loss is not finite.
typedef enum lg_model_function {
    LG_MODEL_INFER = 1,
    LG_MODEL_LOSS_AND_GRAD = 2,
    LG_MODEL_TRAIN_STEP = 4
} lg_model_function;

// The function of that name, "train_step" say; 0: there is none.
unsigned lg_model_function_named(const char *name);

typedef enum lg_optimizer_kind { LG_ADAM, LG_SGD } lg_optimizer_kind;

// Weight decay is added to the gradient, as PyTorch's Adam and SGD do.
typedef struct lg_optimizer {
    lg_optimizer_kind kind;
    double beta1, beta2, eps; // of Adam
    double momentum;          // of SGD
    double weight_decay;
} lg_optimizer;

typedef struct lg_training {
    lg_optimizer optimizer;
    bool no_dropout; // dropout() is the identity
} lg_training;

// Adam with what LGPN was trained with: 0.9, 0.999, 1e-8, weight decay 1e-6; dropout on.
#define LG_TRAINING_DEFAULTS                                                                       \
    ((lg_training){                                                                                \
        .optimizer = {                                                                             \
            .kind = LG_ADAM, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 1e-6}})

// Runs the builder on a new module, once for each of `functions` (a mask). `options` is
// "image=128,width=32" or NULL, `spec` what the user called all of it, for messages (it must
// outlive `diag`), `training` may be NULL: the defaults. NULL after reporting every fault of the
// options, or else of the builder, such as a training function of a model that calls no loss().
// Free it with lg_module_free.
lg_module *lg_model_instantiate(const lg_model_info *info, const char *options, const char *spec,
                                unsigned functions, const lg_training *training, lg_diag *diag);

// The same for "name" or "name:options" of one of `count` models.
lg_module *lg_model_from_spec(int count, const lg_model_info *models, const char *spec,
                              unsigned functions, const lg_training *training, lg_diag *diag);

// ---- training (training.c)

// Whether this run of the builder makes @loss_and_grad or @train_step.
bool lg_is_training(const lg_name_scope *s);

// Adds `value`, f32[], to what is minimised: the total is the sum of the parts in the order of the
// calls. Outside training it does nothing, as output() does nothing inside.
void lg_loss(lg_name_scope *s, lg_location where, const char *name, lg_value *value);

// The same of a part that moves only the parameters whose names begin with `group` within the
// scope: of two networks that work against each other each has its losses, and both move in one
// step from where they stood before it. A parameter follows the sum of the parts that are its own,
// in the order of the calls; of "" are all. One that has none is left alone. The total, which must
// be finite, is the sum of all.
void lg_loss_of(lg_name_scope *s, lg_location where, const char *group, const char *name,
                lg_value *value);

// The derivative of `loss`, f32[], by `x`, a float value that it was computed from; of x's type.
lg_value *lg_gradient(lg_name_scope *s, lg_location where, lg_value *loss, lg_value *x);

// `symbol`, a parameter or state, has `value` from the end of the step on; at most once a function.
// Only @train_step writes; elsewhere it does nothing.
void lg_write(lg_name_scope *s, lg_location where, lg_value *symbol, lg_value *value);

// The input learning_rate, f32[], of @train_step; NULL elsewhere.
lg_value *lg_learning_rate(lg_name_scope *s);

// ---- losses (losses.c). Those of two tensors are elementwise and broadcast; what a step minimises
// is a mean of them: mean_all(s, l1(s, x, target)).

// The mean of all elements, and the mean of those where `mask` (bool, broadcast) holds, which is 0
// where it holds nowhere: f32[].
lg_value *lg_mean_all(lg_name_scope *s, lg_location where, lg_value *x);
lg_value *lg_masked_mean(lg_name_scope *s, lg_location where, lg_value *x, lg_value *mask);

// log(e^x / sum e^x) along `axis`, without overflow.
lg_value *lg_log_softmax(lg_name_scope *s, lg_location where, lg_value *x, int axis);
// Logits [...,c] and i32 labels [...] in 0..c-1 to [...]: -log_softmax(logits)[label].
lg_value *lg_cross_entropy(lg_name_scope *s, lg_location where, lg_value *logits, lg_value *labels);
// Logits and targets in 0..1: -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)), without overflow.
lg_value *lg_binary_cross_entropy(lg_name_scope *s, lg_location where, lg_value *logits,
                                  lg_operand targets);
lg_value *lg_mse(lg_name_scope *s, lg_location where, lg_value *x, lg_operand target);
lg_value *lg_l1(lg_name_scope *s, lg_location where, lg_value *x, lg_operand target);
// d^2/2 below `delta`, delta (|d| - delta/2) above, with d = x - target.
lg_value *lg_huber(lg_name_scope *s, lg_location where, lg_value *x, lg_operand target,
                   double delta);
// max(0, 1 - x target) for targets of -1 and 1.
lg_value *lg_hinge(lg_name_scope *s, lg_location where, lg_value *x, lg_operand target);

// ---- random numbers (random.c)

// Uniform in [0,1), f32, in multiples of 2^-24. Element i of the n-th call in the function is a
// hash of i, n and the states random.seed and random.counter; @train_step counts the latter up, so
// that a step is repeated by its counter, and @loss_and_grad draws what the next step will.
lg_value *lg_uniform(lg_name_scope *s, lg_location where, lg_shape shape);
// Normal with mean 0 and deviation 1, f32; at most 5.8 from 0. Counts as two calls.
lg_value *lg_normal(lg_name_scope *s, lg_location where, lg_shape shape);
// In training x / (1 - rate) with probability 1 - rate, else 0; `rate` is in 0 .. below 1.
lg_value *lg_dropout(lg_name_scope *s, lg_location where, lg_value *x, double rate);

// ---- optimizers (optimizer.c)

// One step of `parameter` against `gradient` with `learning_rate`, f32[]: writes the parameter and
// the states optimizer.*, in @train_step only. That function does it by itself, with the optimizer
// that lg_model_instantiate was given, for every parameter that the model has not written: a model
// calls this one to treat some of them otherwise.
void lg_optimizer_step(lg_name_scope *s, lg_location where, const lg_optimizer *optimizer,
                       lg_value *parameter, lg_value *gradient, lg_value *learning_rate);

// What parameters are moved by that the model does not treat itself, instead of what
// lg_model_instantiate was given.
void lg_use_optimizer(lg_name_scope *s, lg_location where, const lg_optimizer *optimizer);

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
    lg_value *mask; // what the weight is multiplied with where it is used; NULL: nothing
} lg_conv2d_options;

// NAME.weight [filters, c/groups, kernel, kernel] and NAME.bias [filters], which starts uniform in
// +-1/sqrt(fan in). Result [n, oh, ow, filters], oh = (h + 2 pad - dilation (kernel-1) - 1) /
// stride + 1.
lg_value *lg_conv2d(lg_name_scope *s, lg_location where, const char *name,
                    lg_conv2d_options options);

typedef struct lg_conv2d_transpose_options {
    lg_value *x;            // image [n,h,w,c]
    int64_t filters;        // channels of the result; needed
    int64_t kernel, stride; // 1
    int64_t pad;            // rows and columns cut off on every side, 0
    int64_t output_pad;     // more of them below and on the right, 0; below the stride
    bool bias;
} lg_conv2d_transpose_options;

// PyTorch's ConvTranspose2d: the adjoint of a convolution from the result to x. NAME.weight
// [c, filters, kernel, kernel], which starts normal (He, over what an output is made of), and
// NAME.bias [filters]. Result [n, oh, ow, filters], oh = (h - 1) stride - 2 pad + kernel +
// output_pad.
lg_value *lg_conv2d_transpose(lg_name_scope *s, lg_location where, const char *name,
                              lg_conv2d_transpose_options options);

typedef struct lg_norm_options {
    lg_value *x;    // image f32 [n,h,w,c]
    int64_t groups; // of group_norm: that the channels fall into; needed
    double eps;     // 1e-5
} lg_norm_options;

// (x - mean) / sqrt(var + eps) * weight + bias, mean and variance being those of every image by
// itself: of each channel, and of each group of channels (group_norm.c). NAME.weight and NAME.bias
// [c]; the composites "instance_norm" and "group_norm".
lg_value *lg_instance_norm(lg_name_scope *s, lg_location where, const char *name,
                           lg_norm_options options);
lg_value *lg_group_norm(lg_name_scope *s, lg_location where, const char *name,
                        lg_norm_options options);

typedef struct lg_batch_norm_options {
    lg_value *x;     // [..., c]
    double eps;      // 1e-5
    double momentum; // 0.1: the weight of this batch in the running statistics
} lg_batch_norm_options;

// (x - mean) / sqrt(var + eps) * weight + bias over the last axis (batch_norm.c). In inference mean
// and variance are the running ones: the composite "batch_norm". In training they are the batch's
// (the variance over n), and the step writes running_mean, running_var (the batch's over n - 1) and
// num_batches_tracked + 1. NAME.weight, bias, running_mean, running_var [c], and the i64
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

// Image [n,h,w,c] to [n, factor h, factor w, c]: every pixel repeated; the composite
// "upsample_nearest".
lg_value *lg_upsample_nearest(lg_name_scope *s, lg_location where, lg_value *x, int64_t factor);

// Nonlinearities that are composites of their names (activations.c): max(x, slope x) with a slope
// in 0 .. below 1; x where it is positive, else e^x - 1; x sigmoid(x).
lg_value *lg_leaky_relu(lg_name_scope *s, lg_location where, lg_value *x, double slope);
lg_value *lg_elu(lg_name_scope *s, lg_location where, lg_value *x);
lg_value *lg_silu(lg_name_scope *s, lg_location where, lg_value *x);

// ---- ops (elementwise.c, movement.c). Axes count from 0; negative ones from the end.

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
// The elements one by one in row-major order, as many as the shape has.
lg_value *lg_table(lg_name_scope *s, lg_location where, lg_dtype dtype, lg_shape shape, int count,
                   const double *values);
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
// The i32 index of the first maximum along `axis`, which stays with size 1.
lg_value *lg_argmax(lg_name_scope *s, lg_location where, lg_value *x, int axis);
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
#define conv2d_transpose(s, name, ...)                                                             \
    lg_conv2d_transpose(s, LG_HERE, name, (lg_conv2d_transpose_options){.x = __VA_ARGS__})
#define instance_norm(s, name, ...)                                                                \
    lg_instance_norm(s, LG_HERE, name, (lg_norm_options){.x = __VA_ARGS__})
#define group_norm(s, name, ...)                                                                   \
    lg_group_norm(s, LG_HERE, name, (lg_norm_options){.x = __VA_ARGS__})
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

#define upsample_nearest(s, x, factor) lg_upsample_nearest(s, LG_HERE, x, factor)
#define leaky_relu(s, x, slope) lg_leaky_relu(s, LG_HERE, x, slope)
#define elu(s, x) lg_elu(s, LG_HERE, x)
#define silu(s, x) lg_silu(s, LG_HERE, x)

#define is_training(s) lg_is_training(s)
#define loss(s, name, value) lg_loss(s, LG_HERE, name, value)
#define loss_of(s, group, name, value) lg_loss_of(s, LG_HERE, group, name, value)
#define gradient(s, loss, x) lg_gradient(s, LG_HERE, loss, x)
#define write(s, symbol, value) lg_write(s, LG_HERE, symbol, value)
#define mean_all(s, x) lg_mean_all(s, LG_HERE, x)
#define masked_mean(s, x, mask) lg_masked_mean(s, LG_HERE, x, mask)
#define log_softmax(s, x, axis) lg_log_softmax(s, LG_HERE, x, axis)
#define cross_entropy(s, logits, labels) lg_cross_entropy(s, LG_HERE, logits, labels)
#define binary_cross_entropy(s, logits, targets)                                                   \
    lg_binary_cross_entropy(s, LG_HERE, logits, LG_OPERAND(targets))
#define mse(s, x, target) lg_mse(s, LG_HERE, x, LG_OPERAND(target))
#define l1(s, x, target) lg_l1(s, LG_HERE, x, LG_OPERAND(target))
#define huber(s, x, target, delta) lg_huber(s, LG_HERE, x, LG_OPERAND(target), delta)
#define hinge(s, x, target) lg_hinge(s, LG_HERE, x, LG_OPERAND(target))
#define uniform(s, ...) lg_uniform(s, LG_HERE, LG_SHAPE(__VA_ARGS__))
#define normal(s, ...) lg_normal(s, LG_HERE, LG_SHAPE(__VA_ARGS__))
#define dropout(s, x, rate) lg_dropout(s, LG_HERE, x, rate)
#define learning_rate(s) lg_learning_rate(s)
#define use_optimizer(s, ...) lg_use_optimizer(s, LG_HERE, &(const lg_optimizer){__VA_ARGS__})
#define optimizer_step(s, optimizer, parameter, gradient, learning_rate)                           \
    lg_optimizer_step(s, LG_HERE, optimizer, parameter, gradient, learning_rate)

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
#define less(s, a, b) lg_binary(s, LG_HERE, LG_OP_lt, LG_OPERAND(a), LG_OPERAND(b))
#define equal(s, a, b) lg_binary(s, LG_HERE, LG_OP_eq, LG_OPERAND(a), LG_OPERAND(b))
#define logical_and(s, a, b) lg_binary(s, LG_HERE, LG_OP_and, LG_OPERAND(a), LG_OPERAND(b))
#define where(s, condition, a, b) lg_where(s, LG_HERE, condition, LG_OPERAND(a), LG_OPERAND(b))

#define constant(s, dtype, shape, value) lg_constant(s, LG_HERE, dtype, shape, value)
#define table(s, dtype, shape, ...)                                                                \
    lg_table(s, LG_HERE, dtype, shape, LG_COUNT(double, __VA_ARGS__), (const double[]){__VA_ARGS__})
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
#define argmax(s, x, axis) lg_argmax(s, LG_HERE, x, axis)
#define sum(s, x, ...) lg_sum(s, LG_HERE, x, LG_INTS(__VA_ARGS__))
#define mean(s, x, ...) lg_mean(s, LG_HERE, x, LG_INTS(__VA_ARGS__))
#define matmul(s, a, ...) lg_matmul(s, LG_HERE, a, (lg_matmul_options){.b = __VA_ARGS__})

#endif
#endif
