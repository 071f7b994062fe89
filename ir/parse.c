// Text to module, in two passes. The first reads symbols and the headers of functions and remembers
// where each body starts; the second reads the bodies. So a function may call one that comes later,
// and a symbol may stand below its first use.
#include "ir/parse.h"

#include <math.h>
#include <string.h>

// Searching arguments by name is quadratic in their number.
enum { MOST_ARGUMENTS = 4096 };

lg_location lg_parse_here(const lg_parser *p)
{
    return p->lexer.token.where;
}

bool lg_parse_name(lg_parser *p, lg_token_kind kind, lg_parsed_name *name)
{
    name->where = lg_parse_here(p);
    return lg_lexer_expect_kind(&p->lexer, kind, p->scratch, &name->text);
}

void lg_parse_recover(lg_parser *p, int line)
{
    if (lg_parse_here(p).line == line)
        lg_lexer_skip_line(&p->lexer);
}

bool lg_parse_at_top_level(const lg_parser *p)
{
    static const char *const words[] = {"module", "param",  "state",    "packed",
                                        "func",   "kernel", "composite"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (lg_lexer_is(&p->lexer, words[i]))
            return true;
    return false;
}

lg_value *lg_parse_stand_in(lg_parser *p, lg_type type)
{
    lg_value *value = LG_NEW(p->module->arena, lg_value);
    value->kind = LG_VALUE_RESULT;
    value->type = type;
    return value;
}

// ---- the top level: headers

// `(%a: f32[1], ...)`: arguments, or results if `results`.
static bool parse_signature(lg_parser *p, lg_function *function, bool results)
{
    lg_names seen = {0};
    int count = 0;
    if (!lg_lexer_expect(&p->lexer, "("))
        return false;
    while (!lg_lexer_accept(&p->lexer, ")")) {
        lg_parsed_name name;
        lg_type type;
        if ((count && !lg_lexer_expect(&p->lexer, ",")) ||
            !lg_parse_name(p, LG_TOKEN_LOCAL, &name) || !lg_lexer_expect(&p->lexer, ":") ||
            !lg_type_parse(&p->lexer, p->module->arena, &type))
            return false;
        if (lg_names_find(&seen, name.text))
            return lg_error_at(p->diag, name.where, "%%%s is defined twice", name.text);
        if (++count > MOST_ARGUMENTS)
            return lg_error_at(p->diag, name.where, "more than %d of them", MOST_ARGUMENTS);
        lg_names_set(p->scratch, &seen, name.text, NULL);
        if (results)
            lg_function_return(function, name.text, lg_parse_stand_in(p, type));
        else
            lg_function_argument(function, name.text, type);
    }
    return true;
}

// Goes behind the brace that ends the body. Braces within a line come in pairs in a line without
// fault, so the count starts again with every line; lexical faults are left to the second pass.
static void skip_body(lg_parser *p)
{
    lg_diag *ignored = lg_diag_new();
    p->lexer.diag = ignored;
    int line = 0, depth = 0;
    while (p->lexer.token.kind != LG_TOKEN_END) {
        if (lg_parse_here(p).line != line) {
            line = lg_parse_here(p).line;
            depth = 0;
            if (lg_parse_at_top_level(p))
                break;
        }
        bool closes = lg_lexer_is(&p->lexer, "}");
        depth += lg_lexer_is(&p->lexer, "{") - closes;
        p->lexer.diag = depth < 0 ? p->diag : ignored;
        lg_lexer_next(&p->lexer);
        if (depth < 0)
            break;
    }
    p->lexer.diag = p->diag;
    lg_diag_free(ignored);
}

static lg_function_kind parse_function_kind(lg_parser *p)
{
    lg_function_kind kind = LG_FUNC;
    while (!lg_lexer_is(&p->lexer, lg_function_kind_name(kind)))
        kind++;
    lg_lexer_next(&p->lexer);
    return kind;
}

static bool parse_header(lg_parser *p, lg_function **made)
{
    lg_parsed_name composite = {0}, name;
    lg_function_kind kind = parse_function_kind(p);
    if (kind == LG_COMPOSITE && !lg_parse_name(p, LG_TOKEN_WORD, &composite))
        return false;
    if (!lg_parse_name(p, LG_TOKEN_GLOBAL, &name))
        return false;
    const lg_function *first = lg_module_function(p->module, name.text);
    if (first) {
        lg_error_at(p->diag, name.where, "@%s is defined twice", name.text);
        lg_note_at(p->diag, first->where, "first here");
        return false;
    }
    lg_function *function = lg_function_new(p->module, kind, name.text);
    *made = function;
    function->where = name.where;
    if (composite.text)
        function->composite = lg_strdup(p->module->arena, composite.text);
    return parse_signature(p, function, false) && lg_lexer_expect(&p->lexer, "->") &&
           parse_signature(p, function, true) && lg_lexer_expect(&p->lexer, "{");
}

// After a fault in the header the body is passed over: without arguments it would only be noise.
static void parse_function(lg_parser *p)
{
    lg_function *function = NULL;
    int line = lg_parse_here(p).line;
    if (parse_header(p, &function)) {
        lg_body body = {function, p->lexer};
        LG_PUSH(p->scratch, &p->bodies, body);
    } else {
        lg_parse_recover(p, line);
    }
    skip_body(p);
}

// ---- the top level: symbols

static bool parse_init(lg_parser *p, lg_symbol *symbol)
{
    lg_parsed_name word;
    if (!lg_lexer_accept(&p->lexer, "{"))
        return true;
    if (!lg_parse_name(p, LG_TOKEN_WORD, &word))
        return false;
    lg_init_kind init = LG_INIT_CONSTANT;
    while (init <= LG_INIT_UNIFORM && strcmp(lg_init_name(init), word.text) != 0)
        init++;
    if (init > LG_INIT_UNIFORM)
        return lg_error_at(p->diag, word.where, "a symbol starts as constant, normal or uniform");
    lg_location where;
    if (!lg_lexer_expect(&p->lexer, "=") ||
        (where = lg_parse_here(p), !lg_lexer_expect_number(&p->lexer, &symbol->bound)))
        return false;
    if (!isfinite(symbol->bound) || (init != LG_INIT_CONSTANT && symbol->bound < 0))
        return lg_error_at(p->diag, where, "must be finite, and of a distribution not negative");
    symbol->init = init;
    return lg_lexer_expect(&p->lexer, "}");
}

static bool parse_symbol(lg_parser *p)
{
    lg_parsed_name name;
    lg_type type;
    lg_role role = LG_ROLE_PARAM;
    while (!lg_lexer_is(&p->lexer, lg_role_name(role)))
        role++;
    lg_lexer_next(&p->lexer);
    if (!lg_parse_name(p, LG_TOKEN_GLOBAL, &name) || !lg_lexer_expect(&p->lexer, ":") ||
        !lg_type_parse(&p->lexer, p->module->arena, &type))
        return false;
    const lg_symbol *first = lg_module_symbol(p->module, name.text);
    if (first) {
        lg_error_at(p->diag, name.where, "@%s is defined twice", name.text);
        lg_note_at(p->diag, first->where, "first here");
        return false;
    }
    lg_symbol *symbol = lg_symbol_new(p->module, role, name.text, type);
    symbol->where = name.where;
    symbol->dead = lg_lexer_accept(&p->lexer, "dead");
    return parse_init(p, symbol);
}

static bool parse_module_name(lg_parser *p)
{
    lg_parsed_name name;
    lg_lexer_next(&p->lexer);
    if (!lg_parse_name(p, LG_TOKEN_GLOBAL, &name))
        return false;
    p->module->name = lg_strdup(p->module->arena, name.text);
    return true;
}

static void parse_top_level(lg_parser *p)
{
    int first_line = lg_parse_here(p).line;
    if (lg_lexer_is(&p->lexer, "module") && !parse_module_name(p))
        lg_parse_recover(p, first_line);
    while (p->lexer.token.kind != LG_TOKEN_END) {
        int line = lg_parse_here(p).line;
        if (lg_lexer_is(&p->lexer, "func") || lg_lexer_is(&p->lexer, "kernel") ||
            lg_lexer_is(&p->lexer, "composite")) {
            parse_function(p);
        } else if (lg_parse_at_top_level(p) && !lg_lexer_is(&p->lexer, "module")) {
            if (!parse_symbol(p))
                lg_parse_recover(p, line);
        } else {
            lg_error_at(p->diag, lg_parse_here(p),
                        "expected a symbol (param, state, packed) or a function "
                        "(func, composite, kernel)");
            do {
                lg_lexer_skip_line(&p->lexer);
            } while (p->lexer.token.kind != LG_TOKEN_END && !lg_parse_at_top_level(p));
        }
    }
}

lg_module *lg_parse_module(const char *file, const char *text, size_t length, lg_diag *diag)
{
    int errors = lg_diag_errors(diag);
    lg_parser p = {.lexer = {.negative_numbers = true},
                   .module = lg_module_new("main"),
                   .diag = diag,
                   .scratch = lg_arena_new()};
    lg_lexer_begin(&p.lexer, file, text, length, diag);
    parse_top_level(&p);
    for (int i = 0; i < p.bodies.count; i++)
        lg_parse_body(&p, &p.bodies.items[i]);
    lg_arena_free(p.scratch);
    if (lg_diag_errors(diag) == errors)
        return p.module;
    lg_module_free(p.module);
    return NULL;
}
