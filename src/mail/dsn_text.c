#include "mail/dsn_text.h"

#include <string.h>

#include "mail/address.h"
#include "mail/dsn.h"
#include "mail/dsn_words.h"
#include "mail/header.h"

enum {
    LINES_MAX = 500,      /* of a report that are read */
    LINE_MAX_BYTES = 2000 /* of one of them */
};

/* Words in a line that say: the address in it is the one that failed. */
static const char *const recipient_words[] = {
    "rcpt to",     "recipient",    "delivered to",   "deliver to",
    "delivering",  "message to",   "your mail to",   "mail to",
    "delivery to", "to:",          "user",           "mailbox",
    "address",     "account",      "does not exist", "emailaddress",
    "reach",       "not member",   "mailing list",   "destination",
    "receiver",    "destinatario", "destinataire",   "empfänger",
    "получател",   "отримувач",    "could not send", "addresse",
    "to <",
};

/* A line that begins so names somebody else. */
static const char *const sender_words[] = {
    "from",
    "mail from",
    "return-path",
    "reply-to",
    "sender",
    "contact",
    "for further assistance",
    "for assistance",
    "please contact",
    "please send",
    "send mail",
    "(generated from",
    "generated from",
    "(expanded from",
    "(reason",
    "if you",
    "x-",
    "message-id",
    "arrival-id",
    "x400",
    "subject",
    "dear",
    "hello",
    "hi ",
};

/* Field names that only a mail's own header has. */
static const char *const header_names[] = {"Received",
                                           "Return-Path",
                                           "Message-ID",
                                           "MIME-Version",
                                           "DKIM-Signature",
                                           "X-Mailer",
                                           "Delivered-To",
                                           "DomainKey-Signature",
                                           "User-Agent",
                                           "Content-Type",
                                           "Content-Transfer-Encoding"};

static bool
has_any(const char *lower, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(lower, words[i]) != NULL)
            return true;
    return false;
}

/* The first of the words in `lower`; NULL if there is none. */
static const char *
find_any(const char *lower, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *found = strstr(lower, words[i]);
        if (found != NULL)
            return found;
    }
    return NULL;
}

/*
 * Where "--- Below this line is a copy of the message." and the like are in
 * the line; `length` if nowhere. What HTML made one line may have a report
 * before it.
 */
static size_t
separator_at(const char *line, size_t length)
{
    static const char *const plain[] = {
        "original message follows", "original message as received",
        "copy of the message",      "copy of the original",
        "copy of your message",     "copy of the undelivered",
        "message headers follow",   "header of the original",
        "headers of the original",  "unsent message follows",
        "message header follows",   "message text follows",
        "original message headers", "original mail header",
        "original message header"};
    static const char *const dashed[] = {"original m", "returned m",
                                         "unsent m",   "message header",
                                         "failed m",   "bounced m"};
    enum { REPORT_MIN_BYTES = 60 };
    size_t read = MIN(length, LINE_MAX_BYTES);
    g_autofree char *lower = g_ascii_strdown(line, (gssize)read);
    const char *found = find_any(lower, plain, G_N_ELEMENTS(plain));
    if (found == NULL && strstr(lower, "---") != NULL)
        found = find_any(lower, dashed, G_N_ELEMENTS(dashed));
    /* "did not receive a copy of your message" tells who failed. */
    if (found == NULL || strstr(lower, "receive a copy") != NULL)
        return length;
    size_t before = (size_t)(found - lower);
    return before < REPORT_MIN_BYTES ? 0 : before;
}

/* A field that only a mail's own header has, with another line behind it. */
static bool
is_header_line(const char *line, size_t length, const char *next)
{
    size_t name = header_name_length(line, length);
    if (name == 0 || *next == '\0' || *next == '\n')
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(header_names); i++)
        if (strlen(header_names[i]) == name &&
            g_ascii_strncasecmp(line, header_names[i], name) == 0)
            return *next == ' ' || *next == '\t' ||
                   header_name_length(next, strcspn(next, "\n")) > 0;
    return false;
}

size_t
dsn_text_report_length(const char *text)
{
    const char *p = text;
    for (int count = 0; *p != '\0' && count < LINES_MAX; count++) {
        size_t length = strcspn(p, "\n");
        const char *next = p + length + (p[length] == '\n');
        size_t separator = separator_at(p, length);
        if (separator < length)
            return (size_t)(p - text) + separator;
        if (is_header_line(p, length, next))
            break;
        p = next;
    }
    return (size_t)(p - text);
}

static bool
is_local_byte(char c)
{
    return g_ascii_isalnum(c) || (unsigned char)c >= 0x80 ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

static bool
is_domain_byte(char c)
{
    return g_ascii_isalnum(c) || (unsigned char)c >= 0x80 || c == '.' ||
           c == '-' || c == '_';
}

/* The address around the "@" at `at`; ret_start is where it begins. */
static char *
address_around(const char *line, const char *at, const char *end,
               const char **ret_start, const char **ret_end)
{
    const char *start = at, *stop = at + 1;
    if (start > line && start[-1] == '"') {
        const char *quote = memrchr(line, '"', (size_t)(start - 1 - line));
        start = quote != NULL ? quote : start;
    } else {
        while (start > line && is_local_byte(start[-1]))
            start--;
        while (start < at && strchr("'`*=.", *start) != NULL)
            start++;
        /* of X.400: "c=US;o=x;dda:SMTP=bob@example.org" */
        if (at - start > 5 && g_ascii_strncasecmp(start, "smtp=", 5) == 0)
            start += 5;
    }
    while (stop < end && is_domain_byte(*stop))
        stop++;
    while (stop > at + 1 && strchr(".-_", stop[-1]) != NULL)
        stop--;
    *ret_start = start;
    *ret_end = stop;
    if (start == at || stop == at + 1)
        return NULL;
    g_autofree char *spec = g_strndup(start, (gsize)(stop - start));
    return address_is_sendable(spec) ? g_steal_pointer(&spec) : NULL;
}

/* How sure it is that an address of the report is a failed recipient. */
typedef enum { TIER_ANY, TIER_NAMED, TIER_LINE } Tier;

typedef struct {
    char *addr_spec;
    Tier tier;
    size_t offset; /* of its line */
} Candidate;

static void
candidate_clear(gpointer data)
{
    g_free(((Candidate *)data)->addr_spec);
}

typedef struct {
    const char *report;
    size_t length;
    const GPtrArray *own;
    GArray *candidates; /* Candidate */
    bool is_announced;  /* the line above ended with ":", */
    bool is_failure;    /* and told of failure: "did not reach:"; then */
    bool is_listing;    /* lines below it begin with who failed */
} Reader;

static bool
begins_with_any(const char *lower, const char *const *words, size_t count)
{
    lower += strspn(lower, " \t*>");
    for (size_t i = 0; i < count; i++)
        if (g_str_has_prefix(lower, words[i]))
            return true;
    return false;
}

/* True if what surrounds the address in its line is but punctuation. */
static bool
stands_alone(const char *line, const char *start, const char *stop,
             const char *end)
{
    for (const char *p = line; p < start; p++)
        if (strchr(" \t<>\"'*-(:[", *p) == NULL)
            return false;
    const char *p = stop;
    while (p < end && strchr(">\"')]", *p) != NULL)
        p++;
    while (p < end && g_ascii_isspace(*p))
        p++;
    return p == end || strchr(":;,.(<-", *p) != NULL;
}

static bool
starts_line(const char *line, const char *start)
{
    for (const char *p = line; p < start; p++)
        if (strchr(" \t<>\"'*-([", *p) == NULL)
            return false;
    return true;
}

/* "mail from bob@example.org": who sent it, not who did not get it. */
static bool
follows_from(const char *line, const char *start)
{
    while (start > line && strchr(" \t<\"'(", start[-1]) != NULL)
        start--;
    return start - line >= 5 && g_ascii_isspace(start[-5]) &&
           g_ascii_strncasecmp(start - 4, "from", 4) == 0;
}

static Tier
tier_of(const char *line, size_t length, const char *lower, const char *start,
        const char *stop, bool is_announced)
{
    if (stands_alone(line, start, stop, line + length))
        return TIER_LINE;
    bool tells = dsn_words_tell_failure(line, length) ||
                 dsn_words_reply_class(line, length) != '\0';
    g_autofree char *status = dsn_words_status(line, length);
    tells |= status != NULL;
    if ((tells || is_announced) && starts_line(line, start))
        return TIER_LINE;
    return tells || has_any(lower, recipient_words,
                            G_N_ELEMENTS(recipient_words))
               ? TIER_NAMED
               : TIER_ANY;
}

static void
read_line(Reader *reader, const char *line, size_t length)
{
    const char *end = line + MIN(length, LINE_MAX_BYTES);
    const char *at = memchr(line, '@', (size_t)(end - line));
    if (at == NULL)
        return;
    g_autofree char *lower = g_utf8_strdown(line, (gssize)(end - line));
    if (begins_with_any(lower, sender_words, G_N_ELEMENTS(sender_words)))
        return;
    while (at != NULL && reader->candidates->len < DSN_RECIPIENTS_MAX) {
        const char *start, *stop;
        char *spec = address_around(line, at, end, &start, &stop);
        if (spec != NULL && follows_from(line, start))
            g_clear_pointer(&spec, g_free);
        if (spec != NULL) {
            Candidate candidate = {
                spec,
                reader->is_failure
                    ? TIER_LINE
                    : tier_of(line, (size_t)(end - line), lower, start, stop,
                              reader->is_announced || reader->is_listing),
                (size_t)(line - reader->report)};
            g_array_append_val(reader->candidates, candidate);
            reader->is_failure = false; /* it announced but one line */
        }
        at = memchr(at + 1, '@', (size_t)(end - at - 1));
    }
}

static bool
is_own(const GPtrArray *own, const char *addr_spec)
{
    g_autofree char *key = address_key(addr_spec);
    for (guint i = 0; i < own->len; i++)
        if (strcmp(own->pdata[i], key) == 0)
            return true;
    return false;
}

static bool
is_known(const GPtrArray *failed, const char *addr_spec)
{
    for (guint i = 0; i < failed->len; i++)
        if (g_ascii_strcasecmp(
                ((const DsnRecipient *)failed->pdata[i])->addr_spec,
                addr_spec) == 0)
            return true;
    return false;
}

/* The best tier of the candidates that count; false if none do. */
static bool
best_tier(const Reader *reader, Tier *ret_tier)
{
    bool found = false;
    *ret_tier = TIER_ANY;
    for (guint i = 0; i < reader->candidates->len; i++) {
        const Candidate *candidate =
            &g_array_index(reader->candidates, Candidate, i);
        if (is_own(reader->own, candidate->addr_spec))
            continue;
        found = true;
        *ret_tier = MAX(*ret_tier, candidate->tier);
    }
    return found;
}

/* What the report says as a whole, for all of whom it says nothing more. */
typedef struct {
    char *status; /* NULL: none */
    char class;
    bool tells_delay;
} Whole;

static Whole
read_whole(const Reader *reader)
{
    return (Whole){dsn_words_status(reader->report, reader->length),
                   dsn_words_reply_class(reader->report, reader->length),
                   dsn_words_tell_delay(reader->report, reader->length)};
}

/* What the report says about the recipient named at `offset`. */
static void
judge(const Reader *reader, const Whole *whole, size_t offset, size_t end,
      DsnRecipient *recipient)
{
    const char *block = reader->report + offset;
    size_t length = end - offset;
    recipient->status = dsn_words_status(block, length);
    char class = dsn_words_reply_class(block, length);
    if (recipient->status == NULL && class == '\0') {
        recipient->status = g_strdup(whole->status);
        class = whole->class;
    }
    if (recipient->status == NULL)
        recipient->status = g_strdup("");
    else
        class = *recipient->status;
    recipient->permanent = class != '\0' ? class == '5' : !whole->tells_delay;
}

static void
take_tier(const Reader *reader, Tier tier, GPtrArray *failed)
{
    g_autoptr(GArray) offsets = g_array_new(FALSE, FALSE, sizeof(size_t));
    guint first = failed->len;
    for (guint i = 0; i < reader->candidates->len; i++) {
        const Candidate *candidate =
            &g_array_index(reader->candidates, Candidate, i);
        if (candidate->tier != tier ||
            is_own(reader->own, candidate->addr_spec) ||
            is_known(failed, candidate->addr_spec))
            continue;
        DsnRecipient *recipient = g_new0(DsnRecipient, 1);
        recipient->addr_spec = g_strdup(candidate->addr_spec);
        g_ptr_array_add(failed, recipient);
        g_array_append_val(offsets, candidate->offset);
    }
    Whole whole = read_whole(reader);
    for (guint i = 0; i < offsets->len; i++) {
        size_t offset = g_array_index(offsets, size_t, i);
        size_t end = i + 1 < offsets->len
                         ? g_array_index(offsets, size_t, i + 1)
                         : reader->length;
        judge(reader, &whole, offset, MAX(end, offset),
              failed->pdata[first + i]);
    }
    g_free(whole.status);
}

/* Collect the addresses of the report, each with its tier. */
static void
scan(Reader *reader)
{
    size_t offset = 0;
    for (int count = 0; offset < reader->length && count < LINES_MAX; count++) {
        const char *line = reader->report + offset;
        size_t next = header_next_line(reader->report, reader->length, offset);
        size_t n = next - offset;
        if (n > 0 && line[n - 1] == '\n')
            n--;
        read_line(reader, line, n);
        while (n > 0 && g_ascii_isspace(line[n - 1]))
            n--;
        if (n > 0) {
            reader->is_announced = line[n - 1] == ':';
            reader->is_failure =
                reader->is_announced && dsn_words_tell_failure(line, n);
            reader->is_listing |= reader->is_failure;
        }
        offset = next;
    }
}

void
dsn_text_recipients(const char *report, size_t length, const GPtrArray *own,
                    GPtrArray *failed)
{
    g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
    g_array_set_clear_func(candidates, candidate_clear);
    Reader reader = {report, length, own, candidates, false, false, false};
    scan(&reader);
    Tier tier;
    if (best_tier(&reader, &tier))
        take_tier(&reader, tier, failed);
}

char *
dsn_text_status_of(const char *report, const char *addr_spec)
{
    enum { SAID_MAX_BYTES = 600 };
    g_autofree char *key = g_ascii_strdown(addr_spec, -1);
    const char *found = strstr(report, key);
    if (found == NULL)
        return NULL;
    size_t length = strnlen(found, SAID_MAX_BYTES), end = 0;
    do /* lines that are indented go on */
        end = header_next_line(found, length, end);
    while (end < length && (found[end] == ' ' || found[end] == '\t'));
    return dsn_words_status(found, end);
}

char *
dsn_text_lone_name(const char *report, size_t length)
{
    bool is_announced = false;
    size_t offset = 0;
    for (int count = 0; offset < length && count < LINES_MAX; count++) {
        size_t next = header_next_line(report, length, offset);
        g_autofree char *line = g_strstrip(
            g_strndup(report + offset, MIN(next - offset, LINE_MAX_BYTES)));
        size_t n = strlen(line), local = 0;
        while (local < n && is_local_byte(line[local]))
            local++;
        if (is_announced && n > 0)
            return local == n ? g_steal_pointer(&line) : NULL;
        is_announced |=
            n > 0 && line[n - 1] == ':' && dsn_words_tell_failure(line, n);
        offset = next;
    }
    return NULL;
}

/* True if the line at `offset`, or the written one above it, tells of failure.
 */
static bool
is_told_at(const char *report, size_t length, size_t offset)
{
    size_t end = header_next_line(report, length, offset), start = offset;
    if (dsn_words_tell_failure(report + offset, end - offset) ||
        dsn_words_reply_class(report + offset, end - offset) != '\0')
        return true;
    while (start > 0 && g_ascii_isspace(report[start - 1]))
        start--;
    end = start;
    while (start > 0 && report[start - 1] != '\n')
        start--;
    return dsn_words_tell_failure(report + start, end - start);
}

bool
dsn_text_names_recipient(const char *report, size_t length,
                         const GPtrArray *own)
{
    g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
    g_array_set_clear_func(candidates, candidate_clear);
    Reader reader = {report, length, own, candidates, false, false, false};
    scan(&reader);
    for (guint i = 0; i < candidates->len; i++) {
        const Candidate *candidate = &g_array_index(candidates, Candidate, i);
        if (candidate->tier == TIER_LINE &&
            !is_own(own, candidate->addr_spec) &&
            is_told_at(report, length, candidate->offset))
            return true;
    }
    return false;
}
