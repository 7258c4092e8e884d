/*
 * Parts that are no body text: RFC 2183, 2231; and uuencoded files in text.
 *
 * The content of an attachment is what a person would save as a file, and there
 * is one definition of it: size, digest and what is extracted are those of the
 * bytes that its source feeds. That is the part after transfer decoding; an
 * attached message that is not encoded has LF line ends and ends with one.
 */
#ifndef MAIL_ATTACHMENT_H
#define MAIL_ATTACHMENT_H

#include <glib.h>

#include "mail/entity.h"
#include "mail/mail.h"

enum { ATTACHMENT_NAME_MAX = 255 }; /* bytes of a name */

/* Feeds the content of `what`. */
typedef void (*AttachmentSource)(const void *what, TransferFeed feed,
                                 void *context);

/* Add a part of the mail. */
void attachment_add_entity(GPtrArray *attachments, const Entity *entity);

/*
 * Add an attachment that has all but size and digest; both are taken from
 * `source` as it feeds, nothing is kept. Takes `attachment`.
 */
void attachment_add(GPtrArray *attachments, Attachment *attachment,
                    AttachmentSource source, const void *what);

/* The name a part gives itself, as a label; "" if none. Free with g_free(). */
char *attachment_name(const Entity *entity);

/*
 * Take the uuencoded files ("begin 644 name" ... "end") out of `text` and add
 * them to `attachments`. Returns: the text without them; free with g_free().
 */
char *attachment_take_uuencoded(const char *text, GPtrArray *attachments);

#endif
