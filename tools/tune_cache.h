// The file in which measured choices of schedules are kept: text, one line an entry,
//
//     PROCESSOR <tab> TARGET <tab> THREADS <tab> COMPILER <tab> KEY <tab> CHOICE <tab> GAIN
//
// and lines that begin with #. What does not read as an entry is reported and left out; entries of
// other processors, targets and compilers are kept and not used.
#ifndef LG_TOOLS_TUNE_CACHE_H
#define LG_TOOLS_TUNE_CACHE_H

#include "ir/arena.h"
#include "ir/diag.h"
#include "passes/schedule/choice.h"
#include "tools/paths.h"

// Whom a measurement holds for.
typedef struct lg_tune_place {
    const char *processor; // "Intel(R) Xeon(R) Processor 6.207.2"
    const char *target;    // row of the target table
    int threads;
    const char *compiler; // "0.1.0"
} lg_tune_place;

typedef struct lg_tune_entry {
    lg_tune_place place;
    const char *key, *choice;
    double gain; // time of the cost model's choice / time of this one
} lg_tune_entry;

typedef struct lg_tune_cache {
    lg_arena *arena; // of the entries' texts
    LG_LIST(lg_tune_entry) entries;
} lg_tune_cache;

// This machine's processor, without tabs.
const char *lg_tune_processor(lg_arena *arena);

// $XDG_CACHE_HOME/lgpnc/tune, ~/.cache/lgpnc/tune; false if neither variable is set.
bool lg_tune_cache_path(char path[static LG_PATH_BYTES]);

lg_tune_cache *lg_tune_cache_new(void);
void lg_tune_cache_free(lg_tune_cache *cache);
// Adds the entries of the file. Lines that are none become warnings; false with an error if the
// file cannot be read. A file that is not there is an error only if `must_exist`.
bool lg_tune_cache_read(lg_tune_cache *cache, const char *path, bool must_exist, lg_diag *diag);
// Adds or replaces the entry of that place and key; removes it if `choice` is NULL.
void lg_tune_cache_put(lg_tune_cache *cache, const lg_tune_entry *entry);
// Writes the whole file, atomically, folders above it included.
bool lg_tune_cache_write(const lg_tune_cache *cache, const char *path, lg_diag *diag);
// The entries for the place, measured with its number of threads or else with another, in
// `choices`; their texts are the cache's. Free choices->items.
void lg_tune_cache_choices(const lg_tune_cache *cache, const lg_tune_place *place,
                           lg_choices *choices);

#endif
