/* HTML as a row of tokens, in linear time and without a tree. */
#ifndef MAIL_HTML_TOKEN_H
#define MAIL_HTML_TOKEN_H

#include <glib.h>
#include <stdbool.h>

enum { HTML_NAME_MAX = 15, HTML_ATTRIBUTE_MAX = 2000 };

typedef enum {
    HTML_END_OF_INPUT,
    HTML_TEXT,
    HTML_START_TAG,
    HTML_END_TAG
} HtmlKind;

/* What a mail's text may depend on; "" where a tag does not have it. */
typedef struct {
    char href[HTML_ATTRIBUTE_MAX + 1];
    char alt[HTML_ATTRIBUTE_MAX + 1];
    char style[HTML_ATTRIBUTE_MAX + 1];
    char class[HTML_ATTRIBUTE_MAX + 1];
    char id[HTML_ATTRIBUTE_MAX + 1];
    char name[HTML_ATTRIBUTE_MAX + 1];
    bool hidden;
} HtmlAttributes;

typedef struct {
    HtmlKind kind;
    char name[HTML_NAME_MAX + 1]; /* of a tag, lower case */
    const char *text;             /* of HTML_TEXT, entities still in it */
    size_t length;
    HtmlAttributes attributes;
} HtmlToken;

typedef struct {
    const char *p;
    const char *end;
    bool no_comment_end; /* searched once to the end and not found, */
    bool no_quote[2];    /* so it is not searched again: " and ' */
} HtmlScanner;

HtmlScanner html_scanner(const char *html, size_t length);

/* Read the next token; comments, declarations and raw text are skipped. */
HtmlKind html_scanner_next(HtmlScanner *scanner, HtmlToken *ret_token);

/*
 * One character of text: a byte sequence or an entity like &eacute; &#8364;.
 * Moves `position`, which must be below `end`.
 */
gunichar html_read_character(const char **position, const char *end);

#endif
