/*
 * People's text: what arrives as bytes leaves here as valid UTF-8 that is safe
 * to store, to show and to put into one line.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A copy of `length` bytes as valid UTF-8. Every byte that is not part of a
 * valid sequence, and NUL, becomes U+FFFD. Free with g_free().
 */
char *text_repair(const char *bytes, size_t length);

/* True if the bytes are valid UTF-8 and hold no NUL. */
bool text_is_valid(const char *bytes, size_t length);

/*
 * A copy fit for one line of display: C0/C1 controls and line ends become one
 * space, runs of spaces one, ends are trimmed; invisible and bidirectional
 * controls (U+200B-200F, 202A-202E, 2066-2069, FEFF) are removed.
 */
char *text_one_line(const char *text);

/*
 * A copy fit for many lines: CRLF and CR become LF, controls other than LF and
 * TAB are removed, and so are the invisible ones of text_one_line() except the
 * joiners U+200C and U+200D, which scripts need.
 */
char *text_many_lines(const char *text);

/*
 * The length in bytes of the longest prefix of `text` that is at most
 * `max_bytes` long and ends at a character boundary.
 */
size_t text_cut_bytes(const char *text, size_t max_bytes);

/*
 * A copy of at most `max_chars` characters; where something was cut, the last
 * one is an ellipsis.
 */
char *text_ellipsis(const char *text, size_t max_chars);

/* Lower-case hexadecimal of `length` bytes. */
char *text_hex(const void *bytes, size_t length);

/* True if both are equal; takes the same time wherever they differ. */
bool text_equal_constant_time(const char *a, const char *b);

#endif
