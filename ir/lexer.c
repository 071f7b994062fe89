// One pass over the bytes, one token at a time. A token never crosses a line, so a parser that has
// lost its way finds it again at the next one. Bytes that no text form uses become single
// punctuation characters: the parser's "expected X, found Y" is the message for them too.
#include "ir/lexer.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NUMBER = 400, SHOWN = 40 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word(char c)
{
    return is_word_start(c) || is_digit(c);
}

static char peek(const lg_lexer *lexer, const char *at)
{
    return at < lexer->end ? *at : '\0';
}

// ---- what stands between tokens

static void skip_to_newline(lg_lexer *lexer)
{
    const char *newline = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));
    lexer->at = newline ? newline : lexer->end;
}

static bool at_slashes(const lg_lexer *lexer)
{
    return peek(lexer, lexer->at) == '/' && peek(lexer, lexer->at + 1) == '/';
}

static void skip_space(lg_lexer *lexer)
{
    while (lexer->at < lexer->end) {
        char c = *lexer->at;
        if (c == '\n') {
            lexer->line_start = ++lexer->at;
            lexer->line++;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            lexer->at++;
        } else if (c == ';' || (at_slashes(lexer) && !lexer->keep_comments)) {
            skip_to_newline(lexer);
        } else {
            return;
        }
    }
}

// ---- the kinds of tokens: each scans from lexer->at and leaves it behind the token

static const char *scan_word(const lg_lexer *lexer, const char *at)
{
    while (is_word(peek(lexer, at)) || (peek(lexer, at) == '.' && is_word(peek(lexer, at + 1))))
        at++;
    return at;
}

// A colon or a dash inside a name belongs to it, at its end to what follows ("@w: f32", "@f->").
static const char *scan_global(const lg_lexer *lexer, const char *at)
{
    const char *start = at;
    for (char c = peek(lexer, at); is_word(c) || c == '.' || c == ':' || c == '-';)
        c = peek(lexer, ++at);
    while (at > start && !is_word(at[-1]))
        at--;
    return at;
}

static const char *scan_digits(const lg_lexer *lexer, const char *at)
{
    while (is_digit(peek(lexer, at)))
        at++;
    return at;
}

static void convert_number(lg_lexer *lexer, lg_token *token)
{
    char text[LONGEST_NUMBER + 1];
    if (token->length > LONGEST_NUMBER) {
        lg_error_at(lexer->diag, token->where, "a number of %zu digits is too long", token->length);
        return;
    }
    memcpy(text, token->text, token->length);
    text[token->length] = '\0';
    errno = 0;
    if (token->kind == LG_TOKEN_INTEGER) {
        token->integer = strtoll(text, NULL, 10);
        token->number = (double)token->integer;
        if (errno == ERANGE)
            lg_error_at(lexer->diag, token->where, "`%.*s%s` does not fit in 64 bits", SHOWN, text,
                        token->length > SHOWN ? "..." : "");
    } else {
        token->number = strtod(text, NULL);
        if (isinf(token->number))
            lg_error_at(lexer->diag, token->where, "`%.*s%s` is too large; write inf for infinity",
                        SHOWN, text, token->length > SHOWN ? "..." : "");
    }
}

// A dot makes it a number unless another follows ("0..8"); so does an exponent with digits.
static void scan_number(lg_lexer *lexer, lg_token *token)
{
    const char *at = lexer->at + (*lexer->at == '-');
    token->kind = LG_TOKEN_INTEGER;
    at = scan_digits(lexer, at);
    if (peek(lexer, at) == '.' && peek(lexer, at + 1) != '.') {
        token->kind = LG_TOKEN_NUMBER;
        at = scan_digits(lexer, at + 1);
    }
    if (peek(lexer, at) == 'e' || peek(lexer, at) == 'E') {
        const char *digits = at + 1 + (peek(lexer, at + 1) == '+' || peek(lexer, at + 1) == '-');
        if (is_digit(peek(lexer, digits))) {
            token->kind = LG_TOKEN_NUMBER;
            at = scan_digits(lexer, digits);
        }
    }
    token->length = (size_t)(at - token->text);
    lexer->at = at;
    convert_number(lexer, token);
}

static void scan_comment(lg_lexer *lexer, lg_token *token)
{
    lexer->at += 2;
    if (peek(lexer, lexer->at) == ' ')
        lexer->at++;
    token->kind = LG_TOKEN_COMMENT;
    token->text = lexer->at;
    skip_to_newline(lexer);
    token->length = (size_t)(lexer->at - token->text);
    if (token->length && token->text[token->length - 1] == '\r')
        token->length--;
}

static void scan_string(lg_lexer *lexer, lg_token *token)
{
    token->kind = LG_TOKEN_STRING;
    token->text = ++lexer->at;
    while (lexer->at < lexer->end && *lexer->at != '"' && *lexer->at != '\n')
        lexer->at++;
    token->length = (size_t)(lexer->at - token->text);
    if (peek(lexer, lexer->at) == '"')
        lexer->at++;
    else
        lg_error_at(lexer->diag, token->where, "the string does not end on its line");
}

static void scan_punctuation(lg_lexer *lexer, lg_token *token)
{
    static const char pairs[][3] = {"->", "..", "==", "!=", "<=", ">=", "<<", ">>"};
    token->kind = LG_TOKEN_PUNCT;
    token->length = 1;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (*lexer->at == pairs[i][0] && peek(lexer, lexer->at + 1) == pairs[i][1])
            token->length = 2;
    lexer->at += token->length;
}

static bool negative_number_starts(const lg_lexer *lexer, bool *infinity)
{
    const char *at = lexer->at;
    *infinity = false;
    if (!lexer->negative_numbers || *at != '-')
        return false;
    *infinity = scan_word(lexer, at + 1) - at == 4 && memcmp(at, "-inf", 4) == 0;
    return *infinity || is_digit(peek(lexer, at + 1));
}

static void scan_name(lg_lexer *lexer, lg_token *token, lg_token_kind kind)
{
    const char *start = lexer->at + (kind != LG_TOKEN_WORD);
    const char *end = kind == LG_TOKEN_GLOBAL ? scan_global(lexer, start) : scan_word(lexer, start);
    if (end == start) {
        scan_punctuation(lexer, token);
        return;
    }
    token->kind = kind;
    token->text = start;
    token->length = (size_t)(end - start);
    lexer->at = end;
}

void lg_lexer_next(lg_lexer *lexer)
{
    skip_space(lexer);
    lg_token *token = &lexer->token;
    int column = (int)(lexer->at - lexer->line_start) + 1;
    *token = (lg_token){.text = lexer->at, .where = {lexer->file, lexer->line, column}};
    if (lexer->at >= lexer->end)
        return;
    bool infinity = false;
    if (at_slashes(lexer)) {
        scan_comment(lexer, token);
    } else if (*lexer->at == '"') {
        scan_string(lexer, token);
    } else if (*lexer->at == '%') {
        scan_name(lexer, token, LG_TOKEN_LOCAL);
    } else if (*lexer->at == '@') {
        scan_name(lexer, token, LG_TOKEN_GLOBAL);
    } else if (is_word_start(*lexer->at)) {
        scan_name(lexer, token, LG_TOKEN_WORD);
    } else if (negative_number_starts(lexer, &infinity) || is_digit(*lexer->at)) {
        if (infinity) {
            token->kind = LG_TOKEN_NUMBER;
            token->number = -INFINITY;
            token->length = 4;
            lexer->at += 4;
        } else {
            scan_number(lexer, token);
        }
    } else {
        scan_punctuation(lexer, token);
    }
}

void lg_lexer_begin(lg_lexer *lexer, const char *file, const char *text, size_t length,
                    lg_diag *diag)
{
    bool keep_comments = lexer->keep_comments, negative_numbers = lexer->negative_numbers;
    *lexer = (lg_lexer){.file = file,
                        .at = text,
                        .end = text + length,
                        .line = 1,
                        .line_start = text,
                        .keep_comments = keep_comments,
                        .negative_numbers = negative_numbers,
                        .diag = diag};
    lg_lexer_next(lexer);
}

// ---- what a parser asks

bool lg_lexer_is(const lg_lexer *lexer, const char *text)
{
    const lg_token *token = &lexer->token;
    return (token->kind == LG_TOKEN_WORD || token->kind == LG_TOKEN_PUNCT) &&
           token->length == strlen(text) && memcmp(token->text, text, token->length) == 0;
}

bool lg_lexer_accept(lg_lexer *lexer, const char *text)
{
    if (!lg_lexer_is(lexer, text))
        return false;
    lg_lexer_next(lexer);
    return true;
}

// `expected` comes with its own quotes where it is literal text.
static bool report_unexpected(const lg_lexer *lexer, const char *expected)
{
    const lg_token *token = &lexer->token;
    if (token->kind == LG_TOKEN_END)
        return lg_error_at(lexer->diag, token->where, "expected %s, found the end of the file",
                           expected);
    const char *sigil = token->kind == LG_TOKEN_LOCAL    ? "%"
                        : token->kind == LG_TOKEN_GLOBAL ? "@"
                        : token->kind == LG_TOKEN_STRING ? "\""
                                                         : "";
    if (token->kind == LG_TOKEN_PUNCT && (*token->text < ' ' || *token->text > '~'))
        return lg_error_at(lexer->diag, token->where, "expected %s, found the byte 0x%02x",
                           expected, (unsigned char)*token->text);
    int shown = token->length < SHOWN ? (int)token->length : SHOWN;
    return lg_error_at(lexer->diag, token->where, "expected %s, found `%s%.*s%s`", expected, sigil,
                       shown, token->text, token->length > SHOWN ? "..." : "");
}

bool lg_lexer_expect(lg_lexer *lexer, const char *text)
{
    if (lg_lexer_accept(lexer, text))
        return true;
    char expected[64];
    snprintf(expected, sizeof expected, "`%s`", text);
    return report_unexpected(lexer, expected);
}

bool lg_lexer_expect_kind(lg_lexer *lexer, lg_token_kind kind, lg_arena *arena, const char **text)
{
    static const char *const names[] = {
        [LG_TOKEN_END] = "the end of the file", [LG_TOKEN_WORD] = "a word",
        [LG_TOKEN_LOCAL] = "a %name",           [LG_TOKEN_GLOBAL] = "an @name",
        [LG_TOKEN_INTEGER] = "an integer",      [LG_TOKEN_NUMBER] = "a number",
        [LG_TOKEN_STRING] = "a string",         [LG_TOKEN_COMMENT] = "a comment",
        [LG_TOKEN_PUNCT] = "punctuation"};
    if (lexer->token.kind != kind)
        return report_unexpected(lexer, names[kind]);
    *text = lg_strndup(arena, lexer->token.text, lexer->token.length);
    lg_lexer_next(lexer);
    return true;
}

bool lg_lexer_expect_integer(lg_lexer *lexer, int64_t *value)
{
    if (lexer->token.kind != LG_TOKEN_INTEGER)
        return report_unexpected(lexer, "an integer");
    *value = lexer->token.integer;
    lg_lexer_next(lexer);
    return true;
}

bool lg_lexer_expect_number(lg_lexer *lexer, double *value)
{
    const lg_token *token = &lexer->token;
    if (token->kind == LG_TOKEN_INTEGER || token->kind == LG_TOKEN_NUMBER)
        *value = token->number;
    else if (lg_lexer_is(lexer, "inf"))
        *value = INFINITY;
    else if (lg_lexer_is(lexer, "nan"))
        *value = NAN;
    else
        return report_unexpected(lexer, "a number");
    lg_lexer_next(lexer);
    return true;
}

void lg_lexer_skip_line(lg_lexer *lexer)
{
    if (lexer->token.kind != LG_TOKEN_END)
        skip_to_newline(lexer);
    lg_lexer_next(lexer);
}

// ---- numbers to text

static bool reads_back(const char *text, double value, bool single)
{
    return single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

const char *lg_number_text(char buffer[32], double value, bool single)
{
    enum { SIZE = 32, LEAST_FIXED = -4, MOST_FIXED = 9 }; // exponents written without an e
    if (single)
        value = (double)(float)value;
    if (isnan(value) || isinf(value)) {
        snprintf(buffer, SIZE, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return buffer;
    }
    int digits = 0;
    do {
        snprintf(buffer, SIZE, "%.*e", digits, value);
    } while (!reads_back(buffer, value, single) && ++digits < 17);
    int exponent = (int)strtol(strchr(buffer, 'e') + 1, NULL, 10);
    if (exponent < LEAST_FIXED || exponent > MOST_FIXED)
        return buffer;
    int decimals = digits - exponent;
    snprintf(buffer, SIZE, "%.*f", decimals < 1 ? 1 : decimals, value);
    return buffer;
}
