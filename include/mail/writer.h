/*
 * Outgoing mail from validated values (RFC 5322, 2045, 3834). Nothing that a
 * stranger sent is ever re-serialised: every value is checked or encoded here,
 * and only the fields below exist.
 */
#ifndef MAIL_WRITER_H
#define MAIL_WRITER_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "mail/address.h"

/* Which RFC 3834 fields the mail carries. */
typedef enum {
    WRITER_HUMAN,    /* a person's words: none */
    WRITER_REPLIED,  /* Auto-Submitted: auto-replied */
    WRITER_GENERATED /* Auto-Submitted: auto-generated */
} WriterOrigin;

typedef struct {
    const Address *from;
    const char *to;          /* addr-spec; NULL: "undisclosed" */
    GPtrArray *cc;           /* char* addr-specs; may be NULL */
    const char *reply_to;    /* addr-spec; may be NULL */
    const char *subject;     /* UTF-8 */
    const char *message_id;  /* no brackets */
    const char *in_reply_to; /* no brackets; may be NULL */
    GPtrArray *references;   /* char*; oldest first; may be NULL. Of more
                                than 20 the first and the newest are kept */
    int64_t date_s;          /* Unix seconds, written as UTC */
    WriterOrigin origin;
    const char *loop_id;  /* X-Postern-Loop; NULL: none */
    const char *language; /* Content-Language; NULL: none */
    const char *text;     /* UTF-8, LF */
} WriterFields;

enum { WRITER_REFERENCES_MAX = 20 };

/*
 * Write the mail: text/plain, UTF-8, quoted-printable or base64, 7-bit, CRLF,
 * no line above 998 bytes.
 * Returns: the bytes, or NULL with FAILURE_PERMANENT if a value cannot be
 * written without changing its meaning: an address that is not sendable or
 * whose local part needs SMTPUTF8 (an international domain is written by its
 * A-label), a Message-ID of ours with spaces or controls. What strangers chose
 * does not stop a mail: ids in in_reply_to and references that cannot be
 * written are left out, and so are a bad loop_id and language.
 */
GBytes *writer_write(const WriterFields *fields, GError **error);

#endif
