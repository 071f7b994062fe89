// The text form of choices, and finding one. Texts come from files that users may have touched:
// whatever does not fit is refused, nothing is guessed.
#include "passes/schedule/choice.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *lg_choices_find(const lg_choices *choices, const char *key)
{
    for (int i = 0; choices && i < choices->count; i++)
        if (strcmp(choices->items[i].key, key) == 0)
            return choices->items[i].text;
    return NULL;
}

int lg_choices_rank(const lg_choices *choices)
{
    return choices ? choices->rank : 0;
}

char *lg_choice_print(lg_arena *arena, const lg_choice_form *form, const int64_t *values)
{
    char *text = lg_format(arena, "%s{", form->name);
    for (int i = 0; i < form->count; i++)
        text = lg_format(arena, "%s%s%s=%lld", text, i ? "," : "", form->fields[i],
                         (long long)values[i]);
    return lg_format(arena, "%s}", text);
}

static int field_of(const lg_choice_form *form, const char *name, size_t length)
{
    for (int i = 0; i < form->count; i++)
        if (strlen(form->fields[i]) == length && memcmp(form->fields[i], name, length) == 0)
            return i;
    return -1;
}

bool lg_choice_parse(const char *text, const lg_choice_form *form, int64_t *values)
{
    assert(form->count <= LG_MAX_CHOICE_FIELDS);
    bool seen[LG_MAX_CHOICE_FIELDS] = {false};
    size_t length = strlen(form->name);
    if (strncmp(text, form->name, length) != 0 || text[length] != '{')
        return false;
    text += length + 1;
    for (int i = 0; i < form->count; i++) {
        size_t name = strcspn(text, "=,}");
        int field = field_of(form, text, name);
        if (field < 0 || seen[field] || text[name] != '=')
            return false;
        seen[field] = true;
        text += name + 1;
        if (*text < '1' || *text > '9')
            return false;
        char *end;
        errno = 0;
        values[field] = strtoll(text, &end, 10);
        if (errno || *end != (i + 1 < form->count ? ',' : '}'))
            return false;
        text = end + 1;
    }
    return *text == '\0';
}
