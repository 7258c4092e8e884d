/*
 * Many mails in one file, so that making them costs nothing while we measure:
 * for each a line "MAIL octets sender" and its bytes. Read by mapping it.
 */
#ifndef BENCH_PACK_H
#define BENCH_PACK_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

typedef struct {
    const char *bytes;
    gsize length;
    char *sender;
} PackMail;

typedef struct {
    GMappedFile *file;
    GArray *mails; /* PackMail, in order; it owns the senders */
} Pack;

void pack_write(FILE *file, const char *sender, const GString *bytes);
/* Ends the program with a sentence when it cannot be read. */
Pack *pack_open(const char *path);
const PackMail *pack_mail(const Pack *pack, gsize index);
void pack_close(Pack *pack);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pack, pack_close)

#endif
