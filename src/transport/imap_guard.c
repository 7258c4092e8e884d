#include "imap_guard.h"

#include <string.h>

#include "imap_code.h"
#include "imap_grammar.h"
#include "imap_token.h"

static const char *see(ImapGuard *guard, char c);

static void
hold(ImapGuard *guard, char c)
{
    guard->cut = guard->held_bytes == IMAP_GUARD_HELD;
    if (!guard->cut)
        guard->held[guard->held_bytes++] = c;
    guard->held[guard->held_bytes] = '\0';
}

/* Of what is read as a C string: no word and no code has a NUL. */
static void
hold_char(ImapGuard *guard, char c)
{
    hold(guard, c != '\0' ? c : '?');
}

static void
let_go(ImapGuard *guard)
{
    guard->held_bytes = 0;
    guard->held[0] = '\0';
    guard->cut = false;
}

/* What is left out costs libetpan nothing. */
static const char *
count_words(ImapGuard *guard)
{
    guard->words += guard->line.written ? 1 : IMAP_GUARD_LINE_WORDS;
    guard->line.written = true;
    return guard->words > IMAP_GUARD_WORDS ? "an answer of too many words"
                                           : NULL;
}

static const char *
give(ImapGuard *guard, ImapToken token)
{
    size_t before = guard->passed->len;
    guard->at = IMAP_AT_GAP; /* a form may say that text follows */
    const char *why = imap_grammar_take(guard, token);
    let_go(guard);
    if (why == NULL && guard->passed->len > before)
        why = count_words(guard);
    return why;
}

static const char *
end_line(ImapGuard *guard)
{
    if (guard->line.depth > 0 && !imap_grammar_is_lax(guard))
        return "parentheses that do not close";
    const char *why = give(guard, IMAP_END);
    memset(&guard->line, 0, sizeof guard->line);
    return why;
}

/* ---- words, strings and parentheses ---- */

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static const char *
open_list(ImapGuard *guard)
{
    if (++guard->line.depth > IMAP_GUARD_DEPTH)
        return "an answer that is too deeply nested";
    return give(guard, IMAP_OPEN);
}

static const char *
close_list(ImapGuard *guard)
{
    if (guard->line.depth == 0)
        return imap_grammar_is_lax(guard) ? NULL
                                          : "parentheses that do not open";
    guard->line.depth--;
    return give(guard, IMAP_CLOSE);
}

static const char *
see_gap(ImapGuard *guard, char c)
{
    switch (c) {
    case '(':
        return open_list(guard);
    case ')':
        return close_list(guard);
    case '\n':
        return end_line(guard);
    case '"':
        guard->at = IMAP_IN_QUOTED;
        return NULL;
    case '{':
        guard->at = IMAP_IN_BRACE;
        guard->number = 0;
        guard->digits = guard->closed = false;
        break;
    default:
        if (is_space(c))
            return NULL;
        guard->at = IMAP_IN_WORD;
    }
    hold_char(guard, c);
    return NULL;
}

static const char *
see_word(ImapGuard *guard, char c)
{
    if (!is_space(c) && (c == '\0' || strchr("()\n\"{", c) == NULL)) {
        hold_char(guard, c);
        return NULL;
    }
    const char *why = NULL;
    if (c == '{' && strcmp(guard->held, "~") == 0)
        let_go(guard); /* "~{12}", RFC 3516 4.4 */
    else
        why = give(guard, IMAP_WORD);
    if (guard->at == IMAP_IN_WORD)
        guard->at = IMAP_AT_GAP;
    return why != NULL ? why : see(guard, c);
}

static const char *
see_quoted(ImapGuard *guard, char c)
{
    if (c == '\n') {
        guard->escaped = false;
        /* Should a literal be announced in it, nobody knows what is next. */
        if (!imap_grammar_is_lax(guard))
            return "a quoted string that does not end";
        guard->at = IMAP_AT_GAP;
        return see(guard, c);
    }
    if (guard->escaped) {
        guard->escaped = false;
        if (c != '"' && c != '\\')
            hold(guard, '\\'); /* it meant the backslash itself */
        hold(guard, c);
    } else if (c == '"') {
        return give(guard, IMAP_STRING);
    } else if (c == '\\') {
        guard->escaped = true;
    } else {
        hold(guard, c);
    }
    return NULL;
}

/* ---- literals ---- */

static const char *
begin_literal(ImapGuard *guard)
{
    if (guard->number > UINT32_MAX)
        return "a literal of more than 4 GiB";
    guard->literal = IMAP_DROP;
    const char *why = give(guard, IMAP_LITERAL);
    if (why != NULL)
        return why;
    guard->skip = guard->number;
    if (guard->literal != IMAP_HOLD)
        return NULL;
    if (guard->skip > IMAP_GUARD_HELD)
        return "a literal that is too long here";
    return guard->skip == 0 ? give(guard, IMAP_STRING) : NULL;
}

/* "{12}", "{12+}" (RFC 7888) and, for libetpan took it, "{ 12 }": a literal is
 * announced if the line ends behind it. */
static const char *
see_brace(ImapGuard *guard, char c)
{
    if (c == '\n' && guard->closed) {
        guard->at = IMAP_AT_GAP;
        return begin_literal(guard);
    }
    if (is_space(c))
        return NULL;
    if (g_ascii_isdigit(c) && !guard->closed) {
        guard->digits = true;
        guard->number = MIN(guard->number * 10 + (uint64_t)(c - '0'),
                            (uint64_t)UINT32_MAX + 1);
    } else if (c == '}' && guard->digits && !guard->closed) {
        guard->closed = true;
    } else if (c != '+' || !guard->digits || guard->closed) {
        /* It is none. */
        const char *why = give(guard, IMAP_WORD);
        return why != NULL ? why : see(guard, c);
    }
    hold(guard, c);
    return NULL;
}

/* Of a literal: as many of these as are left of it. */
static const char *
see_literal(ImapGuard *guard, const char *bytes, size_t length)
{
    guard->skip -= length;
    if (guard->literal == IMAP_PASS)
        g_string_append_len(guard->passed, bytes, (gssize)length);
    if (guard->literal != IMAP_HOLD)
        return NULL;
    for (size_t i = 0; i < length; i++)
        hold(guard, bytes[i]);
    return guard->skip == 0 ? give(guard, IMAP_STRING) : NULL;
}

/* ---- text for people, and the code in front of it ---- */

static const char *
see_text(ImapGuard *guard, char c)
{
    if (c == '\n')
        return end_line(guard);
    guard->at = IMAP_IN_TEXT;
    /* A space would have libetpan look for a code behind it. */
    if (c != '\r')
        g_string_append_c(guard->passed, c != '\0' ? c : '?');
    return NULL;
}

static const char *
see_text_begin(ImapGuard *guard, char c)
{
    if (is_space(c))
        return NULL;
    if (c != '[')
        return see_text(guard, c);
    guard->at = IMAP_IN_CODE;
    return NULL;
}

static void
write_as_text(ImapGuard *guard)
{
    g_string_append(guard->passed, IMAP_TOKEN_INERT "[");
    for (size_t i = 0; i < guard->held_bytes; i++)
        see_text(guard, guard->held[i]);
    let_go(guard);
}

static const char *
see_code(ImapGuard *guard, char c)
{
    if (c == ']' && guard->line.coded &&
        imap_code_write(guard->held, guard->passed, &guard->words)) {
        guard->at = IMAP_IN_TEXT;
        let_go(guard);
        return NULL;
    }
    if (c != ']' && c != '\n' && guard->held_bytes < IMAP_GUARD_HELD) {
        hold_char(guard, c);
        return NULL;
    }
    write_as_text(guard);
    return see_text(guard, c);
}

/* ---- all ---- */

static const char *
see(ImapGuard *guard, char c)
{
    static const char *(*const seers[])(ImapGuard *, char) = {
        [IMAP_AT_GAP] = see_gap,         [IMAP_IN_WORD] = see_word,
        [IMAP_IN_QUOTED] = see_quoted,   [IMAP_IN_BRACE] = see_brace,
        [IMAP_AT_TEXT] = see_text_begin, [IMAP_IN_CODE] = see_code,
        [IMAP_IN_TEXT] = see_text,
    };
    return seers[guard->at](guard, c);
}

const char *
imap_guard_pass(ImapGuard *guard, const char *bytes, size_t length,
                GString *passed)
{
    const char *why = NULL;
    guard->passed = passed;
    for (size_t i = 0, n = 1; i < length && why == NULL; i += n) {
        guard->more = true;
        n = guard->skip > 0 ? (size_t)MIN(guard->skip, length - i) : 1;
        why = guard->skip > 0 ? see_literal(guard, bytes + i, n)
                              : see(guard, bytes[i]);
    }
    guard->passed = NULL;
    return why;
}
