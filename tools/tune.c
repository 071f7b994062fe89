// lgpnc tune: measures the candidates that the cost models rank best, and keeps the winners.
//
// A trial is the whole model with every schedule on its candidate of one rank, so that one run
// measures all kernels, each with the caches as its neighbours in the network leave them. A trial
// runs in turns with the cost model's own (rank 0); what counts is the ratio within a round, which
// the drift of the machine does not touch. At the end the winners together run against the cost
// model's choices once more, and only what is still faster is kept.
#include "tools/arguments.h"
#include "tools/cli.h"
#include "tools/median.h"
#include "tools/model_arguments.h"
#include "tools/supervise.h"
#include "tools/tune_cache.h"
#include "tools/tune_trial.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

typedef struct tune_arguments {
    lg_model_arguments of;
    int candidates;
    double seconds;
} tune_arguments;

enum { KEY_TIME = 256, KEY_CANDIDATES, MIN_ROUNDS = 3, MAX_ROUNDS = 60 };

// A faster candidate is one that is faster by this much in the median, and in 3 of 4 rounds.
static const double margin = 1.01;

static const struct argp_option option_rows[] = {
    {"weights", 'w', "W.safetensors", 0, "the checkpoint; default: random weights", 0},
    {"threads", 't', "N", 0, "threads to measure with; default: one a core", 0},
    {"time", KEY_TIME, "SECONDS", 0, "about how long to measure (120)", 0},
    {"candidates", KEY_CANDIDATES, "N", 0,
     "candidates of each kernel, the cost model's own among "
     "them (8)",
     0},
    {"function", 'f', "NAME", 0, "the function to tune (infer)", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    tune_arguments *a = state->input;
    switch (key) {
    case KEY_TIME:
        a->seconds = (double)lg_argument_number(state, "--time", value, 1, 1000000);
        return 0;
    case KEY_CANDIDATES:
        a->candidates = (int)lg_argument_number(state, "--candidates", value, 2, 64);
        return 0;
    case ARGP_KEY_END:
        if (!a->of.model)
            argp_error(state, "no MODEL given");
        if (strcmp(a->of.compile.cpu, "cuda") == 0)
            argp_error(state, "only schedules of CPUs are tuned");
        return 0;
    default:
        return lg_model_option(key, value, state, &a->of);
    }
}

// ---- state

// Kernels that share a choice.
typedef struct row {
    const char *key, *label, *first; // the cost model's choice
    int launches;
    double ratios[MAX_ROUNDS]; // cost model's time / trial's, a round each
    double seconds;            // of the cost model's choice, the median of the last trial
    const char *best;          // NULL: the cost model's
    double gain;               // of `best`
    double times[MAX_ROUNDS];
} row;

typedef struct tuner {
    const tune_arguments *a;
    lg_diag *diag;
    lg_progress *progress;
    lg_arena *arena;
    lg_trial base;
    LG_LIST(row) rows;
    double start;
    bool interrupted;
} tuner;

// Ctrl-C and the like are blocked and looked for between runs: what was found is kept.
static bool interrupted(tuner *t)
{
    sigset_t pending;
    sigpending(&pending);
    t->interrupted |= sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
                      sigismember(&pending, SIGHUP);
    return t->interrupted;
}

static double seconds_left(const tuner *t)
{
    return t->start + t->a->seconds - lg_now();
}

static row *row_of(tuner *t, const char *key)
{
    for (int i = 0; i < t->rows.count; i++)
        if (strcmp(t->rows.items[i].key, key) == 0)
            return &t->rows.items[i];
    return NULL;
}

static void make_rows(tuner *t)
{
    for (int i = 0; i < t->base.launches->launches.count; i++) {
        const char *key = lg_trial_key(&t->base, i);
        if (!key)
            continue;
        if (!row_of(t, key)) {
            row new = {.key = key,
                       .label = t->base.launches->launches.items[i].label,
                       .first = lg_trial_choice(&t->base, i)};
            LG_PUSH(t->arena, &t->rows, new);
        }
        row_of(t, key)->launches++;
    }
}

// ---- measuring

static double seconds_of(const lg_trial *trial, const char *key)
{
    double sum = 0;
    for (int i = 0; i < trial->launches->launches.count; i++)
        if (lg_trial_key(trial, i) && strcmp(lg_trial_key(trial, i), key) == 0)
            sum += trial->seconds[i];
    return sum;
}

static const char *choice_of(const lg_trial *trial, const char *key)
{
    for (int i = 0; i < trial->launches->launches.count; i++)
        if (lg_trial_key(trial, i) && strcmp(lg_trial_key(trial, i), key) == 0)
            return lg_trial_choice(trial, i);
    return NULL;
}

// Rounds of the cost model's trial and another until `deadline`, after one of each that does not
// count; returns their number, -1 after reporting.
static int measure(tuner *t, lg_trial *trial, double deadline, const char *what)
{
    int rounds = -1;
    double start = lg_now();
    while (rounds < MAX_ROUNDS && (rounds < MIN_ROUNDS || lg_now() < deadline)) {
        if (interrupted(t) && rounds < MIN_ROUNDS)
            return 0;
        if (t->interrupted)
            break;
        lg_progress_step(t->progress, "%s: round %d, %.1f rounds/s, %.0f s left", what, rounds + 1,
                         (rounds + 1) / (lg_now() - start + 1e-9), seconds_left(t));
        if (!lg_trial_run(&t->base, t->diag) || !lg_trial_run(trial, t->diag))
            return -1;
        for (int i = 0; i < t->rows.count && rounds >= 0; i++) {
            row *r = &t->rows.items[i];
            r->times[rounds] = seconds_of(&t->base, r->key);
            r->ratios[rounds] = r->times[rounds] / (seconds_of(trial, r->key) + 1e-12);
        }
        rounds++;
    }
    for (int i = 0; i < t->rows.count; i++) {
        lg_sort(t->rows.items[i].ratios, rounds);
        lg_sort(t->rows.items[i].times, rounds);
        t->rows.items[i].seconds = t->rows.items[i].times[rounds / 2];
    }
    return rounds;
}

static bool faster(const row *r, int rounds)
{
    return rounds && r->ratios[rounds / 2] > margin && r->ratios[rounds / 4] > 1;
}

static bool open_trial(tuner *t, lg_trial *trial, const lg_choices *choices)
{
    return lg_trial_open(trial, t->a->of.model, t->a->of.weights, t->a->of.threads,
                         &t->a->of.compile, choices, t->diag);
}

// Does any kernel of the trial go another way than the cost model's?
static bool differs(const tuner *t, const lg_trial *trial)
{
    for (int i = 0; i < t->rows.count; i++) {
        const char *choice = choice_of(trial, t->rows.items[i].key);
        if (choice && strcmp(choice, t->rows.items[i].first) != 0)
            return true;
    }
    return false;
}

// Measures the candidates of one rank. `*more` becomes false if no kernel has one.
static bool try_rank(tuner *t, int rank, double deadline, bool *more)
{
    lg_trial trial;
    char what[64];
    snprintf(what, sizeof what, "candidate %d of %d", rank + 1, t->a->candidates);
    lg_progress_step(t->progress, "%s: compiling, %.0f s left", what, seconds_left(t));
    bool good = open_trial(t, &trial, &(lg_choices){.rank = rank});
    *more = good && differs(t, &trial);
    int rounds = *more ? measure(t, &trial, deadline, what) : 0;
    for (int i = 0; i < t->rows.count && rounds > 0; i++) {
        row *r = &t->rows.items[i];
        const char *choice = choice_of(&trial, r->key);
        if (choice && strcmp(choice, r->first) != 0 && faster(r, rounds) &&
            (!r->best || r->ratios[rounds / 2] > r->gain)) {
            r->best = lg_strdup(t->arena, choice);
            r->gain = r->ratios[rounds / 2];
        }
    }
    lg_trial_close(&trial);
    return good && rounds >= 0;
}

// The winners together against the cost model's choices: those that do not win again go.
static bool confirm(tuner *t)
{
    lg_choice *items = LG_NEW_ARRAY(t->arena, lg_choice, t->rows.count + 1);
    lg_choices choices = {.items = items};
    for (int i = 0; i < t->rows.count; i++)
        if (t->rows.items[i].best)
            items[choices.count++] = (lg_choice){t->rows.items[i].key, t->rows.items[i].best};
    if (!choices.count)
        return true;
    lg_trial trial;
    lg_progress_step(t->progress, "the winners together: compiling");
    bool good = open_trial(t, &trial, &choices);
    int rounds = good ? measure(t, &trial, t->start + t->a->seconds, "the winners together") : -1;
    for (int i = 0; i < t->rows.count && rounds > 0; i++) {
        row *r = &t->rows.items[i];
        if (!r->best)
            continue;
        r->gain = r->ratios[rounds / 2];
        if (!faster(r, rounds))
            r->best = NULL;
    }
    lg_trial_close(&trial);
    return rounds >= 0;
}

// ---- results

static void print_summary(const tuner *t)
{
    double before = 0, after = 0;
    printf("%-32s %8s %9s %6s  %s\n", "kernel", "launches", "ms", "gain", "choice");
    for (int i = 0; i < t->rows.count; i++) {
        const row *r = &t->rows.items[i];
        before += r->seconds;
        after += r->best ? r->seconds / r->gain : r->seconds;
        printf("%-32s %8d %9.3f %6s  %s\n", *r->label ? r->label : r->key, r->launches,
               1e3 * r->seconds, "", r->first);
        if (r->best)
            printf("%-32s %8s %9.3f %6.3f  %s\n", "", "", 1e3 * r->seconds / r->gain, r->gain,
                   r->best);
    }
    if (after > 0)
        printf(
            "\n%d kernels with choices: %.3f ms by the cost model, %.3f ms tuned; the cost model "
            "alone reaches %.1f%% of the tuned speed\n",
            t->rows.count, 1e3 * before, 1e3 * after, 100 * after / before);
}

// Reads the file again, another process may have written it meanwhile.
static bool keep(const tuner *t)
{
    char path[LG_PATH_BYTES];
    const lg_compile_options *o = &t->a->of.compile;
    bool named = o->tune_cache && strlen(o->tune_cache) < sizeof path;
    if (named)
        snprintf(path, sizeof path, "%s", o->tune_cache);
    else if (o->tune_cache || !lg_tune_cache_path(path))
        return lg_error_at(t->diag, (lg_location){0},
                           "no place for what was measured: name a file with --tune-cache");
    lg_tune_cache *cache = lg_tune_cache_new();
    bool good = lg_tune_cache_read(cache, path, false, t->diag);
    int kept = 0;
    for (int i = 0; i < t->rows.count && good; i++) {
        const row *r = &t->rows.items[i];
        lg_tune_entry entry = {.place = {lg_tune_processor(cache->arena),
                                         t->base.session.compilation.target->name,
                                         t->base.session.threads.count, lg_version()},
                               .key = r->key,
                               .choice = r->best,
                               .gain = r->gain};
        lg_tune_cache_put(cache, &entry);
        kept += r->best != NULL;
    }
    good = good && lg_tune_cache_write(cache, path, t->diag);
    if (good)
        printf("%s: %d entries for this model\n", path, kept);
    lg_tune_cache_free(cache);
    return good;
}

static bool tune(tuner *t)
{
    lg_progress_step(t->progress, "compiling %s", t->a->of.model);
    if (!open_trial(t, &t->base, &(lg_choices){0}))
        return false;
    make_rows(t);
    bool good = true, more = t->rows.count > 0;
    int slots = t->a->candidates; // one for each other candidate, one for the winners
    for (int rank = 1; good && more && rank < t->a->candidates && !interrupted(t); rank++) {
        double deadline = t->start + t->a->seconds * rank / slots;
        if (seconds_left(t) > 0)
            good = try_rank(t, rank, deadline, &more);
    }
    good = good && confirm(t);
    lg_progress_end(t->progress);
    if (!good)
        return false;
    if (t->interrupted)
        lg_note_at(t->diag, (lg_location){0}, "interrupted: what was found until then is kept");
    print_summary(t);
    return keep(t);
}

static int work(void *context)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    lg_progress progress;
    tuner t = {.a = context,
               .diag = lg_diag_new(),
               .progress = &progress,
               .arena = lg_arena_new(),
               .start = lg_now()};
    lg_progress_init(&progress, t.a->of.compile.verbose);
    bool good = tune(&t);
    lg_progress_end(&progress);
    lg_trial_close(&t.base);
    lg_arena_free(t.arena);
    return lg_cli_finish(t.diag, good);
}

int lg_command_tune(int argc, char **argv)
{
    static const struct argp_child children[] = {{&lg_compile_argp, 0, NULL, 0}, {0}};
    static const struct argp parser = {
        .options = option_rows,
        .parser = parse_option,
        .children = children,
        .args_doc = "MODEL",
        .doc = "Compiles the model in the ways that the cost models of the schedules rank best, "
               "measures every kernel of them in turns, and keeps what is faster than the cost "
               "model's own choice in a file that later builds on this machine use. Ctrl-C keeps "
               "what was found until then."
               "\vExample:\n  lgpnc tune lgpn:image=128 --time=60 --threads=2"};
    tune_arguments a = {.seconds = 120, .candidates = 8, .of.compile = lg_compile_defaults()};
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    return lg_supervise(a.of.compile.tune_cache, work, &a);
}
