// Tensors of the reference interpreter and the table of what symbols hold.
#include "ir/interp.h"

#include <assert.h>
#include <math.h>
#include <string.h>

lg_array *lg_array_new(lg_arena *arena, const lg_type *type)
{
    lg_array *array = LG_NEW(arena, lg_array);
    array->type = *type;
    array->type.layout = NULL;
    array->data = LG_NEW_ARRAY(arena, lg_number, lg_type_elements(type));
    return array;
}

// Goes to the next index in row-major order.
static void advance(const lg_type *type, int64_t *index)
{
    for (int axis = type->rank - 1; axis >= 0; axis--) {
        if (++index[axis] < type->dims[axis])
            return;
        index[axis] = 0;
    }
}

void lg_array_load(lg_array *array, const lg_type *type, const void *memory)
{
    assert(lg_shape_equal(&array->type, type));
    int64_t count = lg_type_elements(type), index[LG_MAX_RANK] = {0};
    int bytes = lg_dtype_bytes(type->dtype);
    for (int64_t i = 0; i < count; i++, advance(type, index)) {
        int64_t at = lg_layout_offset(type, index);
        array->data[i] = lg_number_load(type->dtype, (const char *)memory + at * bytes);
    }
}

typedef struct target {
    lg_dtype dtype;
    char *memory;
} target;

static void store_zero(void *context, int64_t offset)
{
    const target *to = context;
    int bytes = lg_dtype_bytes(to->dtype);
    memset(to->memory + offset * bytes, 0, (size_t)bytes);
}

void lg_array_store(const lg_array *array, const lg_type *type, void *memory)
{
    assert(lg_shape_equal(&array->type, type));
    lg_layout_for_padding(type, store_zero, &(target){type->dtype, memory});
    int64_t count = lg_type_elements(type), index[LG_MAX_RANK] = {0};
    int bytes = lg_dtype_bytes(type->dtype);
    for (int64_t i = 0; i < count; i++, advance(type, index)) {
        int64_t at = lg_layout_offset(type, index);
        lg_number_store(type->dtype, (char *)memory + at * bytes, array->data[i]);
    }
}

// splitmix64 (Steele, Lea, Flood 2014).
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// The sum of four uniform numbers, scaled to deviation 1: close enough to normal and the
// same on every machine.
static double next_normal(uint64_t *state)
{
    uint64_t bits = next_random(state);
    double sum = 0;
    for (int i = 0; i < 4; i++, bits >>= 16)
        sum += (double)(bits & 0xffff) / 65536 - 0.5;
    return sum * sqrt(3);
}

// Numbers that memory of the type holds exactly: reference and compiled code start from the same.
void lg_array_randomize(lg_array *array, uint64_t seed)
{
    lg_dtype dtype = array->type.dtype;
    int64_t count = lg_type_elements(&array->type);
    for (int64_t i = 0; i < count; i++) {
        if (lg_dtype_is_float(dtype)) {
            char memory[8];
            lg_number_store(dtype, memory, (lg_number){.f = next_normal(&seed)});
            array->data[i] = lg_number_load(dtype, memory);
        } else {
            array->data[i].i = (int64_t)(next_random(&seed) & (dtype == LG_BOOL ? 1 : 7));
        }
    }
}

lg_array *lg_environment_get(const lg_environment *environment, const lg_symbol *symbol)
{
    for (int i = 0; i < environment->symbols.count; i++)
        if (environment->symbols.items[i] == symbol)
            return environment->arrays.items[i];
    return NULL;
}

void lg_environment_set(lg_arena *arena, lg_environment *environment, const lg_symbol *symbol,
                        lg_array *array)
{
    for (int i = 0; i < environment->symbols.count; i++)
        if (environment->symbols.items[i] == symbol) {
            environment->arrays.items[i] = array;
            return;
        }
    LG_PUSH(arena, &environment->symbols, symbol);
    LG_PUSH(arena, &environment->arrays, array);
}

lg_environment lg_environment_copy(lg_arena *arena, const lg_environment *from)
{
    lg_environment copy = {0};
    for (int i = 0; i < from->symbols.count; i++) {
        LG_PUSH(arena, &copy.symbols, from->symbols.items[i]);
        LG_PUSH(arena, &copy.arrays, from->arrays.items[i]);
    }
    return copy;
}
