// The bodies of functions: op lines and return.
//
// A line is the unit of recovery: after a fault the parser goes on at the next one. One fault is to
// be told once: what a faulty line was to define is known from then on as nothing, and an op that
// uses nothing is passed over in silence; what that one defines has the type that its line
// declares.
#include "ir/nearest.h"
#include "ir/parse.h"

#include <string.h>

typedef LG_LIST(lg_parsed_name) name_list;
typedef LG_LIST(lg_type) type_list;

// A line of a body, before it becomes an op.
typedef struct op_line {
    name_list results;
    lg_opcode code;
    lg_location where;
    lg_function *callee;
    LG_LIST(lg_value *) operands;
    bool incomplete; // an operand or the callee is not known
    LG_LIST(lg_attr) attrs;
    type_list types;
} op_line;

// ---- bodies: values

static void define(lg_parser *p, const lg_parsed_name *name, lg_value *value)
{
    lg_name_entry *entry = lg_names_find(&p->locals, name->text);
    if (!entry) {
        lg_names_set(p->scratch, &p->locals, name->text, value);
        return;
    }
    lg_error_at(p->diag, name->where, "%%%s is defined twice", name->text);
    const lg_value *first = entry->value;
    if (first && first->op)
        lg_note_at(p->diag, first->op->where, "first here");
    else if (first && first->kind == LG_VALUE_ARGUMENT)
        lg_note_at(p->diag, p->function->where, "as an argument here");
}

// False if it is not a value; *value is NULL if it is not known, which is then reported.
static bool parse_value(lg_parser *p, lg_value **value)
{
    *value = NULL;
    lg_parsed_name name;
    if (p->lexer.token.kind == LG_TOKEN_GLOBAL) {
        lg_parse_name(p, LG_TOKEN_GLOBAL, &name);
        lg_symbol *symbol = lg_module_symbol(p->module, name.text);
        if (symbol)
            *value = symbol->value;
        else
            lg_error_at(p->diag, name.where, "there is no symbol @%s", name.text);
        return true;
    }
    if (!lg_parse_name(p, LG_TOKEN_LOCAL, &name))
        return false;
    lg_name_entry *entry = lg_names_find(&p->locals, name.text);
    if (entry)
        *value = entry->value;
    else
        lg_error_at(p->diag, name.where, "%%%s is not defined above", name.text);
    return true;
}

static bool parse_operand(lg_parser *p, op_line *line)
{
    lg_value *value;
    if (!parse_value(p, &value))
        return false;
    LG_PUSH(p->scratch, &line->operands, value);
    line->incomplete |= !value;
    return true;
}

// ---- bodies: attributes

static bool parse_int_list(lg_parser *p, lg_attr_name name, lg_attr *attr)
{
    LG_LIST(int64_t) list = {0};
    int64_t value;
    if (!lg_lexer_accept(&p->lexer, "[")) {
        if (!lg_lexer_expect_integer(&p->lexer, &value))
            return false;
        LG_PUSH(p->scratch, &list, value);
    } else {
        while (!lg_lexer_accept(&p->lexer, "]")) {
            if ((list.count && !lg_lexer_expect(&p->lexer, ",")) ||
                !lg_lexer_expect_integer(&p->lexer, &value))
                return false;
            LG_PUSH(p->scratch, &list, value);
        }
    }
    *attr = lg_attr_ints(name, list.count, list.items);
    return true;
}

static bool parse_number_list(lg_parser *p, lg_attr_name name, lg_attr *attr)
{
    LG_LIST(double) list = {0};
    double value;
    if (!lg_lexer_accept(&p->lexer, "[")) {
        if (!lg_lexer_expect_number(&p->lexer, &value))
            return false;
        LG_PUSH(p->scratch, &list, value);
    } else {
        while (!lg_lexer_accept(&p->lexer, "]")) {
            if ((list.count && !lg_lexer_expect(&p->lexer, ",")) ||
                !lg_lexer_expect_number(&p->lexer, &value))
                return false;
            LG_PUSH(p->scratch, &list, value);
        }
    }
    *attr = lg_attr_numbers(name, list.count, list.items);
    return true;
}

static bool parse_attribute_value(lg_parser *p, lg_attr_name name, lg_attr *attr)
{
    lg_attr_kind kind = lg_attr_info_of(name)->kind;
    int64_t integer;
    double number;
    if (kind == LG_KIND_FLAG) {
        *attr = lg_attr_flag(name, true);
        return true;
    }
    if (!lg_lexer_expect(&p->lexer, "="))
        return false;
    if (kind == LG_KIND_INTS)
        return parse_int_list(p, name, attr);
    if (kind == LG_KIND_NUMBERS)
        return parse_number_list(p, name, attr);
    if (kind == LG_KIND_INT) {
        if (!lg_lexer_expect_integer(&p->lexer, &integer))
            return false;
        *attr = lg_attr_int(name, integer);
        return true;
    }
    if (!lg_lexer_expect_number(&p->lexer, &number))
        return false;
    *attr = lg_attr_number(name, number);
    return true;
}

static bool parse_attribute(lg_parser *p, op_line *line)
{
    lg_parsed_name word;
    lg_attr_name name;
    lg_attr attr;
    if (!lg_parse_name(p, LG_TOKEN_WORD, &word))
        return false;
    if (!lg_attr_parse(word.text, strlen(word.text), &name))
        return lg_error_at(p->diag, word.where, "there is no attribute `%s`", word.text);
    if (lg_attr_info_of(name)->kind == LG_KIND_FUNCTION)
        return lg_error_at(p->diag, word.where, "a callee is written call @name(operands)");
    for (int i = 0; i < line->attrs.count; i++)
        if (line->attrs.items[i].name == name)
            return lg_error_at(p->diag, word.where, "attribute `%s` is given twice", word.text);
    if (!parse_attribute_value(p, name, &attr))
        return false;
    LG_PUSH(p->scratch, &line->attrs, attr);
    return true;
}

static bool parse_attributes(lg_parser *p, op_line *line)
{
    if (!lg_lexer_accept(&p->lexer, "{"))
        return true;
    do {
        if (!parse_attribute(p, line))
            return false;
    } while (lg_lexer_accept(&p->lexer, ","));
    return lg_lexer_expect(&p->lexer, "}");
}

// ---- bodies: ops

static bool parse_result_names(lg_parser *p, op_line *line)
{
    if (p->lexer.token.kind != LG_TOKEN_LOCAL)
        return true;
    do {
        lg_parsed_name name;
        if (!lg_parse_name(p, LG_TOKEN_LOCAL, &name))
            return false;
        LG_PUSH(p->scratch, &line->results, name);
    } while (lg_lexer_accept(&p->lexer, ","));
    return lg_lexer_expect(&p->lexer, "=");
}

static bool parse_opcode(lg_parser *p, op_line *line)
{
    lg_parsed_name word;
    line->where = lg_parse_here(p);
    if (p->lexer.token.kind != LG_TOKEN_WORD)
        return lg_error_at(p->diag, line->where, "expected the name of an op");
    lg_parse_name(p, LG_TOKEN_WORD, &word);
    if (lg_opcode_parse(word.text, strlen(word.text), &line->code))
        return true;
    lg_nearest nearest = {.wanted = word.text};
    for (int code = 0; code < LG_OPCODE_COUNT; code++)
        lg_nearest_consider(&nearest, lg_op_info_of((lg_opcode)code)->name);
    return lg_error_at(p->diag, line->where, "there is no op `%s`%s%s%s", word.text,
                       nearest.name ? "; did you mean `" : "", nearest.name ? nearest.name : "",
                       nearest.name ? "`?" : "");
}

static bool parse_operands(lg_parser *p, op_line *line)
{
    lg_token_kind kind = p->lexer.token.kind;
    if (kind != LG_TOKEN_LOCAL && kind != LG_TOKEN_GLOBAL)
        return true;
    // The next line may start with a value too.
    if (lg_parse_here(p).line != line->where.line)
        return true;
    do {
        if (!parse_operand(p, line))
            return false;
    } while (lg_lexer_accept(&p->lexer, ","));
    return true;
}

static bool parse_callee(lg_parser *p, op_line *line)
{
    lg_parsed_name name;
    if (!lg_parse_name(p, LG_TOKEN_GLOBAL, &name))
        return false;
    line->callee = lg_module_function(p->module, name.text);
    if (!line->callee) {
        lg_error_at(p->diag, name.where, "there is no function @%s", name.text);
        line->incomplete = true;
    } else {
        lg_attr attr = lg_attr_function(LG_ATTR_callee, line->callee);
        LG_PUSH(p->scratch, &line->attrs, attr);
    }
    return lg_lexer_expect(&p->lexer, "(") && parse_operands(p, line) &&
           lg_lexer_expect(&p->lexer, ")");
}

static bool parse_result_types(lg_parser *p, op_line *line)
{
    if (!line->results.count)
        return true;
    if (!lg_lexer_expect(&p->lexer, ":"))
        return false;
    do {
        lg_type type;
        if (!lg_type_parse(&p->lexer, p->module->arena, &type))
            return false;
        LG_PUSH(p->scratch, &line->types, type);
    } while (lg_lexer_accept(&p->lexer, ","));
    if (line->types.count != line->results.count)
        return lg_error_at(p->diag, line->where, "%d results are named, %d types given",
                           line->results.count, line->types.count);
    return true;
}

static bool parse_line(lg_parser *p, op_line *line)
{
    return parse_result_names(p, line) && parse_opcode(p, line) &&
           (line->code == LG_OP_call ? parse_callee(p, line) : parse_operands(p, line)) &&
           parse_attributes(p, line) && parse_result_types(p, line);
}

// What the callee gives must be what the line declares; other ops are held to it by lg_infer.
static bool check_call_types(lg_parser *p, const op_line *line, const lg_op *op)
{
    for (int i = 0; i < op->result_count; i++)
        if (!lg_type_equal(&op->results[i]->type, &line->types.items[i]))
            return lg_error_at(p->diag, line->where, "call: result %d is %s, declared is %s", i,
                               lg_type_text(p->scratch, &op->results[i]->type),
                               lg_type_text(p->scratch, &line->types.items[i]));
    return true;
}

// The op of a line, or NULL after reporting; nothing is reported of an incomplete line.
static lg_op *make_op(lg_parser *p, const op_line *line)
{
    if (line->incomplete)
        return NULL;
    int results = line->code == LG_OP_call    ? line->callee->results.count
                  : line->code == LG_OP_write ? 0
                                              : 1;
    if (line->results.count != results) {
        lg_error_at(p->diag, line->where, "%s gives %d result%s, %d named",
                    lg_op_info_of(line->code)->name, results, results == 1 ? "" : "s",
                    line->results.count);
        return NULL;
    }
    const lg_type *declared =
        line->types.count && line->code != LG_OP_call ? &line->types.items[0] : NULL;
    lg_op *op = lg_op_new(p->function, NULL, line->code, line->operands.count, line->operands.items,
                          line->attrs.count, line->attrs.items, declared, line->where, p->diag);
    return op && check_call_types(p, line, op) ? op : NULL;
}

static void parse_op(lg_parser *p)
{
    op_line line = {0};
    int first_line = lg_parse_here(p).line;
    bool whole = parse_line(p, &line);
    lg_op *op = whole ? make_op(p, &line) : NULL;
    for (int i = 0; i < line.results.count; i++) {
        lg_value *value = op                         ? op->results[i]
                          : whole && line.incomplete ? lg_parse_stand_in(p, line.types.items[i])
                                                     : NULL;
        if (op)
            value->name = lg_strdup(p->module->arena, line.results.items[i].text);
        define(p, &line.results.items[i], value);
    }
    if (!whole) {
        lg_parse_recover(p, first_line);
    } else if (lg_parse_here(p).line == first_line && !lg_lexer_is(&p->lexer, "}")) {
        lg_error_at(p->diag, lg_parse_here(p), "expected the end of the line");
        lg_parse_recover(p, first_line);
    }
}

// ---- bodies: return

static bool check_return(lg_parser *p, int index, const lg_value *value, lg_location where)
{
    const lg_function *function = p->function;
    if (index >= function->results.count)
        return true; // the count is reported behind the last
    const lg_type *declared = &function->results.items[index]->type;
    if (value && !lg_type_equal(&value->type, declared))
        return lg_error_at(p->diag, where, "result %%%s of @%s is %s, returned is %s",
                           function->result_names.items[index], function->name,
                           lg_type_text(p->scratch, declared),
                           lg_type_text(p->scratch, &value->type));
    return true;
}

static void parse_return(lg_parser *p)
{
    lg_function *function = p->function;
    lg_location where = lg_parse_here(p);
    LG_LIST(lg_value *) values = {0};
    lg_lexer_next(&p->lexer);
    if (!lg_lexer_is(&p->lexer, "}") && lg_parse_here(p).line == where.line) {
        do {
            lg_location at = lg_parse_here(p);
            lg_value *value;
            if (!parse_value(p, &value)) {
                lg_parse_recover(p, where.line);
                return;
            }
            check_return(p, values.count, value, at);
            LG_PUSH(p->scratch, &values, value);
        } while (lg_lexer_accept(&p->lexer, ","));
    }
    if (values.count != function->results.count)
        lg_error_at(p->diag, where, "@%s has %d result%s, %d returned", function->name,
                    function->results.count, function->results.count == 1 ? "" : "s", values.count);
    else
        for (int i = 0; i < values.count; i++)
            if (values.items[i])
                function->results.items[i] = values.items[i];
}

void lg_parse_body(lg_parser *p, const lg_body *body)
{
    p->lexer = body->start;
    p->function = body->function;
    p->locals = (lg_names){0};
    bool returned = false;
    for (int i = 0; i < body->function->arguments.count; i++) {
        lg_value *argument = body->function->arguments.items[i];
        lg_names_set(p->scratch, &p->locals, argument->name, argument);
    }
    while (!lg_lexer_is(&p->lexer, "}")) {
        if (p->lexer.token.kind == LG_TOKEN_END || lg_parse_at_top_level(p)) {
            lg_lexer_expect(&p->lexer, "}");
            return;
        }
        if (returned) {
            lg_error_at(p->diag, lg_parse_here(p),
                        "expected `}`: return is the last line of a function");
            return;
        }
        if (lg_lexer_is(&p->lexer, "return")) {
            parse_return(p);
            returned = true;
        } else {
            parse_op(p);
        }
    }
    if (!returned)
        lg_error_at(p->diag, lg_parse_here(p), "@%s ends without return", body->function->name);
}
