#include "imap_guard.h"

#include <glib.h>
#include <string.h>

enum {
    DEPTH_MAX =
        16, /* we never ask for the structure of a mail: others have 2 */
    WORDS_MAX = 500 * 1000 /* of an answer: libetpan makes 64 bytes of each */
};

/*
 * Lines that end with text for people (RFC 3501 7.1): nothing in them is quoted
 * or nested. Behind the "*" libetpan takes any number of spaces, or none.
 */
static bool
is_status(const ImapGuard *guard)
{
    static const char *const words[] = {"OK", "NO", "BAD", "BYE", "PREAUTH"};
    const char *line = guard->head;
    if (line[0] != '*')
        return true; /* tagged, or "+" */
    line += strspn(line, "* ");
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_str_has_prefix(line, words[i]) &&
            !g_ascii_isalnum(line[strlen(words[i])]))
            return true;
    return false;
}

static void
note_head(ImapGuard *guard, char c)
{
    size_t n = guard->head_bytes;
    if (n + 1 >= sizeof guard->head ||
        (c == ' ' && n > 0 && guard->head[n - 1] == ' '))
        return;
    guard->head[n] = g_ascii_toupper(c);
    guard->head[n + 1] = '\0';
    guard->head_bytes = n + 1;
}

/* "{12}" may have spaces in it, as libetpan sees it. */
static const char *
see_brace(ImapGuard *guard, char c)
{
    if (c == '{') {
        guard->brace = BRACE_OPEN;
        guard->number = 0;
    } else if (c == '}' && guard->brace == BRACE_OPEN) {
        guard->brace = BRACE_CLOSED;
    } else if (g_ascii_isdigit(c) && guard->brace == BRACE_OPEN) {
        guard->number = guard->number * 10 + (uint64_t)(c - '0');
        if (guard->number > UINT32_MAX)
            return "a literal of more than 4 GiB";
    } else if (c != ' ' && c != '\t' && c != '\r') {
        guard->brace = BRACE_NONE;
    }
    return NULL;
}

static const char *
see_quoted(ImapGuard *guard, char c)
{
    if (guard->escaped)
        guard->escaped = false;
    else if (c == '\\')
        guard->escaped = true;
    else if (c == '"')
        guard->quoted = false;
    return NULL;
}

static const char *
see_char(ImapGuard *guard, char c)
{
    if (guard->quoted)
        return see_quoted(guard, c);
    if (c == '"') {
        guard->quoted = true;
        guard->brace = BRACE_NONE;
        return NULL;
    }
    if ((c == ' ' || c == '(') && ++guard->words > WORDS_MAX)
        return "an answer of too many words";
    if (c == '(' && ++guard->depth > DEPTH_MAX)
        return "an answer that is too deeply nested";
    if (c == ')' && guard->depth > 0)
        guard->depth--;
    return see_brace(guard, c);
}

/* An answer has many lines, and the tagged one is its last. */
static void
begin_line(ImapGuard *guard)
{
    *guard = (ImapGuard){.words = guard->head[0] == '*' ? guard->words : 0,
                         .greeted = true};
}

/*
 * PERMANENTFLAGS in a greeting, and a list of them whose first is none:
 * libetpan reads its parser's context there, and frees the list, and has
 * neither.
 */
static bool
has_bad_flags(const ImapGuard *guard)
{
    static const char code[] = "PERMANENTFLAGS";
    const char *flag = strstr(guard->head, code);
    if (flag == NULL)
        return false;
    flag += strlen(code);
    flag += strspn(flag, " ");
    if (*flag == '(')
        flag++;
    flag += strspn(flag, " ");
    if (*flag == '\\')
        flag++;
    return !guard->greeted || *flag == '\0' ||
           (!g_ascii_isalnum(*flag) && strchr("$_*)", *flag) == NULL);
}

static const char *
see_end(ImapGuard *guard)
{
    bool literal = guard->brace == BRACE_CLOSED;
    bool status = !guard->goes_on && is_status(guard);
    /* Were it none for one of both of us, we would read different things. */
    if (status && literal)
        return "a literal where there is none";
    if (status && strstr(guard->head, "BADCHARSET") != NULL)
        return "a charset that was not asked for";
    if (status && has_bad_flags(guard))
        return "flags that are none";
    if (guard->quoted)
        return "a quoted string that does not end";
    if (!literal) {
        begin_line(guard);
        return NULL;
    }
    guard->skip = guard->number;
    guard->brace = BRACE_NONE;
    guard->goes_on = true;
    return NULL;
}

const char *
imap_guard_see(ImapGuard *guard, const char *bytes, size_t length)
{
    const char *why = NULL;
    for (size_t i = 0; i < length && why == NULL; i++) {
        if (guard->skip > 0) {
            uint64_t skipped = MIN(guard->skip, length - i);
            guard->skip -= skipped;
            i += (size_t)skipped - 1;
            continue;
        }
        if (bytes[i] == '\n') {
            why = see_end(guard);
            continue;
        }
        if (!guard->goes_on)
            note_head(guard, bytes[i]);
        why = !guard->goes_on && is_status(guard) ? see_brace(guard, bytes[i])
                                                  : see_char(guard, bytes[i]);
    }
    return why;
}
