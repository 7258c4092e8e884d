/*
 * Where content waits until its mail is whole: in memory while it is small,
 * then in an unlinked file that is mapped. Private to transport.
 */
#ifndef TRANSPORT_SPOOL_H
#define TRANSPORT_SPOOL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *directory; /* borrowed */
    size_t memory_bytes;   /* more than this goes to the file */
    GByteArray *memory;    /* all, or what is not yet written; NULL: empty */
    int fd;                /* of the file; -1 while there is none */
} Spool;

void spool_init(Spool *spool, const char *directory, size_t memory_bytes);

/* Append. False: the file cannot be made or written (errno says why). */
bool spool_add(Spool *spool, const char *bytes, size_t length);

/* All that was added, and an empty spool again. NULL: as spool_add(). */
GBytes *spool_take(Spool *spool);

/* Forget what was added. */
void spool_clear(Spool *spool);

#endif
