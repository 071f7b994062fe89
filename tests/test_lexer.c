// Tokens, numbers as text, and what diagnostics look like.
#include "ir/lexer.h"
#include "tests/support/graph_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

static char kind_letter(lg_token_kind kind)
{
    return "$wlginscp"[kind];
}

// The tokens of `text` as `kind:text` with spaces between them.
static void check_tokens(lg_lexer lexer, const char *text, const char *expected)
{
    char got[512] = "";
    size_t at = 0;
    lg_diag *diag = lg_diag_new();
    lg_lexer_begin(&lexer, "t", text, strlen(text), diag);
    for (; lexer.token.kind != LG_TOKEN_END; lg_lexer_next(&lexer))
        at += (size_t)snprintf(got + at, sizeof got - at, "%s%c:%.*s", at ? " " : "",
                               kind_letter(lexer.token.kind), (int)lexer.token.length,
                               lexer.token.text);
    ck_assert_str_eq(got, expected);
    ck_assert_int_eq(lg_diag_errors(diag), 0);
    lg_diag_free(diag);
}

START_TEST(tokens)
{
    lg_lexer plain = {0}, graph = {.negative_numbers = true}, kernel = {.keep_comments = true};
    check_tokens(plain, "", "");
    check_tokens(plain, "a.b_1 %x.y %0 @a.b-c:d.e: f32", "w:a.b_1 l:x.y l:0 g:a.b-c:d.e p:: w:f32");
    check_tokens(plain, "@f->%x..8 a..b", "g:f p:-> l:x p:.. i:8 w:a p:.. w:b");
    check_tokens(plain, "0..12 1.5 1. 2e3 2e 1.5e-3",
                 "i:0 p:.. i:12 n:1.5 n:1. n:2e3 i:2 w:e n:1.5e-3");
    check_tokens(plain, "-3 -inf -x", "p:- i:3 p:- w:inf p:- w:x");
    check_tokens(graph, "-3 -2e-3 -inf -info -x", "i:-3 n:-2e-3 n:-inf p:- w:info p:- w:x");
    check_tokens(plain, "== != <= >= << >> < = -", "p:== p:!= p:<= p:>= p:<< p:>> p:< p:= p:-");
    check_tokens(plain, "a // b ; c\n; d\n\"e f\" % @", "w:a s:e f p:% p:@");
    check_tokens(kernel, "a //  b\r\n//c\n; d", "w:a c: b c:c");
    check_tokens(kernel, "3i32 1/2", "i:3 w:i32 i:1 p:/ i:2");
}
END_TEST

START_TEST(places_count_lines_and_columns)
{
    lg_diag *diag = lg_diag_new();
    lg_lexer lexer = {0};
    const char *text = "a\n\n  bc d";
    lg_lexer_begin(&lexer, "t", text, strlen(text), diag);
    ck_assert(lexer.token.where.line == 1 && lexer.token.where.column == 1);
    lg_lexer_next(&lexer);
    ck_assert(lexer.token.where.line == 3 && lexer.token.where.column == 3);
    lg_lexer_next(&lexer);
    ck_assert(lexer.token.where.line == 3 && lexer.token.where.column == 6);
    lg_lexer_next(&lexer);
    lg_lexer_next(&lexer); // stays at the end
    ck_assert_int_eq(lexer.token.kind, LG_TOKEN_END);
    lg_diag_free(diag);
}
END_TEST

START_TEST(numbers_read_back)
{
    static const struct {
        double value;
        bool single;
        const char *text;
    } cases[] = {
        {0, false, "0.0"},
        {-0.0, false, "-0.0"},
        {1, false, "1.0"},
        {0.1, false, "0.1"},
        {0.1f, true, "0.1"},
        {0.1f, false, "0.10000000149011612"},
        {1e-5, false, "1e-05"},
        {1e-4, false, "0.0001"},
        {123456.5, false, "123456.5"},
        {1e9, false, "1000000000.0"},
        {1e10, false, "1e+10"},
        {16777217, true, "16777216.0"},
        {1.0 / 3, true, "0.33333334"},
        {1.0 / 3, false, "0.3333333333333333"},
        {5e-324, false, "5e-324"},
        {1.7976931348623157e308, false, "1.7976931348623157e+308"},
        {INFINITY, true, "inf"},
        {-INFINITY, false, "-inf"},
        {NAN, false, "nan"},
        {-NAN, true, "nan"},
    };
    char buffer[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(lg_number_text(buffer, cases[i].value, cases[i].single), cases[i].text);
    uint64_t bits = 88172645463325252;
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            ck_assert(strtod(lg_number_text(buffer, value, false), NULL) == value);
        float single = (float)((double)(int64_t)bits * 0x1p-40);
        ck_assert(strtof(lg_number_text(buffer, single, true), NULL) == single);
    }
}
END_TEST

// ---- diagnostics

START_TEST(messages_show_the_line_and_a_caret)
{
    lg_diag *diag = lg_diag_new();
    const char *text = "first\n\tx = \xc3\xa4 + y\nlast";
    lg_diag_add_source(diag, "<stdin>", text, strlen(text));
    ck_assert(!lg_error_at(diag, (lg_location){"<stdin>", 2, 10}, "no `%s`", "y"));
    lg_note_at(diag, (lg_location){"<stdin>", 3, 1}, "here");
    lg_warning_at(diag, (lg_location){"<stdin>", 9, 1}, "beyond the end");
    lg_error_at(diag, (lg_location){"/no/such/file", 3, 0}, "cannot be shown");
    lg_error_at(diag, (lg_location){0}, "nowhere");
    char *printed = lg_text_of_diag(diag);
    ck_assert_str_eq(printed, "<stdin>:2:10: error: no `y`\n\tx = \xc3\xa4 + y\n\t       ^\n"
                              "<stdin>:3:1: note: here\nlast\n^\n"
                              "<stdin>:9:1: warning: beyond the end\n"
                              "/no/such/file:3: error: cannot be shown\n"
                              "error: nowhere\n");
    ck_assert_int_eq(lg_diag_errors(diag), 3);
    free(printed);
    lg_diag_free(diag);
}
END_TEST

START_TEST(many_messages_are_cut_short)
{
    lg_diag *diag = lg_diag_new();
    for (int i = 0; i < 5000; i++) {
        lg_error_at(diag, (lg_location){0}, "fault %d", i);
        lg_note_at(diag, (lg_location){0}, "why");
    }
    char *printed = lg_text_of_diag(diag);
    ck_assert_ptr_nonnull(strstr(printed, "error: fault 49\nnote: why\n"));
    ck_assert_ptr_null(strstr(printed, "fault 50\n"));
    ck_assert_ptr_nonnull(strstr(printed, "note: why\nerror: 4950 more errors are not shown\n"));
    free(printed);
    lg_diag_free(diag);
}
END_TEST

// Of a line without end only the part around the caret is shown.
START_TEST(long_lines_are_cut)
{
    char *text = malloc(100001);
    ck_assert_ptr_nonnull(text);
    memset(text, 'a', 100000);
    text[50000] = 'X';
    text[100000] = '\0';
    lg_diag *diag = lg_diag_new();
    lg_diag_add_source(diag, "t", text, 100000);
    lg_error_at(diag, (lg_location){"t", 1, 50001}, "here");
    char *printed = lg_text_of_diag(diag);
    const char *line = strchr(printed, '\n') + 1, *caret = strchr(line, '\n') + 1;
    ck_assert_int_lt((int)strlen(printed), 400);
    ck_assert_int_eq(line[strchr(caret, '^') - caret], 'X');
    free(printed);
    free(text);
    lg_diag_free(diag);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lexer");
    TCase *tests = tcase_create("lexer");
    tcase_add_test(tests, tokens);
    tcase_add_test(tests, places_count_lines_and_columns);
    tcase_add_test(tests, numbers_read_back);
    tcase_add_test(tests, messages_show_the_line_and_a_caret);
    tcase_add_test(tests, many_messages_are_cut_short);
    tcase_add_test(tests, long_lines_are_cut);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
