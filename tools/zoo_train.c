// A model is used by the names of what its functions take and give (models/zoo/zoo.h): nothing here
// knows a family.
#include "tools/zoo_train.h"

#include "runtime/random.h"
#include "tools/cli.h"
#include "tools/session.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PASSES = 1 << 16, MOST_PORTS = 8 };

// Streams of random numbers of a model's seed.
enum { STREAM_BATCHES = 1, STREAM_LATENT, STREAM_IMAGES, STREAM_NOISE };

typedef struct maker {
    const lg_zoo_training *t;
    lg_session session;
    lg_zoo_result *result;
    lg_diag *diag;
    int batch;
} maker;

// Memory of an entry's inputs and outputs.
typedef struct ports {
    const lg_entry_desc *entry;
    lg_tensor *inputs[MOST_PORTS], *outputs[MOST_PORTS];
} ports;

static bool no_memory(maker *m)
{
    return lg_error_at(m->diag, (lg_location){0}, "no memory");
}

static lg_tensor *new_tensor(const lg_tensor_desc *desc)
{
    return lg_tensor_new((enum lg_abi_dtype)desc->dtype, (int)desc->rank, desc->shape, NULL);
}

static bool ports_open(ports *p, maker *m, const char *name)
{
    lg_error error;
    *p = (ports){.entry = lg_model_entry(m->session.model, name, &error)};
    if (!p->entry)
        return lg_cli_fail(m->diag, &error);
    if (p->entry->input_count > MOST_PORTS || p->entry->output_count > MOST_PORTS)
        return lg_error_at(m->diag, (lg_location){0}, "@%s takes or gives too much", name);
    for (uint32_t i = 0; i < p->entry->input_count; i++)
        if (!(p->inputs[i] = new_tensor(&p->entry->inputs[i])))
            return no_memory(m);
    for (uint32_t i = 0; i < p->entry->output_count; i++)
        if (!(p->outputs[i] = new_tensor(&p->entry->outputs[i])))
            return no_memory(m);
    return true;
}

static void ports_close(ports *p)
{
    for (int i = 0; i < MOST_PORTS; i++) {
        lg_tensor_free(p->inputs[i]);
        lg_tensor_free(p->outputs[i]);
    }
}

static lg_tensor *find(const lg_tensor_desc *descs, uint32_t count, lg_tensor *const *tensors,
                       const char *name)
{
    int place = lg_tensor_desc_find(descs, count, name);
    return place < 0 ? NULL : tensors[place];
}

static lg_tensor *input_of(const ports *p, const char *name)
{
    return find(p->entry->inputs, p->entry->input_count, p->inputs, name);
}

static lg_tensor *output_of(const ports *p, const char *name)
{
    return find(p->entry->outputs, p->entry->output_count, p->outputs, name);
}

static bool call(maker *m, ports *p)
{
    lg_error error;
    const void *inputs[MOST_PORTS];
    void *outputs[MOST_PORTS];
    for (uint32_t i = 0; i < p->entry->input_count; i++) {
        assert(p->inputs[i] && "ports_open made it");
        inputs[i] = p->inputs[i]->data;
    }
    for (uint32_t i = 0; i < p->entry->output_count; i++) {
        assert(p->outputs[i] && "ports_open made it");
        outputs[i] = p->outputs[i]->data;
    }
    return lg_model_call(m->session.model, p->entry, inputs, outputs, NULL, &error) ||
           lg_cli_fail(m->diag, &error);
}

// ---- numbers

static double uniform(lg_random *random)
{
    return (double)(lg_random_next(random) >> 40) * 0x1p-24;
}

static void fill_uniform(lg_tensor *to, lg_random *random)
{
    float *at = to->data;
    for (size_t i = 0; i < lg_tensor_count(to); i++)
        at[i] = (float)uniform(random);
}

// Box and Muller, 1958.
static void fill_normal(lg_tensor *to, lg_random *random)
{
    float *at = to->data;
    for (size_t i = 0; i < lg_tensor_count(to); i++) {
        double u = 1 - uniform(random), turn = 2 * M_PI * uniform(random);
        at[i] = (float)(sqrt(-2 * log(u)) * cos(turn));
    }
}

static void fill_crops(const maker *m, lg_tensor *to, lg_random *random)
{
    size_t bytes = lg_zoo_crop_bytes(m->t->crops);
    const lg_zoo_crops *crops = m->t->crops;
    float *at = to->data;
    for (int i = 0; i < m->batch; i++) {
        const uint8_t *crop =
            lg_zoo_crop(crops, lg_random_below(random, crops->count - crops->reals));
        for (size_t k = 0; k < bytes; k++)
            *at++ = (float)crop[k] / 255;
    }
}

// ---- training

static bool leave_out(maker *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool leave_out(maker *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(m->result->reason, sizeof m->result->reason, format, args);
    va_end(args);
    return false;
}

static bool is_stopped(const maker *m)
{
    return m->t->stop && atomic_load(m->t->stop);
}

static double rate_at(const lg_zoo_training *t, int step)
{
    double way = (double)step / t->steps;
    return t->learning_rate * (0.1 + 0.9 * (0.5 + 0.5 * cos(M_PI * way)));
}

// The loss of a step hangs on what was drawn for it: quarters tell more.
static void add_loss(maker *m, int step, double loss)
{
    int quarter = (m->t->steps + 3) / 4;
    if (step < quarter)
        m->result->first_loss += loss / quarter;
    if (step >= m->t->steps - quarter)
        m->result->loss += loss / quarter;
}

static bool run_steps(maker *m, ports *p)
{
    lg_random random = lg_random_start(m->t->seed, STREAM_BATCHES);
    lg_tensor *image = input_of(p, "image"), *rate = input_of(p, "learning_rate");
    lg_tensor *loss = output_of(p, "loss");
    for (int step = 0; step < m->t->steps && !is_stopped(m); step++) {
        fill_crops(m, image, &random);
        *(float *)rate->data = (float)rate_at(m->t, step);
        if (!call(m, p))
            return false;
        add_loss(m, step, *(const float *)loss->data);
        if (!isfinite(*(const float *)loss->data))
            return leave_out(m, "its loss is not finite in step %d", step + 1);
        if (m->t->done)
            atomic_store(m->t->done, step + 1);
    }
    return !is_stopped(m);
}

static bool check_step(maker *m, const ports *p)
{
    const lg_tensor *image = input_of(p, "image");
    bool fits = image && image->rank == 4 && image->shape[1] == m->t->crops->size &&
                image->shape[2] == m->t->crops->size && input_of(p, "learning_rate") &&
                output_of(p, "loss") && p->entry->input_count == 2;
    if (fits)
        m->batch = (int)image->shape[0];
    return fits || lg_error_at(m->diag, (lg_location){0},
                               "@train_step does not take crops of %d pixels", m->t->crops->size);
}

static bool train(maker *m)
{
    ports p;
    bool good = ports_open(&p, m, "train_step") && check_step(m, &p) && run_steps(m, &p);
    ports_close(&p);
    return good;
}

// ---- images

static bool make_batch(maker *m, ports *p, lg_random streams[static 3])
{
    lg_tensor *latent = input_of(p, "latent"), *image = input_of(p, "image");
    lg_tensor *sample = input_of(p, "sample"), *next = output_of(p, "next");
    lg_tensor *noise = input_of(p, "noise"), *step = input_of(p, "step");
    lg_tensor *left = output_of(p, "left");
    if (latent)
        fill_normal(latent, &streams[0]);
    if (sample)
        fill_normal(sample, &streams[0]);
    if (image)
        fill_crops(m, image, &streams[1]);
    for (int32_t pass = 0; pass < MOST_PASSES && !is_stopped(m); pass++) {
        if (noise)
            fill_uniform(noise, &streams[2]);
        if (step)
            *(int32_t *)step->data = pass;
        if (!call(m, p))
            return false;
        if (!left || *(const int32_t *)left->data <= 0)
            return true;
        if (sample && next)
            memcpy(sample->data, next->data, sample->bytes);
    }
    return false;
}

// False if one is not finite.
static bool to_bytes(const float *values, size_t count, uint8_t *bytes)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            return false;
        float value = values[i] < 0 ? 0 : values[i] > 1 ? 1 : values[i];
        bytes[i] = (uint8_t)(value * 255 + 0.5f);
    }
    return true;
}

static bool make_images(maker *m, ports *p)
{
    lg_random streams[3];
    size_t bytes = lg_zoo_crop_bytes(m->t->crops), images = (size_t)m->t->images;
    const lg_tensor *image = output_of(p, "generated");
    if (!image || lg_tensor_count(image) != bytes * (size_t)m->batch)
        return lg_error_at(m->diag, (lg_location){0},
                           "@infer gives no images of %d pixels, %d at a time", m->t->crops->size,
                           m->batch);
    for (int i = 0; i < 3; i++)
        streams[i] = lg_random_start(m->t->seed, (uint64_t)STREAM_LATENT + (uint64_t)i);
    m->result->rgb = calloc(images + 1, bytes);
    if (!m->result->rgb)
        return no_memory(m);
    for (size_t done = 0; done < images; done += (size_t)m->batch) {
        size_t count = images - done < (size_t)m->batch ? images - done : (size_t)m->batch;
        if (!make_batch(m, p, streams))
            return false;
        if (!to_bytes(image->data, count * bytes, m->result->rgb + done * bytes))
            return leave_out(m, "its images are not finite");
    }
    const char *fault = lg_zoo_fault_of_images(m->result->rgb, images, bytes);
    return !fault || leave_out(m, "%s", fault);
}

static bool sample_images(maker *m)
{
    lg_error error;
    ports p = {0};
    bool good = lg_model_repack(m->session.model, NULL, &error) || lg_cli_fail(m->diag, &error);
    good = good && ports_open(&p, m, "infer") && make_images(m, &p);
    ports_close(&p);
    return good;
}

// The deviation of `count` numbers, `step` apart.
static double deviation(const uint8_t *at, size_t count, size_t step)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        double value = at[i * step];
        sum += value;
        squares += value * value;
    }
    double mean = sum / (double)count, variance = squares / (double)count - mean * mean;
    return sqrt(variance > 0 ? variance : 0);
}

const char *lg_zoo_fault_of_images(const uint8_t *rgb, size_t images, size_t image_bytes)
{
    static const double least = 1.5;
    double within = 0, between = 0;
    for (size_t i = 0; i < images; i++)
        for (size_t channel = 0; channel < 3; channel++)
            within += deviation(rgb + i * image_bytes + channel, image_bytes / 3, 3);
    for (size_t k = 0; k < image_bytes; k++)
        between += deviation(rgb + k, images, image_bytes);
    if (within / (3 * (double)images) < least)
        return "its images are of one colour";
    if (images > 1 && between / (double)image_bytes < least)
        return "its images are all alike";
    return NULL;
}

// ---- all of it

static bool open_session(maker *m, const char *spec)
{
    lg_compile_options options = lg_compile_defaults();
    options.functions[0] = "train_step";
    options.functions[1] = "infer";
    options.function_count = 2;
    return lg_session_open_random(&m->session, spec, NULL, m->t->seed, 1, &options, NULL,
                                  m->diag) &&
           lg_session_begin_training(&m->session, (int64_t)(m->t->seed >> 1), m->diag);
}

lg_zoo_end lg_zoo_train(const char *spec, const lg_zoo_training *training, lg_zoo_result *result,
                        lg_diag *diag)
{
    *result = (lg_zoo_result){0};
    maker *m = calloc(1, sizeof *m); // a session must stay where it is
    if (!m) {
        lg_error_at(diag, (lg_location){0}, "no memory");
        return LG_ZOO_FAILED;
    }
    m->t = training;
    m->result = result;
    m->diag = diag;
    bool good = open_session(m, spec) && train(m) && sample_images(m);
    bool stopped = is_stopped(m);
    lg_session_close(&m->session);
    free(m);
    if (good)
        return LG_ZOO_MADE;
    free(result->rgb);
    result->rgb = NULL;
    return *result->reason ? LG_ZOO_LEFT_OUT : stopped ? LG_ZOO_STOPPED : LG_ZOO_FAILED;
}
