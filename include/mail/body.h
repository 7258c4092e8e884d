/* What a mail says and what it carries: RFC 2046, 3676. */
#ifndef MAIL_BODY_H
#define MAIL_BODY_H

#include <glib.h>
#include <stdbool.h>

#include "mail/attachment.h"
#include "mail/limits.h"

typedef struct {
    char *text;     /* valid UTF-8, LF; "" if there is none */
    size_t history; /* where an HTML mail says that the earlier mail begins;
                       the text's length if it does not */
    GPtrArray *attachments; /* Attachment* */
} Body;

/*
 * Read the text and the attachments of a scanned mail (entity.h): all inline
 * plain text in order; if that is blank, the HTML as text; if there is none,
 * the text in a winmail.dat. That one is listed, and what it holds after it.
 * `wish` (NULL: none) is for the content of an attachment.
 */
Body body_read(const GPtrArray *entities, const MailLimits *limits,
               const AttachmentWish *wish, GPtrArray *defects);

/*
 * Join the soft line breaks of format=flowed text (RFC 3676 4). Quoted lines
 * stay as they are: their marks say more than their width.
 */
char *body_unflow(const char *text, bool delete_space);

#endif
