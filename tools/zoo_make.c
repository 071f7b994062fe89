// lgpnc zoo make: draws models, trains each on crops of photographs, writes what they make.
//
// Models are small, so the machine is filled by several of them at once, each on one thread; what
// becomes of one does not depend on the others. The first thread reads the photographs, writes real
// crops, then watches.
#include "tools/arguments.h"
#include "tools/cli.h"
#include "tools/interrupt.h"
#include "tools/supervise.h"
#include "tools/zoo_contact.h"
#include "tools/zoo_train.h"

#include "runtime/cooccurrence.h"
#include "runtime/random.h"
#include "runtime/threads.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_THREADS = 256, POOL = 2048, BATCH = 16 };

typedef struct make_options {
    const char *output, *photos;
    int models, images, size, steps, reals, threads;
    double learning_rate;
    uint64_t seed;
} make_options;

typedef enum slot_state { WAITING, RUNNING, MADE, ABANDONED } slot_state;

// A model on its way.
typedef struct slot {
    atomic_int state, steps;
    lg_zoo_record record;
    bool told, kept; // kept: made by an earlier run
} slot;

typedef struct zoo {
    make_options o;
    lg_interrupt interrupt;
    lg_zoo_folder folder;
    lg_zoo_plan plan;
    lg_zoo_record *records;
    lg_zoo_crops crops;
    slot *slots;
    atomic_int next;
    atomic_bool stop, failed;
    double began;
    lg_diag *diag;
} zoo;

typedef struct worker {
    zoo *z;
    pthread_t thread;
    lg_diag *diag;
} worker;

// ---- options

enum { KEY_STEPS = 256, KEY_REALS, KEY_LR };

static const struct argp_option option_rows[] = {
    {"output", 'o', "DIR", 0, "folder to make, or to go on with", 0},
    {"photos", 'p', "DIR", 0, "photographs: .jpg, .jpeg, .png, in it and in the folders in it", 0},
    {"models", 'n', "N", 0, "models to make (24)", 0},
    {"images", 'm', "N", 0, "images of each (64)", 0},
    {"size", 's', "PIXELS", 0, "height and width of the images, a multiple of 16 (32)", 0},
    {"steps", KEY_STEPS, "N", 0, "training steps of each, 16 images a step (400)", 0},
    {"lr", KEY_LR, "RATE", 0, "learning rate of Adam (0.002)", 0},
    {"real-images", KEY_REALS, "N", 0, "crops of photographs; default: a third of the others", 0},
    {"seed", 'k', "N", 0, "of everything that is drawn (1)", 0},
    {"threads", 't', "N", 0, "models made at the same time; default: one a core", 0},
    {0},
};

static error_t check_options(make_options *o, struct argp_state *state)
{
    if (!o->output)
        argp_error(state, "no --output given");
    if (!o->photos)
        argp_error(state, "no --photos given");
    if (o->size % 16)
        argp_error(state, "--size=%d is no multiple of 16", o->size);
    if (o->reals == 0)
        o->reals = (o->models * o->images + 2) / 3;
    return 0;
}

static int number(struct argp_state *state, const char *option, const char *value, int64_t max)
{
    return (int)lg_argument_number(state, option, value, 1, max);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    make_options *o = state->input;
    switch (key) {
    case 'o':
        o->output = value;
        return 0;
    case 'p':
        o->photos = value;
        return 0;
    case 'n':
        o->models = number(state, "--models", value, LG_ZOO_MOST_MODELS);
        return 0;
    case 'm':
        o->images = number(state, "--images", value, 99999);
        return 0;
    case 's':
        o->size = number(state, "--size", value, 256);
        return 0;
    case KEY_STEPS:
        o->steps = number(state, "--steps", value, 1000000);
        return 0;
    case KEY_LR:
        o->learning_rate = lg_argument_real(state, "--lr", value, 0, 1);
        return 0;
    case KEY_REALS:
        o->reals = number(state, "--real-images", value, 99999);
        return 0;
    case 'k':
        o->seed = (uint64_t)lg_argument_number(state, "--seed", value, 0, INT64_MAX);
        return 0;
    case 't':
        o->threads = number(state, "--threads", value, MOST_THREADS);
        return 0;
    case ARGP_KEY_END:
        return check_options(o, state);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

// ---- a model

static uint64_t seed_of(const zoo *z, int model, int attempt)
{
    lg_random random = lg_random_start(z->o.seed ^ 0x7a6f6f, // not the plan's numbers
                                       (uint64_t)model * LG_ZOO_ATTEMPTS + (uint64_t)attempt);
    return lg_random_next(&random);
}

static bool finish(worker *w, int i, const lg_zoo_result *result)
{
    zoo *z = w->z;
    slot *s = &z->slots[i];
    const char *name = z->plan.models[i].name;
    s->record.made = true;
    s->record.loss = (float)result->loss;
    return lg_zoo_write_images(&z->folder, name, result->rgb, (size_t)z->o.images, z->o.size,
                               w->diag) &&
           lg_zoo_record_write(&z->folder, name, &s->record, w->diag);
}

// False when the zoo cannot go on.
static bool make_model(worker *w, int i)
{
    zoo *z = w->z;
    slot *s = &z->slots[i];
    const lg_zoo_model *model = &z->plan.models[i];
    while (s->record.attempt < LG_ZOO_ATTEMPTS) {
        int attempt = s->record.attempt;
        lg_zoo_result result;
        atomic_store(&s->steps, 0);
        const lg_zoo_training training = {.crops = &z->crops,
                                          .steps = z->o.steps,
                                          .images = z->o.images,
                                          .learning_rate = z->o.learning_rate,
                                          .seed = seed_of(z, i, attempt),
                                          .stop = &z->stop,
                                          .done = &s->steps};
        lg_zoo_end end = lg_zoo_train(model->attempts[attempt].spec, &training, &result, w->diag);
        bool good = end == LG_ZOO_MADE && finish(w, i, &result);
        free(result.rgb);
        if (end != LG_ZOO_LEFT_OUT) {
            atomic_store(&s->state, good ? MADE : WAITING);
            return good;
        }
        memcpy(s->record.reasons[attempt], result.reason, sizeof result.reason);
        s->record.attempt++;
        if (!lg_zoo_record_write(&z->folder, model->name, &s->record, w->diag))
            return false;
    }
    atomic_store(&s->state, ABANDONED);
    return true;
}

static void *work_off(void *context)
{
    worker *w = context;
    zoo *z = w->z;
    for (int i; (i = atomic_fetch_add(&z->next, 1)) < z->plan.count && !atomic_load(&z->stop);) {
        slot *s = &z->slots[i];
        if (atomic_load(&s->state) != WAITING)
            continue;
        atomic_store(&s->state, RUNNING);
        if (!make_model(w, i) && !atomic_exchange(&z->stop, true))
            atomic_store(&z->failed, true);
    }
    return NULL;
}

// ---- watching

// Of all the work the part that is done; `before`: what was there at the start.
static double part_done(const zoo *z, double *before)
{
    double all = 0, done = 0;
    *before = 0;
    for (int i = 0; i < z->plan.count; i++) {
        const slot *s = &z->slots[i];
        int state = atomic_load(&s->state);
        double work = z->plan.models[i].attempts[0].flops;
        double part = state >= MADE ? 1 : (double)atomic_load(&s->steps) / z->o.steps;
        all += work;
        done += work * part;
        *before += s->kept ? work : 0;
    }
    *before /= all;
    return done / all;
}

static void draw_bar(const zoo *z, int finished)
{
    enum { WIDTH = 24 };
    double before, done = part_done(z, &before), seconds = lg_now() - z->began;
    int filled = (int)(WIDTH * done);
    fprintf(stderr, "\r\033[K[%.*s%*s] %d of %d models", filled, "########################",
            WIDTH - filled, "", finished, z->plan.count);
    for (int i = 0; i < z->plan.count; i++)
        if (atomic_load(&z->slots[i].state) == RUNNING)
            fprintf(stderr, "  %s %d%%", z->plan.models[i].name,
                    100 * atomic_load(&z->slots[i].steps) / z->o.steps);
    if (done > before && seconds > 1) {
        long long left = (long long)(seconds * (1 - done) / (done - before));
        fprintf(stderr, "  left %lld:%02lld", left / 60, left % 60);
    }
    fflush(stderr);
}

static void tell(const zoo *z, int i, bool terminal)
{
    const slot *s = &z->slots[i];
    if (terminal)
        fputs("\r\033[K", stderr);
    for (int a = 0; a < s->record.attempt; a++)
        printf("%s: a network was left out: %s (%s)\n", z->plan.models[i].name,
               s->record.reasons[a], z->plan.models[i].attempts[a].spec);
    if (s->record.made)
        printf("%s: %s%s, loss %.4g\n", z->plan.models[i].name, s->kept ? "was made before: " : "",
               z->plan.models[i].attempts[s->record.attempt].spec, (double)s->record.loss);
    fflush(stdout);
}

static int tell_finished(zoo *z, bool terminal)
{
    int finished = 0;
    for (int i = 0; i < z->plan.count; i++) {
        slot *s = &z->slots[i];
        if (atomic_load(&s->state) < MADE)
            continue;
        finished++;
        if (!s->told)
            tell(z, i, terminal);
        s->told = true;
    }
    return finished;
}

static void watch(zoo *z)
{
    bool terminal = isatty(STDERR_FILENO) == 1;
    for (int finished = 0; finished < z->plan.count && !atomic_load(&z->stop);) {
        finished = tell_finished(z, terminal);
        if (lg_interrupt_asked(&z->interrupt))
            atomic_store(&z->stop, true);
        if (terminal)
            draw_bar(z, finished);
        nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
    }
    if (terminal)
        fputs("\r\033[K", stderr);
}

static bool make_models(zoo *z)
{
    lg_threads threads;
    lg_threads_init(&threads, z->o.threads); // for the number only
    int count = threads.count < z->plan.count ? threads.count : z->plan.count, started = 0;
    lg_threads_free(&threads);
    worker *workers = calloc((size_t)count, sizeof *workers);
    if (!workers)
        return lg_error_at(z->diag, (lg_location){0}, "no memory");
    z->began = lg_now();
    for (; started < count; started++) {
        workers[started] = (worker){.z = z, .diag = lg_diag_new()};
        if (pthread_create(&workers[started].thread, NULL, work_off, &workers[started]) != 0)
            break;
    }
    if (started > 0)
        watch(z);
    for (int i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
        lg_cli_finish(workers[i].diag, true);
    }
    if (started < count)
        lg_diag_free(workers[started].diag);
    free(workers);
    tell_finished(z, false);
    return started > 0 || lg_error_at(z->diag, (lg_location){0}, "no thread to work on");
}

// ---- all of it

static bool take_crops(zoo *z)
{
    lg_progress progress;
    lg_progress_init(&progress, false);
    bool good = lg_zoo_crops_make(&z->crops, z->o.photos, z->o.size, POOL, (size_t)z->o.reals,
                                  z->o.seed, &progress, z->diag);
    lg_progress_end(&progress);
    return good;
}

static bool open_folder(zoo *z)
{
    char settings[512];
    const make_options *o = &z->o;
    snprintf(settings, sizeof settings,
             "models=%d images=%d size=%d steps=%d lr=%g real-images=%d seed=%" PRIu64
             " photographs=%016" PRIx64 " lgpnc=%s",
             o->models, o->images, o->size, o->steps, o->learning_rate, o->reals, o->seed,
             z->crops.fingerprint, lg_version());
    return lg_zoo_folder_open(&z->folder, o->output, settings, z->diag);
}

// The last crops of the pool, which no model is trained on.
static bool write_reals(zoo *z)
{
    lg_zoo_record record;
    if (lg_zoo_record_read(&z->folder, "real", &record))
        return true;
    bool good = lg_zoo_write_images(&z->folder, "real", lg_zoo_crop(&z->crops, POOL),
                                    (size_t)z->o.reals, z->o.size, z->diag);
    record = (lg_zoo_record){.made = true};
    return good && lg_zoo_record_write(&z->folder, "real", &record, z->diag);
}

static bool plan_models(zoo *z)
{
    const lg_zoo_choice choice = {z->o.models, z->o.size, BATCH, z->o.seed};
    if (!lg_zoo_plan_draw(&z->plan, &choice, z->diag))
        return false;
    z->slots = calloc((size_t)z->plan.count, sizeof *z->slots);
    z->records = calloc((size_t)z->plan.count, sizeof *z->records);
    if (!z->slots || !z->records)
        return lg_error_at(z->diag, (lg_location){0}, "no memory");
    for (int i = 0; i < z->plan.count; i++) {
        slot *s = &z->slots[i];
        lg_zoo_record_read(&z->folder, z->plan.models[i].name, &s->record);
        s->kept = s->record.made;
        atomic_store(&s->state, s->record.made ? MADE : WAITING);
    }
    return true;
}

static bool write_sheet(zoo *z)
{
    char *path;
    const lg_zoo_contact contact = {.plan = &z->plan,
                                    .records = z->records,
                                    .images = z->o.images,
                                    .size = z->o.size,
                                    .steps = z->o.steps,
                                    .seed = z->o.seed,
                                    .photos = z->crops.photos,
                                    .reals = (size_t)z->o.reals};
    if (asprintf(&path, "%s/contact.html", z->o.output) < 0)
        return lg_error_at(z->diag, (lg_location){0}, "no memory");
    bool good = lg_cli_write(path, lg_zoo_contact_print, &contact, z->diag);
    free(path);
    return good;
}

static int end(zoo *z)
{
    int made = 0, asked = lg_interrupt_asked(&z->interrupt);
    for (int i = 0; i < z->plan.count; i++) {
        z->records[i] = z->slots[i].record;
        made += z->records[i].made;
    }
    if (atomic_load(&z->stop)) {
        printf("stopped; %d of %d models are made. The same command goes on\n", made,
               z->plan.count);
        return asked && !atomic_load(&z->failed) ? LG_EXIT_SIGNAL + asked : LG_EXIT_INPUT;
    }
    if (!lg_zoo_write_tables(&z->folder, &z->plan, z->records, z->diag) || !write_sheet(z))
        return LG_EXIT_INPUT;
    if (made < z->plan.count)
        lg_warning_at(z->diag, (lg_location){0},
                      "%d models are missing: none of their networks made anything worth keeping; "
                      "--steps or --lr may help",
                      z->plan.count - made);
    printf("%d models of %d images, %d real ones: %s\n  labels    %s/labels.tsv\n  to look at  "
           "%s/contact.html\n",
           made, z->o.images, z->o.reals, z->o.output, z->o.output, z->o.output);
    return LG_EXIT_OK;
}

static int work(void *context)
{
    zoo *z = context;
    z->diag = lg_diag_new();
    z->folder.fd = -1;
    lg_interrupt_start(&z->interrupt, "\nlgpnc: stopping; what is made is kept\n");
    int code = LG_EXIT_INPUT;
    bool good = take_crops(z) && open_folder(z) && write_reals(z) && plan_models(z);
    lg_interrupt_be_graceful(&z->interrupt);
    if (good && make_models(z))
        code = end(z);
    lg_zoo_plan_free(&z->plan);
    lg_zoo_crops_free(&z->crops);
    lg_zoo_folder_close(&z->folder);
    free(z->slots);
    free(z->records);
    int printed = lg_cli_finish(z->diag, true);
    return code == LG_EXIT_OK ? printed : code;
}

int lg_command_zoo_make(int argc, char **argv)
{
    static const struct argp parser = {
        .options = option_rows,
        .parser = parse_option,
        .doc =
            "Draws small generative models of several families, trains each on crops of "
            "photographs with the losses that its label names, and writes their images, crops of "
            "the photographs, the table of labels with four test sets, and a sheet to look at. "
            "The same options give the same bytes on one kind of processor. Interrupted, the same "
            "command goes on behind the last model that is whole."
            "\vExample:\n  lgpnc zoo make -o zoo --models=12 --images=64 --size=32 "
            "--photos=photos/\n  lgpnc data check zoo"};
    zoo z = {.o = {.models = 24,
                   .images = 64,
                   .size = 32,
                   .steps = 400,
                   .learning_rate = 0.002,
                   .seed = 1}};
    argp_parse(&parser, argc, argv, 0, NULL, &z.o);
    return lg_supervise(z.o.output, work, &z);
}
