/*
 * winmail.dat: what Outlook sends as application/ms-tnef (MS-OXTNEF). The files
 * inside are slices of the bytes; nothing is copied but words.
 *
 * This is a reader of our own, and libytnef is not used. libytnef 2.0 trusts
 * the length inside of uncompressed RTF (up to 4 GiB of the heap would become
 * text), writes to standard output whenever something is wrong, reads currency
 * and named properties wrongly, and gives up on a whole file because of a
 * subject above 100 bytes, a text above 100,000 or an attached message above
 * 512 KiB, which all are common. A guard before it would have to know the whole
 * format, and then nothing is left for it to do.
 */
#ifndef MAIL_TNEF_H
#define MAIL_TNEF_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "mail/limits.h"

typedef struct {
    char *name;       /* UTF-8, as it is: may be a path, ""; not a label yet */
    char *type;       /* the MIME type it claims, "" if none */
    char *content_id; /* "" if none */
    const uint8_t *content; /* borrowed from the bytes read */
    size_t length;
} TnefFile;

typedef struct {
    char *text;       /* UTF-8, line ends as they are; that of the RTF if there
                         is no other; "" if none */
    char *html;       /* UTF-8, as it is; "" if none */
    GPtrArray *files; /* TnefFile*, at most limits->parts */
    bool has_more;    /* files beyond that */
} Tnef;

/* True if the bytes begin as such a file does; four are enough. */
bool tnef_is(const uint8_t *bytes, size_t length);

/*
 * Read one, linear in `length`. Everything is checked: attributes (length and
 * checksum) and properties lie within their bounds to the last. Returns: NULL
 * if anything is broken; half of it would be a guess.
 */
Tnef *tnef_read(const uint8_t *bytes, size_t length, const MailLimits *limits);

void tnef_free(Tnef *tnef);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tnef, tnef_free)

#endif
