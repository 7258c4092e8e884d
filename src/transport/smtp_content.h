/*
 * The content of an outgoing mail on its way to the wire: what must hold, and
 * RFC 5321 4.5.2 dot-stuffing. Private to transport.
 */
#ifndef TRANSPORT_SMTP_CONTENT_H
#define TRANSPORT_SMTP_CONTENT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "transport/stream.h"

typedef enum {
    SMTP_CONTENT_7BIT,
    SMTP_CONTENT_8BIT,   /* fit for a relay that offers 8BITMIME */
    SMTP_CONTENT_UNCLEAN /* NUL, bare CR or LF, a line above 998 bytes */
} SmtpContentKind;

SmtpContentKind smtp_content_check(GBytes *content);

/*
 * Write `content` and the final dot; each piece has `timeout_s`. Small content
 * goes out in one write. False: the stream is dead, and the final dot has not
 * gone out whole: the relay cannot have taken the mail.
 */
bool smtp_content_write(Stream *stream, GBytes *content, int64_t timeout_s);

#endif
