/*
 * What mail programs say about a piece of HTML by its id, class and style, and
 * what thus holds in any language. Private to html_text.c.
 */
#ifndef MAIL_HTML_MARK_H
#define MAIL_HTML_MARK_H

#include <stdbool.h>

#include "mail/html_token.h"

/* Not for reading: "display: none" and its like. */
bool html_mark_is_hidden(const HtmlAttributes *attributes);

/* Where Outlook, Yahoo and others say that the earlier mail begins. */
bool html_mark_begins_history(const HtmlToken *token);

/* The words above a quote, which Thunderbird and others mark as such; or the
 * quote itself, as a help desk or Proton marks it. */
bool html_mark_is_introduction(const HtmlAttributes *attributes);

/*
 * A block quote that quotes nothing: Gmail indents by one without a line at its
 * side.
 */
bool html_mark_is_indentation(const HtmlAttributes *attributes);

#endif
