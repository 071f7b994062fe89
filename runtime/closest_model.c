// Names are compared by the letters and digits that they have in common, in pairs of neighbours
// (Dice's coefficient of bigrams), because people turn names around: GAN_STYLE2 for STYLEGAN_2.
#include "runtime/closest_model.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 64, MOST = 3 };

#define LEAST_LIKENESS 0.5

// Lower-case letters and digits only.
static int strip(const char *name, char to[LONGEST])
{
    int length = 0;
    for (; *name && length < LONGEST; name++)
        if (isalnum((unsigned char)*name))
            to[length++] = (char)tolower((unsigned char)*name);
    return length;
}

// 0..1: twice the pairs in common by all pairs.
static double likeness(const char *a, const char *b)
{
    char left[LONGEST], right[LONGEST];
    bool used[LONGEST] = {false};
    int left_length = strip(a, left), right_length = strip(b, right), common = 0;
    if (left_length < 2 || right_length < 2)
        return left_length == right_length && left_length && left[0] == right[0];
    for (int i = 0; i + 1 < left_length; i++)
        for (int j = 0; j + 1 < right_length; j++)
            if (!used[j] && left[i] == right[j] && left[i + 1] == right[j + 1]) {
                used[j] = true;
                common++;
                break;
            }
    return 2.0 * common / (left_length + right_length - 2);
}

bool lg_closest_models(const lg_model_table *table, const char *name,
                       char text[static LG_CLOSEST_BYTES])
{
    const char *names[MOST] = {NULL};
    double scores[MOST] = {0};
    for (size_t m = 0; m < table->count; m++) {
        const char *candidate = table->models[m].name;
        double score = likeness(name, candidate);
        for (int i = 0; i < MOST && score >= LEAST_LIKENESS; i++)
            if (score > scores[i]) {
                memmove(&names[i + 1], &names[i], (size_t)(MOST - 1 - i) * sizeof *names);
                memmove(&scores[i + 1], &scores[i], (size_t)(MOST - 1 - i) * sizeof *scores);
                names[i] = candidate;
                scores[i] = score;
                break;
            }
    }
    int used = 0;
    text[0] = '\0';
    for (int i = 0; i < MOST && names[i]; i++)
        used +=
            snprintf(text + used, LG_CLOSEST_BYTES - (size_t)used, "%s%s", i ? ", " : "", names[i]);
    return names[0] != NULL;
}
