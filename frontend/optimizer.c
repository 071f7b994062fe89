// Optimizers as ops: a step reads the parameter, its gradient and the optimizer's states, and
// writes the parameter and the states. Everything is elementwise but for a few scalars, so all of
// it fuses into one pass over the tensors. States start as zeros and are named after their
// parameter: optimizer.step, optimizer.exp_avg.NAME ... as in PyTorch's state of an optimizer.
#include "frontend/scope.h"

// ---- states

static lg_value *moment(lg_name_scope *s, lg_location where, const char *what, lg_value *parameter)
{
    const char *name = lg_format(lg_scope_arena(s), "optimizer.%s.%s", what, parameter->name);
    return lg_training_state(s, where, name, &parameter->type);
}

// Steps taken with this one, f32[]; the state counts all parameters' steps as one.
static lg_value *count_step(lg_name_scope *s, lg_location where)
{
    const lg_type scalar = {.dtype = LG_I64};
    lg_builder_run *run = &s->builder->run;
    if (!run->steps) {
        lg_value *state = lg_training_state(s, where, "optimizer.step", &scalar);
        run->steps = lg_combine_number(s, where, LG_OP_add, state, 1);
        lg_write(s, where, state, run->steps);
    }
    return lg_cast(s, where, run->steps, LG_F32);
}

// ---- Adam

// to = (1 - weight) old + weight new
static lg_value *average(lg_name_scope *s, lg_location where, lg_value *old, double beta,
                         lg_value *new)
{
    lg_value *kept = lg_combine_number(s, where, LG_OP_mul, old, beta);
    lg_value *added = lg_combine_number(s, where, LG_OP_mul, new, 1 - beta);
    return lg_combine(s, where, LG_OP_add, kept, added);
}

// 1 - beta^step = 1 - e^-2y = 2 t / (1 + t), with y = -step log(beta) / 2 and t = tanh y: unlike
// the plain formula it keeps its digits in f32 where beta^step is close to 1.
static lg_value *bias_correction(lg_name_scope *s, lg_location where, lg_value *steps, double beta)
{
    lg_value *y = lg_combine_number(s, where, LG_OP_mul, steps, -0.5 * log(beta));
    lg_value *t = lg_unary(s, where, LG_OP_tanh, y);
    lg_value *twice = lg_combine_number(s, where, LG_OP_mul, t, 2);
    return lg_combine(s, where, LG_OP_div, twice, lg_combine_number(s, where, LG_OP_add, t, 1));
}

// The parameters of a step share these: thousands of equal ops would keep the passes busy.
static lg_adam_scalars adam_scalars(lg_name_scope *s, lg_location where, const lg_optimizer *o,
                                    lg_value *rate)
{
    lg_adam_scalars *last = &s->builder->run.adam;
    if (last->rate == rate && last->beta1 == o->beta1 && last->beta2 == o->beta2)
        return *last;
    lg_value *steps = count_step(s, where);
    lg_value *first = bias_correction(s, where, steps, o->beta1);
    lg_value *second = bias_correction(s, where, steps, o->beta2);
    *last =
        (lg_adam_scalars){rate, o->beta1, o->beta2, lg_combine(s, where, LG_OP_div, rate, first),
                          lg_unary(s, where, LG_OP_rsqrt, second)};
    return *last;
}

// "Adam: A Method for Stochastic Optimization" (Kingma and Ba, 2015), in PyTorch's order:
//   m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2
//   p <- p - rate / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
static void adam(lg_name_scope *s, lg_location where, const lg_optimizer *o, lg_value *parameter,
                 lg_value *gradient, lg_value *rate)
{
    lg_adam_scalars scalars = adam_scalars(s, where, o, rate);
    lg_value *m = moment(s, where, "exp_avg", parameter);
    lg_value *v = moment(s, where, "exp_avg_sq", parameter);
    lg_value *squares = lg_combine(s, where, LG_OP_mul, gradient, gradient);
    lg_value *new_m = average(s, where, m, o->beta1, gradient);
    lg_value *new_v = average(s, where, v, o->beta2, squares);
    lg_value *root =
        lg_combine(s, where, LG_OP_mul, lg_unary(s, where, LG_OP_sqrt, new_v), scalars.inverse);
    lg_value *bound = lg_combine_number(s, where, LG_OP_add, root, o->eps);
    lg_value *step = lg_combine(s, where, LG_OP_mul, scalars.size,
                                lg_combine(s, where, LG_OP_div, new_m, bound));
    lg_write(s, where, m, new_m);
    lg_write(s, where, v, new_v);
    lg_write(s, where, parameter, lg_combine(s, where, LG_OP_sub, parameter, step));
}

// ---- stochastic gradient descent

// b <- momentum b + g,  p <- p - rate b; without momentum b is g and not kept.
static void sgd(lg_name_scope *s, lg_location where, const lg_optimizer *o, lg_value *parameter,
                lg_value *gradient, lg_value *rate)
{
    lg_value *direction = gradient;
    count_step(s, where);
    if (o->momentum > 0) {
        lg_value *buffer = moment(s, where, "momentum_buffer", parameter);
        lg_value *kept = lg_combine_number(s, where, LG_OP_mul, buffer, o->momentum);
        direction = lg_combine(s, where, LG_OP_add, kept, gradient);
        lg_write(s, where, buffer, direction);
    }
    lg_value *step = lg_combine(s, where, LG_OP_mul, rate, direction);
    lg_write(s, where, parameter, lg_combine(s, where, LG_OP_sub, parameter, step));
}

// ---- one for all

static bool in_unit(double value)
{
    return value >= 0 && value < 1;
}

bool lg_check_optimizer(lg_site site, const lg_optimizer *o)
{
    if (!in_unit(o->beta1) || !in_unit(o->beta2) || !in_unit(o->momentum))
        return lg_fault(site, "beta1 %g, beta2 %g and momentum %g are 0 or more and below 1",
                        o->beta1, o->beta2, o->momentum);
    if (!(o->eps >= 0 && o->eps < INFINITY && o->weight_decay >= 0 && o->weight_decay < INFINITY))
        return lg_fault(site, "eps %g and weight decay %g are 0 or more", o->eps, o->weight_decay);
    return true;
}

void lg_optimizer_step(lg_name_scope *s, lg_location where, const lg_optimizer *optimizer,
                       lg_value *parameter, lg_value *gradient, lg_value *learning_rate)
{
    lg_site site = {s, where, "optimizer_step", NULL};
    if (s->builder->run.kind != LG_MODEL_TRAIN_STEP || !parameter || !gradient || !learning_rate ||
        !lg_check_optimizer(site, optimizer))
        return;
    if (parameter->kind != LG_VALUE_SYMBOL || !lg_dtype_is_float(parameter->type.dtype)) {
        lg_fault(site, "takes a parameter of floats, not a computed value");
        return;
    }
    if (!lg_type_equal(&parameter->type, &gradient->type)) {
        lg_fault(site, "the gradient of %s is %s, not %s", parameter->name, lg_show(s, parameter),
                 lg_show(s, gradient));
        return;
    }
    if (optimizer->weight_decay > 0) {
        lg_value *decay =
            lg_combine_number(s, where, LG_OP_mul, parameter, optimizer->weight_decay);
        gradient = lg_combine(s, where, LG_OP_add, gradient, decay);
    }
    if (optimizer->kind == LG_ADAM)
        adam(s, where, optimizer, parameter, gradient, learning_rate);
    else
        sgd(s, where, optimizer, parameter, gradient, learning_rate);
}

void lg_use_optimizer(lg_name_scope *s, lg_location where, const lg_optimizer *optimizer)
{
    if (lg_check_optimizer((lg_site){s, where, "use_optimizer", NULL}, optimizer))
        s->builder->run.optimizer = *optimizer;
}
