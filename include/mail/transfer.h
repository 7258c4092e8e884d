/* Content-Transfer-Encoding: RFC 2045 6, and uuencode. */
#ifndef MAIL_TRANSFER_H
#define MAIL_TRANSFER_H

#include <glib.h>

typedef enum {
    TRANSFER_IDENTITY, /* 7bit, 8bit, binary, and whatever is unknown */
    TRANSFER_BASE64,
    TRANSFER_QUOTED_PRINTABLE,
    TRANSFER_UUENCODE
} TransferEncoding;

/* The encoding a Content-Transfer-Encoding value names. */
TransferEncoding transfer_parse(const char *value, size_t length);

/*
 * The decoded bytes, at most about `max_bytes`. Base64 goes on after padding in
 * the middle and skips what is not base64. Returns: a GByteArray the caller
 * owns, never NULL.
 */
GByteArray *transfer_decode(TransferEncoding encoding, const char *bytes,
                            size_t length, size_t max_bytes);

/* Takes bytes, piece by piece; `length` is never 0. */
typedef void (*TransferFeed)(void *context, const void *bytes, size_t length);

/* Hand all decoded bytes to `feed`, some KiB at a time; nothing is kept. */
void transfer_feed(TransferEncoding encoding, const char *bytes, size_t length,
                   TransferFeed feed, void *context);

#endif
