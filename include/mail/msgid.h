/* Message-ID and the chain in References and In-Reply-To: RFC 5322 3.6.4. */
#ifndef MAIL_MSGID_H
#define MAIL_MSGID_H

#include <glib.h>

enum {
    MSGID_MAX_BYTES = 998, /* longer ids are left out (a line of RFC 5322) */
    MSGID_LIST_MAX = 200   /* of more, the first and the newest are kept */
};

/*
 * The ids of a References, In-Reply-To or Message-ID value, without angle
 * brackets, in order, each once, as valid one-line UTF-8. Free text, dates and
 * comments between them are skipped. Returns: a GPtrArray of char*, never NULL,
 * that frees its items.
 */
GPtrArray *msgid_list_parse(const char *value);

/*
 * The one id of a Message-ID field: the first in angle brackets; without
 * brackets the first word, if it looks like one. NULL if there is none.
 */
char *msgid_parse(const char *value);

#endif
