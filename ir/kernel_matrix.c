// The statements of a matrix unit (Intel AMX): registers that hold a block of a matrix are zeroed,
// loaded, multiplied and stored as a whole. One table says how each statement is written and what
// its operands are; the parser, the printer and the verifier read it. The first operand is what a
// statement writes.
#include "ir/kernel.h"
#include "ir/kernel_internal.h"

#include <assert.h>

static const lg_matrix_info infos[LG_MATRIX_ACTION_COUNT] = {
    [LG_MATRIX_ZERO] = {"zero", 1, {LG_MATRIX_ACC}},
    [LG_MATRIX_LOAD] = {"load", 2, {LG_MATRIX_OPERAND, LG_MATRIX_SOURCE}},
    [LG_MATRIX_DOT] = {"dot", 3, {LG_MATRIX_ACC, LG_MATRIX_OPERAND, LG_MATRIX_OPERAND}},
    [LG_MATRIX_STORE] = {"store", 2, {LG_MATRIX_TARGET, LG_MATRIX_ACC}},
};

static const struct {
    const char *wanted;
    lg_dtype dtype;
    int lanes;
    bool is_register;
} kinds[] = {
    [LG_MATRIX_ACC] = {"an accumulator, f32x256 matrix", LG_F32, LG_MATRIX_SUMS, true},
    [LG_MATRIX_OPERAND] = {"an operand, bf16x512 matrix", LG_BF16, LG_MATRIX_NUMBERS, true},
    [LG_MATRIX_SOURCE] = {"a bf16 buffer in memory", LG_BF16, 1, false},
    [LG_MATRIX_TARGET] = {"an f32 buffer in memory", LG_F32, 1, false},
};

const lg_matrix_info *lg_matrix_info_of(lg_matrix_action action)
{
    assert((unsigned)action < LG_MATRIX_ACTION_COUNT);
    return &infos[action];
}

bool lg_matrix_takes(lg_matrix_role role, const lg_kbuffer *buffer, const char **wanted)
{
    *wanted = kinds[role].wanted;
    bool fits = kinds[role].is_register ? buffer->scope == LG_SCOPE_MATRIX
                                        : buffer->scope < LG_SCOPE_REGISTER;
    return fits && buffer->dtype == kinds[role].dtype && buffer->lanes == kinds[role].lanes;
}

bool lg_matrix_holds(lg_dtype dtype, int lanes)
{
    return (dtype == LG_F32 && lanes == LG_MATRIX_SUMS) ||
           (dtype == LG_BF16 && lanes == LG_MATRIX_NUMBERS);
}

void lg_k_matrix(lg_kbuilder *k, lg_matrix_action action, const lg_kplace operands[3])
{
    lg_kstmt *stmt = lg_k_append(k, LG_K_MATRIX);
    stmt->as.matrix.action = action;
    for (int i = 0; i < 3 && operands[i].buffer; i++) {
        lg_kbuffer *buffer = operands[i].buffer;
        size_t bytes = sizeof(lg_kx *) * (size_t)buffer->rank;
        stmt->as.matrix.operands[i] =
            (lg_kplace){buffer, lg_copy(k->kernel->arena, operands[i].index, bytes)};
    }
}

// `buffer` at `index`, which lg_k_matrix copies and does not change.
static lg_kplace place_of(lg_matrix_role role, lg_kbuffer *buffer, lg_kx *const *index)
{
    const char *wanted;
    bool fits = lg_matrix_takes(role, buffer, &wanted);
    assert(fits);
    (void)fits;
    return (lg_kplace){buffer, (lg_kx **)index};
}

void lg_k_matrix_zero(lg_kbuilder *k, lg_kbuffer *acc, lg_kx *const *index)
{
    lg_k_matrix(k, LG_MATRIX_ZERO, (lg_kplace[3]){place_of(LG_MATRIX_ACC, acc, index)});
}

void lg_k_matrix_load(lg_kbuilder *k, lg_kbuffer *operand, lg_kx *const *index, lg_kbuffer *from,
                      lg_kx *const *from_index)
{
    lg_k_matrix(k, LG_MATRIX_LOAD,
                (lg_kplace[3]){place_of(LG_MATRIX_OPERAND, operand, index),
                               place_of(LG_MATRIX_SOURCE, from, from_index)});
}

void lg_k_matrix_dot(lg_kbuilder *k, lg_kbuffer *acc, lg_kx *const *index, lg_kbuffer *left,
                     lg_kx *const *left_index, lg_kbuffer *right, lg_kx *const *right_index)
{
    lg_k_matrix(k, LG_MATRIX_DOT,
                (lg_kplace[3]){place_of(LG_MATRIX_ACC, acc, index),
                               place_of(LG_MATRIX_OPERAND, left, left_index),
                               place_of(LG_MATRIX_OPERAND, right, right_index)});
}

void lg_k_matrix_store(lg_kbuilder *k, lg_kbuffer *to, lg_kx *const *to_index, lg_kbuffer *acc,
                       lg_kx *const *index)
{
    lg_k_matrix(k, LG_MATRIX_STORE,
                (lg_kplace[3]){place_of(LG_MATRIX_TARGET, to, to_index),
                               place_of(LG_MATRIX_ACC, acc, index)});
}
