#include "imap_grammar.h"

#include <string.h>

#include "imap_items.h"
#include "imap_token.h"

static const char no_answer[] = "a line that is no answer";

/* ---- what is left out ---- */

static const char *
ignore(ImapGuard *guard, ImapToken token)
{
    (void)guard;
    (void)token;
    return NULL;
}

bool
imap_grammar_is_lax(const ImapGuard *guard)
{
    return guard->line.form == ignore;
}

/* ---- CAPABILITY, SEARCH, EXISTS, RECENT ---- */

/* libetpan makes two of "AUTH=" and what follows, and of what is no atom. */
static bool
is_capability(const ImapGuard *guard)
{
    if (guard->cut || imap_token_is(guard, "AUTH="))
        return false;
    for (const char *p = guard->held; *p != '\0'; p++)
        if (!g_ascii_isgraph(*p) || strchr("%*\\]", *p) != NULL)
            return false;
    return true;
}

/* One that tells of none leaves libetpan without a list. */
static const char *
take_capability(ImapGuard *guard, ImapToken token)
{
    if (token == IMAP_WORD && guard->line.depth == 0 && is_capability(guard))
        imap_token_putf(guard, "%s %s",
                        guard->line.written ? "" : "* CAPABILITY", guard->held);
    if (token == IMAP_END && guard->line.written)
        imap_token_put(guard, "\r\n");
    return NULL;
}

/* Behind the numbers may be "(MODSEQ 5)" (RFC 7162 3.1.5). */
static const char *
take_search(ImapGuard *guard, ImapToken token)
{
    uint64_t number;
    if (!guard->line.written)
        imap_token_put(guard, "* SEARCH");
    if (token == IMAP_END)
        imap_token_put(guard, "\r\n");
    if (token == IMAP_END || token == IMAP_OPEN || token == IMAP_CLOSE ||
        guard->line.depth > 0)
        return NULL;
    if (!imap_token_number(guard, token, UINT32_MAX, &number))
        return imap_token_no_number;
    imap_token_putf(guard, " %" G_GUINT64_FORMAT, number);
    return NULL;
}

static const char *
take_count(ImapGuard *guard, ImapToken token)
{
    if (guard->line.count > UINT32_MAX)
        return imap_token_no_number;
    if (token == IMAP_END)
        imap_token_putf(guard, "* %" G_GUINT64_FORMAT " %s\r\n",
                        guard->line.count, guard->line.word);
    return NULL;
}

/* ---- LIST ---- */

enum { LIST_BEGIN, LIST_FLAGS, LIST_DELIMITER, LIST_NAME, LIST_DONE };

/* One with a name that is none is left out: it cannot be selected either. */
static const char *
put_name(const ImapGuard *guard)
{
    if (guard->cut)
        return "a folder with a name that is too long";
    for (size_t i = 0; i < guard->held_bytes; i++)
        if (g_ascii_iscntrl(guard->held[i]))
            return NULL;
    imap_token_putf(guard, "* LIST (%s) NIL \"",
                    guard->line.noselect ? "\\Noselect" : "");
    for (const char *p = guard->held; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(guard->passed, '\\');
        g_string_append_c(guard->passed, *p);
    }
    imap_token_put(guard, "\"\r\n");
    return NULL;
}

/* Of the flags nothing is used but whether one can select it; of the delimiter,
 * and of what may follow the name (RFC 5258), nothing. */
static const char *
take_list(ImapGuard *guard, ImapToken token)
{
    bool value = token == IMAP_WORD || token == IMAP_STRING;
    switch (guard->line.step) {
    case LIST_BEGIN:
        guard->line.step = LIST_FLAGS;
        return token == IMAP_OPEN ? NULL : "a folder without flags";
    case LIST_FLAGS:
        if (imap_token_is(guard, "\\Noselect") ||
            imap_token_is(guard, "\\NonExistent"))
            guard->line.noselect = true;
        if (guard->line.depth == 0)
            guard->line.step = LIST_DELIMITER;
        return NULL;
    case LIST_DELIMITER:
    case LIST_NAME:
        guard->literal = IMAP_HOLD;
        if (token == IMAP_LITERAL)
            return NULL;
        if (!value)
            return "a folder without a name";
        return guard->line.step++ == LIST_NAME ? put_name(guard) : NULL;
    default:
        return NULL;
    }
}

/* ---- what ends with text: OK, NO, BAD, BYE, PREAUTH and "+" ---- */

static const char *
end_text(ImapGuard *guard, ImapToken token)
{
    (void)token;
    imap_token_put(guard, "\r\n");
    guard->greeted = true;
    return NULL;
}

/* The tagged one is the last of an answer's lines. */
static const char *
end_tagged(ImapGuard *guard, ImapToken token)
{
    guard->words = 0;
    guard->more = false;
    return end_text(guard, token);
}

static const char *
begin_text(ImapGuard *guard, ImapForm end)
{
    guard->at = IMAP_AT_TEXT;
    guard->line.form = end;
    return NULL;
}

/* A greeting's codes libetpan would read without its parser's context. */
static const char *
take_state(ImapGuard *guard, const char *word, ImapForm end)
{
    guard->line.coded = guard->greeted && strcmp(word, "OK") == 0;
    imap_token_putf(guard, "%s ", word);
    return begin_text(guard, end);
}

/* ---- which answer it is ---- */

static const struct {
    const char *word;
    bool counted;  /* "* 12 WORD" */
    ImapForm take; /* NULL: text */
} answers[] = {
    {"OK", false, NULL},
    {"NO", false, NULL},
    {"BAD", false, NULL},
    {"BYE", false, NULL},
    {"PREAUTH", false, NULL}, /* of a greeting: later libetpan takes none */
    {"CAPABILITY", false, take_capability},
    {"LIST", false, take_list},
    {"SEARCH", false, take_search},
    {"EXISTS", true, take_count},
    {"RECENT", true, take_count},
    {"FETCH", true, imap_items_take},
};

enum { STATES = 3 }; /* of a tagged one, at the beginning of the table */

static const char *
take_untagged(ImapGuard *guard, ImapToken token)
{
    const char *digits = guard->held + (guard->held[0] == '-');
    guard->line.form = ignore;
    if (token != IMAP_WORD)
        return NULL;
    if (!guard->line.counted && imap_token_read(digits, &guard->line.count)) {
        if (digits != guard->held)
            guard->line.count = UINT64_MAX;
        guard->line.counted = true;
        guard->line.form = take_untagged;
        return NULL;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        if (answers[i].counted != guard->line.counted ||
            !imap_token_is(guard, answers[i].word))
            continue;
        guard->line.word = answers[i].word;
        guard->line.form = answers[i].take;
        if (answers[i].take != NULL)
            return guard->greeted ? NULL : "a greeting that is none";
        imap_token_put(guard, "* ");
        return take_state(guard, answers[i].word, end_text);
    }
    return NULL;
}

static const char *
take_tagged(ImapGuard *guard, ImapToken token)
{
    for (size_t i = 0; i < STATES; i++)
        if (token == IMAP_WORD && imap_token_is(guard, answers[i].word))
            return take_state(guard, answers[i].word, end_tagged);
    return no_answer;
}

/* Whatever greets us otherwise is shown to people, and no more: as nothing that
 * libetpan could take for an answer. */
static const char *
take_stranger(ImapGuard *guard)
{
    imap_token_putf(guard, IMAP_TOKEN_INERT "%s ", guard->held);
    return begin_text(guard, end_text);
}

static const char *
take_first(ImapGuard *guard, ImapToken token)
{
    uint64_t tag;
    if (token == IMAP_END)
        return NULL; /* Exchange sends empty lines */
    if (token != IMAP_WORD)
        return no_answer;
    if (imap_token_is(guard, "*")) {
        guard->line.form = take_untagged;
        return NULL;
    }
    if (!guard->greeted)
        return take_stranger(guard);
    if (guard->held[0] == '+') {
        imap_token_put(guard, "+ ");
        return begin_text(guard, end_text);
    }
    if (!imap_token_read(guard->held, &tag))
        return no_answer;
    imap_token_putf(guard, "%s ", guard->held);
    guard->line.form = take_tagged;
    return NULL;
}

const char *
imap_grammar_take(ImapGuard *guard, ImapToken token)
{
    ImapForm form = guard->line.form;
    return form == NULL ? take_first(guard, token) : form(guard, token);
}
