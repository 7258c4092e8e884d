/*
 * The parts of a mail (RFC 2046) as slices of its raw bytes, found in one
 * linear pass under limits. This is the pre-scan: it recurses over nothing and
 * copies no body, so a hostile structure costs no more than its length.
 *
 * GMime's parser is not used for this: it allows 1,025 levels and any number of
 * parts, takes the last of duplicate fields, gives NULL for mail without a
 * header, and its address parser recurses. Whatever
 * guards it would have to know the structure already.
 */
#ifndef MAIL_ENTITY_H
#define MAIL_ENTITY_H

#include <glib.h>
#include <stdbool.h>

#include "mail/content.h"
#include "mail/header.h"
#include "mail/limits.h"
#include "mail/transfer.h"

typedef struct Entity {
    Header *header;
    Content *type;        /* never NULL; text/plain if nothing better */
    Content *disposition; /* never NULL; word "" if there is none */
    TransferEncoding encoding;
    const char *body; /* borrowed from raw, still encoded */
    size_t length;
    size_t parent;     /* index of the multipart around it; its own for root */
    size_t depth;      /* 0 for the root */
    size_t children;   /* parts directly in it */
    bool is_multipart; /* with a boundary that was looked for */
    bool is_too_deep;  /* a multipart nobody looked into */
} Entity;

/*
 * All entities of a message in order, the root first; at least one. Attached
 * messages are leaves: their bytes are in `body` and can be scanned on their
 * own. They borrow `bytes`. Returns: a GPtrArray of Entity* that frees them.
 */
GPtrArray *entity_scan(const char *bytes, size_t length,
                       const MailLimits *limits, GPtrArray *defects);

#endif
