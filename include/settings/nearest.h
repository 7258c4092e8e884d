/* "Did you mean ...?" for whoever types names: settings keys, placeholders. */
#ifndef SETTINGS_NEAREST_H
#define SETTINGS_NEAREST_H

#include <stddef.h>

/*
 * The candidate that `word` is most likely a slip of: the fewest inserted,
 * missing, changed or swapped ASCII letters, case aside. `names` is an array of
 * `count` structs of `stride` bytes whose first member is a `const char *`.
 * Returns: that name, borrowed, or NULL if none is near enough to be meant.
 */
const char *nearest_name(const char *word, const void *names, size_t count,
                         size_t stride);

#endif
