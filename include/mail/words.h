/* Text in header fields: encoded words (RFC 2047) and raw bytes to UTF-8. */
#ifndef MAIL_WORDS_H
#define MAIL_WORDS_H

#include <stddef.h>

/*
 * The value as one line of UTF-8 that is safe to show: encoded words decoded,
 * also the usual broken ones, adjacent ones joined before the charset is
 * converted, controls and bidirectional tricks taken out. Free with g_free().
 */
char *words_decode(const char *value, size_t length);

#endif
