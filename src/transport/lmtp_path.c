#include "lmtp_path.h"

#include <string.h>

static char
at(LmtpSpan span, size_t i)
{
    return i < span.length ? span.start[i] : '\0';
}

static LmtpSpan
from(LmtpSpan span, size_t offset)
{
    return (LmtpSpan){span.start + offset, span.length - offset};
}

static LmtpSpan
skip_blanks(LmtpSpan span)
{
    while (at(span, 0) == ' ' || at(span, 0) == '\t')
        span = from(span, 1);
    return span;
}

bool
lmtp_span_is(LmtpSpan span, const char *word)
{
    return span.length == strlen(word) &&
           g_ascii_strncasecmp(span.start, word, span.length) == 0;
}

bool
lmtp_span_number(LmtpSpan span, int64_t *ret_number)
{
    int64_t number = 0;
    if (span.length == 0)
        return false;
    for (size_t i = 0; i < span.length; i++) {
        if (!g_ascii_isdigit(span.start[i]))
            return false;
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, span.start[i] - '0', &number))
            return false;
    }
    *ret_number = number;
    return true;
}

char *
lmtp_span_xtext(LmtpSpan span, size_t max_bytes)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (size_t i = 0; i < span.length; i++) {
        int c = (unsigned char)span.start[i];
        if (c == '+') {
            int high = g_ascii_xdigit_value(at(span, i + 1));
            int low = g_ascii_xdigit_value(at(span, i + 2));
            if (high < 0 || low < 0)
                return NULL;
            c = high * 16 + low;
            i += 2;
        }
        if (c < 0x20 || c > 0x7E || out->len == max_bytes)
            return NULL;
        g_string_append_c(out, (char)c);
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/*
 * The offset of the ">" that closes the path: one inside a quoted string does
 * not count. The length of `span` if there is none.
 */
static size_t
find_end(LmtpSpan span)
{
    bool quoted = false;
    size_t i;
    for (i = 0; i < span.length; i++) {
        char c = span.start[i];
        if (c == '\\' && quoted)
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (c == '>' && !quoted)
            return i;
    }
    return span.length;
}

/* "@a,@b:local@domain": a relay list of long ago; what counts is behind it. */
static LmtpSpan
drop_source_route(LmtpSpan address)
{
    if (at(address, 0) != '@')
        return address;
    const char *colon = memchr(address.start, ':', address.length);
    if (colon == NULL)
        return address;
    return from(address, (size_t)(colon - address.start) + 1);
}

/*
 * The length of the local part, a quoted string or a run of bytes without
 * specials; 0 if it is empty (`""` too) or malformed.
 */
static size_t
local_part_length(LmtpSpan address)
{
    if (at(address, 0) != '"') {
        size_t i = 0;
        while (i < address.length && address.start[i] != '@') {
            if (strchr(" \t\"\\<>()[],;:", address.start[i]) != NULL)
                return 0;
            i++;
        }
        return i;
    }
    for (size_t i = 1; i < address.length; i++) {
        if (address.start[i] == '\\')
            i++;
        else if (address.start[i] == '"')
            return i == 1 ? 0 : i + 1;
    }
    return 0;
}

/* A name, or an address literal in brackets; which one exists others know. */
static bool
is_domain(LmtpSpan domain)
{
    bool literal = at(domain, 0) == '[';
    if (literal) {
        if (domain.length < 3 || at(domain, domain.length - 1) != ']')
            return false;
        domain = (LmtpSpan){domain.start + 1, domain.length - 2};
    }
    for (size_t i = 0; i < domain.length; i++)
        if (strchr(literal ? " \t[]\\<>\"" : " \t[]\\<>\"@(),;:",
                   domain.start[i]) != NULL)
            return false;
    return domain.length > 0;
}

static bool
is_address(LmtpSpan address)
{
    if (!g_utf8_validate_len(address.start, address.length, NULL))
        return false;
    size_t local = local_part_length(address);
    if (local == 0)
        return false;
    if (local == address.length) /* "postmaster": who asks must decide */
        return true;
    return at(address, local) == '@' && is_domain(from(address, local + 1));
}

LmtpPathResult
lmtp_path_parse(LmtpSpan *rest, const char *keyword, LmtpSpan *ret_address)
{
    size_t length = strlen(keyword);
    if (rest->length < length ||
        g_ascii_strncasecmp(rest->start, keyword, length) != 0)
        return LMTP_PATH_SYNTAX;
    LmtpSpan path = skip_blanks(from(*rest, length));
    if (at(path, 0) != '<')
        return LMTP_PATH_SYNTAX;
    path = from(path, 1);
    size_t end = find_end(path);
    if (end == path.length)
        return LMTP_PATH_SYNTAX;
    LmtpSpan behind = from(path, end + 1);
    if (behind.length > 0 && at(behind, 0) != ' ')
        return LMTP_PATH_SYNTAX;

    LmtpSpan address = {path.start, end};
    if (address.length > 0) {
        address = drop_source_route(address);
        if (!is_address(address))
            return LMTP_PATH_ADDRESS;
    }
    *ret_address = address;
    *rest = behind;
    return LMTP_PATH_OK;
}

bool
lmtp_parameter_next(LmtpSpan *rest, LmtpSpan *ret_name, LmtpSpan *ret_value)
{
    LmtpSpan span = skip_blanks(*rest);
    if (span.length == 0)
        return false;
    size_t end = 0;
    while (end < span.length && span.start[end] != ' ' &&
           span.start[end] != '\t')
        end++;
    const char *equals = memchr(span.start, '=', end);
    size_t name = equals == NULL ? end : (size_t)(equals - span.start);
    *ret_name = (LmtpSpan){span.start, name};
    *ret_value = (LmtpSpan){NULL, 0};
    if (equals != NULL)
        *ret_value = (LmtpSpan){equals + 1, end - name - 1};
    *rest = from(span, end);
    return true;
}
