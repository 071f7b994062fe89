// Begins the kernel of a function, binds its arguments, and lets the first schedule that applies
// fill it.
#include "passes/schedule/schedule.h"

#include "passes/schedule/depth_first.h"
#include "passes/schedule/depthwise.h"
#include "passes/schedule/filter_grad.h"
#include "passes/schedule/split_conv.h"
#include "passes/schedule/sums.h"
#include "passes/schedule/winograd_filter.h"

#include <stdio.h>
#include <string.h>

// The ops of the function in one line, for the comment that opens the kernel.
static char *description(lg_arena *arena, const lg_function *f)
{
    char *text = "";
    LG_FOR_OPS (op, f)
        text = lg_format(arena, "%s%s%s", text, *text ? ", " : "", lg_op_info_of(op->code)->name);
    return text;
}

static double bytes_of(const lg_function *f)
{
    double bytes = 0;
    for (int i = 0; i < f->arguments.count; i++)
        bytes += (double)lg_type_elements(&f->arguments.items[i]->type) *
                 lg_dtype_bytes(f->arguments.items[i]->type.dtype);
    for (int i = 0; i < f->results.count; i++)
        bytes += (double)lg_type_elements(&f->results.items[i]->type) *
                 lg_dtype_bytes(f->results.items[i]->type.dtype);
    return bytes;
}

lg_loop_role lg_schedule_job_role(const lg_schedule *s)
{
    const lg_function *f = s->function;
    double work = lg_function_flops(f);
    for (int i = 0; i < f->results.count; i++)
        work += 4 * (double)lg_type_elements(&f->results.items[i]->type);
    for (int i = 0; i < f->arguments.count; i++)
        work += (double)lg_type_elements(&f->arguments.items[i]->type);
    return work < (double)s->serial_work ? LG_LOOP_SERIAL : LG_LOOP_PARALLEL;
}

void lg_schedule_chose(lg_schedule *s, const char *key, const char *text, bool measured)
{
    s->kernel->key = key;
    s->kernel->choice = text;
    lg_k_comment(&s->k, "%s, %s", text, measured ? "measured" : "by the cost model");
}

static void declare_params(lg_schedule *s)
{
    const lg_function *f = s->function;
    for (int i = 0; i < f->arguments.count; i++) {
        const lg_value *v = f->arguments.items[i];
        lg_tensor_bind(&s->ctx, v, lg_kernel_param_of(s->kernel, v->name, LG_SCOPE_IN, &v->type),
                       0);
    }
    for (int i = 0; i < f->results.count; i++) {
        const lg_value *v = f->results.items[i];
        bool read = s->ctx.uses[v->id] > 0;
        lg_kernel_param_of(s->kernel, f->result_names.items[i],
                           read ? LG_SCOPE_INOUT : LG_SCOPE_OUT, &v->type);
    }
}

lg_kernel *lg_schedule_kernel(lg_program *program, const lg_function *function,
                              const lg_target *target, int64_t serial_work, lg_arena *scratch)
{
    lg_schedule s = {
        .function = function, .target = target, .serial_work = serial_work, .scratch = scratch};
    s.kernel = lg_kernel_new(program, function->name);
    s.kernel->flops = lg_function_flops(function);
    s.kernel->bytes = bytes_of(function);
    lg_k_begin(&s.k, s.kernel);
    lg_tensor_begin(&s.ctx, &s.k, scratch, target, function);
    declare_params(&s);
    lg_k_comment(&s.k, "%s", description(scratch, function));
    if (target->kind == LG_TARGET_CUDA)
        lg_schedule_cuda(&s);
    else if (lg_schedule_depthwise_applies(function, target))
        lg_schedule_depthwise(&s);
    else if (lg_schedule_conv_applies(function, target))
        lg_schedule_conv(&s);
    else if (lg_schedule_split_conv_applies(function, target))
        lg_schedule_split_conv(&s);
    else if (lg_schedule_winograd_applies(function, target))
        lg_schedule_winograd(&s);
    else if (lg_schedule_winograd_filter_applies(function, target))
        lg_schedule_winograd_filter(&s);
    else if (lg_schedule_depth_first_applies(function, target))
        lg_schedule_depth_first(&s);
    else if (lg_schedule_filter_grad_applies(function, target))
        lg_schedule_filter_grad(&s);
    else if (lg_schedule_sums_applies(&s))
        lg_schedule_sums(&s);
    else if (lg_schedule_matmul_applies(function, target))
        lg_schedule_matmul(&s);
    else
        lg_schedule_loops(&s);
    return s.kernel;
}
