#include "mail/html_mark.h"

#include <glib.h>
#include <string.h>

/* A style without blanks, in lower case. */
static void
pack_style(const char *style, char packed[HTML_ATTRIBUTE_MAX + 1])
{
    size_t n = 0;
    for (const char *p = style; *p != '\0'; p++)
        if (*p != ' ')
            packed[n++] = g_ascii_tolower(*p);
    packed[n] = '\0';
}

bool
html_mark_is_hidden(const HtmlAttributes *attributes)
{
    char style[HTML_ATTRIBUTE_MAX + 1];
    if (attributes->hidden || *attributes->style == '\0')
        return attributes->hidden;
    pack_style(attributes->style, style);
    return strstr(style, "display:none") != NULL ||
           strstr(style, "visibility:hidden") != NULL ||
           strstr(style, "mso-hide:all") != NULL;
}

/* Outlook draws a thin line above the quoted header and nowhere else. */
static bool
has_outlook_line(const HtmlAttributes *attributes)
{
    char style[HTML_ATTRIBUTE_MAX + 1];
    if (*attributes->style == '\0')
        return false;
    pack_style(attributes->style, style);
    return strstr(style, "border:none;border-top:solid") != NULL &&
           (strstr(style, "padding:3.0pt0") != NULL ||
            strstr(style, "padding:3pt0") != NULL);
}

/*
 * An id or class as a mail program left it; others put "x_" before, and Yahoo
 * "ydp" with a number.
 */
static bool
is_marked(const char *value, const char *mark)
{
    const char *found = strstr(value, mark);
    size_t n = strlen(mark);
    if (found == NULL || (found[n] != '\0' && found[n] != ' '))
        return false;
    const char *word = found;
    while (word > value && word[-1] != ' ')
        word--;
    return word == found || found[-1] == '_' || g_str_has_prefix(word, "ydp");
}

static bool
is_marked_with_any(const char *value, const char *const *marks, size_t count)
{
    if (*value == '\0')
        return false;
    for (size_t i = 0; i < count; i++)
        if (is_marked(value, marks[i]))
            return true;
    return false;
}

bool
html_mark_begins_history(const HtmlToken *token)
{
    static const char *const ids[] = {
        "divRplyFwdMsg",
        "OLK_SRC_BODY_SECTION",
        "yahoo_quoted",
        "zwchr",
        "replySplit",
        "stopSpelling",
        "mail-editor-reference-message-container"};
    static const char *const classes[] = {
        "yahoo_quoted", "zmail_extra", "WordSection1_quote",
        "ms-outlook-mobile-reference-message", "cm_quote"};
    const HtmlAttributes *attributes = &token->attributes;
    if (is_marked_with_any(attributes->id, ids, G_N_ELEMENTS(ids)) ||
        is_marked_with_any(attributes->class, classes, G_N_ELEMENTS(classes)) ||
        strcmp(attributes->name, "messageReplySection") == 0)
        return true;
    return strcmp(token->name, "div") == 0 && has_outlook_line(attributes);
}

bool
html_mark_is_introduction(const HtmlAttributes *attributes)
{
    static const char *const classes[] = {
        "moz-cite-prefix", "airmail_on", "gmail_quote_attribution",
        /* The whole quote in an element that is no block quote. */
        "protonmail_quote", "tutanota_quote", "freshdesk_quote",
        "fernand_quote", "front-blockquote", "skiff_quote"};
    static const char *const ids[] = {"reply-intro", "isReplyContent",
                                      "reply139content", "origbody",
                                      "oriMsgHtmlSeperator"};
    return is_marked_with_any(attributes->class, classes,
                              G_N_ELEMENTS(classes)) ||
           is_marked_with_any(attributes->id, ids, G_N_ELEMENTS(ids));
}

bool
html_mark_is_indentation(const HtmlAttributes *attributes)
{
    char style[HTML_ATTRIBUTE_MAX + 1];
    pack_style(attributes->style, style);
    return strstr(style, "border:none") != NULL &&
           strstr(style, "border-left:") == NULL &&
           strstr(attributes->class, "quote") == NULL;
}
