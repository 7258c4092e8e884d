#include "mail/address.h"

#include <string.h>

#include "base/text.h"
#include "mail/words.h"

enum { WORD_MAX_BYTES = 1000 }; /* of one encoded word; the RFC allows 75 */

Address *
address_new(const char *name, const char *addr_spec)
{
    Address *address = g_new0(Address, 1);
    address->name = g_strdup(name != NULL ? name : "");
    address->addr_spec = g_strdup(addr_spec);
    return address;
}

void
address_free(Address *address)
{
    if (address == NULL)
        return;
    g_free(address->name);
    g_free(address->addr_spec);
    g_free(address);
}

bool
address_is_ascii(const char *addr_spec)
{
    for (const char *p = addr_spec; *p != '\0'; p++)
        if ((unsigned char)*p >= 0x80)
            return false;
    return true;
}

/* RFC 5322 3.2.3 with UTF-8 (RFC 6532); dots anywhere, as some hosts have it.
 */
static bool
is_local_part(const char *p, size_t length)
{
    if (length > 1 && p[0] == '"' && p[length - 1] == '"')
        return memchr(p + 1, '"', length - 2) == NULL &&
               memchr(p + 1, '\\', length - 2) == NULL;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)p[i] < 0x80 && !g_ascii_isalnum(p[i]) &&
            strchr("!#$%&'*+-/=?^_`{|}~.", p[i]) == NULL)
            return false;
    return length > 0;
}

static bool
is_domain(const char *p)
{
    size_t length = strlen(p);
    bool is_literal = length > 2 && p[0] == '[' && p[length - 1] == ']';
    if (is_literal) {
        p++;
        length -= 2;
    }
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)p[i] < 0x80 && !g_ascii_isalnum(p[i]) &&
            strchr(is_literal ? ".-:" : ".-_", p[i]) == NULL)
            return false;
    return length > 0 && *p != '-';
}

bool
address_is_sendable(const char *addr_spec)
{
    size_t length = strnlen(addr_spec, ADDRESS_MAX_BYTES + 1);
    if (length > ADDRESS_MAX_BYTES || *addr_spec == '-' ||
        !text_is_valid(addr_spec, length))
        return false;
    const char *at = memrchr(addr_spec, '@', length);
    if (at == NULL || !is_local_part(addr_spec, (size_t)(at - addr_spec)) ||
        !is_domain(at + 1))
        return false;
    for (const char *p = addr_spec; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (c <= ' ' || c == '<' || c == '>' || (c >= 0x7F && c <= 0xA0) ||
            g_unichar_isspace(c) || !g_unichar_isdefined(c))
            return false;
    }
    return true;
}

char *
address_key(const char *addr_spec)
{
    return g_ascii_strdown(addr_spec, -1);
}

char *
address_without_detail(const char *addr_spec, char separator, char **ret_detail)
{
    const char *at = strrchr(addr_spec, '@');
    const char *plus =
        at != NULL ? memchr(addr_spec, separator, (size_t)(at - addr_spec))
                   : NULL;
    if (plus == addr_spec)
        plus = NULL;
    if (ret_detail != NULL)
        *ret_detail =
            plus != NULL ? g_strndup(plus + 1, (gsize)(at - plus - 1)) : NULL;
    if (plus == NULL)
        return g_strdup(addr_spec);
    return g_strdup_printf("%.*s%s", (int)(plus - addr_spec), addr_spec, at);
}

/* What has been read of one mailbox. */
typedef struct {
    GString *phrase;  /* outside "<...>", unquoted: a name or the addr-spec */
    GString *angle;   /* between "<" and ">" */
    GString *comment; /* last "(...)": the name in old mail */
    bool has_angle;
} Mailbox;

typedef struct {
    const char *p;
    const char *end;
    Mailbox box;
    GString *surname; /* "Doe," of an unquoted Doe, John <j@d> */
    GPtrArray *list;
    size_t max;
    bool more;
} Parser;

static void
mailbox_clear(Mailbox *box)
{
    g_string_truncate(box->phrase, 0);
    g_string_truncate(box->angle, 0);
    g_string_truncate(box->comment, 0);
    box->has_angle = false;
}

/* (comment (nested) \) ...): counted, not recursed into. */
static void
read_comment(Parser *parser)
{
    size_t depth = 0;
    g_string_truncate(parser->box.comment, 0);
    for (; parser->p < parser->end; parser->p++) {
        char c = *parser->p;
        if (c == '\\' && parser->p + 1 < parser->end) {
            parser->p++;
            g_string_append_c(parser->box.comment, *parser->p);
        } else if (c == '(' && depth++ == 0) {
            continue;
        } else if (c == ')' && --depth == 0) {
            parser->p++;
            return;
        } else {
            g_string_append_c(parser->box.comment, c);
        }
    }
}

static void
read_quoted(Parser *parser, GString *to)
{
    for (parser->p++; parser->p < parser->end; parser->p++) {
        char c = *parser->p;
        if (c == '"') {
            parser->p++;
            return;
        }
        if (c == '\\' && parser->p + 1 < parser->end)
            c = *++parser->p;
        g_string_append_c(to, c);
    }
}

/* <local@domain>; a quoted local part keeps its quotes. */
static void
read_angle(Parser *parser)
{
    Mailbox *box = &parser->box;
    g_string_truncate(box->angle, 0);
    box->has_angle = true;
    bool in_quotes = false;
    for (parser->p++; parser->p < parser->end; parser->p++) {
        char c = *parser->p;
        if (c == '"')
            in_quotes = !in_quotes;
        else if (c == '>' && !in_quotes) {
            parser->p++;
            return;
        } else if (c == '<' && !in_quotes) {
            continue; /* <<a@b>> */
        }
        g_string_append_c(box->angle, c);
    }
}

/* An encoded word is taken whole: commas and colons in it mean nothing. */
static bool
read_encoded_word(Parser *parser)
{
    const char *p = parser->p + 2, *end = parser->end;
    if (end - p > WORD_MAX_BYTES)
        end = p + WORD_MAX_BYTES;
    int marks = 0;
    for (; p < end && marks < 2 && *p > ' '; p++)
        marks += *p == '?';
    while (marks == 2 && p + 1 < end && *p != '\n' && *p != '<' && *p != '"' &&
           !(p[0] == '?' && p[1] == '='))
        p++;
    if (marks < 2 || p + 1 >= end || p[0] != '?' || p[1] != '=')
        return false;
    g_string_append_len(parser->box.phrase, parser->p, p + 2 - parser->p);
    parser->p = p + 2;
    return true;
}

/*
 * The addr-spec in `text`: without "mailto:", a route "@a,@b:", white space and
 * quotes around it. NULL if there is none.
 */
static char *
clean_addr_spec(const char *text, size_t length)
{
    g_autofree char *line = words_decode(text, length);
    char *start = line;
    if (g_ascii_strncasecmp(start, "mailto:", 7) == 0)
        start += 7;
    if (*start == '@') {
        char *colon = strchr(start, ':');
        if (colon != NULL)
            start = colon + 1;
    }
    GString *out = g_string_new(NULL);
    bool in_quotes = false;
    for (const char *p = start; *p != '\0'; p++) {
        if (*p == '"')
            in_quotes = !in_quotes;
        if (*p != ' ' || in_quotes)
            g_string_append_c(out, *p);
    }
    char *spec = g_string_free(out, FALSE);
    size_t n = strlen(spec);
    while (n > 2 && strchr("'\".,;", spec[n - 1]) != NULL && spec[n - 2] != '@')
        spec[--n] = '\0';
    if (*spec == '\'')
        memmove(spec, spec + 1, n--);
    const char *at = strrchr(spec, '@');
    if (at == NULL || at == spec || at[1] == '\0' || n > ADDRESS_MAX_BYTES) {
        g_free(spec);
        return NULL;
    }
    return spec;
}

/* A display name for people: decoded, without one pair of quotes around it. */
static char *
clean_name(const char *text, size_t length)
{
    char *name = words_decode(text, length);
    size_t n = strlen(name);
    while (n > 1 && name[0] == name[n - 1] &&
           (name[0] == '"' || name[0] == '\'')) {
        memmove(name, name + 1, n - 2);
        n -= 2;
        name[n] = '\0';
    }
    return g_strstrip(name);
}

/* "a@b", or "Name a@b": the word with the "@" is the addr-spec. */
static char *
split_phrase(const GString *phrase, char **ret_name)
{
    const char *at = memrchr(phrase->str, '@', phrase->len);
    if (at == NULL)
        return NULL;
    const char *start = at, *stop = phrase->str + phrase->len, *end = at;
    while (start > phrase->str && !g_ascii_isspace(start[-1]))
        start--;
    while (end < stop && !g_ascii_isspace(*end))
        end++;
    /* "local @ domain" is one address in old mail. */
    if (start == at || end == at + 1) {
        start = phrase->str;
        end = stop;
    }
    char *spec = clean_addr_spec(start, (size_t)(end - start));
    if (spec != NULL)
        *ret_name = clean_name(phrase->str, (size_t)(start - phrase->str));
    return spec;
}

static void
take_name(Parser *parser, Address *address)
{
    Mailbox *box = &parser->box;
    if (box->phrase->len > 0) {
        if (parser->surname->len > 0) {
            g_string_append_len(parser->surname, box->phrase->str,
                                (gssize)box->phrase->len);
            address->name =
                clean_name(parser->surname->str, parser->surname->len);
        } else {
            address->name = clean_name(box->phrase->str, box->phrase->len);
        }
    }
    if ((address->name == NULL || *address->name == '\0') &&
        box->comment->len > 0) {
        g_free(address->name);
        address->name = clean_name(box->comment->str, box->comment->len);
    }
    if (address->name == NULL)
        address->name = g_strdup("");
}

static void
end_mailbox(Parser *parser, char separator)
{
    Mailbox *box = &parser->box;
    char *name = NULL;
    char *spec = NULL;
    if (box->has_angle) {
        spec = clean_addr_spec(box->angle->str, box->angle->len);
    }
    if (spec == NULL && box->phrase->len > 0) {
        spec = split_phrase(box->phrase, &name);
        if (spec != NULL)
            g_string_truncate(box->phrase, 0);
    }
    if (spec != NULL && parser->list->len < parser->max) {
        Address *address = g_new0(Address, 1);
        address->addr_spec = spec;
        address->name = name;
        if (name == NULL || *name == '\0') {
            g_free(name);
            address->name = NULL;
            take_name(parser, address);
        }
        g_ptr_array_add(parser->list, address);
    } else if (spec != NULL) {
        parser->more = true;
        g_free(spec);
        g_free(name);
    }
    g_string_truncate(parser->surname, 0);
    if (spec == NULL && separator == ',' && !box->has_angle &&
        box->phrase->len > 0)
        g_string_printf(parser->surname, "%s, ", box->phrase->str);
    mailbox_clear(box);
}

/* ":" ends the name of a group (or a stray "mailto"); it names no mailbox. */
static void
read_colon(Parser *parser)
{
    parser->p++;
    if (!parser->box.has_angle &&
        memchr(parser->box.phrase->str, '@', parser->box.phrase->len) == NULL)
        g_string_truncate(parser->box.phrase, 0);
    else if (!parser->box.has_angle)
        g_string_append_c(parser->box.phrase, ':');
}

static void
read_plain(Parser *parser)
{
    char c = *parser->p++;
    if (c == '\r' || c == '\n' || c == '\t')
        c = ' ';
    if (c == ' ' && parser->box.phrase->len == 0)
        return;
    if (!parser->box.has_angle)
        g_string_append_c(parser->box.phrase, c);
}

static void
parse(Parser *parser)
{
    while (parser->p < parser->end && !parser->more) {
        char c = *parser->p;
        if (c == '(')
            read_comment(parser);
        else if (c == '"')
            read_quoted(parser, parser->box.phrase);
        else if (c == '<')
            read_angle(parser);
        else if (c == ':')
            read_colon(parser);
        else if (c == ',' || c == ';') {
            end_mailbox(parser, c);
            parser->p++;
        } else if (!(c == '=' && parser->p + 1 < parser->end &&
                     parser->p[1] == '?' && read_encoded_word(parser)))
            read_plain(parser);
    }
    end_mailbox(parser, ';');
}

GPtrArray *
address_list_parse(const char *value, size_t length, size_t max, bool *ret_more)
{
    Parser parser = {
        .p = value,
        .end = value + length,
        .box = {g_string_new(NULL), g_string_new(NULL), g_string_new(NULL),
                false},
        .surname = g_string_new(NULL),
        .list = g_ptr_array_new_with_free_func((GDestroyNotify)address_free),
        .max = max,
    };
    parse(&parser);
    g_string_free(parser.box.phrase, TRUE);
    g_string_free(parser.box.angle, TRUE);
    g_string_free(parser.box.comment, TRUE);
    g_string_free(parser.surname, TRUE);
    if (ret_more != NULL)
        *ret_more = parser.more;
    return parser.list;
}
