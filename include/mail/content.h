/*
 * Content-Type and Content-Disposition: a word and its parameters (RFC 2045,
 * 2183, 2231), read as leniently as mail programs write them.
 */
#ifndef MAIL_CONTENT_H
#define MAIL_CONTENT_H

#include <glib.h>
#include <stdbool.h>

enum { CONTENT_SEGMENTS_MAX = 128 }; /* RFC 2231 pieces of one field */

typedef struct {
    char *word;        /* "text/plain", "attachment"; lower case, "" if none */
    GPtrArray *names;  /* char*, lower case */
    GPtrArray *values; /* char*, decoded, one line of UTF-8 */
} Content;

Content *content_parse(const char *value, size_t length);
void content_free(Content *content);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Content, content_free)

/* The parameter `name` (lower case), borrowed; NULL if there is none. */
const char *content_parameter(const Content *content, const char *name);

/* True if the word is `word`, or begins with it if that ends with "/". */
bool content_is(const Content *content, const char *word);

#endif
