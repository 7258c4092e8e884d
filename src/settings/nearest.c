#include "settings/nearest.h"

#include <glib.h>
#include <string.h>

/* Longer words are not compared: nobody's slip, and the table stays small. */
enum { WORD_MAX = 40 };

static size_t
least(size_t a, size_t b, size_t c)
{
    return MIN(MIN(a, b), c);
}

/* Optimal string alignment distance of two words of at most WORD_MAX bytes. */
static size_t
distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t cost[WORD_MAX + 1][WORD_MAX + 1];
    for (size_t i = 0; i <= a_length; i++)
        cost[i][0] = i;
    for (size_t j = 0; j <= b_length; j++)
        cost[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        for (size_t j = 1; j <= b_length; j++) {
            char x = g_ascii_tolower(a[i - 1]);
            char y = g_ascii_tolower(b[j - 1]);
            cost[i][j] = least(cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                               cost[i - 1][j - 1] + (x != y));
            if (i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) &&
                y == g_ascii_tolower(a[i - 2]))
                cost[i][j] = MIN(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a_length][b_length];
}

const char *
nearest_name(const char *word, const void *names, size_t count, size_t stride)
{
    size_t length = strnlen(word, WORD_MAX + 1);
    if (length > WORD_MAX)
        return NULL;
    const char *best = NULL;
    size_t best_distance = 1 + length / 3; /* one slip in three letters */
    for (size_t i = 0; i < count; i++) {
        const char *name = NULL;
        memcpy(&name, (const char *)names + i * stride, sizeof name);
        size_t name_length = strnlen(name, WORD_MAX + 1);
        if (name_length > WORD_MAX)
            continue;
        size_t d = distance(word, length, name, name_length);
        if (d < best_distance || (d == best_distance && best == NULL)) {
            best = name;
            best_distance = d;
        }
    }
    return best;
}
