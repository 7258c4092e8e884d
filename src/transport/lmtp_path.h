/*
 * What stands in an LMTP command: paths (RFC 5321 4.1.2), the parameters
 * behind them (4.1.2 esmtp-param) and xtext (RFC 3461 4). Total: any line
 * gives a value or a refusal. Private to transport.
 */
#ifndef TRANSPORT_LMTP_PATH_H
#define TRANSPORT_LMTP_PATH_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of a command line; borrowed, not terminated. */
typedef struct {
    const char *start;
    size_t length;
} LmtpSpan;

typedef enum {
    LMTP_PATH_OK,
    LMTP_PATH_SYNTAX, /* no "<...>" at all, or something glued behind it */
    LMTP_PATH_ADDRESS /* there is one, but no address can look like that */
} LmtpPathResult;

/*
 * Read "KEYWORD:<path>" from the head of `*rest` ("FROM:", "TO:", any case;
 * blanks behind the colon are forgiven). A source route is dropped, as RFC
 * 5321 appendix C asks. On success `*rest` is what follows the path and
 * `ret_address` the address without "<>", quotes kept; empty for "<>".
 */
LmtpPathResult lmtp_path_parse(LmtpSpan *rest, const char *keyword,
                               LmtpSpan *ret_address);

/*
 * The next "NAME" or "NAME=value" of `*rest`. Returns false at the end. A
 * parameter without "=" has a value whose start is NULL.
 */
bool lmtp_parameter_next(LmtpSpan *rest, LmtpSpan *ret_name,
                         LmtpSpan *ret_value);

/* True if both are equal, letters in any case (ASCII). */
bool lmtp_span_is(LmtpSpan span, const char *word);

/* Digits only, without overflow; false and untouched otherwise. */
bool lmtp_span_number(LmtpSpan span, int64_t *ret_number);

/*
 * Decode xtext. Returns a copy the caller owns, or NULL if it is malformed,
 * longer than `max_bytes`, or decodes to something not printable ASCII.
 */
char *lmtp_span_xtext(LmtpSpan span, size_t max_bytes);

#endif
