/*
 * Rich Text Format as Outlook packs it into winmail.dat: MS-OXRTFCP, and as
 * much of RTF as makes readable text. HTML that is hidden in RTF (MS-OXRTFEX)
 * is made for readers that see only the RTF; so do we.
 */
#ifndef MAIL_RTF_H
#define MAIL_RTF_H

#include <glib.h>
#include <stdint.h>

/*
 * Unpack compressed RTF, at most `max_bytes` of it: it can grow by a factor of
 * nine. Returns: NULL if it is none; what is cut short is read as far as it
 * goes.
 */
GByteArray *rtf_unpack(const uint8_t *bytes, size_t length, size_t max_bytes);

/* Its text: UTF-8, LF; formatting, images and all that is for machines are left
 * out. Linear. Free with g_free(). */
char *rtf_text(const char *rtf, size_t length);

#endif
