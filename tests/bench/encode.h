/* The transfer encodings of RFC 2045, and encoded words of RFC 2047. */
#ifndef BENCH_ENCODE_H
#define BENCH_ENCODE_H

#include <glib.h>

/* `bytes` has CRLF; so has what is added. */
void encode_quoted_printable(GString *out, const char *bytes, gsize length);
void encode_base64(GString *out, const char *bytes, gsize length);
/* `text` in UTF-8; as it is when it is ASCII. */
void encode_words(GString *out, const char *text, const char *charset);
/* To `charset`; the caller frees. */
char *encode_charset(const char *text, const char *charset, gsize *ret_length);

#endif
