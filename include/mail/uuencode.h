/* uuencoded files in the text of a mail: POSIX uuencode, historical form. */
#ifndef MAIL_UUENCODE_H
#define MAIL_UUENCODE_H

#include "mail/attachment.h"

/*
 * Take the files ("begin 644 name" ... "end") out of `text` and add them to
 * `list`; what does not fit, and what is none, stays text. Returns: the text
 * without them; free with g_free().
 */
char *uuencode_take(const char *text, AttachmentList *list);

#endif
