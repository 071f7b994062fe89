// Messages are collected in the order reported and written once. The text of a place comes from
// the sources made known, else from the file itself; where neither is at hand the message stands
// alone. However wrong an input is, memory and output stay bounded.
#include "ir/diag.h"
#include "ir/arena.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MOST_KEPT = 1000,     // messages
    MOST_PRINTED = 50,    // errors
    MOST_READ = 16 << 20, // bytes of a file shown from
    LINE_SHOWN = 160,     // bytes of a line
    CARET_FROM_END = 60   // where a caret in a longer line lands
};

typedef enum severity { ERROR, WARNING, NOTE } severity;

typedef struct message {
    severity severity;
    lg_location where;
    const char *text;
} message;

typedef struct source {
    const char *file, *text; // text NULL: cannot be read
    size_t length;
} source;

typedef LG_LIST(source) source_list;

struct lg_diag {
    lg_arena *arena;
    LG_LIST(message) messages;
    source_list sources;
    int errors;
};

lg_diag *lg_diag_new(void)
{
    lg_arena *arena = lg_arena_new();
    lg_diag *diag = LG_NEW(arena, lg_diag);
    diag->arena = arena;
    return diag;
}

void lg_diag_free(lg_diag *diag)
{
    if (diag)
        lg_arena_free(diag->arena);
}

void lg_diag_add_source(lg_diag *diag, const char *file, const char *text, size_t length)
{
    source added = {lg_strdup(diag->arena, file), lg_strndup(diag->arena, text, length), length};
    LG_PUSH(diag->arena, &diag->sources, added);
}

// A copy that lives as long as the messages; the last one's serves again.
static const char *keep_file(lg_diag *diag, const char *file)
{
    const message *last =
        diag->messages.count ? &diag->messages.items[diag->messages.count - 1] : NULL;
    if (!file || (last && last->where.file && strcmp(last->where.file, file) == 0))
        return file ? last->where.file : NULL;
    return lg_strdup(diag->arena, file);
}

static void report(lg_diag *diag, severity severity, lg_location where, const char *format,
                   va_list args)
{
    if (diag->messages.count == MOST_KEPT)
        return;
    message m = {severity, where, lg_vformat(diag->arena, format, args)};
    m.where.file = keep_file(diag, where.file);
    LG_PUSH(diag->arena, &diag->messages, m);
}

bool lg_error_at(lg_diag *diag, lg_location where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(diag, ERROR, where, format, args);
    va_end(args);
    diag->errors++;
    return false;
}

void lg_warning_at(lg_diag *diag, lg_location where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(diag, WARNING, where, format, args);
    va_end(args);
}

void lg_note_at(lg_diag *diag, lg_location where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(diag, NOTE, where, format, args);
    va_end(args);
}

int lg_diag_errors(const lg_diag *diag)
{
    return diag->errors;
}

// ---- printing

static source read_source(lg_arena *arena, const char *file)
{
    source found = {file, NULL, 0};
    struct stat about;
    if (stat(file, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size > MOST_READ)
        return found;
    FILE *in = fopen(file, "rb");
    if (!in)
        return found;
    char *text = lg_alloc(arena, (size_t)about.st_size + 1);
    found.length = fread(text, 1, (size_t)about.st_size, in);
    found.text = text;
    fclose(in);
    return found;
}

static const source *find_source(const source_list *sources, const char *file)
{
    for (int i = 0; i < sources->count; i++)
        if (strcmp(sources->items[i].file, file) == 0)
            return &sources->items[i];
    return NULL;
}

// False if the source has no such line.
static bool find_line(const source *source, int line, const char **start, size_t *length)
{
    const char *at = source->text, *end = at ? at + source->length : NULL;
    for (; at && --line > 0; at = at ? at + 1 : NULL)
        at = memchr(at, '\n', (size_t)(end - at));
    if (!at || at == end)
        return false;
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    *start = at;
    *length = (size_t)((newline ? newline : end) - at);
    return true;
}

// Under a tab stands a tab and under a character of several bytes one space, so that the caret is
// in place on a terminal.
static void print_line(const char *line, size_t length, int column, FILE *out)
{
    size_t caret = column > 0 ? (size_t)column - 1 : 0, from = 0;
    if (caret > LINE_SHOWN - CARET_FROM_END && length > LINE_SHOWN)
        from = (caret < length ? caret : length) - (LINE_SHOWN - CARET_FROM_END);
    size_t to = length - from > LINE_SHOWN ? from + LINE_SHOWN : length;
    for (size_t i = from; i < to; i++)
        fputc((unsigned char)line[i] < ' ' && line[i] != '\t' ? ' ' : line[i], out);
    fputc('\n', out);
    if (column <= 0 || caret > length)
        return;
    for (size_t i = from; i < caret; i++)
        if ((line[i] & 0xc0) != 0x80)
            fputc(line[i] == '\t' ? '\t' : ' ', out);
    fputs("^\n", out);
}

static void print_message(const message *m, lg_arena *scratch, source_list *sources, FILE *out)
{
    static const char *const names[] = {"error", "warning", "note"};
    if (m->where.file)
        fprintf(out, "%s:", m->where.file);
    if (m->where.file && m->where.line > 0)
        fprintf(out, "%d:", m->where.line);
    if (m->where.file && m->where.line > 0 && m->where.column > 0)
        fprintf(out, "%d:", m->where.column);
    fprintf(out, "%s%s: %s\n", m->where.file ? " " : "", names[m->severity], m->text);
    if (!m->where.file || m->where.line <= 0)
        return;
    const source *known = find_source(sources, m->where.file);
    if (!known) {
        source read = read_source(scratch, m->where.file);
        LG_PUSH(scratch, sources, read);
        known = &sources->items[sources->count - 1];
    }
    const char *line;
    size_t length;
    if (find_line(known, m->where.line, &line, &length))
        print_line(line, length, m->where.column, out);
}

void lg_diag_print(const lg_diag *diag, FILE *out)
{
    lg_arena *scratch = lg_arena_new();
    source_list sources = {0};
    for (int i = 0; i < diag->sources.count; i++)
        LG_PUSH(scratch, &sources, diag->sources.items[i]);
    int printed = 0;
    bool shown = true; // a note goes the way of its message
    for (int i = 0; i < diag->messages.count; i++) {
        const message *m = &diag->messages.items[i];
        if (m->severity != NOTE)
            shown = printed < MOST_PRINTED;
        if (!shown)
            continue;
        printed += m->severity == ERROR;
        print_message(m, scratch, &sources, out);
    }
    if (diag->errors > printed)
        fprintf(out, "error: %d more errors are not shown\n", diag->errors - printed);
    lg_arena_free(scratch);
}
