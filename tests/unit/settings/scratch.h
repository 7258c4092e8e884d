/* A settings file of a test: written, loaded, judged, removed. */
#ifndef TESTS_SETTINGS_SCRATCH_H
#define TESTS_SETTINGS_SCRATCH_H

#include <glib.h>
#include <sys/types.h>

#include "settings/keys.h"
#include "settings/settings.h"

/* The least that loads: one line each, so that what follows is line 3. */
#define SCRATCH_MINIMAL                                                        \
    "database = { conninfo = \"dbname=postern\"; };\n"                         \
    "queues = ( { name = \"support\"; addresses = [ \"support@example.org\" "  \
    "]; } );\n"

#define SCRATCH_ACCOUNT                                                        \
    "accounts = ( { name = \"office\"; host = \"imap.example.org\"; user = "    \
    "\"desk\"; password_file = \"/etc/secret\"; folders = ( { folder = "       \
    "\"INBOX\"; queue = \"support\"; } ); } );\n"

/* A new file with these bytes and this mode in a directory of its own. */
char *scratch_write(const char *bytes, size_t length, mode_t mode);

/* Remove it and its directory, and free the path. */
void scratch_remove(char *path);

/* Load a file with this text; NULL and `error` as settings_load(). */
Settings *scratch_load(const char *text, GError **error);

/* The same for a text that must load. */
Settings *scratch_load_good(const char *text);

/*
 * A file that is minimal but for one line "NAME = VALUE;" in the right block.
 * ret_line is its number.
 */
char *scratch_text_with(const KeyBlock *block, const char *name,
                        const char *value, unsigned *ret_line);

/*
 * The message with which this text is refused, without the path: "3: ...". The
 * error must be FAILURE_CONFIG.
 */
char *scratch_fault(const char *text);

#endif
