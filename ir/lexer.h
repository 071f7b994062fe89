// Tokens of both text forms. The lexer knows no keywords: a parser asks for what it expects, and
// the one message "expected X, found Y" comes from here.
#ifndef LG_IR_LEXER_H
#define LG_IR_LEXER_H

#include "ir/arena.h"
#include "ir/diag.h"

#include <stdint.h>

typedef enum lg_token_kind {
    LG_TOKEN_END,
    LG_TOKEN_WORD,    // [A-Za-z_][A-Za-z0-9_.]*, a dot only before a letter, digit or _
    LG_TOKEN_LOCAL,   // %name: [A-Za-z0-9_.]+ likewise; text is the name alone
    LG_TOKEN_GLOBAL,  // @name: [A-Za-z0-9_.:-]+, . : - not at its end
    LG_TOKEN_INTEGER, // 12, -3; `integer` holds it
    LG_TOKEN_NUMBER,  // 1.5, -2e-3, inf, -inf, nan where a number is asked for; `number` holds it
    LG_TOKEN_STRING,  // "text" without escapes
    LG_TOKEN_COMMENT, // // to the end of the line; text without the // and one space
    LG_TOKEN_PUNCT    // longest of: -> .. == != <= >= << >> and any single character
} lg_token_kind;

typedef struct lg_token {
    lg_token_kind kind;
    const char *text; // in the source, `length` characters
    size_t length;
    int64_t integer;
    double number;
    lg_location where;
} lg_token;

typedef struct lg_lexer {
    const char *file, *at, *end;
    int line;
    const char *line_start;
    lg_token token;        // the current one
    bool keep_comments;    // // is a token (kernel IR) or skipped (graph IR); ; is always skipped
    bool negative_numbers; // "-3" is one token (graph IR) or - and 3 (expressions)
    lg_diag *diag;
} lg_lexer;

// Starts at the first token. The two flags are taken as they are: initialise the lexer with them
// (`lg_lexer lexer = {.keep_comments = true};`) before.
void lg_lexer_begin(lg_lexer *lexer, const char *file, const char *text, size_t length,
                    lg_diag *diag);
void lg_lexer_next(lg_lexer *lexer);
// Is the current token the punctuation or word `text`?
bool lg_lexer_is(const lg_lexer *lexer, const char *text);
// The same, and goes past it.
bool lg_lexer_accept(lg_lexer *lexer, const char *text);
// Goes past `text` or reports "expected `text`, found `...`".
bool lg_lexer_expect(lg_lexer *lexer, const char *text);
// Goes past a token of that kind and copies its text into `arena`; or reports what was expected.
bool lg_lexer_expect_kind(lg_lexer *lexer, lg_token_kind kind, lg_arena *arena, const char **text);
bool lg_lexer_expect_integer(lg_lexer *lexer, int64_t *value);
bool lg_lexer_expect_number(lg_lexer *lexer, double *value); // integers too
// Skips to the start of the next line, to go on after a fault.
void lg_lexer_skip_line(lg_lexer *lexer);

// The shortest text that reads back as `value` exactly and has a '.', an 'e' or letters in it
// ("0.1", "1.0", "1e-05", "inf"); `single`: as a float. Used by both printers.
const char *lg_number_text(char buffer[32], double value, bool single);

#endif
