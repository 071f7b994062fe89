#include "tests/support/training_golden.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const lg_training_case lg_training_cases[LG_TRAINING_CASES] = {
    {"square", "lgpn:image=32,width=8,feat=32,dim=16,blocks=1-1-1-1,batch=2"},
    {"mixed_graph", "lgpn:image=32,width=8,feat=32,dim=16,blocks=1-1-1-1,continuous=1"},
    {"odd", "lgpn:image=37,width=8,feat=32,dim=16,blocks=1-1-1-1,batch=3"},
};

static lg_safetensors *open_file(const char *folder, const char *file)
{
    char path[512];
    lg_error e = {""};
    snprintf(path, sizeof path, "%s/goldens/lgpn/%s/%s.safetensors", LGPNC_TESTS_DIR, folder, file);
    lg_safetensors *opened = lg_safetensors_open(path, &e);
    ck_assert_msg(opened != NULL, "%s", e.message);
    return opened;
}

lg_training_golden lg_training_golden_open(const lg_training_case *which)
{
    return (lg_training_golden){.folder = which->folder,
                                .weights = open_file(which->folder, "weights"),
                                .inputs = open_file(which->folder, "case"),
                                .steps = open_file(which->folder, "training")};
}

void lg_training_golden_close(lg_training_golden *golden)
{
    lg_safetensors_close(golden->weights);
    lg_safetensors_close(golden->inputs);
    lg_safetensors_close(golden->steps);
}

const lg_safetensor *lg_training_golden_find(const lg_training_golden *golden, const char *name)
{
    const lg_safetensor *tensor = lg_safetensors_find(golden->steps, name);
    if (!tensor)
        tensor = lg_safetensors_find(golden->weights, name);
    return tensor ? tensor : lg_safetensors_find(golden->inputs, name);
}

static int64_t count_of(const lg_safetensor *tensor)
{
    int64_t count = 1;
    for (int i = 0; i < tensor->rank; i++)
        count *= tensor->shape[i];
    return count;
}

static double element(const lg_safetensor *tensor, int64_t i)
{
    if (tensor->dtype == LG_ABI_I64)
        return (double)((const int64_t *)tensor->data)[i];
    return (double)((const float *)tensor->data)[i];
}

static double largest_of(const lg_training_golden *golden, const lg_safetensor *tensor)
{
    char name[256];
    snprintf(name, sizeof name, "largest.%s", strchr(tensor->name, '.') + 1);
    const lg_safetensor *stored = lg_safetensors_find(golden->steps, name);
    if (stored)
        return element(stored, 0);
    double largest = 0;
    for (int64_t i = 0; i < count_of(tensor); i++)
        largest = fmax(largest, fabs(element(tensor, i)));
    return largest;
}

void lg_training_compare(const lg_training_golden *golden, const char *expected, const char *name,
                         int64_t elements, double tolerance, lg_training_value *value,
                         void *context)
{
    const lg_safetensor *tensor = lg_safetensors_find(golden->steps, expected);
    ck_assert_msg(tensor != NULL, "there is no golden %s", expected);
    int64_t count = count_of(tensor);
    ck_assert_msg(count <= elements, "%s has %lld elements", name, (long long)elements);
    for (int64_t i = 0; i < count; i++) {
        double got = value(context, name, i * elements / count), wanted = element(tensor, i);
        ck_assert_msg(fabs(got - wanted) <= tolerance, "%s: %s[%lld] is %.9g, not %.9g (%g)",
                      golden->folder, name, (long long)(i * elements / count), got, wanted,
                      tolerance);
    }
}

static bool is_gradient(const lg_safetensor *tensor)
{
    return strncmp(tensor->name, "grad.", 5) == 0;
}

int lg_training_compare_gradients(const lg_training_golden *golden, double of_loss,
                                  double of_gradient, lg_training_value *value,
                                  int64_t (*elements)(void *context, const char *name),
                                  void *context)
{
    double largest = 0;
    int gradients = 0;
    size_t count = lg_safetensors_count(golden->steps);
    for (size_t i = 0; i < count; i++) {
        const lg_safetensor *tensor = lg_safetensors_at(golden->steps, i);
        if (strncmp(tensor->name, "loss", 4) == 0)
            lg_training_compare(golden, tensor->name, tensor->name, 1,
                                of_loss * fabs(element(tensor, 0)), value, context);
        if (is_gradient(tensor))
            largest = fmax(largest, largest_of(golden, tensor));
    }
    for (size_t i = 0; i < count; i++) {
        const lg_safetensor *tensor = lg_safetensors_at(golden->steps, i);
        if (!is_gradient(tensor))
            continue;
        double scale = largest_of(golden, tensor) + 0.01 * largest;
        lg_training_compare(golden, tensor->name, tensor->name, elements(context, tensor->name),
                            of_gradient * scale, value, context);
        gradients++;
    }
    return gradients;
}
