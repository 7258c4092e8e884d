/*
 * HTML as text that people can read: paragraphs, lists, links as "text <url>",
 * table rows as lines, block quotes with ">", images by their alt text. What is
 * hidden, and scripts and styles, are left out. Nothing is fetched.
 *
 * The tokenizer is our own because it must be linear: libxml2's push parser
 * needs 20 s for one tag with 1 MB of attributes and 30 s for 1 MB of
 * unmatched end tags. libxml2 knows the names of the character entities.
 */
#ifndef MAIL_HTML_TEXT_H
#define MAIL_HTML_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The text of `html`, which is valid UTF-8; at most about `max_bytes`. LF,
 * no trailing spaces, no controls; lines of a block quote begin with "> ".
 * ret_history (may be NULL) is the offset in the result where a mail program
 * says that the earlier mail begins, or the result's length.
 */
char *html_text(const char *html, size_t length, size_t max_bytes,
                size_t *ret_history);

/* True if the text seems to be HTML although it was declared as plain. */
bool html_text_is_html(const char *text);

#endif
