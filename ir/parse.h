// What the two passes of the parser share.
#ifndef LG_IR_PARSE_H
#define LG_IR_PARSE_H

#include "ir/graph.h"
#include "ir/lexer.h"
#include "ir/names.h"

typedef struct lg_body {
    lg_function *function;
    lg_lexer start; // at the first token
} lg_body;

typedef struct lg_parser {
    lg_lexer lexer;
    lg_module *module;
    lg_diag *diag;
    lg_arena *scratch;
    LG_LIST(lg_body) bodies;
    lg_function *function; // whose body is read
    lg_names locals;       // its values; NULL: nothing
} lg_parser;

typedef struct lg_parsed_name {
    const char *text;
    lg_location where;
} lg_parsed_name;

lg_location lg_parse_here(const lg_parser *p);
bool lg_parse_name(lg_parser *p, lg_token_kind kind, lg_parsed_name *name);
// Goes to the next line unless the fault was found there already.
void lg_parse_recover(lg_parser *p, int line);
bool lg_parse_at_top_level(const lg_parser *p); // a word that starts a symbol or a function
// A value that stands for a result that is not there yet, or could not be made.
lg_value *lg_parse_stand_in(lg_parser *p, lg_type type);

void lg_parse_body(lg_parser *p, const lg_body *body);

#endif
