// A contender of bench/compare.py: a shared library made by `lgpnc build`, opened once and run when
// told, as a long-lived program would use it; of training, a step a run. The protocol is that of
// bench/peer_worker.py:
//   (start)      prints "ready" when the next run can begin
//   run          runs once, prints its seconds
//   write DIR    writes the outputs of the last run as DIR/NAME.npy, prints "done"
//   facts        prints names and values of what the artifact needs: model_bytes N ... target T
//   probe        does a fixed piece of work on one thread, prints its seconds: how fast the machine
//                is just now
// A fault is a message on standard error and exit code 1.
#include "runtime/loader.h"
#include "runtime/model.h"
#include "runtime/npy.h"
#include "runtime/threads.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_TENSORS = 32, PROBE_NUMBERS = 2048, PROBE_PASSES = 20000 };

typedef struct worker {
    lg_library library;
    lg_model *model;
    lg_threads threads;
    const lg_entry_desc *entry;
    uint64_t model_bytes; // the file
    lg_tensor *inputs[MOST_TENSORS], *outputs[MOST_TENSORS];
} worker;

// DIR/NAME.npy for every input; memory for every output.
static bool take_tensors(worker *w, const char *folder, lg_error *e)
{
    const lg_entry_desc *entry = w->entry;
    char path[4096];
    if (entry->input_count > MOST_TENSORS || entry->output_count > MOST_TENSORS)
        return lg_fail(e, "more than %d inputs or outputs", MOST_TENSORS);
    for (uint32_t i = 0; i < entry->input_count; i++) {
        const lg_tensor_desc *desc = &entry->inputs[i];
        snprintf(path, sizeof path, "%s/%s.npy", folder, desc->name);
        w->inputs[i] = lg_npy_read(path, e);
        if (!w->inputs[i])
            return false;
        if (w->inputs[i]->bytes != desc->bytes || (uint32_t)w->inputs[i]->dtype != desc->dtype)
            return lg_fail(e, "%s: not of the type and shape of the input", path);
    }
    for (uint32_t i = 0; i < entry->output_count; i++) {
        const lg_tensor_desc *desc = &entry->outputs[i];
        w->outputs[i] = lg_tensor_new(desc->dtype, (int)desc->rank, desc->shape, e);
        if (!w->outputs[i])
            return false;
    }
    return true;
}

// Parameters that the function changes come from the checkpoint; the others were built in.
static bool take_weights(worker *w, const char *weights, lg_error *e)
{
    if (!lg_entry_uses_params(w->entry))
        return lg_model_entry_has_weights(w->model, w->entry) ||
               lg_fail(e, "%s: built without weights; build it with --weights",
                       lg_model_name(w->model));
    return lg_model_keep_params(w->model, e) &&
           lg_model_load_weights(w->model, weights, &w->threads.parallel, NULL, e);
}

static bool start(worker *w, char **arguments, lg_error *e)
{
    const char *path = arguments[0];
    lg_threads_init(&w->threads, (int)strtol(arguments[2], NULL, 10));
    if (!lg_library_open(&w->library, path, e))
        return false;
    w->model = lg_model_new(w->library.artifact, path, e);
    if (!w->model)
        return false;
    struct stat status;
    if (stat(path, &status) != 0)
        return lg_fail(e, "%s: %s", path, strerror(errno));
    w->model_bytes = (uint64_t)status.st_size;
    w->entry = lg_model_entry(w->model, arguments[3], e);
    return w->entry && take_weights(w, arguments[4], e) && take_tensors(w, arguments[1], e);
}

static bool run(worker *w, double *seconds, lg_error *e)
{
    const void *inputs[MOST_TENSORS];
    void *outputs[MOST_TENSORS];
    for (uint32_t i = 0; i < w->entry->input_count; i++)
        inputs[i] = w->inputs[i]->data;
    for (uint32_t i = 0; i < w->entry->output_count; i++)
        outputs[i] = w->outputs[i]->data;
    double begin = lg_now();
    if (!lg_model_call(w->model, w->entry, inputs, outputs, &w->threads.parallel, e))
        return false;
    *seconds = lg_now() - begin;
    return true;
}

static bool write_outputs(const worker *w, const char *folder, lg_error *e)
{
    char path[4096];
    for (uint32_t i = 0; i < w->entry->output_count; i++) {
        snprintf(path, sizeof path, "%s/%s.npy", folder, w->entry->outputs[i].name);
        if (!lg_npy_write(path, w->outputs[i], e))
            return false;
    }
    return true;
}

static void write_facts(const worker *w)
{
    const lg_artifact *artifact = w->library.artifact;
    printf("model_bytes %" PRIu64 " workspace_bytes %" PRIu64 " packed_bytes %" PRIu64
           " target %s\n",
           w->model_bytes, (uint64_t)lg_workspace_bytes(w->entry, &w->threads.parallel),
           (uint64_t)artifact->packed_bytes, artifact->target);
}

// Products and sums of numbers that stay in the first cache.
static double probe_machine(void)
{
    static const float factor = 0.999F;
    float numbers[PROBE_NUMBERS];
    double begin = lg_now();
    for (int i = 0; i < PROBE_NUMBERS; i++)
        numbers[i] = (float)i;
    for (int pass = 0; pass < PROBE_PASSES; pass++) {
        for (int i = 0; i < PROBE_NUMBERS; i++)
            numbers[i] = numbers[i] * factor + 1;
        __asm__ volatile("" : : "r"(numbers) : "memory"); // each pass is made
    }
    return lg_now() - begin;
}

static bool obey(worker *w, const char *line, lg_error *e)
{
    if (strcmp(line, "run") == 0) {
        double seconds;
        if (!run(w, &seconds, e))
            return false;
        printf("%.9f\n", seconds);
    } else if (strcmp(line, "facts") == 0) {
        write_facts(w);
    } else if (strcmp(line, "probe") == 0) {
        printf("%.9f\n", probe_machine());
    } else if (strncmp(line, "write ", 6) == 0) {
        if (!write_outputs(w, line + 6, e))
            return false;
        puts("done");
    } else {
        return lg_fail(e, "`%s': run, write DIR, facts or probe is wanted", line);
    }
    return true;
}

static bool obey_all(worker *w, lg_error *e)
{
    char line[4096];
    puts("ready");
    while (fflush(stdout) == 0 && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (!obey(w, line, e))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    worker w = {0};
    lg_error e;
    if (argc != 6) {
        fprintf(stderr, "usage: bench_artifact ARTIFACT.so FOLDER_OF_INPUTS THREADS FUNCTION "
                        "WEIGHTS.safetensors\n");
        return 2;
    }
    bool good = start(&w, argv + 1, &e) && obey_all(&w, &e);
    if (!good)
        fprintf(stderr, "bench_artifact: %s\n", e.message);
    for (int i = 0; i < MOST_TENSORS; i++) {
        lg_tensor_free(w.inputs[i]);
        lg_tensor_free(w.outputs[i]);
    }
    lg_model_free(w.model);
    lg_threads_free(&w.threads);
    if (w.library.handle)
        lg_library_close(&w.library);
    return good ? 0 : 1;
}
