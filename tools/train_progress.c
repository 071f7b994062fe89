#include "tools/train_progress.h"

#include "runtime/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const double SECONDS_BETWEEN_BARS = 0.1;

void lg_train_progress_init(lg_train_progress *progress, int64_t display_step)
{
    *progress = (lg_train_progress){.bar = isatty(STDERR_FILENO) == 1,
                                    .lines = isatty(STDOUT_FILENO) != 1,
                                    .every = display_step,
                                    .began = lg_now()};
}

void lg_train_progress_clear(lg_train_progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}

// "1:02:03", "02:03".
static void print_time(FILE *out, double seconds)
{
    long long s = seconds < 1e9 ? (long long)seconds : 0;
    if (s >= 3600)
        fprintf(out, "%lld:", s / 3600);
    fprintf(out, "%02lld:%02lld", s / 60 % 60, s % 60);
}

// "loss 38.2 (ce 37.9, hierarchy 0.3)".
static void print_losses(FILE *out, const lg_train_step *step, const double *values)
{
    fprintf(out, "loss %.4g", values[0]);
    for (int i = 1; i < step->loss_count; i++) {
        const char *name = step->loss_names[i];
        name = strncmp(name, "loss_", 5) == 0 ? name + 5 : name;
        fprintf(out, "%s%s %.4g", i == 1 ? " (" : ", ", name, values[i]);
    }
    if (step->loss_count > 1)
        fputc(')', out);
}

static void print_step(FILE *out, const lg_step_report *r)
{
    double values[LG_MOST_LOSSES] = {0};
    for (int i = 0; i < r->step->loss_count; i++)
        values[i] = (double)r->step->losses[i];
    fprintf(out, "epoch %lld/%lld  batch %lld/%lld  ", (long long)r->state->epoch + 1,
            (long long)r->epochs, (long long)r->state->batch, (long long)r->batches);
    print_losses(out, r->step, values);
}

static double seconds_left(const lg_step_report *r)
{
    double batches =
        (double)(r->epochs - r->state->epoch) * (double)r->batches - (double)r->state->batch;
    return r->rate > 0 ? batches * r->step->batch / r->rate : 0;
}

// As many characters as fit: a line that wraps could not be erased.
static int columns_of_terminal(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1 : 79;
}

static void print_bar(FILE *out, const lg_train_progress *p, const lg_step_report *r)
{
    enum { WIDTH = 12 };
    int filled = (int)(WIDTH * r->state->batch / (r->batches ? r->batches : 1));
    fprintf(out, "[%.*s%*s] ", filled, "############", WIDTH - filled, "");
    fputs("left ", out);
    print_time(out, seconds_left(r));
    fputs("  ", out);
    print_step(out, r);
    fprintf(out, "  %.4g images/s  waited %.1f s", r->rate, p->waited);
}

static void draw_bar(lg_train_progress *p, const lg_step_report *r)
{
    char *text = NULL;
    size_t size = 0;
    double now = lg_now();
    bool last = r->state->batch == r->batches;
    if (now - p->drawn < SECONDS_BETWEEN_BARS && !last)
        return;
    FILE *line = open_memstream(&text, &size);
    if (!line)
        return;
    print_bar(line, p, r);
    if (fclose(line) == 0)
        fprintf(stderr, "\r\033[K%.*s", columns_of_terminal(), text);
    fflush(stderr);
    free(text);
    p->drawn = now;
    p->shown = true;
}

static void on_step(void *context, const lg_step_report *r)
{
    lg_train_progress *p = context;
    p->waited += r->waited;
    if (p->bar)
        draw_bar(p, r);
    if (!p->lines || r->state->steps % p->every != 0)
        return;
    print_step(stdout, r);
    printf("  step %lld  lr %g  %.4g images/s  waited %.2f s\n", (long long)r->state->steps,
           r->state->rate.rate, r->rate, p->waited);
    fflush(stdout);
    p->waited = 0;
}

static void on_epoch(void *context, const lg_step_report *r)
{
    lg_train_progress *p = context;
    double means[LG_MOST_LOSSES] = {0};
    lg_train_progress_clear(p);
    for (int i = 0; i < r->step->loss_count; i++)
        means[i] = r->state->epoch_losses[i] / (double)r->state->epoch_steps;
    printf("epoch %lld/%lld: mean ", (long long)r->state->epoch + 1, (long long)r->epochs);
    print_losses(stdout, r->step, means);
    printf(", lr %g, %.4g images/s, ", r->state->rate.rate, r->rate);
    print_time(stdout, lg_now() - p->began);
    fputs(" since the start\n", stdout);
    fflush(stdout);
}

static void on_validating(void *context, size_t done, size_t total)
{
    lg_train_progress *p = context;
    if (!p->bar)
        return;
    fprintf(stderr, "\r\033[Kvalidating: image %zu of %zu", done, total);
    fflush(stderr);
    p->shown = true;
}

static void on_validated(void *context, const lg_training_state *state,
                         const lg_model_scores *scores, bool best)
{
    lg_train_progress *p = context;
    lg_train_progress_clear(p);
    printf("epoch %lld: validation node loss %.4g%s", (long long)state->epoch,
           scores->parsing.node_loss, best ? " (best so far)" : "");
    for (int g = 0; g < LG_NODE_GROUPS && scores->parsing.images > 0; g++)
        printf("%s %s %.3f", g ? "," : "; F1", lg_node_group_at(g)->name,
               scores->parsing.groups[g].score[LG_F1_MACRO]);
    if (scores->detection.curve)
        printf("; real or fake AUC %.3f", scores->detection.auc);
    putchar('\n');
    fflush(stdout);
}

static void on_note(void *context, const char *text)
{
    lg_train_progress_clear(context);
    fprintf(stderr, "warning: %s\n", text);
}

void lg_train_progress_listen(lg_train_progress *progress, lg_training_listener *listener)
{
    listener->context = progress;
    listener->stepped = on_step;
    listener->ended_epoch = on_epoch;
    listener->validating = on_validating;
    listener->validated = on_validated;
    listener->noted = on_note;
}
