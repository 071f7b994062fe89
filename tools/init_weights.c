// Counter-based random numbers: the nth is computed from n, nothing is carried along, so the order
// in which tensors are filled cannot matter.
#include "tools/init_weights.h"

#include "ir/kernel.h"
#include "runtime/safetensors.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static_assert(LG_F32 == (int)LG_ABI_F32 && LG_BF16 == (int)LG_ABI_BF16 &&
                  LG_F16 == (int)LG_ABI_F16 && LG_I32 == (int)LG_ABI_I32 &&
                  LG_I64 == (int)LG_ABI_I64 && LG_U8 == (int)LG_ABI_U8 &&
                  LG_BOOL == (int)LG_ABI_BOOL && (int)LG_MAX_RANK <= LG_ABI_MAX_RANK,
              "element types of the compiler and of the artifact have the same numbers");

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

static uint64_t hash_name(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3U;
    return hash;
}

static double uniform(uint64_t key, uint64_t n)
{
    return (double)(mix(key + n * 0x9e3779b97f4a7c15U) >> 11) * 0x1p-53 + 0x1p-54;
}

static double normal(uint64_t key, uint64_t n)
{
    double radius = sqrt(-2.0 * log(uniform(key, n & ~(uint64_t)1)));
    double angle = 2.0 * 3.14159265358979323846 * uniform(key, n | 1);
    return radius * (n & 1 ? sin(angle) : cos(angle));
}

static double element(const lg_symbol *symbol, uint64_t key, uint64_t n)
{
    switch (symbol->init) {
    case LG_INIT_CONSTANT:
        return symbol->bound;
    case LG_INIT_NORMAL:
        return symbol->bound * normal(key, n);
    case LG_INIT_UNIFORM:
        return symbol->bound * (2.0 * uniform(key, n) - 1.0);
    }
    return 0;
}

void lg_init_symbol(const lg_symbol *symbol, uint64_t seed, void *data)
{
    lg_dtype dtype = symbol->value->type.dtype;
    uint64_t key = mix(seed ^ hash_name(symbol->name));
    int64_t count = lg_type_elements(&symbol->value->type);
    for (int64_t n = 0; n < count; n++) {
        double value = element(symbol, key, (uint64_t)n);
        lg_number number =
            lg_dtype_is_float(dtype) ? (lg_number){.f = value} : (lg_number){.i = (int64_t)value};
        lg_number_store(dtype, (char *)data + n * lg_dtype_bytes(dtype), number);
    }
}

static size_t list_symbols(const lg_module *module, const lg_symbol **symbols,
                           lg_safetensor *tensors)
{
    size_t count = 0;
    LG_FOR_SYMBOLS (symbol, module) {
        if (symbol->role == LG_ROLE_PACKED)
            continue;
        if (symbols) {
            const lg_type *type = &symbol->value->type;
            symbols[count] = symbol;
            tensors[count] = (lg_safetensor){
                .name = symbol->name, .dtype = (enum lg_abi_dtype)type->dtype, .rank = type->rank};
            for (int i = 0; i < type->rank; i++)
                tensors[count].shape[i] = type->dims[i];
        }
        count++;
    }
    return count;
}

// One tensor in memory at a time.
static bool write_symbols(lg_safetensors_writer *writer, const lg_symbol **symbols, uint64_t seed,
                          lg_error *e)
{
    ptrdiff_t i;
    while ((i = lg_safetensors_next(writer)) >= 0) {
        const lg_type *type = &symbols[i]->value->type;
        size_t bytes = (size_t)lg_type_elements(type) * (size_t)lg_dtype_bytes(type->dtype);
        void *data = malloc(bytes);
        if (!data) {
            lg_fail(e, "no memory for tensor %s of %zu bytes", symbols[i]->name, bytes);
            return lg_safetensors_discard(writer);
        }
        lg_init_symbol(symbols[i], seed, data);
        bool written = lg_safetensors_append(writer, data, e);
        free(data);
        if (!written)
            return lg_safetensors_discard(writer);
    }
    return lg_safetensors_commit(writer, e);
}

bool lg_init_weights(const lg_module *module, uint64_t seed, const char *path, lg_error *e)
{
    size_t count = list_symbols(module, NULL, NULL);
    const lg_symbol **symbols = calloc(count + 1, sizeof *symbols);
    lg_safetensor *tensors = calloc(count + 1, sizeof *tensors);
    bool ok = symbols && tensors;
    if (!ok)
        lg_fail(e, "%s: no memory", path);
    if (ok) {
        char text[24];
        snprintf(text, sizeof text, "%" PRIu64, seed);
        lg_metadata metadata[] = {{"model", module->name}, {"seed", text}};
        list_symbols(module, symbols, tensors);
        lg_safetensors_writer *writer = lg_safetensors_create(path, tensors, count, metadata, 2, e);
        ok = writer && write_symbols(writer, symbols, seed, e);
    }
    free(symbols);
    free(tensors);
    return ok;
}
