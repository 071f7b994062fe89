// lgpnc train: from a folder of images to a checkpoint.
//
// The order is that of what can go wrong: options, the folder and the checkpoint in it, the images,
// the model; only then are minutes or days spent.
#include "tools/cli.h"
#include "tools/interrupt.h"
#include "tools/launch_inspector.h"
#include "tools/model_spec.h"
#include "tools/session.h"
#include "tools/supervise.h"
#include "tools/train_config.h"
#include "tools/train_folder.h"
#include "tools/train_options.h"
#include "tools/train_progress.h"

#include "runtime/checkpoint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_BATCH = 32, DEBUG_BATCHES = 4 };

typedef struct training {
    lg_train_options o;
    lg_interrupt interrupt;
    lg_train_folder folder;
    lg_dataset *dataset;
    char *spec; // MODEL with its batch
    lg_session session;
    lg_launch_inspector inspector;
    lg_train_progress progress;
    lg_training_state state;
    lg_metadata kept[TRAIN_OPTIONS + LG_TRAIN_FACTS];
    size_t kept_count;
    char facts[LG_TRAIN_FACTS][LG_TRAIN_FACT_BYTES];
    char *checkpoint; // what last.safetensors says, when resuming
    lg_diag *diag;
} training;

// ---- before the model

// What the checkpoint says of its training; NULL with a message where it is damaged or says
// nothing.
static char *read_progress(const char *path, lg_error *e)
{
    char *progress = NULL;
    lg_safetensors *file = lg_safetensors_open(path, e);
    if (file && lg_checkpoint_verify(file, path, e)) {
        const char *text = lg_safetensors_metadata(file, "progress");
        progress = text ? strdup(text) : NULL;
        if (!progress)
            lg_fail(e, "%s: does not say how far a training has come; --weights=%s begins with it",
                    path, path);
    }
    lg_safetensors_close(file);
    return progress;
}

static bool read_checkpoint(training *t)
{
    lg_error error;
    t->checkpoint = read_progress(t->folder.last, &error);
    if (!t->checkpoint) {
        if (access(t->folder.best, F_OK) == 0)
            lg_fail_more(&error, "what was best is in %s: --weights=%s begins anew from it",
                         t->folder.best, t->folder.best);
        return lg_cli_fail(t->diag, &error);
    }
    return lg_train_options_merge(&t->o, t->checkpoint, t->folder.last, t->diag) &&
           (lg_training_state_parse(t->checkpoint, t->folder.last, &t->state, &error) ||
            lg_cli_fail(t->diag, &error));
}

static bool open_folder(training *t)
{
    const char *path = t->o.text[TRAIN_MODEL_DIR];
    if (!lg_train_folder_open(&t->folder, path, t->o.text[TRAIN_DEBUG] != NULL, t->diag))
        return false;
    if (t->o.text[TRAIN_RESUME] && t->folder.has_last)
        return read_checkpoint(t);
    if (t->o.text[TRAIN_RESUME])
        lg_note_at(t->diag, (lg_location){.file = path},
                   "there is no last.safetensors to resume: begins anew");
    return !t->folder.has_last || t->o.text[TRAIN_DEBUG] ||
           lg_error_at(t->diag, (lg_location){.file = path},
                       "a training is here already: --resume goes on with it, another --model-dir "
                       "or an empty one begins a new one");
}

static bool open_dataset(training *t)
{
    const lg_dataset *d = t->dataset =
        lg_cli_open_dataset(&(lg_dataset_options){.data = t->o.text[TRAIN_DATA],
                                                  .real = t->o.text[TRAIN_REAL],
                                                  .labels = t->o.text[TRAIN_LABELS],
                                                  .fold = (int)t->o.fold},
                            t->diag);
    if (!d)
        return false;
    if (d->test_fakes == 0 && t->o.validate_every > 0) {
        if (t->o.fold > 0)
            lg_warning_at(
                t->diag, (lg_location){0},
                "no generated image is in the test set of fold %d: there is no validation",
                (int)t->o.fold);
        t->o.validate_every = 0;
    }
    printf("%zu generative models; images: %zu to train on, %zu to test, %zu of all are real\n",
           d->model_count, d->train_count, d->test_count, d->real_count);
    return true;
}

// ---- the model

// MODEL with --batch-size among its options, where it takes options and does not say it itself.
static bool make_spec(training *t)
{
    const char *model = t->o.text[TRAIN_MODEL], *colon = strchr(model, ':');
    bool is_fixed = !lg_spec_takes_options(model) || (colon && strstr(colon, "batch="));
    int64_t initial = lg_spec_options_of_c_file(model) ? 0 : DEFAULT_BATCH;
    int64_t batch = is_fixed ? 0 : t->o.batch ? t->o.batch : initial;
    t->spec = lg_spec_with_batch(model, batch);
    return t->spec || lg_error_at(t->diag, (lg_location){0}, "no memory");
}

static bool open_model(training *t)
{
    bool resumed = t->checkpoint;
    lg_progress phases;
    lg_progress_init(&phases, t->o.compile.verbose);
    t->o.compile.functions[0] = "train_step";
    t->o.compile.functions[1] = "infer";
    t->o.compile.function_count = 2;
    bool good = lg_session_open_random(
        &t->session, t->spec, resumed ? t->folder.last : t->o.text[TRAIN_WEIGHTS],
        (uint64_t)t->o.seed, (int)t->o.threads, &t->o.compile, &phases, t->diag);
    lg_progress_end(&phases);
    return good && (resumed || lg_session_begin_training(&t->session, t->o.seed, t->diag));
}

static double gibibytes(uint64_t bytes)
{
    return (double)bytes / (double)(1 << 30);
}

// What the kernel would answer with an end by SIGKILL, later.
static bool check_memory(training *t)
{
    const lg_entry_desc *step = lg_model_entry(t->session.model, "train_step", NULL);
    uint64_t needed = lg_workspace_bytes(step, &t->session.threads.parallel) +
                      lg_params_bytes(lg_model_artifact(t->session.model));
    uint64_t there = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    return needed <= there ||
           lg_error_at(t->diag, (lg_location){0},
                       "%s: a step needs %.1f GiB and this machine has %.1f; take a smaller "
                       "--batch-size or a smaller model",
                       t->spec, gibibytes(needed), gibibytes(there));
}

static bool check_model(training *t)
{
    lg_error error;
    lg_train_step step;
    if (!lg_train_step_init(&step, t->session.model, &error))
        return lg_cli_fail(t->diag, &error);
    if (t->o.batch && step.batch != t->o.batch)
        return lg_error_at(t->diag, (lg_location){0},
                           "--batch-size=%" PRId64 ", and %s is made for batches of %d", t->o.batch,
                           t->o.text[TRAIN_MODEL], step.batch);
    return check_memory(t);
}

// ---- training

static bool is_asked_to_stop(void *context)
{
    return lg_interrupt_asked(context) != 0;
}

static void clear_finding(void *context)
{
    training *t = context;
    lg_model_clear_workspace(t->session.model);
    lg_launch_inspector_clear(&t->inspector);
}

static const char *finding(void *context)
{
    training *t = context;
    return lg_launch_inspector_finding(&t->inspector);
}

static lg_inspection make_inspection(training *t)
{
    const lg_program *program = t->session.compilation.program;
    const lg_entry *entry = program ? lg_program_entry(program, "train_step") : NULL;
    if (!entry)
        return (lg_inspection){0};
    lg_launch_inspector_init(&t->inspector, entry, &t->session.threads.parallel);
    return (lg_inspection){&t->inspector.parallel, clear_finding, finding, t};
}

static lg_training_end train(training *t, lg_error *error)
{
    lg_trainer_options options = {
        .model = t->session.model,
        .parallel = &t->session.threads.parallel,
        .dataset = t->dataset,
        .folder = t->folder.path,
        .options = t->kept,
        .option_count = t->kept_count,
        .epochs = t->o.debug ? t->state.epoch + 1 : t->o.epochs,
        .most_batches = t->o.debug ? DEBUG_BATCHES : 0,
        .validate_every = t->o.validate_every,
        .save_every = t->o.save_every,
        .seed = (uint64_t)t->o.seed,
        .order = t->o.order,
        .workers = (int)t->o.workers,
        .cache_bytes = (size_t)t->o.cache_bytes,
        .inspect_all = t->o.debug,
        .inspection = make_inspection(t),
        .stop = is_asked_to_stop,
        .stop_context = &t->interrupt,
    };
    lg_train_progress_init(&t->progress, t->o.debug ? 1 : t->o.display_step);
    lg_train_progress_listen(&t->progress, &options.listener);
    lg_interrupt_be_graceful(&t->interrupt);
    lg_training_end end = lg_train(&options, &t->state, error);
    lg_train_progress_clear(&t->progress);
    lg_launch_inspector_free(&t->inspector);
    return end;
}

static int report_end(training *t, lg_training_end end, const lg_error *error)
{
    switch (end) {
    case LG_TRAINING_FAILED:
        lg_cli_fail(t->diag, error);
        return LG_EXIT_INPUT;
    case LG_TRAINING_STOPPED:
        printf("stopped after step %" PRId64 " and saved; to go on:\n"
               "  lgpnc train --resume --model-dir=%s\n",
               t->state.steps, t->folder.path);
        return LG_EXIT_SIGNAL + lg_interrupt_asked(&t->interrupt);
    default:
        printf("done: %" PRId64 " epochs, %" PRId64 " steps; %s", t->state.epoch, t->state.steps,
               t->folder.last);
        if (t->state.best_epoch > 0)
            printf("; best validation node loss %.4g after epoch %" PRId64 ": %s",
                   t->state.best_loss, t->state.best_epoch, t->folder.best);
        putchar('\n');
        return LG_EXIT_OK;
    }
}

static bool keep_facts(training *t)
{
    t->kept_count = lg_train_options_list(&t->o, t->kept);
    lg_train_config_facts(t->dataset, t->session.model, t->facts, t->kept, &t->kept_count);
    return !t->checkpoint ||
           lg_train_config_check(t->kept, t->kept_count, t->checkpoint, t->folder.last, t->diag);
}

static int work(void *context)
{
    training *t = context;
    lg_error error;
    int code = LG_EXIT_INPUT;
    t->diag = lg_diag_new();
    lg_interrupt_start(&t->interrupt,
                       "\nlgpnc: finishing this step and saving; once more ends at once\n");
    bool good = open_folder(t);
    if (good && !lg_train_options_read(&t->o, t->diag)) {
        good = false;
        code = LG_EXIT_USAGE;
    }
    if (good && !t->checkpoint)
        t->state = lg_training_state_new(t->o.schedule, t->o.learning_rate);
    good = good && open_dataset(t) && make_spec(t) && open_model(t) && check_model(t) &&
           keep_facts(t) &&
           lg_train_config_write(t->folder.config, t->kept, t->kept_count, t->dataset,
                                 t->session.model, t->diag);
    fflush(stdout);
    if (good)
        code = report_end(t, train(t, &error), &error);
    lg_session_close(&t->session);
    lg_dataset_free(t->dataset);
    lg_train_folder_free(&t->folder);
    lg_train_options_free(&t->o);
    free(t->spec);
    free(t->checkpoint);
    lg_cli_flush("the progress; what was trained is in the folder all the same", t->diag);
    int printed = lg_cli_finish(t->diag, true);
    return code == LG_EXIT_OK ? printed : code;
}

int lg_command_train(int argc, char **argv)
{
    training t = {0};
    lg_train_options_parse(&t.o, argc, argv);
    return lg_supervise(t.o.text[TRAIN_MODEL_DIR], work, &t);
}
