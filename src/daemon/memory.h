/* What this process costs. */
#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

#include <stdint.h>

/* Resident memory that is no file's and nobody else's; 0 where /proc does not
 * say. */
int64_t memory_private_bytes(void);

#endif
