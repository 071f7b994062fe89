// The table of the 140 models, its labels and graphs, against the numbers of the data; and tables
// with every kind of fault.
#include "runtime/cooccurrence.h"
#include "runtime/read_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#define TABLE LGPNC_TESTS_DIR "/../models/red140.tsv"

static lg_model_table *read_table(void)
{
    lg_error e;
    lg_model_table *table = lg_model_table_read(TABLE, &e);
    ck_assert_msg(table != NULL, "%s", e.message);
    return table;
}

START_TEST(table_is_read)
{
    lg_model_table *table = read_table();
    int held_out[LG_TEST_SETS + 1] = {0};
    ck_assert_uint_eq(table->count, 140);
    ck_assert_str_eq(table->models[0].name, "AAE");
    ck_assert_str_eq(table->models[1].family, "gan");
    ck_assert_int_eq(table->models[0].facts.architecture[8], 1593378);
    for (size_t i = 0; i < table->count; i++)
        held_out[table->models[i].test_set]++;
    ck_assert_int_eq(held_out[0], 80);
    for (int set = 1; set <= LG_TEST_SETS; set++)
        ck_assert_int_eq(held_out[set], 15);
    lg_model_table_free(table);
}
END_TEST

START_TEST(models_per_node)
{
    static const int wanted[LG_NODES] = {
        45,  21, 35, 4,   45, 21, 17, 6,  11, 49, 130, 7,  3,  127, 11, 2,   130, 2,  8,
        133, 3,  4,  125, 10, 5,  65, 39, 36, 56, 44,  40, 72, 50,  18, 61,  58,  21, 75,
        31,  19, 7,  10,  66, 10, 33, 19, 15, 74, 31,  3,  2,  80,  60, 101, 69,
    };
    int counts[LG_NODES] = {0};
    lg_model_table *table = read_table();
    for (size_t i = 0; i < table->count; i++) {
        uint8_t labels[LG_NODES];
        lg_node_labels(&table->models[i].facts, labels);
        for (int node = 0; node < LG_NODES; node++)
            counts[node] += labels[node];
        for (int first = 10; first < 37; first += 3)
            ck_assert_int_eq(labels[first] + labels[first + 1] + labels[first + 2], 1);
    }
    for (int node = 0; node < LG_NODES; node++)
        ck_assert_msg(counts[node] == wanted[node], "node %d: %d", node, counts[node]);
    lg_model_table_free(table);
}
END_TEST

START_TEST(edges_of_the_graphs)
{
    static const int wanted[LG_TEST_SETS + 1] = {907, 902, 908, 907, 918};
    float graph[LG_NODES * LG_NODES];
    lg_error e;
    lg_model_table *table = read_table();
    for (int without = 0; without <= LG_TEST_SETS; without++) {
        int edges = 0;
        ck_assert(lg_cooccurrence_graph(table, without, graph, &e));
        for (int i = 0; i < LG_NODES * LG_NODES; i++)
            edges += graph[i] == 1.0f;
        ck_assert_int_eq(edges, wanted[without]);
        for (int i = 0; i < LG_NODES; i++)
            ck_assert(graph[i * LG_NODES + i] == 1.0f);
    }
    ck_assert(!lg_cooccurrence_graph(table, 5, graph, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "not 5"));
    lg_model_table_free(table);
}
END_TEST

// Whatever becomes of the test models' rows, the graph of the fold is the same; and it hangs on
// every other row.
START_TEST(graph_is_of_the_training_models)
{
    float before[LG_NODES * LG_NODES], after[LG_NODES * LG_NODES];
    lg_model_table *table = read_table();
    for (int fold = 1; fold <= LG_TEST_SETS; fold++)
        for (int tested = 0; tested < 2; tested++) {
            ck_assert(lg_cooccurrence_graph(table, fold, before, NULL));
            for (size_t i = 0; i < table->count; i++)
                if ((table->models[i].test_set == fold) == tested)
                    for (int k = 0; k < LG_LOSSES; k++)
                        table->models[i].facts.losses[k] = !table->models[i].facts.losses[k];
            ck_assert(lg_cooccurrence_graph(table, fold, after, NULL));
            size_t differ = 0;
            for (size_t i = 0; i < LG_NODES * LG_NODES; i++)
                differ += before[i] != after[i];
            ck_assert_int_eq(differ == 0, tested);
        }
    lg_model_table_free(table);
}
END_TEST

START_TEST(default_graph_is_built_in)
{
    float graph[LG_NODES * LG_NODES];
    lg_model_table *table = read_table();
    ck_assert(lg_cooccurrence_graph(table, 0, graph, NULL));
    ck_assert_mem_eq(graph, lg_default_graph(), sizeof graph);
    lg_model_table_free(table);
}
END_TEST

static char header[1024];

static void read_header_line(void)
{
    lg_error e;
    size_t size;
    unsigned char *text = lg_file_read(TABLE, 1 << 20, &size, &e);
    ck_assert_ptr_nonnull(text);
    size_t length = (size_t)(strchr((char *)text, '\n') - (char *)text) + 1;
    ck_assert_uint_lt(length, sizeof header);
    memcpy(header, text, length);
    header[length] = '\0';
    free(text);
}

// `header` and the lines after it must be refused with a message that holds `part`.
static void check_refused(const char *first, const char *lines, const char *part)
{
    char text[4096];
    lg_error e = {""};
    int length = snprintf(text, sizeof text, "%s%s", first, lines);
    ck_assert_ptr_null(lg_model_table_parse(text, (size_t)length, "t.tsv", &e));
    ck_assert_msg(strstr(e.message, part) != NULL, "\"%s\" not in: %s", part, e.message);
}

#define NINE "9\t0\t7\t0\t2\t0\t0\t0\t1593378"
#define LOSSES "\t1\t0\t0\t0\t0\t0\t0\t0\t0\t1\t"
#define ROW(name, numbers, set) name "\tgan\t" numbers "\t0\t1\t0\t0\t1\t0" LOSSES set "\n"

START_TEST(faults_are_located)
{
    read_header_line();
    check_refused("", "", "t.tsv: the file is empty");
    check_refused(header, "", "t.tsv: no models");
    check_refused("name\tfamily\n", "", "t.tsv:1: the header must name 28 columns");
    check_refused("nome\tfamily\n", "", "t.tsv:1: column 1 must be \"name\", not \"nome\"");
    check_refused(header, "A\tgan\t1\n", "t.tsv:2: 28 columns are needed, 3 are there");
    check_refused(header, "\n", "t.tsv:2: 28 columns are needed, 1 are there");
    check_refused(header, ROW("A", NINE, "5"), "t.tsv:2: cv_set: must be an integer from 0 to 4");
    check_refused(header, ROW("", NINE, "1"), "t.tsv:2: name: must be a short text");
    check_refused(header, ROW("A", NINE, "1") ROW("A", NINE, "1"),
                  "t.tsv:3: name: A is there twice");
    check_refused(header, ROW("A", "9\t0\t-7\t0\t2\t0\t0\t0\t1", "1"),
                  "t.tsv:2: fc_layers: must be a non-negative integer, not \"-7\"");
    check_refused(header, ROW("A", "9\t0\t7\t0\t2\t0\t0\t\t1", "1"), "t.tsv:2: layers_per_block:");
    check_refused(header, ROW("A", "9\t0\t7\t0\t2\t0\t0\t0\t99999999999999999999", "1"),
                  "t.tsv:2: parameters:");
    check_refused(header, ROW("A", "x\ty\t7\t0\t2\t0\t0\t0\t1", "z"), "t.tsv:2: conv_layers:");
}
END_TEST

START_TEST(last_newline_is_optional)
{
    char text[2048];
    lg_error e = {""};
    read_header_line();
    int length = snprintf(text, sizeof text, "%s%s", header, ROW("A", NINE, "1"));
    lg_model_table *table = lg_model_table_parse(text, (size_t)length - 1, "t.tsv", &e);
    ck_assert_msg(table != NULL, "%s", e.message);
    ck_assert_uint_eq(table->count, 1);
    lg_model_table_free(table);
}
END_TEST

// A byte order mark and lines that end by CR LF.
START_TEST(tables_of_spreadsheets_are_read)
{
    char text[2048];
    lg_error e = {""};
    read_header_line();
    header[strlen(header) - 1] = '\0';
    int length = snprintf(text, sizeof text, "\xef\xbb\xbf%s\r\n%.*s\r\n", header,
                          (int)strlen(ROW("A", NINE, "1")) - 1, ROW("A", NINE, "1"));
    lg_model_table *table = lg_model_table_parse(text, (size_t)length, "t.tsv", &e);
    ck_assert_msg(table != NULL, "%s", e.message);
    ck_assert_uint_eq(table->count, 1);
    ck_assert_int_eq(table->models[0].test_set, 1);
    lg_model_table_free(table);
}
END_TEST

START_TEST(endless_tables_are_refused)
{
    enum { LINES = 100000 };
    lg_error e = {""};
    char *text = malloc(LINES);
    ck_assert_ptr_nonnull(text);
    memset(text, '\n', LINES);
    ck_assert_ptr_null(lg_model_table_parse(text, LINES, "t.tsv", &e));
    ck_assert_ptr_nonnull(strstr(e.message, "more than the 8192 models"));
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cooccurrence");
    TCase *tests = tcase_create("cooccurrence");
    tcase_add_test(tests, table_is_read);
    tcase_add_test(tests, models_per_node);
    tcase_add_test(tests, edges_of_the_graphs);
    tcase_add_test(tests, graph_is_of_the_training_models);
    tcase_add_test(tests, default_graph_is_built_in);
    tcase_add_test(tests, faults_are_located);
    tcase_add_test(tests, last_newline_is_optional);
    tcase_add_test(tests, tables_of_spreadsheets_are_read);
    tcase_add_test(tests, endless_tables_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
