#include "tools/tune_cache.h"

#include "runtime/atomic_file.h"
#include "tools/cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FIELDS = 7, MOST_THREADS = 1024, MOST_WARNINGS = 5 };

static const char heading[] =
    "# Schedules that `lgpnc tune` measured to be faster than what the cost model chooses.\n"
    "# processor\ttarget\tthreads\tcompiler\tkernel\tchoice\tgain\n";

// ---- this machine

// The value of a line "name : value" of /proc/cpuinfo, of the first processor; NULL if it has none.
static char *cpu_field(const char *text, const char *name, lg_arena *arena)
{
    size_t length = strlen(name);
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *colon = line + length + strspn(line + strnlen(line, length), " \t");
        if (strncmp(line, name, length) != 0 || *colon != ':')
            continue;
        colon += 1 + strspn(colon + 1, " \t");
        char *value = lg_strndup(arena, colon, strcspn(colon, "\n"));
        for (char *c = value; *c; c++)
            if ((unsigned char)*c < ' ')
                *c = ' ';
        return value;
    }
    return NULL;
}

const char *lg_tune_processor(lg_arena *arena)
{
    char *text = NULL;
    size_t size = 0;
    FILE *in = fopen("/proc/cpuinfo", "r");
    if (!in || getdelim(&text, &size, '\0', in) < 0) {
        free(text);
        text = strdup("");
    }
    if (in)
        fclose(in);
    static const char *const names[] = {"model name",      "cpu family", "model",
                                        "CPU implementer", "CPU part",   "CPU variant"};
    const char *processor = "";
    for (size_t i = 0; text && i < sizeof names / sizeof *names; i++) {
        const char *value = cpu_field(text, names[i], arena);
        if (value)
            processor = lg_format(arena, "%s%s%s", processor, *processor ? " " : "", value);
    }
    free(text);
    return *processor ? processor : "unknown";
}

bool lg_tune_cache_path(char path[static LG_PATH_BYTES])
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length = -1;
    if (cache && *cache == '/')
        length = snprintf(path, LG_PATH_BYTES, "%s/lgpnc/tune", cache);
    else if (home && *home)
        length = snprintf(path, LG_PATH_BYTES, "%s/.cache/lgpnc/tune", home);
    return length > 0 && length < LG_PATH_BYTES;
}

// ---- reading

lg_tune_cache *lg_tune_cache_new(void)
{
    lg_arena *arena = lg_arena_new();
    lg_tune_cache *cache = LG_NEW(arena, lg_tune_cache);
    cache->arena = arena;
    return cache;
}

void lg_tune_cache_free(lg_tune_cache *cache)
{
    if (cache)
        lg_arena_free(cache->arena);
}

static bool parse_entry(char *line, lg_tune_entry *entry)
{
    char *field[FIELDS];
    for (int i = 0; i < FIELDS; i++) {
        field[i] = line;
        char *tab = strchr(line, '\t');
        if (!*field[i] || *field[i] == '\t' || !tab != (i == FIELDS - 1))
            return false;
        if (tab)
            *tab = '\0';
        line = tab ? tab + 1 : line;
    }
    char *end_of_threads, *end_of_gain;
    errno = 0;
    long threads = strtol(field[2], &end_of_threads, 10);
    *entry = (lg_tune_entry){.place = {field[0], field[1], (int)threads, field[3]},
                             .key = field[4],
                             .choice = field[5],
                             .gain = strtod(field[6], &end_of_gain)};
    return !errno && !*end_of_threads && threads >= 1 && threads <= MOST_THREADS && !*end_of_gain &&
           isfinite(entry->gain) && entry->gain > 0;
}

bool lg_tune_cache_read(lg_tune_cache *cache, const char *path, bool must_exist, lg_diag *diag)
{
    struct stat about;
    if (!must_exist && stat(path, &about) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return true;
    size_t length;
    char *text = lg_cli_read(path, &length, diag);
    if (!text)
        return false;
    int number = 0, damaged = 0;
    for (char *line = text, *next; line < text + length; line = next) {
        char *end = memchr(line, '\n', (size_t)(text + length - line));
        next = end ? end + 1 : text + length;
        number++;
        char *own = lg_strndup(cache->arena, line, (size_t)((end ? end : text + length) - line));
        lg_tune_entry entry;
        if (*own == '\0' || *own == '#')
            continue;
        if (parse_entry(own, &entry))
            LG_PUSH(cache->arena, &cache->entries, entry);
        else if (++damaged <= MOST_WARNINGS)
            lg_warning_at(diag, (lg_location){0},
                          "%s:%d: no entry of `lgpnc tune`; the line is not used", path, number);
    }
    if (damaged > MOST_WARNINGS)
        lg_warning_at(diag, (lg_location){0}, "%s: %d more lines are no entries", path,
                      damaged - MOST_WARNINGS);
    free(text);
    return true;
}

// ---- entries

static bool same_machine(const lg_tune_place *a, const lg_tune_place *b)
{
    return !strcmp(a->processor, b->processor) && !strcmp(a->target, b->target) &&
           !strcmp(a->compiler, b->compiler);
}

void lg_tune_cache_put(lg_tune_cache *cache, const lg_tune_entry *entry)
{
    int kept = 0;
    for (int i = 0; i < cache->entries.count; i++) {
        const lg_tune_entry *old = &cache->entries.items[i];
        if (!same_machine(&old->place, &entry->place) ||
            old->place.threads != entry->place.threads || strcmp(old->key, entry->key) != 0)
            cache->entries.items[kept++] = *old;
    }
    cache->entries.count = kept;
    if (!entry->choice)
        return;
    lg_tune_entry own = *entry;
    own.place.processor = lg_strdup(cache->arena, own.place.processor);
    own.place.target = lg_strdup(cache->arena, own.place.target);
    own.place.compiler = lg_strdup(cache->arena, own.place.compiler);
    own.key = lg_strdup(cache->arena, own.key);
    own.choice = lg_strdup(cache->arena, own.choice);
    LG_PUSH(cache->arena, &cache->entries, own);
}

void lg_tune_cache_choices(const lg_tune_cache *cache, const lg_tune_place *place,
                           lg_choices *choices)
{
    *choices = (lg_choices){0};
    lg_choice *items = calloc((size_t)cache->entries.count + 1, sizeof *items);
    for (int exact = 1; items && exact >= 0; exact--)
        for (int i = cache->entries.count - 1; i >= 0; i--) { // the last of a key counts
            const lg_tune_entry *e = &cache->entries.items[i];
            if (same_machine(&e->place, place) && (e->place.threads == place->threads) == exact)
                items[choices->count++] = (lg_choice){e->key, e->choice};
        }
    choices->items = items;
}

// ---- writing

static bool make_folders(const char *path, lg_diag *diag)
{
    char folder[LG_PATH_BYTES];
    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
        return lg_error_at(diag, (lg_location){0}, "%s: the name is too long", path);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0777) != 0 && errno != EEXIST)
            return lg_error_at(diag, (lg_location){0}, "%s: %s", folder, strerror(errno));
        *slash = '/';
    }
    return true;
}

bool lg_tune_cache_write(const lg_tune_cache *cache, const char *path, lg_diag *diag)
{
    lg_error error;
    lg_atomic_file out;
    if (!make_folders(path, diag))
        return false;
    if (!lg_atomic_open(&out, path, 0666, &error))
        return lg_cli_fail(diag, &error);
    fputs(heading, out.stream);
    for (int i = 0; i < cache->entries.count; i++) {
        const lg_tune_entry *e = &cache->entries.items[i];
        fprintf(out.stream, "%s\t%s\t%d\t%s\t%s\t%s\t%.3f\n", e->place.processor, e->place.target,
                e->place.threads, e->place.compiler, e->key, e->choice, e->gain);
    }
    return lg_atomic_commit(&out, &error) || lg_cli_fail(diag, &error);
}
