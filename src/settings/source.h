/* The text of the settings file, before libconfig (private to this room). */
#ifndef SETTINGS_SOURCE_H
#define SETTINGS_SOURCE_H

#include <glib.h>
#include <stdbool.h>

#include "small_file.h"

/*
 * Read `path`, at most 1 MiB, and refuse what libconfig would misread without a
 * word: see source_check(). The text ends with a line end.
 */
bool source_read(const char *path, SmallFile *ret_file, GError **error);

/*
 * FAILURE_CONFIG with "path:line: ..." for what libconfig 1.5 accepts and
 * changes: bytes that are not UTF-8, NUL and \x00 (they vanish), numbers that
 * do not fit (they wrap), @include (opens any file), texts in a list without a
 * comma between them (they join), a text that runs over its line, deep nesting.
 */
bool source_check(const char *path, const char *text, size_t length,
                  GError **error);

#endif
