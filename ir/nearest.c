// Closeness is the number of inserted, deleted, replaced or swapped characters (the restricted
// Damerau-Levenshtein distance); a third of the word may be wrong.
#include "ir/nearest.h"

#include <string.h>

enum { LONGEST = 63 };

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int edits(const char *a, int a_length, const char *b, int b_length)
{
    int rows[3][LONGEST + 1]; // of the last three characters of a
    for (int j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (int i = 1; i <= a_length; i++) {
        int *row = rows[i % 3];
        const int *above = rows[(i + 2) % 3], *above_that = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= b_length; j++) {
            int cost = a[i - 1] != b[j - 1];
            row[j] = smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], above_that[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

void lg_nearest_consider(lg_nearest *nearest, const char *known)
{
    size_t wanted = strlen(nearest->wanted), length = strlen(known);
    if (wanted == 0 || wanted > LONGEST || length > LONGEST)
        return;
    int distance = edits(nearest->wanted, (int)wanted, known, (int)length);
    int most = (int)(wanted > length ? wanted : length) / 3;
    if (distance > (most > 0 ? most : 1) || (nearest->name && nearest->distance <= distance))
        return;
    nearest->name = known;
    nearest->distance = distance;
}
