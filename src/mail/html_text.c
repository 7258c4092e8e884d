#include "mail/html_text.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "mail/html_mark.h"
#include "mail/html_token.h"

enum {
    LISTS_MAX = 16,      /* nested lists that are counted */
    INDENT_MAX = 80,     /* spaces in a row in <pre> */
    QUOTES_SHOWN = 12,   /* of nested block quotes */
    BLOCKS_MAX = 64,     /* nested, of which indentations are told apart */
    LINKS_SHOWN = 20,    /* a mail with more is a newsletter: words count */
    LINK_MAX_BYTES = 400 /* longer addresses are for machines */
};

typedef enum {
    LAYOUT_INLINE,    /* as if the tag were not there */
    LAYOUT_LINE,      /* on a line of its own */
    LAYOUT_PARAGRAPH, /* between empty lines */
    LAYOUT_CELL,      /* a tab before it, unless the line is empty */
    LAYOUT_BREAK,
    LAYOUT_RULE,
    LAYOUT_LIST,
    LAYOUT_ITEM,
    LAYOUT_QUOTE,
    LAYOUT_LINK,
    LAYOUT_IMAGE,
    LAYOUT_PRE,
    LAYOUT_SKIP /* with all that is in it */
} Layout;

static const struct {
    const char *name;
    Layout layout;
} elements[] = {
    {"a", LAYOUT_LINK},        {"address", LAYOUT_LINE},
    {"article", LAYOUT_LINE},  {"blockquote", LAYOUT_QUOTE},
    {"body", LAYOUT_LINE},     {"br", LAYOUT_BREAK},
    {"caption", LAYOUT_LINE},  {"center", LAYOUT_LINE},
    {"dd", LAYOUT_LINE},       {"div", LAYOUT_LINE},
    {"dl", LAYOUT_LINE},       {"dt", LAYOUT_LINE},
    {"fieldset", LAYOUT_LINE}, {"figure", LAYOUT_LINE},
    {"footer", LAYOUT_LINE},   {"form", LAYOUT_LINE},
    {"h1", LAYOUT_PARAGRAPH},  {"h2", LAYOUT_PARAGRAPH},
    {"h3", LAYOUT_PARAGRAPH},  {"h4", LAYOUT_PARAGRAPH},
    {"h5", LAYOUT_PARAGRAPH},  {"h6", LAYOUT_PARAGRAPH},
    {"header", LAYOUT_LINE},   {"hr", LAYOUT_RULE},
    {"img", LAYOUT_IMAGE},     {"li", LAYOUT_ITEM},
    {"main", LAYOUT_LINE},     {"math", LAYOUT_SKIP},
    {"menu", LAYOUT_LIST},     {"nav", LAYOUT_LINE},
    {"noscript", LAYOUT_SKIP}, {"object", LAYOUT_SKIP},
    {"ol", LAYOUT_LIST},       {"p", LAYOUT_PARAGRAPH},
    {"plaintext", LAYOUT_PRE}, {"pre", LAYOUT_PRE},
    {"section", LAYOUT_LINE},  {"select", LAYOUT_SKIP},
    {"svg", LAYOUT_SKIP},      {"table", LAYOUT_LINE},
    {"td", LAYOUT_CELL},       {"template", LAYOUT_SKIP},
    {"th", LAYOUT_CELL},       {"tr", LAYOUT_LINE},
    {"ul", LAYOUT_LIST},
};

typedef struct {
    GString *out;
    size_t max_bytes;
    size_t newlines;  /* owed before the next character, at most 2 */
    size_t spaces;    /* owed as well; one, but for <pre>, */
    bool tab;         /* or a tab */
    size_t blocks;    /* block quotes that are open, */
    size_t quotes;    /* of them those that are quotes, */
    uint64_t indents; /* and a bit for each that only indents */
    char introduction[HTML_NAME_MAX + 1]; /* element that is one; "" if none, */
    size_t introduction_depth; /* and how often it is nested in itself */
    size_t pre;                /* <pre> that are open */
    size_t lists;
    size_t counters[LISTS_MAX]; /* of <ol>; 0 in <ul> */
    char href[HTML_ATTRIBUTE_MAX + 1];
    size_t link_start; /* offset of the link's own text */
    size_t links;
    char skip[HTML_NAME_MAX + 1]; /* element that is left out; "" if none, */
    size_t skip_depth;            /* and how often it is nested in itself */
    bool shows_hidden;
    size_t history; /* SIZE_MAX: not seen */
} Writer;

static Layout
layout_of(const char *name)
{
    size_t low = 0, high = G_N_ELEMENTS(elements);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, elements[middle].name);
        if (order == 0)
            return elements[middle].layout;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return LAYOUT_INLINE;
}

static void
owe_newlines(Writer *writer, size_t newlines)
{
    writer->newlines = MAX(writer->newlines, newlines);
    writer->spaces = 0;
    writer->tab = false;
}

/* One more line end, up to two empty lines. */
static void
owe_break(Writer *writer)
{
    owe_newlines(writer, MIN(writer->newlines + 1, 3));
}

static size_t
quote_depth(const Writer *writer)
{
    return writer->quotes + (*writer->introduction != '\0');
}

static void
start_line(Writer *writer)
{
    for (size_t i = 0; i < MIN(quote_depth(writer), QUOTES_SHOWN); i++)
        g_string_append(writer->out, "> ");
}

/* Write what is owed, now that something follows. */
static void
settle(Writer *writer)
{
    GString *out = writer->out;
    bool broke_line = out->len == 0 || writer->newlines > 0;
    if (out->len == 0) {
        start_line(writer);
    } else if (writer->newlines > 0) {
        for (size_t i = 0; i < writer->newlines; i++) {
            g_string_append_c(out, '\n');
            if (i + 1 < writer->newlines && quote_depth(writer) > 0)
                g_string_append_c(out, '>');
        }
        start_line(writer);
    } else if (writer->tab) {
        g_string_append_c(out, '\t');
        writer->spaces = 0;
    }
    if (out->len > 0 && (!broke_line || writer->pre > 0))
        for (size_t i = 0; i < writer->spaces; i++)
            g_string_append_c(out, ' ');
    writer->newlines = 0;
    writer->spaces = 0;
    writer->tab = false;
}

static bool
is_dropped(gunichar c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x200B ||
           c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF || c == 0x34F;
}

static bool
is_space(gunichar c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' ||
           c == 0xA0 || c == 0x2028 || c == 0x2029;
}

static void
write_character(Writer *writer, gunichar c)
{
    if (is_space(c)) {
        if (writer->pre > 0 && c == '\n')
            owe_break(writer);
        else
            writer->spaces =
                writer->pre > 0 ? MIN(writer->spaces + 1, INDENT_MAX) : 1;
        return;
    }
    if (is_dropped(c))
        return;
    settle(writer);
    g_string_append_unichar(writer->out, c);
}

static void
write_text(Writer *writer, const char *text, size_t length)
{
    const char *end = text + length;
    while (text < end && writer->out->len < writer->max_bytes)
        write_character(writer, html_read_character(&text, end));
}

static void
open_list(Writer *writer, const char *name)
{
    owe_newlines(writer, writer->lists == 0 ? 2 : 1);
    if (writer->lists < LISTS_MAX)
        writer->counters[writer->lists] = strcmp(name, "ol") == 0;
    writer->lists++;
}

static void
close_list(Writer *writer)
{
    if (writer->lists > 0)
        writer->lists--;
    owe_newlines(writer, writer->lists == 0 ? 2 : 1);
}

static void
open_item(Writer *writer)
{
    owe_newlines(writer, 1);
    settle(writer);
    size_t level = MIN(writer->lists, LISTS_MAX);
    for (size_t i = 1; i < level; i++)
        g_string_append(writer->out, "  ");
    size_t *counter = level > 0 ? &writer->counters[level - 1] : NULL;
    if (counter != NULL && *counter > 0)
        g_string_append_printf(writer->out, "%zu. ", (*counter)++);
    else
        g_string_append(writer->out, "- ");
}

static void
open_link(Writer *writer, const HtmlAttributes *attributes)
{
    g_strlcpy(writer->href, attributes->href, sizeof(writer->href));
    writer->link_start = writer->out->len;
}

/* The address behind a link's text, unless the text shows it already. */
static void
close_link(Writer *writer)
{
    const char *href = writer->href;
    const char *shown = writer->out->str + writer->link_start;
    bool is_mail = g_ascii_strncasecmp(href, "mailto:", 7) == 0;
    const char *address = is_mail ? href + 7 : href;
    size_t length = strcspn(address, is_mail ? "?" : "");
    bool is_web = g_ascii_strncasecmp(href, "http://", 7) == 0 ||
                  g_ascii_strncasecmp(href, "https://", 8) == 0;
    if ((is_web || is_mail) && writer->out->len > writer->link_start &&
        length > 0 && length <= LINK_MAX_BYTES && writer->links < LINKS_SHOWN &&
        strpbrk(address, "<> ") == NULL) {
        g_autofree char *target = g_strndup(address, length);
        const char *bare = strstr(target, "://");
        g_autofree char *host = g_strdup(bare != NULL ? bare + 3 : target);
        size_t n = strlen(host);
        if (n > 0 && host[n - 1] == '/')
            host[n - 1] = '\0';
        if (strstr(shown, host) == NULL) {
            g_string_append_printf(writer->out, " <%s>", target);
            writer->links++;
        }
    }
    *writer->href = '\0';
}

static void
write_rule(Writer *writer)
{
    owe_newlines(writer, 1);
    settle(writer);
    g_string_append(writer->out, "________________________________");
    owe_newlines(writer, 1);
}

static void
close_introduction(Writer *writer)
{
    if (*writer->introduction == '\0')
        return;
    *writer->introduction = '\0';
    owe_newlines(writer, 1);
}

/* Open an introduction, or note that its element is nested in itself. */
static void
watch_introduction(Writer *writer, const HtmlToken *token)
{
    if (*writer->introduction != '\0') {
        writer->introduction_depth +=
            strcmp(token->name, writer->introduction) == 0;
    } else if (html_mark_is_introduction(&token->attributes)) {
        owe_newlines(writer, 1);
        g_strlcpy(writer->introduction, token->name,
                  sizeof(writer->introduction));
        writer->introduction_depth = 1;
    }
}

/* Indentations are remembered, for their end tags look like all others. */
static void
open_quote(Writer *writer, const HtmlAttributes *attributes)
{
    bool is_quote =
        writer->blocks >= BLOCKS_MAX || !html_mark_is_indentation(attributes);
    close_introduction(writer);
    owe_newlines(writer, 1);
    if (!is_quote)
        writer->indents |= (uint64_t)1 << writer->blocks;
    writer->blocks++;
    writer->quotes += is_quote;
}

static void
close_quote(Writer *writer)
{
    owe_newlines(writer, 1);
    if (writer->blocks == 0)
        return;
    writer->blocks--;
    uint64_t bit =
        writer->blocks < BLOCKS_MAX ? (uint64_t)1 << writer->blocks : 0;
    writer->quotes -= (writer->indents & bit) == 0;
    writer->indents &= ~bit;
}

/*
 * True if all up to the element's end is not for reading. Elements that people
 * do not close hide nothing, or they would hide what follows.
 */
static bool
is_left_out(const Writer *writer, const HtmlToken *token, Layout layout)
{
    if (layout == LAYOUT_SKIP)
        return !writer->shows_hidden;
    bool is_open_ended = layout == LAYOUT_BREAK || layout == LAYOUT_IMAGE ||
                         layout == LAYOUT_RULE || layout == LAYOUT_ITEM ||
                         strcmp(token->name, "p") == 0 ||
                         strcmp(token->name, "input") == 0;
    return !is_open_ended && !writer->shows_hidden &&
           html_mark_is_hidden(&token->attributes);
}

static void
start_tag(Writer *writer, const HtmlToken *token)
{
    Layout layout = layout_of(token->name);
    if (is_left_out(writer, token, layout)) {
        g_strlcpy(writer->skip, token->name, sizeof(writer->skip));
        writer->skip_depth = 1;
        return;
    }
    watch_introduction(writer, token);
    if (writer->history == SIZE_MAX && html_mark_begins_history(token)) {
        owe_newlines(writer, 1);
        writer->history = writer->out->len;
    }
    switch (layout) {
    case LAYOUT_INLINE:
    case LAYOUT_SKIP:
        break;
    case LAYOUT_LINE:
        owe_newlines(writer, 1);
        break;
    case LAYOUT_PARAGRAPH:
        owe_newlines(writer, 2);
        break;
    case LAYOUT_CELL:
        writer->tab = true;
        break;
    case LAYOUT_BREAK:
        owe_break(writer);
        break;
    case LAYOUT_RULE:
        write_rule(writer);
        break;
    case LAYOUT_LIST:
        open_list(writer, token->name);
        break;
    case LAYOUT_ITEM:
        open_item(writer);
        break;
    case LAYOUT_QUOTE:
        open_quote(writer, &token->attributes);
        break;
    case LAYOUT_LINK:
        open_link(writer, &token->attributes);
        break;
    case LAYOUT_IMAGE:
        write_text(writer, token->attributes.alt,
                   strlen(token->attributes.alt));
        break;
    case LAYOUT_PRE:
        owe_newlines(writer, 2);
        writer->pre++;
        break;
    }
}

static void
end_tag(Writer *writer, const HtmlToken *token)
{
    if (*writer->introduction != '\0' &&
        strcmp(token->name, writer->introduction) == 0 &&
        --writer->introduction_depth == 0)
        close_introduction(writer);
    switch (layout_of(token->name)) {
    case LAYOUT_INLINE:
    case LAYOUT_SKIP:
    case LAYOUT_BREAK:
    case LAYOUT_RULE:
    case LAYOUT_IMAGE:
        break;
    case LAYOUT_CELL:
        writer->tab = true;
        break;
    case LAYOUT_LINE:
    case LAYOUT_ITEM:
        owe_newlines(writer, 1);
        break;
    case LAYOUT_PARAGRAPH:
        owe_newlines(writer, 2);
        break;
    case LAYOUT_LIST:
        close_list(writer);
        break;
    case LAYOUT_QUOTE:
        close_quote(writer);
        break;
    case LAYOUT_LINK:
        close_link(writer);
        break;
    case LAYOUT_PRE:
        if (writer->pre > 0)
            writer->pre--;
        owe_newlines(writer, 2);
        break;
    }
}

/* Inside an element that is left out: wait for its own end. */
static void
skip_token(Writer *writer, const HtmlToken *token)
{
    if (token->kind == HTML_TEXT || strcmp(token->name, writer->skip) != 0)
        return;
    if (token->kind == HTML_START_TAG)
        writer->skip_depth++;
    else if (--writer->skip_depth == 0)
        *writer->skip = '\0';
}

static void
run(Writer *writer, const char *html, size_t length)
{
    HtmlScanner scanner = html_scanner(html, length);
    g_autofree HtmlToken *token = g_new0(HtmlToken, 1);
    while (writer->out->len < writer->max_bytes &&
           html_scanner_next(&scanner, token) != HTML_END_OF_INPUT) {
        if (*writer->skip != '\0')
            skip_token(writer, token);
        else if (token->kind == HTML_TEXT)
            write_text(writer, token->text, token->length);
        else if (token->kind == HTML_START_TAG)
            start_tag(writer, token);
        else
            end_tag(writer, token);
    }
}

char *
html_text(const char *html, size_t length, size_t max_bytes,
          size_t *ret_history)
{
    g_autofree Writer *writer = g_new0(Writer, 1);
    writer->out = g_string_sized_new(length / 4 + 64);
    writer->max_bytes = max_bytes;
    writer->history = SIZE_MAX;
    run(writer, html, length);
    /* An element that hides the rest of the mail was not meant to. */
    if (*writer->skip != '\0' || writer->out->len == 0) {
        GString *out = writer->out;
        g_string_truncate(out, 0);
        memset(writer, 0, sizeof(*writer));
        writer->out = out;
        writer->max_bytes = max_bytes;
        writer->history = SIZE_MAX;
        writer->shows_hidden = true;
        run(writer, html, length);
    }
    if (ret_history != NULL)
        *ret_history = MIN(writer->history, writer->out->len);
    return g_string_free(writer->out, FALSE);
}

bool
html_text_is_html(const char *text)
{
    while (g_ascii_isspace(*text))
        text++;
    return g_ascii_strncasecmp(text, "<!doctype html", 14) == 0 ||
           g_ascii_strncasecmp(text, "<html", 5) == 0;
}
