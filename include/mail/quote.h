/*
 * Which part of a text its writer wrote, and which is quoted history. A view:
 * nothing is cut away. Linear in the text, no regular expressions.
 */
#ifndef MAIL_QUOTE_H
#define MAIL_QUOTE_H

#include <stddef.h>

typedef struct {
    size_t start; /* offsets into the text; start <= end */
    size_t end;
} QuoteView;

/*
 * Find the writer's own part of `text` (valid UTF-8, LF). `history` is where a
 * mail program said that the earlier mail begins (html_text.h), or the length
 * of the text. Quotes above the answer and below it are left out with the line
 * that introduces them; quotes between answers stay in.
 */
QuoteView quote_find(const char *text, size_t history);

/* The whole text but the white space around it: of a mail that was forwarded.
 */
QuoteView quote_nothing(const char *text);

#endif
