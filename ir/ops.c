// The tables of ops and attributes, from their rows.
#include "ir/graph.h"

#include <assert.h>
#include <string.h>

#define VARIADIC LG_VARIADIC

static const lg_op_info ops[] = {
#define ELEMENTWISE(name, arity, operands, result, summary, ...)                                   \
    [LG_OP_##name] = {#name, LG_CLASS_ELEMENTWISE, arity, "", summary, #__VA_ARGS__},
#define OP(name, class, operands, attributes, summary)                                             \
    [LG_OP_##name] = {#name, LG_CLASS_##class, operands, attributes, summary, NULL},
#include "ir/ops.def"
#undef ELEMENTWISE
#undef OP
};

static const lg_attr_info attributes[] = {
#define ATTR(name, kind, initial, summary)                                                         \
    [LG_ATTR_##name] = {#name, LG_KIND_##kind, initial, summary},
#include "ir/attrs.def"
#undef ATTR
};

const lg_op_info *lg_op_info_of(lg_opcode code)
{
    assert((unsigned)code < LG_OPCODE_COUNT);
    return &ops[code];
}

const lg_attr_info *lg_attr_info_of(lg_attr_name name)
{
    assert((unsigned)name < LG_ATTR_COUNT);
    return &attributes[name];
}

static bool is_name(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

bool lg_opcode_parse(const char *text, size_t length, lg_opcode *code)
{
    for (int i = 0; i < LG_OPCODE_COUNT; i++) {
        if (is_name(ops[i].name, text, length)) {
            *code = (lg_opcode)i;
            return true;
        }
    }
    return false;
}

bool lg_attr_parse(const char *text, size_t length, lg_attr_name *name)
{
    for (int i = 0; i < LG_ATTR_COUNT; i++) {
        if (is_name(attributes[i].name, text, length)) {
            *name = (lg_attr_name)i;
            return true;
        }
    }
    return false;
}
