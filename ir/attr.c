// Attributes: constructors that check the kind of the name's row, and reading with defaults.
#include "ir/graph.h"
#include "ir/infer.h"

#include <assert.h>
#include <string.h>

static lg_attr attr_of(lg_attr_name name, lg_attr_kind kind, int count)
{
    assert(lg_attr_info_of(name)->kind == kind);
    return (lg_attr){.name = name, .count = count};
}

lg_attr lg_attr_int(lg_attr_name name, int64_t value)
{
    lg_attr attr = attr_of(name, LG_KIND_INT, 1);
    attr.as.integer = value;
    return attr;
}

lg_attr lg_attr_flag(lg_attr_name name, bool value)
{
    lg_attr attr = attr_of(name, LG_KIND_FLAG, 1);
    attr.as.integer = value;
    return attr;
}

lg_attr lg_attr_number(lg_attr_name name, double value)
{
    lg_attr attr = attr_of(name, LG_KIND_NUMBER, 1);
    attr.as.number = value;
    return attr;
}

lg_attr lg_attr_ints(lg_attr_name name, int count, const int64_t *values)
{
    lg_attr attr = attr_of(name, LG_KIND_INTS, count);
    attr.as.ints = values;
    return attr;
}

lg_attr lg_attr_numbers(lg_attr_name name, int count, const double *values)
{
    lg_attr attr = attr_of(name, LG_KIND_NUMBERS, count);
    attr.as.numbers = values;
    return attr;
}

lg_attr lg_attr_function(lg_attr_name name, lg_function *function)
{
    lg_attr attr = attr_of(name, LG_KIND_FUNCTION, 1);
    attr.as.function = function;
    return attr;
}

const lg_attr *lg_op_attr(const lg_op *op, lg_attr_name name)
{
    for (int i = 0; i < op->attr_count; i++)
        if (op->attrs[i].name == name)
            return &op->attrs[i];
    return NULL;
}

int64_t lg_op_int(const lg_op *op, lg_attr_name name)
{
    const lg_attr_info *info = lg_attr_info_of(name);
    assert(info->kind == LG_KIND_INT || info->kind == LG_KIND_FLAG);
    const lg_attr *attr = lg_op_attr(op, name);
    return attr ? attr->as.integer : info->initial;
}

int64_t lg_op_int_at(const lg_op *op, lg_attr_name name, int index)
{
    assert(lg_attr_info_of(name)->kind == LG_KIND_INTS);
    const lg_attr *attr = lg_op_attr(op, name);
    if (!attr)
        return lg_attr_info_of(name)->initial;
    assert(index >= 0 && index < attr->count);
    return attr->as.ints[index];
}

double lg_op_number(const lg_op *op, lg_attr_name name)
{
    assert(lg_attr_info_of(name)->kind == LG_KIND_NUMBER);
    const lg_attr *attr = lg_op_attr(op, name);
    return attr ? attr->as.number : (double)lg_attr_info_of(name)->initial;
}

lg_function *lg_op_callee(const lg_op *op)
{
    assert(op->code == LG_OP_call);
    const lg_attr *attr = lg_op_attr(op, LG_ATTR_callee);
    return attr ? attr->as.function : NULL;
}

// ---- the attributes column of an op's row: "a ?b c|d"

static bool is_separator(char c)
{
    return c == ' ' || c == '|' || c == '?';
}

// The first character of `name` among `names`, or NULL.
static const char *find_word(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names; (at = strstr(at, name)); at += length)
        if ((at == names || is_separator(at[-1])) && (!at[length] || is_separator(at[length])))
            return at;
    return NULL;
}

bool lg_attr_is_allowed(lg_opcode code, lg_attr_name name)
{
    return find_word(lg_op_info_of(code)->attributes, lg_attr_info_of(name)->name) != NULL;
}

bool lg_attr_is_optional(lg_opcode code, lg_attr_name name)
{
    const char *names = lg_op_info_of(code)->attributes;
    const char *at = find_word(names, lg_attr_info_of(name)->name);
    return at && at > names && at[-1] == '?';
}

lg_attr_name lg_attr_alternative(lg_opcode code, lg_attr_name name)
{
    const char *names = lg_op_info_of(code)->attributes;
    if (!strchr(names, '|')) // of most ops; every op that is made asks
        return name;
    const char *at = find_word(names, lg_attr_info_of(name)->name);
    size_t length = strlen(lg_attr_info_of(name)->name);
    for (int other = 0; other < LG_ATTR_COUNT; other++) {
        const char *word = find_word(names, lg_attr_info_of((lg_attr_name)other)->name);
        size_t other_length = strlen(lg_attr_info_of((lg_attr_name)other)->name);
        if (at && word &&
            ((at[length] == '|' && word == at + length + 1) ||
             (word[other_length] == '|' && at == word + other_length + 1)))
            return (lg_attr_name)other;
    }
    return name;
}
