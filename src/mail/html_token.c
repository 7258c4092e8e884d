#include "mail/html_token.h"

#include <libxml/HTMLparser.h>
#include <string.h>

#include "mail/charset.h"

enum { ENTITY_NAME_MAX = 10 };

/* Their content is no text and has no tags (HTML 13.1.2). */
static const char *const raw_elements[] = {"script",   "style",   "title",
                                           "textarea", "xmp",     "iframe",
                                           "noembed",  "noframes"};

HtmlScanner
html_scanner(const char *html, size_t length)
{
    return (HtmlScanner){html, html + length, false, {false, false}};
}

static void
skip_to(HtmlScanner *scanner, char c)
{
    const char *found =
        memchr(scanner->p, c, (size_t)(scanner->end - scanner->p));
    scanner->p = found != NULL ? found + 1 : scanner->end;
}

/* "<!--" ... "-->", "<!DOCTYPE ...>", "<![if ...]>", "<?xml ...>" */
static void
skip_declaration(HtmlScanner *scanner)
{
    size_t left = (size_t)(scanner->end - scanner->p);
    if (left >= 4 && memcmp(scanner->p, "<!--", 4) == 0 &&
        !scanner->no_comment_end) {
        /* "<!-->" and "<!--->" are whole comments. */
        const char *close = memmem(scanner->p + 2, left - 2, "-->", 3);
        if (close != NULL) {
            scanner->p = close + 3;
            return;
        }
        scanner->no_comment_end = true;
    }
    skip_to(scanner, '>');
}

static size_t
read_name(HtmlScanner *scanner, char name[HTML_NAME_MAX + 1])
{
    size_t length = 0, kept = 0;
    const char *p = scanner->p;
    for (; p < scanner->end && !g_ascii_isspace(*p) && *p != '>' && *p != '/' &&
           *p != '=';
         p++, length++)
        if (kept < HTML_NAME_MAX)
            name[kept++] = g_ascii_tolower(*p);
    /* A cut name must not pass for another element's. */
    if (length > HTML_NAME_MAX)
        kept = 0;
    name[kept] = '\0';
    scanner->p = p;
    return length;
}

static bool
is_space_or_slash(char c)
{
    return g_ascii_isspace(c) || c == '/';
}

/* The value at the scanner, without its quotes. */
static void
read_value(HtmlScanner *scanner, const char **ret_value, size_t *ret_length)
{
    char quote = *scanner->p;
    bool *none_left = quote == '"'    ? &scanner->no_quote[0]
                      : quote == '\'' ? &scanner->no_quote[1]
                                      : NULL;
    const char *start = scanner->p;
    if (none_left != NULL) {
        start++;
        const char *close =
            *none_left ? NULL
                       : memchr(start, quote, (size_t)(scanner->end - start));
        if (close != NULL) {
            *ret_value = start;
            *ret_length = (size_t)(close - start);
            scanner->p = close + 1;
            return;
        }
        *none_left = true;
    }
    const char *p = start;
    while (p < scanner->end && !g_ascii_isspace(*p) && *p != '>')
        p++;
    *ret_value = start;
    *ret_length = (size_t)(p - start);
    scanner->p = p;
}

/* Decode entities and keep it short: nobody shows a 2 KB attribute. */
static void
keep_value(char *kept, const char *value, size_t length)
{
    size_t n = 0;
    const char *end = value + length;
    while (value < end) {
        char utf8[6];
        gunichar c = html_read_character(&value, end);
        size_t width = (size_t)g_unichar_to_utf8(c, utf8);
        if (n + width > HTML_ATTRIBUTE_MAX)
            break;
        if (c >= ' ') {
            memcpy(kept + n, utf8, width);
            n += width;
        }
    }
    kept[n] = '\0';
}

static void
read_attribute(HtmlScanner *scanner, HtmlAttributes *attributes)
{
    const struct {
        const char *name;
        char *kept;
    } known[] = {
        {"href", attributes->href},   {"alt", attributes->alt},
        {"style", attributes->style}, {"class", attributes->class},
        {"id", attributes->id},       {"name", attributes->name},
    };
    char name[HTML_NAME_MAX + 1];
    if (read_name(scanner, name) == 0) {
        scanner->p++; /* a stray "=" */
        return;
    }
    while (scanner->p < scanner->end && g_ascii_isspace(*scanner->p))
        scanner->p++;
    if (strcmp(name, "hidden") == 0)
        attributes->hidden = true;
    if (scanner->p >= scanner->end || *scanner->p != '=')
        return;
    do
        scanner->p++;
    while (scanner->p < scanner->end && g_ascii_isspace(*scanner->p));
    if (scanner->p >= scanner->end)
        return;
    const char *value;
    size_t length;
    read_value(scanner, &value, &length);
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (strcmp(name, known[i].name) == 0 && *known[i].kept == '\0')
            keep_value(known[i].kept, value, length);
}

static void
clear_attributes(HtmlAttributes *attributes)
{
    *attributes->href = *attributes->alt = *attributes->style = '\0';
    *attributes->class = *attributes->id = *attributes->name = '\0';
    attributes->hidden = false;
}

static void
read_tag(HtmlScanner *scanner, HtmlToken *token)
{
    token->kind = scanner->p[1] == '/' ? HTML_END_TAG : HTML_START_TAG;
    scanner->p += token->kind == HTML_END_TAG ? 2 : 1;
    clear_attributes(&token->attributes);
    read_name(scanner, token->name);
    while (scanner->p < scanner->end && *scanner->p != '>') {
        if (is_space_or_slash(*scanner->p))
            scanner->p++;
        else
            read_attribute(scanner, &token->attributes);
    }
    if (scanner->p < scanner->end)
        scanner->p++;
}

/* Behind "</name>", or to the end: raw text has no other way out. */
static void
skip_raw(HtmlScanner *scanner, const char *name)
{
    size_t length = strlen(name);
    while (scanner->p < scanner->end) {
        skip_to(scanner, '<');
        if ((size_t)(scanner->end - scanner->p) > length &&
            *scanner->p == '/' &&
            g_ascii_strncasecmp(scanner->p + 1, name, length) == 0) {
            skip_to(scanner, '>');
            return;
        }
    }
}

static bool
is_raw(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(raw_elements); i++)
        if (strcmp(raw_elements[i], name) == 0)
            return true;
    return false;
}

HtmlKind
html_scanner_next(HtmlScanner *scanner, HtmlToken *token)
{
    while (scanner->p < scanner->end) {
        const char *p = scanner->p;
        char next = p + 1 < scanner->end ? p[1] : '\0';
        if (*p == '<' && (next == '!' || next == '?')) {
            skip_declaration(scanner);
            continue;
        }
        if (*p == '<' && (g_ascii_isalpha(next) || next == '/')) {
            read_tag(scanner, token);
            if (token->kind == HTML_START_TAG && is_raw(token->name)) {
                skip_raw(scanner, token->name);
                continue;
            }
            return token->kind;
        }
        /* Text; a "<" that begins nothing is text as well. */
        const char *stop = memchr(p + 1, '<', (size_t)(scanner->end - p - 1));
        token->kind = HTML_TEXT;
        token->text = p;
        scanner->p = stop != NULL ? stop : scanner->end;
        token->length = (size_t)(scanner->p - p);
        return HTML_TEXT;
    }
    return token->kind = HTML_END_OF_INPUT;
}

/* "&#8364;" or "&#x20AC;" behind the "#"; 0 if it is none. */
static gunichar
read_number(const char **position, const char *end)
{
    const char *p = *position;
    unsigned base = 10, value = 0, digits = 0;
    if (p < end && (*p == 'x' || *p == 'X')) {
        base = 16;
        p++;
    }
    for (; p < end; p++, digits++) {
        int digit =
            base == 16 ? g_ascii_xdigit_value(*p) : g_ascii_digit_value(*p);
        if (digit < 0)
            break;
        if (value < 0x110000)
            value = value * base + (unsigned)digit;
    }
    if (digits == 0)
        return 0;
    if (p < end && *p == ';')
        p++;
    *position = p;
    if (value >= 0x80 && value < 0xA0)
        value = charset_windows_1252((unsigned char)value);
    return value > 0 && g_unichar_validate(value) ? value : 0xFFFD;
}

/* "&eacute;"; without ";" only where nobody can mean anything else. */
static gunichar
read_named(const char **position, const char *end)
{
    static const char *const bare[] = {"nbsp", "amp", "lt", "gt", "quot"};
    char name[ENTITY_NAME_MAX + 1];
    const char *p = *position;
    size_t n = 0;
    while (p < end && n < ENTITY_NAME_MAX && g_ascii_isalnum(*p))
        name[n++] = *p++;
    name[n] = '\0';
    if (p < end && *p == ';') {
        const htmlEntityDesc *entity = htmlEntityLookup((const xmlChar *)name);
        if (entity != NULL) {
            *position = p + 1;
            return entity->value;
        }
        if (strcmp(name, "apos") == 0) {
            *position = p + 1;
            return '\'';
        }
        return 0;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bare); i++) {
        if (strcmp(name, bare[i]) == 0) {
            *position = p;
            return htmlEntityLookup((const xmlChar *)name)->value;
        }
    }
    return 0;
}

gunichar
html_read_character(const char **position, const char *end)
{
    const char *p = *position;
    if (*p == '&' && p + 1 < end) {
        const char *q = p + 1;
        gunichar c;
        if (*q == '#') {
            q++;
            c = read_number(&q, end);
        } else {
            c = read_named(&q, end);
        }
        if (c != 0) {
            *position = q;
            return c;
        }
    }
    if ((unsigned char)*p < 0x80) {
        *position = p + 1;
        return (gunichar)(unsigned char)*p;
    }
    *position = MIN(g_utf8_next_char(p), end);
    return g_utf8_get_char(p);
}
