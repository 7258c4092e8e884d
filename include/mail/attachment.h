/* Parts that are no body text: RFC 2183, 2231; and uuencoded files in text. */
#ifndef MAIL_ATTACHMENT_H
#define MAIL_ATTACHMENT_H

#include <glib.h>

#include "mail/entity.h"
#include "mail/mail.h"

enum { ATTACHMENT_NAME_MAX = 255 }; /* bytes of a name */

/* Describe `entity`; its bytes are decoded to be counted, not kept. */
Attachment *attachment_new(const Entity *entity);

/* The name a part gives itself, as a label; "" if none. Free with g_free(). */
char *attachment_name(const Entity *entity);

/*
 * Take the uuencoded files ("begin 644 name" ... "end") out of `text` and add
 * them to `attachments`. Returns: the text without them; free with g_free().
 */
char *attachment_take_uuencoded(const char *text, GPtrArray *attachments);

#endif
