/*
 * winmail.dat as Outlook makes it, for tests: MS-OXTNEF, written from the
 * document and sharing no code with the reader.
 */
#ifndef TESTS_SUPPORT_TNEF_MAKE_H
#define TESTS_SUPPORT_TNEF_MAKE_H

#include <glib.h>
#include <stdint.h>

/* Signature, key, version and code page. Free with g_byte_array_unref(). */
GByteArray *tnef_make(uint32_t code_page);

/* One attribute with its checksum; level 1 is the message, 2 a file. */
void tnef_attribute(GByteArray *tnef, uint8_t level, uint32_t id,
                    const void *bytes, size_t length);

/* Take `properties` (below) as those of the message or of the last file. */
void tnef_message(GByteArray *tnef, GByteArray *properties);
void tnef_file(GByteArray *tnef, GByteArray *properties);

/* Text of the message in the file's code page. */
void tnef_body(GByteArray *tnef, const char *text);

/* A file begins; then its name in the code page and its content. Either may be
 * NULL. */
void tnef_file_begins(GByteArray *tnef, const char *title, const void *bytes,
                      size_t length);

/* A list of properties, and values of it; a `tag` is id << 16 | type. */
GByteArray *mapi_make(void);
void mapi_long(GByteArray *list, uint16_t id, uint32_t value);
/* A value of a fixed length, a multiple of four. */
void mapi_fixed(GByteArray *list, uint32_t tag, const void *bytes,
                size_t length);
void mapi_string8(GByteArray *list, uint16_t id, const char *text);
void mapi_unicode(GByteArray *list, uint16_t id, const char *utf8);
void mapi_bytes(GByteArray *list, uint32_t tag, const void *bytes,
                size_t length);
/* Many numbers of 64 bits, and a property named by a string. */
void mapi_many(GByteArray *list, uint16_t id, uint32_t count);
void mapi_named(GByteArray *list, const char *name, const char *utf8);

#endif
