/* Files without a name that nobody can change once they are written: what the
 * supervisor hands to its workers. */
#ifndef DAEMON_SEALED_H
#define DAEMON_SEALED_H

#include <glib.h>
#include <stddef.h>

/* One with these bytes, close-on-exec; -1 with errno. */
int sealed_new(const char *name, const void *bytes, size_t length);

/* What it holds, up to `most` bytes, with a NUL that is not counted; wipe it if
 * it is a secret. NULL if it is not sealed, or larger. */
char *sealed_read(int fd, size_t most, size_t *ret_length);

#endif
