// A loss that is not finite. The step changed nothing, so the same batch is run once more, now with
// somebody who looks at what every launch writes; the first that writes a NaN or an infinity is the
// op to look at.
//
// A gradient that is not finite, of a loss that is: the step has been taken, and the parameters are
// lost. It ends before they reach a checkpoint.
#include "runtime/trainer_internal.h"

#include "runtime/atomic_file.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILES_IN_A_MESSAGE = 8 };

typedef struct fault {
    const char *op;    // NULL: cannot be told
    const char *param; // NULL: the step changed nothing
} fault;

// NULL: cannot be told.
static const char *find_op(trainer *t, const lg_batch *batch)
{
    const lg_inspection *inspection = &t->o->inspection;
    if (!inspection->parallel)
        return NULL;
    if (!t->o->inspect_all) {
        lg_train_step again = t->step; // the losses stay those of the first time
        inspection->clear(inspection->context);
        if (!lg_train_step_run(&again, batch, t->o->dataset->graph, (float)t->state->rate.rate,
                               inspection->parallel, NULL))
            return NULL;
    }
    return inspection->finding(inspection->context);
}

static void print_head(FILE *out, const trainer *t, const lg_batch *batch, const fault *f)
{
    fprintf(out, "%s is not finite in step %lld (epoch %lld, batch %lld, learning rate %g):",
            f->param                            ? "a gradient"
            : lg_train_step_is_finite(&t->step) ? "a value"
                                                : "a loss",
            (long long)t->state->steps + 1, (long long)batch->epoch + 1, (long long)batch->index,
            t->state->rate.rate);
    for (int i = 0; i < t->step.loss_count; i++)
        fprintf(out, " %s %g", t->step.loss_names[i], (double)t->step.losses[i]);
    if (f->op || !f->param)
        fprintf(out, "\n  first written by: %s", f->op ? f->op : "not to be told for this model");
    if (f->param)
        fprintf(out, "\n  parameter that it spoiled: %s", f->param);
}

static void print_what_is_left(FILE *out, const trainer *t, const fault *f)
{
    if (f->param)
        fprintf(out,
                "\n  last.safetensors is from step %lld, before it; --debug with it as --weights "
                "looks into every kernel",
                (long long)t->saved_steps);
    else
        fputs("\n  parameters and checkpoints are as they were before it", out);
    fputs("; the batch:", out);
}

static void print_files(FILE *out, const trainer *t, const lg_batch *batch, int most)
{
    for (int i = 0; i < batch->count && i < most; i++)
        fprintf(out, "\n  %s", t->o->dataset->samples[batch->samples[i]].path);
}

// All files of the batch go to fault.txt; false when that cannot be written.
static bool write_report(const trainer *t, const lg_batch *batch, const fault *f, char **path)
{
    char *text = NULL;
    size_t size = 0;
    if (asprintf(path, "%s/fault.txt", t->o->folder) < 0) {
        *path = NULL;
        return false;
    }
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return false;
    print_head(out, t, batch, f);
    fputs("\nThe batch:", out);
    print_files(out, t, batch, batch->count);
    fputc('\n', out);
    bool good = fclose(out) == 0 && lg_atomic_write_file(*path, 0666, text, size, NULL);
    free(text);
    return good;
}

bool trainer_explain(trainer *t, const lg_batch *batch, const char *param, lg_error *e)
{
    char *path = NULL, *text = NULL;
    size_t size = 0;
    fault f = {.op = param && !t->o->inspect_all ? NULL : find_op(t, batch), .param = param};
    bool written = write_report(t, batch, &f, &path);
    FILE *out = open_memstream(&text, &size);
    if (out) {
        print_head(out, t, batch, &f);
        print_what_is_left(out, t, &f);
        print_files(out, t, batch, FILES_IN_A_MESSAGE);
        if (batch->count > FILES_IN_A_MESSAGE)
            fprintf(out, "\n  and %d more%s%s", batch->count - FILES_IN_A_MESSAGE,
                    written ? ": " : "", written ? path : "");
        fclose(out);
    }
    lg_fail(e, "%s", text ? text : "a loss is not finite");
    free(text);
    free(path);
    return false;
}
