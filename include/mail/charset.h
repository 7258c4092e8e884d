/*
 * Which charset a text is in. Declarations lie, so valid UTF-8 comes first,
 * then what was declared, then what the bytes look like, then windows-1252.
 */
#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The bytes as valid UTF-8. `declared` may be NULL, unknown or wrong. What fits
 * nothing becomes U+FFFD, and so does NUL; one bad byte never spoils the rest.
 * ret_repaired (may be NULL) tells whether the declaration was not believed or
 * bytes were replaced. Free with g_free().
 */
char *charset_to_utf8(const char *bytes, size_t length, const char *declared,
                      bool *ret_repaired);

/*
 * The same for a header value outside encoded words, which declares nothing: a
 * few stray bytes become U+FFFD, for a guess would misname people; where there
 * are enough to tell, what they look like is believed.
 */
char *charset_header_to_utf8(const char *bytes, size_t length);

/*
 * The converter that is used for a declared name: supersets stand for what
 * programs mistake for them (latin1: windows-1252, gb2312: gb18030). NULL for
 * names that are not on the list; they never reach iconv.
 */
const char *charset_converter(const char *declared);

/* What a byte means in windows-1252; U+FFFD where it means nothing. */
unsigned charset_windows_1252(unsigned char byte);

/*
 * Every converter of the list in turn, NULL after the last: a sandbox opens
 * them all beforehand, because iconv loads them from files.
 */
const char *charset_converter_at(size_t index);

#endif
