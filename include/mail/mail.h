/*
 * A mail as a structure. mail_parse() turns any bytes into one; what is broken
 * is repaired and named in `defects`, never an error.
 */
#ifndef MAIL_MAIL_H
#define MAIL_MAIL_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "mail/address.h"
#include "mail/automatic.h"
#include "mail/dsn.h"
#include "mail/limits.h"
#include "mail/transfer.h"

enum { ATTACHMENT_DIGEST_BYTES = 32 };

typedef struct {
    char *name;  /* a label, never a path: one line, at most 255 bytes; "" */
    char *type;  /* "type/subtype", lower case */
    size_t size; /* bytes of the content: attachment.h says what that is */
    uint8_t digest[ATTACHMENT_DIGEST_BYTES]; /* SHA-256 of the content */
    bool is_inline;   /* shown in the body (cid image), not a file for people */
    char *content_id; /* without brackets, "" if none */
} Attachment;

void attachment_free(Attachment *attachment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Attachment, attachment_free)

typedef struct {
    GBytes *raw;         /* the whole mail, shared */
    char *subject;       /* decoded, unfolded, one line; "" if none */
    Address *originator; /* From, else Sender, else Reply-To; NULL if none */
    size_t originators;  /* mailboxes in From: other than 1 is suspicious */
    GPtrArray *reply_to; /* Address*, as are the next two; never NULL */
    GPtrArray *to;
    GPtrArray *cc;
    char *message_id;       /* NULL if none */
    GPtrArray *in_reply_to; /* char*, no brackets; never NULL */
    GPtrArray *references;  /* char*, oldest first; never NULL */
    int64_t date_s;         /* Date in Unix seconds; 0 if none or absurd */
    char *language;         /* Content-Language's first tag, lower case; "" */
    char *text;             /* the whole body as text, LF, valid UTF-8; "" */
    size_t reply_start;     /* the part the writer wrote: offsets into text, */
    size_t reply_end;       /* a view - nothing is cut away */
    char *reply;            /* the same part, quotes between answers kept; all
                               that is forwarded, and all of a bounce */
    GPtrArray *attachments; /* Attachment*; never NULL */
    Automatic automatic;
    GPtrArray *failed;  /* DsnRecipient*, of a bounce; never NULL */
    size_t hops;        /* Received fields */
    GPtrArray *defects; /* const char* static slugs, each once; never NULL */
} Mail;

/*
 * Read a message. Bytes from the network are never an error: what is broken or
 * over a limit becomes an entry in `defects` and the rest is still read.
 * `envelope_sender` may be NULL if unknown; "" is the null reverse-path and
 * makes the mail automatic. g_mime_init() must have been called.
 * Returns: a Mail the caller owns, never NULL; it shares `raw`.
 */
Mail *mail_parse(GBytes *raw, const char *envelope_sender,
                 const MailLimits *limits);

/*
 * Hand the content of attachment `index` of a mail to `feed`, piece by piece,
 * as it is described in mail_parse()'s list: the mail is read again, so that
 * nobody has to keep what may be large. If there is no such one nothing is fed.
 * Returns: the list (Attachment*), whose digest tells whether all came through.
 */
GPtrArray *mail_attachment(GBytes *raw, const MailLimits *limits, size_t index,
                           TransferFeed feed, void *context);

void mail_free(Mail *mail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Mail, mail_free)

#endif
