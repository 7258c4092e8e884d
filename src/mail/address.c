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
address_to_ascii(const char *addr_spec)
{
    if (!address_is_sendable(addr_spec))
        return NULL;
    if (address_is_ascii(addr_spec))
        return g_strdup(addr_spec);
    const char *at = strrchr(addr_spec, '@');
    g_autofree char *domain = g_hostname_to_ascii(at + 1);
    g_autofree char *local = g_strndup(addr_spec, (gsize)(at - addr_spec));
    g_autofree char *ascii =
        domain != NULL ? g_strdup_printf("%s@%s", local, domain) : NULL;
    if (ascii == NULL || !address_is_ascii(ascii) ||
        !address_is_sendable(ascii))
        return NULL;
    return g_steal_pointer(&ascii);
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
    GPtrArray *others; /* char*, of further "<...>" before the comma */
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
    g_ptr_array_set_size(box->others, 0);
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

/* A quoted string without its quotes, unless it is a local part: "a b"@c */
static void
read_quoted(Parser *parser, GString *to)
{
    gssize start = (gssize)to->len;
    for (parser->p++; parser->p < parser->end; parser->p++) {
        char c = *parser->p;
        if (c == '"') {
            parser->p++;
            break;
        }
        if (c == '\\' && parser->p + 1 < parser->end)
            c = *++parser->p;
        g_string_append_c(to, c);
    }
    if (parser->p < parser->end && *parser->p == '@') {
        g_string_insert_c(to, start, '"');
        g_string_append_c(to, '"');
    }
}

/* <<a@b>>, <John <a@b>>: the last "<" counts; what stood before is a name. */
static void
open_again(Parser *parser, GString *to)
{
    if (parser->box.phrase->len == 0)
        g_string_append_len(parser->box.phrase, to->str, (gssize)to->len);
    g_string_truncate(to, 0);
}

/* <local@domain>; a quoted local part keeps its quotes, a comment goes. */
static void
read_angle(Parser *parser, GString *to)
{
    g_string_truncate(to, 0);
    bool in_quotes = false;
    size_t depth = 0;
    for (parser->p++; parser->p < parser->end; parser->p++) {
        char c = *parser->p;
        if (c == '"')
            in_quotes = !in_quotes;
        if (c == '>' && !in_quotes) {
            parser->p++;
            return;
        }
        if (c == '(' && !in_quotes)
            depth++;
        if (depth == 0 && c == '<' && !in_quotes)
            open_again(parser, to);
        else if (depth == 0)
            g_string_append_c(to, c);
        if (c == ')' && depth > 0)
            depth--;
    }
}

/*
 * A second <...> without a comma: the first is the mailbox and what follows
 * counts as its name, but the other mailbox is not overlooked.
 */
static void
read_next_angle(Parser *parser)
{
    Mailbox *box = &parser->box;
    if (!box->has_angle) {
        read_angle(parser, box->angle);
        box->has_angle = true;
        return;
    }
    g_autoptr(GString) other = g_string_new(NULL);
    read_angle(parser, other);
    g_string_append_printf(box->phrase, " %s", other->str);
    g_ptr_array_add(box->others, g_strdup(other->str));
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
        /* "a @ b . c" is a@b.c; "a b@c" stays wrong, it is not ab@c. */
        bool is_joint = *p == ' ' && !in_quotes &&
                        (p == start || strchr("@. ", p[-1]) != NULL ||
                         p[1] == '\0' || strchr("@. ", p[1]) != NULL);
        if (!is_joint)
            g_string_append_c(out, *p);
    }
    char *spec = g_string_free(out, FALSE);
    size_t n = strlen(spec);
    while (n > 2 && strchr("'\".,;", spec[n - 1]) != NULL && spec[n - 2] != '@')
        spec[--n] = '\0';
    const char *at = strrchr(spec, '@');
    /* Outlook's "[a@b]"; a domain literal has its "[" behind the "@". */
    if (at != NULL && spec[n - 1] == ']' && strchr(at, '[') == NULL)
        spec[--n] = '\0';
    if (*spec == '\'' || *spec == '[')
        memmove(spec, spec + 1, n--);
    at = strrchr(spec, '@');
    if (at == NULL || at == spec || at[1] == '\0' || n > ADDRESS_MAX_BYTES) {
        g_free(spec);
        return NULL;
    }
    return spec;
}

/* A display name for people: decoded, without the quotes around it. */
static char *
clean_name(const char *text, size_t length)
{
    g_autofree char *name = words_decode(text, length);
    const char *start = name, *end = name + strlen(name);
    while (end - start > 1 && *start == end[-1] &&
           (*start == '"' || *start == '\'')) {
        start++;
        end--;
    }
    return g_strstrip(g_strndup(start, (gsize)(end - start)));
}

/*
 * "a@b", or "Name a@b": the first word with an "@" is the addr-spec, the others
 * are the name. "local @ domain" is one address, as old mail has it.
 */
static char *
split_phrase(const GString *phrase, char **ret_name)
{
    const char *at = memchr(phrase->str, '@', phrase->len);
    if (at == NULL)
        return NULL;
    const char *start = at, *stop = phrase->str + phrase->len, *end = at;
    const char *quote =
        at - phrase->str > 1 && at[-1] == '"'
            ? memrchr(phrase->str, '"', (size_t)(at - 1 - phrase->str))
            : NULL;
    if (quote != NULL)
        start = quote;
    while (start > phrase->str && !g_ascii_isspace(start[-1]))
        start--;
    while (end < stop && !g_ascii_isspace(*end))
        end++;
    if (start == at || end == at + 1) {
        start = phrase->str;
        end = stop;
    }
    char *spec = clean_addr_spec(start, (size_t)(end - start));
    if (spec != NULL) {
        g_autofree char *rest = g_strdup_printf(
            "%.*s%s", (int)(start - phrase->str), phrase->str, end);
        *ret_name = clean_name(rest, strlen(rest));
    }
    return spec;
}

/* The name before "<": of an unquoted Doe, John both; else the comment. */
static char *
name_of(const Parser *parser, const GString *phrase)
{
    const GString *comment = parser->box.comment;
    char *name = NULL;
    if (phrase != NULL && parser->surname->len > 0) {
        g_autofree char *both =
            g_strconcat(parser->surname->str, phrase->str, NULL);
        name = clean_name(both, strlen(both));
    } else if (phrase != NULL) {
        name = clean_name(phrase->str, phrase->len);
    }
    if (name != NULL && *name != '\0')
        return name;
    g_free(name);
    return clean_name(comment->str, comment->len);
}

static void
add_address(Parser *parser, char *name, char *spec)
{
    if (parser->list->len >= parser->max) {
        parser->more = true;
        g_free(name);
        g_free(spec);
        return;
    }
    Address *address = g_new0(Address, 1);
    address->name = name;
    address->addr_spec = spec;
    g_ptr_array_add(parser->list, address);
}

static bool
take_mailbox(Parser *parser)
{
    const Mailbox *box = &parser->box;
    char *name = NULL;
    char *spec = box->has_angle
                     ? clean_addr_spec(box->angle->str, box->angle->len)
                     : NULL;
    if (spec != NULL) {
        name = name_of(parser, box->phrase);
    } else {
        spec = split_phrase(box->phrase, &name);
        if (spec == NULL)
            return false;
        if (*name == '\0') {
            g_free(name);
            name = name_of(parser, NULL);
        }
    }
    add_address(parser, name, spec);
    return true;
}

static void
end_mailbox(Parser *parser, char separator)
{
    Mailbox *box = &parser->box;
    bool found = take_mailbox(parser);
    for (guint i = 0; i < box->others->len; i++) {
        const char *other = box->others->pdata[i];
        char *spec = clean_addr_spec(other, strlen(other));
        if (spec != NULL)
            add_address(parser, g_strdup(""), spec);
    }
    g_string_truncate(parser->surname, 0);
    if (!found && separator == ',' && !box->has_angle && box->phrase->len > 0)
        g_string_printf(parser->surname, "%s, ", box->phrase->str);
    mailbox_clear(box);
}

/* The "mailto" of "John [mailto:a@b]" goes, the name stays. */
static bool
drop_mailto(GString *phrase)
{
    static const char word[] = "[mailto";
    size_t n = sizeof word - 1;
    if (phrase->len < n ||
        g_ascii_strcasecmp(phrase->str + phrase->len - n, word) != 0)
        return false;
    g_string_truncate(phrase, phrase->len - n);
    return true;
}

/* ":" ends the name of a group (or a stray "mailto"); it names no mailbox. */
static void
read_colon(Parser *parser)
{
    parser->p++;
    if (!parser->box.has_angle && drop_mailto(parser->box.phrase))
        return;
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
    if (c == '>' || (c == ' ' && parser->box.phrase->len == 0))
        return;
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
            read_next_angle(parser);
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
                false, g_ptr_array_new_with_free_func(g_free)},
        .surname = g_string_new(NULL),
        .list = g_ptr_array_new_with_free_func((GDestroyNotify)address_free),
        .max = max,
    };
    parse(&parser);
    g_string_free(parser.box.phrase, TRUE);
    g_string_free(parser.box.angle, TRUE);
    g_string_free(parser.box.comment, TRUE);
    g_ptr_array_unref(parser.box.others);
    g_string_free(parser.surname, TRUE);
    if (ret_more != NULL)
        *ret_more = parser.more;
    return parser.list;
}

Address *
address_shown(const char *value, size_t length)
{
    g_autofree char *text = words_decode(value, length);
    char *open = strrchr(text, '<');
    char *close = open != NULL ? strchr(open, '>') : NULL;
    g_autofree char *spec = close != NULL
                                ? g_strndup(open + 1, (gsize)(close - open - 1))
                                : g_strdup("");
    char *name = text;
    name[strcspn(name, "<(")] = '\0';
    name = g_strstrip(name);
    size_t n = strlen(name);
    if (n >= 2 && name[0] == '"' && name[n - 1] == '"') {
        name[n - 1] = '\0';
        name++;
    }
    return *name != '\0' || *spec != '\0' ? address_new(name, g_strstrip(spec))
                                          : NULL;
}
