/*
 * Charsets that switch by escapes within ASCII, as ones of eight bits that
 * iconv converts better, or at all. Private to charset.c. What is no escape
 * stays.
 */
#ifndef MAIL_CHARSET_ESCAPE_H
#define MAIL_CHARSET_ESCAPE_H

#include <glib.h>

/*
 * ISO-2022-JP (RFC 1468) as EUC-JP. Windows puts characters of its own between
 * those of the standard, a "1" in a circle for one, which only its EUC has; and
 * the wave is the one that Shift_JIS and EUC-JP give.
 */
GString *charset_escape_iso2022jp(const char *bytes, size_t length);

/* HZ (RFC 1843), which iconv has not, as GB 2312 in eight bits. */
GString *charset_escape_hz(const char *bytes, size_t length);

#endif
