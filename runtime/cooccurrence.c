// Strict reading: a table with a shifted column would still train, badly, so every field is checked
// and every fault told with its line and column name.
#include "runtime/cooccurrence.h"

#include "runtime/read_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 2 + LG_ARCHITECTURE_VALUES + LG_LOSSES + 1, MAX_FILE = 1 << 26 };
enum { MAX_MODELS = 1 << 13 }; // what is made of pairs of models stays small

typedef struct field {
    const char *text;
    size_t length;
} field;

typedef struct table_reader {
    const char *name;
    lg_model_table *table;
    int line;
    bool ok;
    lg_error *e;
} table_reader;

static const char *column_name(int column)
{
    int loss = column - 2 - LG_ARCHITECTURE_VALUES;
    if (column < 2)
        return column == 0 ? "name" : "family";
    if (loss < 0)
        return lg_architecture_column(column - 2);
    return loss < LG_LOSSES ? lg_loss_column(loss) : "cv_set";
}

static void fault(table_reader *r, int column, const char *what, field f)
{
    int shown = f.length > 40 ? 40 : (int)f.length;
    r->ok = lg_fail_more(r->e, "%s:%d: %s: %s, not \"%.*s\"", r->name, r->line, column_name(column),
                         what, shown, f.text);
}

// Splits at tabs; counts all fields, keeps the first COLUMNS.
static int split(const char *line, size_t length, field fields[COLUMNS])
{
    int count = 0;
    const char *end = line + length;
    for (;;) {
        const char *tab = memchr(line, '\t', (size_t)(end - line));
        const char *stop = tab ? tab : end;
        if (count < COLUMNS)
            fields[count] = (field){line, (size_t)(stop - line)};
        count++;
        if (!tab)
            return count;
        line = tab + 1;
    }
}

static int64_t read_integer(table_reader *r, int column, field f, int64_t max)
{
    int64_t value = 0;
    bool ok = f.length > 0;
    for (size_t i = 0; i < f.length && ok; i++)
        ok = f.text[i] >= '0' && f.text[i] <= '9' && !__builtin_mul_overflow(value, 10, &value) &&
             !__builtin_add_overflow(value, f.text[i] - '0', &value);
    if (ok && value <= max)
        return value;
    char what[64];
    if (max == INT64_MAX)
        snprintf(what, sizeof what, "must be a non-negative integer");
    else
        snprintf(what, sizeof what, "must be an integer from 0 to %" PRId64, max);
    fault(r, column, what, f);
    return 0;
}

static void read_text(table_reader *r, int column, field f, char *text, size_t capacity)
{
    if (f.length == 0 || f.length >= capacity || memchr(f.text, '\0', f.length)) {
        fault(r, column, "must be a short text", f);
        return;
    }
    memcpy(text, f.text, f.length);
    text[f.length] = '\0';
}

static void read_header(table_reader *r, const char *line, size_t length)
{
    field fields[COLUMNS];
    int count = split(line, length, fields);
    if (count != COLUMNS)
        r->ok =
            lg_fail_more(r->e, "%s:1: the header must name %d columns separated by tabs, not %d",
                         r->name, COLUMNS, count);
    for (int i = 0; i < COLUMNS && i < count; i++) {
        const char *wanted = column_name(i);
        if (fields[i].length != strlen(wanted) ||
            memcmp(fields[i].text, wanted, fields[i].length) != 0)
            r->ok = lg_fail_more(r->e, "%s:1: column %d must be \"%s\", not \"%.*s\"", r->name,
                                 i + 1, wanted, fields[i].length > 40 ? 40 : (int)fields[i].length,
                                 fields[i].text);
    }
}

static void read_model(table_reader *r, const char *line, size_t length)
{
    field fields[COLUMNS];
    int count = split(line, length, fields);
    if (count != COLUMNS) {
        r->ok = lg_fail_more(r->e, "%s:%d: %d columns are needed, %d are there", r->name, r->line,
                             COLUMNS, count);
        return;
    }
    lg_generative_model *m = &r->table->models[r->table->count];
    memset(m, 0, sizeof *m);
    read_text(r, 0, fields[0], m->name, sizeof m->name);
    read_text(r, 1, fields[1], m->family, sizeof m->family);
    int column = 2;
    for (int i = 0; i < LG_ARCHITECTURE_VALUES; i++, column++)
        m->facts.architecture[i] = read_integer(r, column, fields[column], INT64_MAX);
    for (int i = 0; i < LG_LOSSES; i++, column++)
        m->facts.losses[i] = (uint8_t)read_integer(r, column, fields[column], 1);
    m->test_set = (int)read_integer(r, column, fields[column], LG_TEST_SETS);
    for (size_t i = 0; i < r->table->count && m->name[0]; i++)
        if (strcmp(r->table->models[i].name, m->name) == 0)
            r->ok = lg_fail_more(r->e, "%s:%d: name: %s is there twice", r->name, r->line, m->name);
    r->table->count++;
}

// Spreadsheets begin a file with a byte order mark and end its lines by CR LF.
static void read_lines(table_reader *r, const char *text, size_t size)
{
    static const char mark[] = "\xef\xbb\xbf";
    const char *end = text + size;
    if (size >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0)
        text += strlen(mark);
    for (const char *line = text; line < end && (r->ok || r->line != 1);) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline ? newline : end;
        if (stop > line && stop[-1] == '\r')
            stop--;
        r->line++;
        if (r->line == 1)
            read_header(r, line, (size_t)(stop - line));
        else
            read_model(r, line, (size_t)(stop - line));
        line = newline ? newline + 1 : end;
    }
    if (r->ok && r->table->count == 0)
        r->ok = lg_fail(r->e, "%s: %s", r->name, size ? "no models in it" : "the file is empty");
}

lg_model_table *lg_model_table_parse(const char *text, size_t size, const char *name, lg_error *e)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    if (lines > MAX_MODELS + 2) {
        lg_fail(e, "%s: %zu lines are more than the %d models that a table may have", name, lines,
                MAX_MODELS);
        return NULL;
    }
    lg_model_table *table = calloc(1, sizeof *table);
    if (table)
        table->models = malloc(lines * sizeof *table->models);
    if (!table || !table->models) {
        lg_model_table_free(table);
        lg_fail(e, "%s: no memory for %zu models", name, lines);
        return NULL;
    }
    lg_error_clear(e);
    table_reader r = {.name = name, .table = table, .ok = true, .e = e};
    read_lines(&r, text, size);
    if (r.ok)
        return table;
    lg_model_table_free(table);
    return NULL;
}

lg_model_table *lg_model_table_read(const char *path, lg_error *e)
{
    size_t size;
    unsigned char *text = lg_file_read(path, MAX_FILE, &size, e);
    if (!text)
        return NULL;
    lg_model_table *table = lg_model_table_parse((const char *)text, size, path, e);
    free(text);
    return table;
}

void lg_model_table_free(lg_model_table *table)
{
    if (table)
        free(table->models);
    free(table);
}

bool lg_cooccurrence_counts(const lg_model_table *table, int without_set,
                            int64_t both[LG_NODES * LG_NODES], lg_error *e)
{
    if (without_set < 0 || without_set > LG_TEST_SETS)
        return lg_fail(e, "test sets are 1 to %d (0: none left out), not %d", LG_TEST_SETS,
                       without_set);
    memset(both, 0, LG_NODES * LG_NODES * sizeof *both);
    for (size_t m = 0; m < table->count; m++) {
        uint8_t labels[LG_NODES];
        if (without_set != 0 && table->models[m].test_set == without_set)
            continue;
        lg_node_labels(&table->models[m].facts, labels);
        for (int i = 0; i < LG_NODES; i++)
            for (int j = 0; j < LG_NODES; j++)
                both[i * LG_NODES + j] += labels[i] & labels[j];
    }
    return true;
}

bool lg_cooccurrence_graph(const lg_model_table *table, int without_set,
                           float graph[LG_NODES * LG_NODES], lg_error *e)
{
    int64_t both[LG_NODES * LG_NODES];
    if (!lg_cooccurrence_counts(table, without_set, both, e))
        return false;
    // In integers, because 21 pairs of the table sit exactly at the threshold of 2/5.
    for (int i = 0; i < LG_NODES; i++)
        for (int j = 0; j < LG_NODES; j++) {
            int64_t ones = both[i * LG_NODES + i], pairs = both[i * LG_NODES + j];
            graph[i * LG_NODES + j] = i == j || (ones > 0 && 5 * pairs >= 2 * ones);
        }
    return true;
}
