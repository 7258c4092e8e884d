/*
 * Parts that are no body text: RFC 2183, 2231.
 *
 * The content of an attachment is what a person would save as a file, and there
 * is one definition of it: size, digest and what is extracted are those of the
 * bytes that its source feeds. That is the part after transfer decoding; an
 * attached message that is not encoded has LF line ends, also behind the
 * boundary that closes it.
 */
#ifndef MAIL_ATTACHMENT_H
#define MAIL_ATTACHMENT_H

#include <glib.h>
#include <stdbool.h>

#include "mail/entity.h"
#include "mail/mail.h"

enum {
    ATTACHMENT_NAME_MAX = 255, /* bytes of a name, */
    ATTACHMENT_ID_MAX = 998    /* of a Content-ID: RFC 5322 2.1.1; else none */
};

/* Somebody who wants the content of one attachment as well. */
typedef struct {
    size_t index;
    TransferFeed feed;
    void *context;
} AttachmentWish;

/* The attachments of a mail, while it is read. */
typedef struct {
    GPtrArray *found; /* Attachment* */
    size_t max;
    const AttachmentWish *wish; /* NULL: none */
} AttachmentList;

/* Feeds the content of `what`. */
typedef void (*AttachmentSource)(const void *what, TransferFeed feed,
                                 void *context);

/*
 * Add an attachment that has all but size and digest; both are taken from
 * `source` as it feeds, nothing is kept. Takes `attachment`. False if the list
 * is full.
 */
bool attachment_add(AttachmentList *list, Attachment *attachment,
                    AttachmentSource source, const void *what);

/* Add a part of the mail. */
bool attachment_add_entity(AttachmentList *list, const Entity *entity);

/* `name` becomes a label, `type` two words; content_id (UTF-8, no brackets) may
 * be "". It is a file for people until somebody says otherwise. */
Attachment *attachment_new(const char *name, const char *type,
                           const char *content_id);

/* The name a part gives itself, as a label; "" if none. Free with g_free(). */
char *attachment_name(const Entity *entity);

#endif
