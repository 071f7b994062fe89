// The expression column of ir/ops.def as kernel IR: the text of a row is C that calls the builders
// below, one macro a scalar function. An elementwise op is complete once its row is written: both
// interpreters, every schedule and every emitter get it from here.
#include "ir/elementwise.h"

#include <assert.h>

#define A (args[0])
#define B (args[1])
#define C (args[2])
#define NUM(value) lg_kx_number(k, dtype, (value))

#define UNARY(fn, a) lg_kx_apply(k, LG_S_##fn, (a), NULL, NULL)
#define BINARY(fn, a, b) lg_kx_apply(k, LG_S_##fn, (a), (b), NULL)
#define TERNARY(fn, a, b, c) lg_kx_apply(k, LG_S_##fn, (a), (b), (c))

#define NEG(a) UNARY(NEG, a)
#define ABS(a) UNARY(ABS, a)
#define SQRT(a) UNARY(SQRT, a)
#define EXP(a) UNARY(EXP, a)
#define LOG(a) UNARY(LOG, a)
#define TANH(a) UNARY(TANH, a)
#define COS(a) UNARY(COS, a)
#define FLOOR(a) UNARY(FLOOR, a)
#define NOT(a) UNARY(NOT, a)
#define ADD(a, b) BINARY(ADD, a, b)
#define SUB(a, b) BINARY(SUB, a, b)
#define MUL(a, b) BINARY(MUL, a, b)
#define DIV(a, b) BINARY(DIV, a, b)
#define MOD(a, b) BINARY(MOD, a, b)
#define MIN(a, b) BINARY(MIN, a, b)
#define MAX(a, b) BINARY(MAX, a, b)
#define AND(a, b) BINARY(AND, a, b)
#define OR(a, b) BINARY(OR, a, b)
#define XOR(a, b) BINARY(XOR, a, b)
#define SHL(a, b) BINARY(SHL, a, b)
#define SHR(a, b) BINARY(SHR, a, b)
#define EQ(a, b) BINARY(EQ, a, b)
#define NE(a, b) BINARY(NE, a, b)
#define LT(a, b) BINARY(LT, a, b)
#define LE(a, b) BINARY(LE, a, b)
#define GT(a, b) BINARY(GT, a, b)
#define GE(a, b) BINARY(GE, a, b)
#define FMA(a, b, c) TERNARY(FMA, a, b, c)
#define SELECT(a, b, c) TERNARY(SELECT, a, b, c)

lg_kx *lg_expand_elementwise(lg_kbuilder *k, int opcode, lg_dtype dtype, lg_kx *const *args)
{
    switch ((lg_opcode)opcode) {
#define ELEMENTWISE(name, arity, operands, result, summary, expression)                            \
    case LG_OP_##name:                                                                             \
        return expression;
#define OP(name, class, operands, attributes, summary) case LG_OP_##name:
#include "ir/ops.def"
#undef ELEMENTWISE
#undef OP
    case LG_OPCODE_COUNT:
        break;
    }
    assert(!"an elementwise op");
    return NULL;
}

lg_kx *lg_elementwise_expression(lg_arena *arena, const lg_op *op)
{
    static const char *const names[] = {"a", "b", "c"};
    // A kernel that holds nothing: the builder wants one for its arena.
    lg_kernel *kernel = LG_NEW(arena, lg_kernel);
    kernel->arena = arena;
    kernel->name = "expression";
    lg_kbuilder k = {0};
    lg_k_begin(&k, kernel);
    lg_kx *args[3] = {NULL};
    for (int i = 0; i < op->operand_count; i++) {
        lg_kvar *var = LG_NEW(arena, lg_kvar);
        lg_dtype dtype = lg_kernel_dtype(op->operands[i]->type.dtype);
        *var = (lg_kvar){names[i], {dtype, 1}, INT64_MIN / 4, INT64_MAX / 4, i};
        args[i] = LG_NEW(arena, lg_kx);
        *args[i] = (lg_kx){.kind = LG_KX_VAR, .type = var->type, .as.var = var};
    }
    const lg_value *last = op->operands[op->operand_count - 1];
    return lg_expand_elementwise(&k, (int)op->code, lg_kernel_dtype(last->type.dtype), args);
}
