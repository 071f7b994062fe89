// Checkpoints and the parameters that a model keeps: what is written is read back to the bit, what
// was damaged is refused, and nothing that goes wrong costs the file that was there.
#include "runtime/checkpoint.h"
#include "tests/support/temporary.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

// ---- an artifact by hand: y = 2 w, and a step that adds 1 to w and counts

enum { SIZE = 1000 };
enum { WEIGHT, TRACKED, DEAD, STEP, SEED, PARAMS };

static int run_pack(const lg_call *call)
{
    const float *weight = call->params[WEIGHT];
    for (int i = 0; i < SIZE; i++)
        ((float *)call->packed)[i] = 2 * weight[i];
    ((int64_t *)call->packed)[SIZE] = *(const int64_t *)call->params[SEED];
    return 0;
}

static int run_infer(const lg_call *call)
{
    memcpy(call->outputs[0], call->packed, SIZE * sizeof(float));
    return 0;
}

static int run_step(const lg_call *call)
{
    for (int i = 0; i < SIZE; i++)
        ((float *)call->params[WEIGHT])[i] += 1;
    ++*(int64_t *)call->params[STEP];
    ++*(int64_t *)call->params[TRACKED];
    return 0;
}

static const lg_tensor_desc params[PARAMS] = {
    [WEIGHT] = {.name = "fc.weight", LG_ABI_F32, 2, {10, 100}, SIZE * 4},
    [TRACKED] = {.name = "bn.num_batches_tracked", LG_ABI_I64, 0, {0}, 8, .state = 1},
    [DEAD] = {.name = "old.bias", LG_ABI_F32, 1, {3}, 12, .unused = 1},
    [STEP] = {.name = "optimizer.step", LG_ABI_I64, 0, {0}, 8, .state = 1},
    [SEED] = {.name = "random.seed", LG_ABI_I64, 0, {0}, 8, .state = 1},
};
static const lg_tensor_desc inputs[] = {
    {.name = "graph", LG_ABI_F32, 2, {2, 3}, 24},
    {.name = "x", LG_ABI_F32, 1, {4}, 16},
};
static const lg_tensor_desc output = {.name = "y", LG_ABI_F32, 1, {SIZE}, SIZE * 4};
static const lg_entry_desc entries[] = {
    {.name = "pack", .flags = LG_ENTRY_READS_PARAMS | LG_ENTRY_WRITES_PACKED, .run = run_pack},
    {.name = "infer",
     .input_count = 2,
     .inputs = inputs,
     .output_count = 1,
     .outputs = &output,
     .flags = LG_ENTRY_READS_PACKED,
     .run = run_infer},
    {.name = "train_step",
     .flags = LG_ENTRY_READS_PARAMS | LG_ENTRY_WRITES_PARAMS,
     .run = run_step},
};
static const lg_artifact artifact = {.abi = LG_ARTIFACT_ABI,
                                     .bytes = sizeof artifact,
                                     .model = "tiny:size=1000",
                                     .entry_count = 3,
                                     .param_count = PARAMS,
                                     .entries = entries,
                                     .params = params,
                                     .packed_bytes = (SIZE + 2) * 8};

// ---- fixture

static lg_temporary folder;
static lg_model *model;
static lg_error e;
static char path[512];

static void set_up(void)
{
    folder = lg_temporary_new();
    snprintf(path, sizeof path, "%s/c.safetensors", folder.folder);
    model = lg_model_new(&artifact, "tiny", &e);
    ck_assert_ptr_nonnull(model);
    ck_assert(lg_model_keep_params(model, &e));
    float *weight = lg_model_param(model, "fc.weight", NULL);
    for (int i = 0; i < SIZE; i++)
        weight[i] = (float)i / 4;
    *(int64_t *)lg_model_param(model, "random.seed", NULL) = INT64_C(0x1234567890abcdef);
    ((float *)lg_model_param(model, "old.bias", NULL))[1] = 3;
}

static void tear_down(void)
{
    lg_model_free(model);
    lg_temporary_free(&folder);
}

static lg_model *new_model(bool keeps)
{
    lg_model *other = lg_model_new(&artifact, "other", &e);
    ck_assert_ptr_nonnull(other);
    ck_assert(!keeps || lg_model_keep_params(other, &e));
    return other;
}

static void save(const char *progress)
{
    ck_assert_msg(lg_checkpoint_save(model, path, progress, &e), "%s", e.message);
}

static void step(lg_model *m)
{
    ck_assert_msg(lg_model_call(m, &entries[2], NULL, NULL, NULL, &e), "%s", e.message);
}

static float inferred(lg_model *m, int i)
{
    static float y[SIZE];
    ck_assert_msg(lg_model_call(m, &entries[1], NULL, (void *[]){y}, NULL, &e), "%s", e.message);
    return y[i];
}

// ---- the model

START_TEST(a_step_changes_parameters_and_repack_shows_it)
{
    ck_assert(lg_model_repack(model, NULL, &e));
    ck_assert_float_eq(inferred(model, 4), 2);
    step(model);
    step(model);
    ck_assert_float_eq(inferred(model, 4), 2); // packed before
    ck_assert(lg_model_repack(model, NULL, &e));
    ck_assert_float_eq(inferred(model, 4), 6);
    const lg_tensor_desc *desc;
    const int64_t *count = lg_model_param(model, "optimizer.step", &desc);
    ck_assert(*count == 2 && desc == &params[STEP]);
    lg_model_clear_params(model, "optimizer.");
    ck_assert(*count == 0);
    ck_assert_float_eq(((float *)lg_model_param(model, "fc.weight", NULL))[4], 3);
    ck_assert_ptr_null(lg_model_param(model, "fc.weigh", NULL));
    for (int i = 0; i < PARAMS; i++)
        ck_assert_uint_eq((uintptr_t)lg_model_params(model)[i] % LG_ABI_ALIGNMENT, 0);
}
END_TEST

START_TEST(only_who_keeps_parameters_trains_and_saves)
{
    lg_model *other = new_model(false);
    ck_assert(!lg_model_call(other, &entries[2], NULL, NULL, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "train_step needs parameters in memory"));
    ck_assert(!lg_checkpoint_save(other, path, NULL, &e));
    ck_assert(!lg_model_repack(other, NULL, &e));
    ck_assert_ptr_null(lg_model_param(other, "fc.weight", NULL));
    ck_assert_int_eq(lg_temporary_count(&folder), 0);
    save(NULL);
    ck_assert(lg_model_load_weights(other, path, NULL, NULL, &e)); // for @infer
    ck_assert_ptr_null(lg_model_params(other));
    ck_assert_float_eq(inferred(other, 4), 2);
    lg_model_free(other);
}
END_TEST

// ---- there and back

START_TEST(everything_comes_back_to_the_bit)
{
    static const char progress[] = "{\"epoch\": 3, \"text\": \"\\\"quoted\\\" \\u00e9\"}";
    step(model);
    save(progress);
    lg_model *other = new_model(true);
    char *read;
    ck_assert_msg(lg_checkpoint_load(other, path, &read, NULL, NULL, &e), "%s", e.message);
    ck_assert_str_eq(read, progress);
    free(read);
    for (int i = 0; i < PARAMS; i++)
        ck_assert_mem_eq(lg_model_params(other)[i], lg_model_params(model)[i], params[i].bytes);
    ck_assert_float_eq(inferred(other, 4), 4); // loading packs
    lg_model_free(other);

    lg_safetensors *file = lg_safetensors_open(path, &e);
    ck_assert_uint_eq(lg_safetensors_count(file), PARAMS);
    for (int i = 0; i < PARAMS; i++)
        ck_assert_str_eq(lg_safetensors_at(file, (size_t)i)->name, params[i].name);
    ck_assert_str_eq(lg_safetensors_metadata(file, "model"), "tiny:size=1000");
    ck_assert_str_eq(lg_safetensors_metadata(file, "lgpnc_checkpoint"), "1");
    ck_assert_uint_eq(strlen(lg_safetensors_metadata(file, "xxh64")), 16);
    lg_safetensors_close(file);
}
END_TEST

// What PyTorch writes: a prefix, nothing of the optimizer, no dead tensor, no checksum.
START_TEST(weights_of_pytorch)
{
    static float weight[SIZE] = {1, 2, 3};
    static int64_t tracked = 7;
    lg_safetensor tensors[] = {
        {.name = "module.fc.weight", LG_ABI_F32, 2, {10, 100}, weight, 0},
        {.name = "module.bn.num_batches_tracked", LG_ABI_I64, 0, {0}, &tracked, 0}};
    ck_assert(lg_safetensors_write(path, tensors, 2, NULL, 0, &e));
    char *progress = path;
    step(model);
    ck_assert_msg(lg_checkpoint_load(model, path, &progress, NULL, NULL, &e), "%s", e.message);
    ck_assert_ptr_null(progress);
    ck_assert_mem_eq(lg_model_params(model)[WEIGHT], weight, sizeof weight);
    ck_assert(*(int64_t *)lg_model_params(model)[TRACKED] == 7);
    ck_assert(*(int64_t *)lg_model_params(model)[STEP] == 0); // not what it was before
    ck_assert(*(int64_t *)lg_model_params(model)[SEED] == 0);
    ck_assert_float_eq(((float *)lg_model_params(model)[DEAD])[1], 0);

    lg_model *other = new_model(false); // its `pack` reads the seed, which is missing
    ck_assert_msg(lg_model_load_weights(other, path, NULL, NULL, &e), "%s", e.message);
    ck_assert_float_eq(inferred(other, 1), 4);
    lg_model_free(other);

    ck_assert(lg_safetensors_write(path, tensors, 1, NULL, 0, &e));
    ck_assert(!lg_checkpoint_load(model, path, NULL, NULL, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "bn.num_batches_tracked: missing, wanted is i64[]"));
}
END_TEST

// ---- values of inputs

static const float graph[6] = {1, 0, 1, 0, 1, 1};

START_TEST(values_of_inputs_go_with_the_weights)
{
    ck_assert_ptr_null(lg_model_input_value(model, &inputs[0]));
    for (int i = 0; i < 2; i++) { // the second takes the first one's place
        const float other[6] = {0, 7};
        ck_assert(lg_model_set_input_value(model, &inputs[0], i ? graph : other, &e));
    }
    save(NULL);
    lg_safetensors *file = lg_safetensors_open(path, &e);
    ck_assert_uint_eq(lg_safetensors_count(file), PARAMS + 1);
    ck_assert_str_eq(lg_safetensors_at(file, PARAMS)->name, "lgpnc.input.graph");
    lg_safetensors_close(file);

    lg_model *other = new_model(true);
    lg_weights_report report = {0};
    ck_assert_msg(lg_model_load_weights(other, path, NULL, &report, &e), "%s", e.message);
    ck_assert_uint_eq(report.unknown, 0);
    ck_assert_mem_eq(lg_model_input_value(other, &inputs[0]), graph, sizeof graph);
    ck_assert_ptr_null(lg_model_input_value(other, &inputs[1]));
    lg_tensor_desc misshapen = inputs[0];
    misshapen.shape[1] = 4;
    ck_assert_ptr_null(lg_model_input_value(other, &misshapen));
    // Weights without a graph are not those of this one.
    lg_model *without = new_model(true);
    ck_assert(lg_checkpoint_save(without, path, NULL, &e));
    ck_assert_msg(lg_model_load_weights(other, path, NULL, NULL, &e), "%s", e.message);
    ck_assert_ptr_null(lg_model_input_value(other, &inputs[0]));
    lg_model_free(without);
    lg_model_free(other);
}
END_TEST

START_TEST(values_that_do_not_fit)
{
    static const float weight[SIZE];
    static const int64_t tracked = 7;
    lg_safetensor tensors[] = {
        {.name = "fc.weight", LG_ABI_F32, 2, {10, 100}, weight, 0},
        {.name = "bn.num_batches_tracked", LG_ABI_I64, 0, {0}, &tracked, 0},
        {.name = "lgpnc.input.nothing", LG_ABI_F32, 1, {3}, graph, 0}, // another variant's
        {.name = "lgpnc.input.graph", LG_ABI_F32, 2, {3, 2}, graph, 0}};
    ck_assert(lg_model_set_input_value(model, &inputs[1], graph, &e));
    ck_assert(lg_safetensors_write(path, tensors, 4, NULL, 0, &e));
    ck_assert(!lg_model_load_weights(model, path, NULL, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "c.safetensors: 1 of the 5 tensors of tiny:size=1000"));
    ck_assert_ptr_nonnull(strstr(e.message, "lgpnc.input.graph: is f32[3,2], wanted is f32[2,3]"));
    ck_assert_ptr_nonnull(lg_model_input_value(model, &inputs[1])); // refused: as it was
    ck_assert(lg_safetensors_write(path, tensors, 3, NULL, 0, &e));
    ck_assert_msg(lg_model_load_weights(model, path, NULL, NULL, &e), "%s", e.message);
    ck_assert_ptr_null(lg_model_input_value(model, &inputs[1]));
}
END_TEST

// ---- what goes wrong

static unsigned char bytes[1 << 16];

static size_t read_bytes(void)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return length;
}

static void write_bytes(size_t length)
{
    FILE *file = fopen(path, "wb");
    ck_assert(file && fwrite(bytes, 1, length, file) == length);
    ck_assert_int_eq(fclose(file), 0);
}

// Any byte changed: no crash, and no wrong tensor or progress is taken for good.
START_TEST(damage_is_refused)
{
    save("{\"epoch\": 3}");
    size_t length = read_bytes();
    size_t data = length - (SIZE * 4 + 12 + 3 * 8);
    for (size_t i = 0; i < length; i += i < data ? 1 : 97) {
        bytes[i] ^= 1;
        write_bytes(length);
        bytes[i] ^= 1;
        lg_model *other = new_model(true);
        char *progress = NULL;
        bool loaded = lg_checkpoint_load(other, path, &progress, NULL, NULL, &e);
        ck_assert_msg(!loaded || i < data, "byte %zu of the data", i);
        for (int p = 0; loaded && p < PARAMS; p++)
            ck_assert_mem_eq(lg_model_params(other)[p], lg_model_params(model)[p], params[p].bytes);
        ck_assert(!loaded || !progress || strcmp(progress, "{\"epoch\": 3}") == 0);
        free(progress);
        lg_model_free(other);
    }
    bytes[length - 1] ^= 0x80;
    write_bytes(length);
    ck_assert(!lg_checkpoint_load(model, path, NULL, NULL, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "c.safetensors: damaged: its contents have the check"));
    ck_assert(!lg_model_load_weights(model, path, NULL, NULL, &e));
    bytes[length - 1] ^= 0x80;
    for (size_t cut = 1; cut < length; cut += 61) {
        write_bytes(length - cut);
        ck_assert(!lg_checkpoint_load(model, path, NULL, NULL, NULL, &e));
    }
}
END_TEST

START_TEST(another_version)
{
    const lg_metadata metadata = {"lgpnc_checkpoint", "2"};
    ck_assert(lg_safetensors_write(path, NULL, 0, &metadata, 1, &e));
    ck_assert(!lg_checkpoint_load(model, path, NULL, NULL, NULL, &e));
    ck_assert_ptr_nonnull(
        strstr(e.message, "a checkpoint of version 2, this lgpnc reads version 1"));
}
END_TEST

// The system refuses to write on, as on a full disk: in the middle and at the very end.
START_TEST(no_room_leaves_the_old_one)
{
    save("{\"epoch\": 1}");
    size_t length = read_bytes();
    step(model);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    for (int i = 0; i < 3; i++) {
        const size_t rooms[] = {0, length / 2, length - 1};
        struct rlimit less = {rooms[i], old.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &less), 0);
        bool saved = lg_checkpoint_save(model, path, "{\"epoch\": 2}", &e);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
        ck_assert(!saved);
        ck_assert_ptr_nonnull(strstr(e.message, "c.safetensors: cannot write: File too large"));
        ck_assert_ptr_nonnull(strstr(e.message, "a file that was there is as it was"));
    }
    ck_assert_int_eq(lg_temporary_count(&folder), 1);
    char *progress;
    ck_assert(lg_checkpoint_load(model, path, &progress, NULL, NULL, &e));
    ck_assert_str_eq(progress, "{\"epoch\": 1}");
    free(progress);
    ck_assert(!lg_checkpoint_save(model, "/dev/full", NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "No space left on device"));
    ck_assert(!lg_checkpoint_save(model, "/nowhere/c.safetensors", NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "make the folder first"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint");
    TCase *tests = tcase_create("checkpoint");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_step_changes_parameters_and_repack_shows_it);
    tcase_add_test(tests, only_who_keeps_parameters_trains_and_saves);
    tcase_add_test(tests, everything_comes_back_to_the_bit);
    tcase_add_test(tests, weights_of_pytorch);
    tcase_add_test(tests, values_of_inputs_go_with_the_weights);
    tcase_add_test(tests, values_that_do_not_fit);
    tcase_add_test(tests, damage_is_refused);
    tcase_add_test(tests, another_version);
    tcase_add_test(tests, no_room_leaves_the_old_one);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
