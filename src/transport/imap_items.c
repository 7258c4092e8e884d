#include "imap_items.h"

#include <string.h>

#include "imap_token.h"

enum { FETCH_BEGIN, FETCH_ITEM, FETCH_VALUE, FETCH_DONE };

/* No message's number is used, and some servers tell one below 0. */
static void
put_item(ImapGuard *guard, const char *item)
{
    uint64_t count = guard->line.count;
    if (guard->line.written)
        imap_token_put(guard, " ");
    else
        imap_token_putf(guard, "* %" G_GUINT64_FORMAT " FETCH (",
                        count > UINT32_MAX ? 0 : count);
    imap_token_put(guard, item);
    guard->line.step = FETCH_ITEM;
}

static const char *
take_uid(ImapGuard *guard, ImapToken token)
{
    uint64_t uid;
    if (!imap_token_number(guard, token, UINT32_MAX, &uid))
        return imap_token_no_number;
    put_item(guard, "UID ");
    imap_token_putf(guard, "%" G_GUINT64_FORMAT, uid);
    return NULL;
}

/* RFC 9051 has sizes of 63 bits; too large is too large. */
static const char *
take_size(ImapGuard *guard, ImapToken token)
{
    uint64_t size;
    if (!imap_token_number(guard, token, UINT64_MAX, &size))
        return imap_token_no_number;
    put_item(guard, "RFC822.SIZE ");
    imap_token_putf(guard, "%" G_GUINT64_FORMAT,
                    MIN(size, (uint64_t)UINT32_MAX));
    return NULL;
}

/* "(7)" */
static const char *
take_modseq(ImapGuard *guard, ImapToken token)
{
    uint64_t modseq;
    if (token == IMAP_OPEN && guard->line.depth == 2)
        return NULL;
    if (token == IMAP_CLOSE && guard->line.depth == 1) {
        guard->line.step = FETCH_ITEM;
        return NULL;
    }
    if (guard->line.depth != 2 ||
        !imap_token_number(guard, token, UINT64_MAX, &modseq))
        return imap_token_no_number;
    put_item(guard, "MODSEQ ");
    imap_token_putf(guard, "(%" G_GUINT64_FORMAT ")", modseq);
    guard->line.step = FETCH_VALUE; /* it closes */
    return NULL;
}

static const char *
take_mail(ImapGuard *guard, ImapToken token)
{
    if (!guard->mails)
        return "a mail that nobody asked for";
    if (token == IMAP_WORD && imap_token_is(guard, "NIL")) {
        put_item(guard, "BODY[] NIL");
        return NULL;
    }
    if (token != IMAP_LITERAL && token != IMAP_STRING)
        return "a mail that is no string";
    if (guard->cut)
        return "a mail in quotes that is too long";
    put_item(guard, "BODY[] ");
    imap_token_putf(guard, "{%" G_GUINT64_FORMAT "}\r\n",
                    token == IMAP_LITERAL ? guard->number : guard->held_bytes);
    guard->literal = IMAP_PASS;
    if (token == IMAP_STRING)
        g_string_append_len(guard->passed, guard->held,
                            (gssize)guard->held_bytes);
    return NULL;
}

/* Were it left out, its mail would seem to be gone. */
static const char *
take_part(ImapGuard *guard, ImapToken token)
{
    (void)guard;
    (void)token;
    return "a part of a mail, which contradicts what was asked for";
}

/* A word, a string, or a list of whatever. */
static const char *
leave_out(ImapGuard *guard, ImapToken token)
{
    (void)token;
    if (guard->line.depth <= 1)
        guard->line.step = guard->line.depth == 1 ? FETCH_ITEM : FETCH_DONE;
    return NULL;
}

static const struct {
    const char *word; /* how the item's name begins */
    bool whole;       /* and ends */
    ImapForm take;    /* its value; then the step is FETCH_ITEM again */
} items[] = {
    {"UID", true, take_uid},        {"RFC822.SIZE", true, take_size},
    {"MODSEQ", true, take_modseq},  {"BODY[]", true, take_mail},
    {"BODY[]<0>", true, take_mail}, {"BODY[", false, take_part},
    {"", false, leave_out},
};

static ImapForm
find_item(const ImapGuard *guard)
{
    size_t i = 0;
    while (items[i].whole ? !imap_token_is(guard, items[i].word)
                          : g_ascii_strncasecmp(guard->held, items[i].word,
                                                strlen(items[i].word)) != 0)
        i++;
    return items[i].take;
}

/* Should it have nothing that is used, it is left out as a whole. */
const char *
imap_items_take(ImapGuard *guard, ImapToken token)
{
    switch (guard->line.step) {
    case FETCH_BEGIN:
        guard->line.step = FETCH_ITEM;
        return token == IMAP_OPEN ? NULL : "a FETCH without items";
    case FETCH_ITEM:
        guard->line.item = find_item(guard);
        guard->line.step = token == IMAP_CLOSE ? FETCH_DONE : FETCH_VALUE;
        return token == IMAP_WORD || token == IMAP_CLOSE
                   ? NULL
                   : "an item without a name";
    case FETCH_VALUE:
        return guard->line.item(guard, token);
    default:
        if (token == IMAP_END && guard->line.written)
            imap_token_put(guard, ")\r\n");
        return NULL;
    }
}
