/* Where the parent puts a mail and the child reads it, and can do no more. */
#ifndef SANDBOX_TRAY_H
#define SANDBOX_TRAY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int fd; /* -1: there is none */
    size_t length;
} Tray;

extern const Tray tray_none;

/* Memory is taken only as something is put there. False, and errno: none. */
bool tray_open(Tray *tray, size_t length);

/* Put something at `offset`. It is written and not copied into a mapping: where
 * the machine has no memory left, that would be a SIGBUS and not an errno. */
bool tray_put(const Tray *tray, size_t offset, const void *bytes,
              size_t length);

/* A descriptor by which nothing can be written; -1 and errno. */
int tray_read_only(const Tray *tray);

/* `used` bytes of it were used: if those were many, give the memory back. */
void tray_empty(const Tray *tray, size_t used);

void tray_close(Tray *tray);

#endif
