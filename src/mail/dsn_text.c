#include "mail/dsn_text.h"

#include <string.h>

#include "base/text.h"
#include "mail/address.h"
#include "mail/dsn.h"
#include "mail/header.h"

enum {
    LINES_MAX = 500,       /* of a report that are read */
    LINE_MAX_BYTES = 2000, /* of one of them */
    PHRASE_BYTES = 8192    /* searched for the words of failure */
};

/* In lower case. Reports say one of these in the subject or the first lines. */
static const char *const failure_words[] = {
    "could not be delivered",
    "couldn't be delivered",
    "can't be delivered",
    "cannot be delivered",
    "can not be delivered",
    "could not deliver",
    "couldn't deliver",
    "cannot deliver",
    "not be delivered",
    "not deliverable",
    "undeliverable",
    "undelivered",
    "undeliver",
    "unable to deliver",
    "not able to deliver",
    "wasn't able to deliver",
    "unable to send",
    "failed to deliver",
    "fail to deliver",
    "delivery failure",
    "delivery has failed",
    "delivery failed",
    "delivery fail",
    "delivery error",
    "failure delivery",
    "failure notice",
    "failure notification",
    "failed permanently",
    "permanent fatal error",
    "permanent failure",
    "permanent error",
    "fatal error",
    "returned mail",
    "returned to sender",
    "returning message to sender",
    "return to sender",
    "mail returned",
    "message returned",
    "returned message",
    "returned email",
    "not delivered",
    "wasn't delivered",
    "hasn't been delivered",
    "has not been delivered",
    "delivery status notification",
    "delivery notification",
    "delivery report",
    "nondeliverable",
    "non-delivery",
    "nondelivery",
    "non delivery",
    "delivery problem",
    "trouble delivering",
    "error delivering",
    "problem delivering",
    "error sending your mail",
    "did not reach",
    "could not be reached",
    "couldn't be sent",
    "could not be sent",
    "wasn't sent",
    "unknown recipient",
    "unknown user",
    "user unknown",
    "invalid recipient",
    "invalid user",
    "no such user",
    "no such recipient",
    "recipient not found",
    "unknown address",
    "address not found",
    "user not found",
    "mailbox not found",
    "mailbox is full",
    "mailbox full",
    "over quota",
    "quota exceeded",
    "mail system error",
    "mail failure",
    "mail error",
    "mail delivery failed",
    "delivery delayed",
    "delivery delay",
    "delayed mail",
    "message delayed",
    "mail delayed",
    "has been delayed",
    "is delayed",
    "still being retried",
    "warning: message",
    "warning: could not send",
    "could not send message",
    "cannot send message",
    "message undelivered",
    "message rejected",
    "was rejected",
    "mail rejected",
    "bounced",
    "\"bounce\"",
    "\\\"bounce\\\"",
    "transcript of session follows",
    "not a member",
    "not member",
    "account is disabled",
    "relaying denied",
    /* it */
    "non è stato recapitato",
    "mancata consegna",
    "non consegnato",
    "impossibile recapitare",
    "messaggio non recapitabile",
    "non è stato possibile consegnare",
    "mancato recapito",
    /* uk, ru */
    "не доставлено",
    "не може бути доставлен",
    "не вдалося доставити",
    "недоставлен",
    "не было доставлено",
    "не может быть доставлен",
    "не удалось доставить",
    "не доставлен",
    "невозможно доставить",
    /* de */
    "unzustellbar",
    "nicht zugestellt",
    "konnte nicht zugestellt",
    "nicht zustellbar",
    "zustellung fehlgeschlagen",
    "fehlgeschlagen",
    "konnte nicht übermittelt",
    "unzustellbarkeit",
    "übermittlung der nachricht",
    /* fr */
    "non remis",
    "n'a pas pu être remis",
    "n'a pas pu être distribué",
    "échec de remise",
    "non distribuable",
    "non délivré",
    "non livré",
    "échec de la remise",
    "notification d'échec",
    /* es, pt */
    "no se pudo entregar",
    "no se ha podido entregar",
    "no entregado",
    "no se puede entregar",
    "no ha podido ser entregado",
    "devuelto al remitente",
    "error de entrega",
    "não foi possível entregar",
    "não pôde ser entregue",
    "não entregue",
    "falha na entrega",
    "não foi entregue",
    /* nl */
    "niet bezorgd",
    "onbestelbaar",
    "kan niet worden bezorgd",
    "niet worden afgeleverd",
    "kon niet worden afgeleverd",
    /* pl, cs */
    "nie można dostarczyć",
    "nie dostarczono",
    "niedostarczona",
    "nie mogła zostać dostarczona",
    "niemożliwe do dostarczenia",
    "nedoručitelné",
    "nelze doručit",
    "nebylo možné doručit",
    "nedoručiteľné",
    /* sv, da, no, fi */
    "kunde inte levereras",
    "går inte att leverera",
    "oläverbart",
    "kunne ikke leveres",
    "ikke leveret",
    "ikke levert",
    "kan ikke leveres",
    "ei voitu toimittaa",
    "toimitus epäonnistui",
    "toimittaminen ei onnistunut",
    /* tr, hu, ro, el */
    "teslim edilemedi",
    "iletilemedi",
    "kézbesíthetetlen",
    "nem kézbesíthető",
    "nu a putut fi livrat",
    "δεν ήταν δυνατή η παράδοση",
    /* ja, zh, ko */
    "送信できませんでした",
    "配信できませんでした",
    "配送できませんでした",
    "お届けできません",
    "配信不能",
    "配送不能",
    "送信エラー",
    "メールエラー",
    "エラー通知",
    "送信に失敗",
    "配信に失敗",
    "送れませんでした",
    "エラーのため",
    "無法傳遞",
    "無法送達",
    "退信",
    "无法送达",
    "无法投递",
    "投递失败",
    "发送失败",
    "未送達",
    "被退回",
    "傳送失敗",
    "배달하지 못했",
    "전송 실패",
    "발송 실패",
    "전송되지",
};

static const char *const delay_words[] = {
    "delivery delayed",
    "delivery delay",
    "delayed mail",
    "has been delayed",
    "is delayed",
    "message delayed",
    "mail delayed",
    "still being retried",
    "(delay)",
    "delivery status notification (delay)",
    "will be retried",
    "will continue to",
    "will keep trying",
    "will retry",
    "not need to resend",
    "no action is required",
    "temporary problem",
    "temporary failure",
    "has not yet been delivered",
    "not yet been delivered",
    "warning message only",
    "this is a warning",
    "verzögert",
    "задержан",
    "затримано",
    "in ritardo",
    "retardé",
    "retrasado",
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

/* Lower case, line ends as spaces: words may be wrapped anywhere. */
static char *
fold(const char *text, size_t length)
{
    length = MIN(length, text_cut_bytes(text, PHRASE_BYTES));
    g_autofree char *part = g_utf8_strdown(text, (gssize)length);
    GString *out = g_string_sized_new(strlen(part) + 1);
    for (const char *p = part; *p != '\0'; p++)
        if (!g_ascii_isspace(*p))
            g_string_append_c(out, *p);
        else if (out->len > 0 && out->str[out->len - 1] != ' ')
            g_string_append_c(out, ' ');
    return g_string_free(out, FALSE);
}

bool
dsn_text_tells_failure(const char *text, size_t length)
{
    g_autofree char *folded = fold(text, length);
    return has_any(folded, failure_words, G_N_ELEMENTS(failure_words));
}

bool
dsn_text_tells_delay(const char *text, size_t length)
{
    g_autofree char *folded = fold(text, length);
    return has_any(folded, delay_words, G_N_ELEMENTS(delay_words));
}

/* "--- Below this line is a copy of the message." and the like. */
static bool
is_separator(const char *line, size_t length)
{
    static const char *const plain[] = {
        "original message follows", "copy of the message",
        "copy of the original",     "copy of your message",
        "copy of the undelivered",  "message headers follow",
        "header of the original",   "headers of the original",
        "unsent message follows",   "message header follows",
        "message text follows",     "original message headers",
        "original mail header",     "original message header"};
    static const char *const dashed[] = {"original m", "returned m",
                                         "unsent m",   "message header",
                                         "failed m",   "bounced m"};
    length = MIN(length, LINE_MAX_BYTES);
    g_autofree char *lower = g_ascii_strdown(line, (gssize)length);
    bool has_dashes = strstr(lower, "---") != NULL;
    return has_any(lower, plain, G_N_ELEMENTS(plain)) ||
           (has_dashes && has_any(lower, dashed, G_N_ELEMENTS(dashed)));
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
        if (is_separator(p, length) || is_header_line(p, length, next))
            break;
        p = next;
    }
    return (size_t)(p - text);
}

/* Length of the status "5.1.1" at `p`; 0 if there is none. */
static size_t
status_at(const char *start, const char *p, const char *end)
{
    if (strchr("245", *p) == NULL || end - p < 5 || p[1] != '.' ||
        !g_ascii_isdigit(p[2]) || p[3] != '.' || !g_ascii_isdigit(p[4]))
        return 0;
    if (p > start && (g_ascii_isalnum(p[-1]) || p[-1] == '.'))
        return 0;
    size_t n = 5;
    while (p + n < end && n < 7 && g_ascii_isdigit(p[n]))
        n++;
    bool goes_on = p + n < end &&
                   (g_ascii_isalnum(p[n]) || (p[n] == '.' && p + n + 1 < end &&
                                              g_ascii_isdigit(p[n + 1])));
    return goes_on ? 0 : n;
}

char *
dsn_text_status(const char *text, size_t length)
{
    const char *end = text + length;
    char *vague = NULL;
    for (const char *p = text; p < end; p++) {
        size_t n = g_ascii_isdigit(*p) ? status_at(text, p, end) : 0;
        if (n == 0)
            continue;
        bool is_vague = n == 5 && memcmp(p + 1, ".0.0", 4) == 0;
        if (!is_vague && *p != '2') {
            g_free(vague);
            return g_strndup(p, n);
        }
        if (vague == NULL && *p != '2')
            vague = g_strndup(p, n);
    }
    return vague;
}

char
dsn_text_reply_class(const char *text, size_t length)
{
    const char *end = text + length;
    for (const char *p = text; p + 3 <= end; p++) {
        if ((*p != '4' && *p != '5') || p[1] < '0' || p[1] > '5' ||
            !g_ascii_isdigit(p[2]))
            continue;
        bool starts = p == text || (!g_ascii_isalnum(p[-1]) && p[-1] != '.' &&
                                    p[-1] != '@' && p[-1] != '=');
        bool ends = p + 3 == end || strchr(" -:#\n\t,;)]<\"", p[3]) != NULL;
        if (starts && ends)
            return *p;
    }
    return '\0';
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
    bool is_announced;  /* the line above ended with ":" */
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

static Tier
tier_of(const char *line, size_t length, const char *lower, const char *start,
        const char *stop, bool is_announced)
{
    if (stands_alone(line, start, stop, line + length))
        return TIER_LINE;
    bool tells = has_any(lower, failure_words, G_N_ELEMENTS(failure_words)) ||
                 dsn_text_reply_class(line, length) != '\0';
    g_autofree char *status = dsn_text_status(line, length);
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
        if (spec != NULL) {
            Candidate candidate = {spec,
                                   tier_of(line, (size_t)(end - line), lower,
                                           start, stop, reader->is_announced),
                                   (size_t)(line - reader->report)};
            g_array_append_val(reader->candidates, candidate);
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
best_tier(const Reader *reader, bool allows_own, Tier *ret_tier)
{
    bool found = false;
    *ret_tier = TIER_ANY;
    for (guint i = 0; i < reader->candidates->len; i++) {
        const Candidate *candidate =
            &g_array_index(reader->candidates, Candidate, i);
        if (!allows_own && is_own(reader->own, candidate->addr_spec))
            continue;
        found = true;
        *ret_tier = MAX(*ret_tier, candidate->tier);
    }
    return found;
}

/* What the report says about the recipient named at `offset`. */
static void
judge(const Reader *reader, size_t offset, size_t end, DsnRecipient *recipient)
{
    const char *block = reader->report + offset;
    size_t length = end - offset;
    recipient->status = dsn_text_status(block, length);
    char class = dsn_text_reply_class(block, length);
    if (recipient->status == NULL && class == '\0') {
        recipient->status = dsn_text_status(reader->report, reader->length);
        class = dsn_text_reply_class(reader->report, reader->length);
    }
    if (recipient->status == NULL)
        recipient->status = g_strdup("");
    else
        class = *recipient->status;
    recipient->permanent =
        class != '\0' ? class == '5'
                      : !dsn_text_tells_delay(reader->report, reader->length);
}

static void
take_tier(const Reader *reader, Tier tier, bool allows_own, GPtrArray *failed)
{
    g_autoptr(GArray) offsets = g_array_new(FALSE, FALSE, sizeof(size_t));
    guint first = failed->len;
    for (guint i = 0; i < reader->candidates->len; i++) {
        const Candidate *candidate =
            &g_array_index(reader->candidates, Candidate, i);
        if (candidate->tier != tier ||
            (!allows_own && is_own(reader->own, candidate->addr_spec)) ||
            is_known(failed, candidate->addr_spec))
            continue;
        DsnRecipient *recipient = g_new0(DsnRecipient, 1);
        recipient->addr_spec = g_strdup(candidate->addr_spec);
        g_ptr_array_add(failed, recipient);
        g_array_append_val(offsets, candidate->offset);
    }
    for (guint i = 0; i < offsets->len; i++) {
        size_t offset = g_array_index(offsets, size_t, i);
        size_t end = i + 1 < offsets->len
                         ? g_array_index(offsets, size_t, i + 1)
                         : reader->length;
        judge(reader, offset, MAX(end, offset), failed->pdata[first + i]);
    }
}

void
dsn_text_recipients(const char *report, size_t length, const GPtrArray *own,
                    GPtrArray *failed)
{
    g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
    g_array_set_clear_func(candidates, candidate_clear);
    Reader reader = {report, length, own, candidates, false};
    size_t offset = 0;
    for (int count = 0; offset < length && count < LINES_MAX; count++) {
        size_t next = header_next_line(report, length, offset);
        size_t n = next - offset;
        if (n > 0 && report[next - 1] == '\n')
            n--;
        read_line(&reader, report + offset, n);
        while (n > 0 && g_ascii_isspace(report[offset + n - 1]))
            n--;
        if (n > 0)
            reader.is_announced = report[offset + n - 1] == ':';
        offset = next;
    }
    Tier tier;
    if (best_tier(&reader, false, &tier))
        take_tier(&reader, tier, false, failed);
    else if (best_tier(&reader, true, &tier))
        take_tier(&reader, tier, true, failed);
}
