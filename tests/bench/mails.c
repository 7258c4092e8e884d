#include "mails.h"

#include <stdbool.h>
#include <string.h>

#include "chance.h"
#include "encode.h"
#include "prose.h"
#include "tongue.h"

enum {
    ANSWERS_IN_100 = 20,
    GAP = 200,    /* an answer comes later than its parent is read */
    REACH = 3000, /* an answer is at most so many mails behind */
    REFERENCES_MAX = 10,
    PLAIN_BELOW = 2500, /* octets: where the shapes change */
    ATTACHED_FROM = 30000,
    HEADER_BYTES = 700, /* about */
    SIGNATURE_BYTES = 550,
    FIRST_DATE_S = 1795255200
};

typedef struct {
    uint64_t seed;
    uint64_t index;
    uint64_t root; /* the first mail of this conversation: who writes */
    const Tongue *tongue;
    const char *charset;
    Chance chance;
    gsize budget; /* octets that are left to write */
    GString *out;
} Draft;

/* ---- what a mail is ---- */

/* How many of a thousand mails are to be at most so large; they come out a
 * little larger. */
static const struct {
    unsigned permille;
    unsigned octets;
} sizes[] = {{0, 1100},     {100, 1600},    {250, 2300},  {500, 5100},
             {750, 14500},  {900, 40000},   {960, 85000}, {985, 210000},
             {995, 460000}, {1000, 1040000}};

static gsize
size_of(Chance *chance)
{
    uint64_t at = chance_below(chance, 1000000);
    size_t i = 1;
    while (at >= (uint64_t)sizes[i].permille * 1000)
        i++;
    uint64_t from = (uint64_t)sizes[i - 1].permille * 1000;
    uint64_t width = (uint64_t)sizes[i].permille * 1000 - from;
    uint64_t rise = sizes[i].octets - sizes[i - 1].octets;
    return (gsize)(sizes[i - 1].octets + rise * (at - from) / width);
}

static bool
parent_of(uint64_t seed, uint64_t index, uint64_t *ret_parent)
{
    Chance chance = chance_for(seed, index, CHANCE_PARENT);
    if (index <= GAP || chance_below(&chance, 100) >= ANSWERS_IN_100)
        return false;
    *ret_parent =
        index - GAP - chance_below(&chance, MIN(index - GAP, (uint64_t)REACH));
    return true;
}

static const Tongue *
tongue_of(Chance *chance)
{
    uint64_t at = chance_below(chance, 100);
    size_t i = 0;
    while (i + 1 < tongue_count && at >= tongues[i].share)
        at -= tongues[i++].share;
    return &tongues[i];
}

static const char *
charset_of(const Tongue *tongue, Chance *chance)
{
    size_t n = 0;
    while (tongue->charsets[n] != NULL)
        n++;
    if (n == 0)
        return chance_below(chance, 2) == 0 ? "us-ascii" : "utf-8";
    if (chance_below(chance, 3) != 0)
        return "utf-8";
    return tongue->charsets[chance_below(chance, n)];
}

static char *
address_of(uint64_t seed, uint64_t root)
{
    Chance chance = chance_for(seed, root, CHANCE_IDENTITY);
    return g_strdup_printf("c%" G_GUINT64_FORMAT ".%04x@mail%u.test", root,
                           (unsigned)chance_below(&chance, 0x10000),
                           (unsigned)chance_below(&chance, 40));
}

static void
append_id(GString *out, uint64_t seed, uint64_t index)
{
    Chance chance = chance_for(seed, index, CHANCE_IDENTITY);
    g_string_append_printf(
        out, "<%016" G_GINT64_MODIFIER "x.%" G_GUINT64_FORMAT "@mua.test>",
        chance_next(&chance), index);
}

/* ---- header ---- */

static void
append_random(GString *out, Chance *chance, gsize characters)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789+/";
    while (characters > 0) {
        uint64_t bits = chance_next(chance);
        for (int i = 0; i < 10 && characters > 0; i++, characters--) {
            g_string_append_c(out, alphabet[bits & 63]);
            bits >>= 6;
        }
    }
}

static void
append_date(GString *out, const char *field, int64_t at_s)
{
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(at_s);
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu",
                                       "Fri", "Sat", "Sun"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr",
                                         "May", "Jun", "Jul", "Aug",
                                         "Sep", "Oct", "Nov", "Dec"};
    g_string_append_printf(
        out, "%s%s, %d %s %d %02d:%02d:%02d +0000\r\n", field,
        days[g_date_time_get_day_of_week(date) - 1],
        g_date_time_get_day_of_month(date),
        months[g_date_time_get_month(date) - 1], g_date_time_get_year(date),
        g_date_time_get_hour(date), g_date_time_get_minute(date),
        g_date_time_get_second(date));
}

/* Two hops, and for larger mails what providers add. */
static void
append_trace(Draft *draft, int64_t at_s, bool signature)
{
    GString *out = draft->out;
    for (int hop = 2; hop > 0; hop--) {
        g_string_append_printf(
            out,
            "Received: from mx%d.mail.test (mx%d.mail.test [192.0.2.%d])\r\n"
            "\tby mx%d.mail.test (Postfix) with ESMTPS id ",
            hop, hop, hop, hop + 1);
        append_random(out, &draft->chance, 11);
        append_date(out, ";\r\n\t", at_s + hop);
    }
    if (!signature)
        return;
    g_string_append(out, "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;"
                         " d=mail.test; s=s1;\r\n"
                         "\th=from:to:subject:date:message-id; bh=");
    append_random(out, &draft->chance, 43);
    g_string_append(out, "=;\r\n\tb=");
    for (int i = 0; i < 5; i++) {
        append_random(out, &draft->chance, 68);
        g_string_append(out, "\r\n\t ");
    }
    append_random(out, &draft->chance, 2);
    g_string_append(out, "==\r\n");
}

static void
append_references(Draft *draft)
{
    uint64_t chain[REFERENCES_MAX], at = draft->index;
    size_t n = 0;
    while (n < REFERENCES_MAX && parent_of(draft->seed, at, &at))
        chain[n++] = at;
    if (n == 0)
        return;
    g_string_append(draft->out, "In-Reply-To: ");
    append_id(draft->out, draft->seed, chain[0]);
    g_string_append(draft->out, "\r\nReferences:");
    while (n-- > 0) {
        g_string_append_c(draft->out, ' ');
        append_id(draft->out, draft->seed, chain[n]);
        g_string_append(draft->out, "\r\n");
    }
}

static void
append_header(Draft *draft, const char *sender, bool large)
{
    GString *out = draft->out;
    const Tongue *tongue = draft->tongue;
    Chance person = chance_for(draft->seed, draft->root, CHANCE_PERSON);
    int64_t at_s = FIRST_DATE_S + (int64_t)draft->index;
    append_trace(draft, at_s, large);
    g_autofree char *name = g_strdup_printf(
        "%s %s", tongue->given[chance_below(&person, TONGUE_NAMES)],
        tongue->family[chance_below(&person, TONGUE_NAMES)]);
    g_string_append(out, "From: ");
    encode_words(out, name, draft->charset);
    g_string_append_printf(out, " <%s>\r\nTo: Support <support@desk.test>\r\n",
                           sender);
    g_string_append_printf(out, "Subject: %s",
                           draft->root == draft->index ? "" : "Re: ");
    encode_words(out, tongue->subjects[chance_below(&person, TONGUE_SUBJECTS)],
                 draft->charset);
    g_string_append(out, "\r\nMessage-ID: ");
    append_id(out, draft->seed, draft->index);
    append_date(out, "\r\nDate: ", at_s);
    append_references(draft);
    g_string_append_printf(out,
                           "Content-Language: %s\r\nMIME-Version: 1.0\r\n"
                           "User-Agent: Sample Mail 1.0\r\n",
                           tongue->language);
}

/* ---- body ---- */

typedef enum { BIT7, BIT8, QUOTED_PRINTABLE, BASE64 } Transfer;

static const char *const transfer_names[] = {"7bit", "8bit", "quoted-printable",
                                             "base64"};

/* What mail programs choose for this charset. */
static Transfer
transfer_for(Draft *draft)
{
    uint64_t at = chance_below(&draft->chance, 10);
    if (strcmp(draft->charset, "us-ascii") == 0)
        return at < 7 ? BIT7 : QUOTED_PRINTABLE;
    if (strcmp(draft->charset, "iso-2022-jp") == 0)
        return BIT7;
    if (at < 3)
        return BIT8;
    bool mostly_ascii = g_ascii_isalpha(draft->tongue->sentences[0][0]);
    return at < (mostly_ascii ? 8 : 5) ? QUOTED_PRINTABLE : BASE64;
}

/* How much the text grows on its way, in tenths. */
static gsize
growth(const Draft *draft, Transfer transfer)
{
    bool mostly_ascii = g_ascii_isalpha(draft->tongue->sentences[0][0]);
    bool utf8 = strcmp(draft->charset, "utf-8") == 0;
    gsize charset = mostly_ascii || utf8 ? 10 : 6;
    switch (transfer) {
    case BASE64:
        return charset * 137 / 100;
    case QUOTED_PRINTABLE:
        return charset * (mostly_ascii ? 106 : 260) / 100;
    case BIT7:
    case BIT8:
        return charset;
    }
    g_assert_not_reached();
}

static void
append_encoded(GString *out, Transfer transfer, const char *bytes, gsize length)
{
    switch (transfer) {
    case BASE64:
        encode_base64(out, bytes, length);
        return;
    case QUOTED_PRINTABLE:
        encode_quoted_printable(out, bytes, length);
        return;
    case BIT7:
    case BIT8:
        g_string_append_len(out, bytes, (gssize)length);
        return;
    }
}

/* A text part of about `octets` with the fields that describe it. */
static void
append_text(Draft *draft, const char *subtype, gsize octets)
{
    Transfer transfer = transfer_for(draft);
    gsize want = octets * 10 / growth(draft, transfer);
    bool html = strcmp(subtype, "html") == 0;
    g_autoptr(GString) text =
        html ? prose_html(draft->tongue, &draft->chance, want, draft->charset)
        : draft->root != draft->index
            ? prose_answer(draft->tongue, &draft->chance, want)
            : prose_text(draft->tongue, &draft->chance, want);
    gsize length;
    g_autofree char *bytes = encode_charset(text->str, draft->charset, &length);
    g_string_append_printf(draft->out,
                           "Content-Type: text/%s; charset=%s\r\n"
                           "Content-Transfer-Encoding: %s\r\n\r\n",
                           subtype, draft->charset, transfer_names[transfer]);
    append_encoded(draft->out, transfer, bytes, length);
}

static char *
begin_multipart(Draft *draft, const char *subtype)
{
    char *boundary = g_strdup_printf("=_%s_%016" G_GINT64_MODIFIER "x", subtype,
                                     chance_next(&draft->chance));
    g_string_append_printf(draft->out,
                           "Content-Type: multipart/%s;\r\n"
                           " boundary=\"%s\"\r\n\r\n",
                           subtype, boundary);
    return boundary;
}

static void
append_alternative(Draft *draft, gsize octets)
{
    g_autofree char *boundary = begin_multipart(draft, "alternative");
    g_string_append_printf(draft->out, "--%s\r\n", boundary);
    append_text(draft, "plain", octets / 5);
    g_string_append_printf(draft->out, "\r\n--%s\r\n", boundary);
    append_text(draft, "html", octets - octets / 5);
    g_string_append_printf(draft->out, "\r\n--%s--\r\n", boundary);
}

/* Pictures and documents are compressed: random to whoever packs them. */
static void
append_file(Draft *draft, gsize octets)
{
    static const char *const types[][2] = {{"image/jpeg", "jpg"},
                                           {"application/pdf", "pdf"},
                                           {"image/png", "png"},
                                           {"text/plain", "log"}};
    uint64_t kind = chance_below(&draft->chance, G_N_ELEMENTS(types));
    g_string_append_printf(
        draft->out,
        "Content-Type: %s; name=\"file-%u.%s\"\r\n"
        "Content-Disposition: attachment; filename=\"file-%u.%s\"\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n",
        types[kind][0], (unsigned)kind, types[kind][1], (unsigned)kind,
        types[kind][1]);
    if (strcmp(types[kind][1], "log") == 0) {
        g_autoptr(GString) log = prose_log(&draft->chance, octets * 73 / 100);
        encode_base64(draft->out, log->str, log->len);
        return;
    }
    for (gsize lines = octets / 78 + 1; lines > 0; lines--) {
        append_random(draft->out, &draft->chance, 76);
        g_string_append(draft->out, "\r\n");
    }
}

static void
append_mixed(Draft *draft)
{
    g_autofree char *boundary = begin_multipart(draft, "mixed");
    gsize most = 1500 + (gsize)chance_below(&draft->chance, 12000);
    gsize words = MIN(draft->budget / 3, most);
    uint64_t files = 1 + chance_below(&draft->chance, 3);
    g_string_append_printf(draft->out, "--%s\r\n", boundary);
    if (chance_below(&draft->chance, 2) == 0)
        append_alternative(draft, words);
    else
        append_text(draft, "plain", words);
    for (uint64_t i = 0; i < files; i++) {
        g_string_append_printf(draft->out, "\r\n--%s\r\n", boundary);
        append_file(draft, (draft->budget - words) / files);
    }
    g_string_append_printf(draft->out, "\r\n--%s--\r\n", boundary);
}

static void
append_body(Draft *draft)
{
    uint64_t at = chance_below(&draft->chance, 100);
    if (draft->budget < PLAIN_BELOW ? at < 90
                                    : draft->budget < ATTACHED_FROM && at < 25)
        append_text(draft, "plain", draft->budget);
    else if (draft->budget < ATTACHED_FROM && at < 40)
        append_text(draft, "html", draft->budget);
    else if (at < (draft->budget < ATTACHED_FROM ? 85U : 10U))
        append_alternative(draft, draft->budget);
    else if (draft->budget < PLAIN_BELOW)
        append_text(draft, "html", draft->budget);
    else
        append_mixed(draft);
}

BenchMail *
bench_mail_new(uint64_t seed, uint64_t index)
{
    uint64_t root = index;
    while (parent_of(seed, root, &root))
        continue;
    Chance person = chance_for(seed, root, CHANCE_PERSON);
    Draft draft = {.seed = seed, .index = index, .root = root};
    draft.chance = chance_for(seed, index, CHANCE_CONTENT);
    draft.tongue = tongue_of(&person);
    draft.charset = charset_of(draft.tongue, &draft.chance);
    gsize size = size_of(&draft.chance);
    bool large = size >= PLAIN_BELOW;
    gsize header = large ? HEADER_BYTES + SIGNATURE_BYTES : HEADER_BYTES;
    draft.budget = size - MIN(size - 200, header);
    draft.out = g_string_sized_new(size + size / 4 + 4096);
    BenchMail *mail = g_new0(BenchMail, 1);
    mail->sender = address_of(seed, root);
    append_header(&draft, mail->sender, large);
    append_body(&draft);
    mail->bytes = draft.out;
    return mail;
}

void
bench_mail_free(BenchMail *mail)
{
    if (mail == NULL)
        return;
    g_free(mail->sender);
    g_string_free(mail->bytes, TRUE);
    g_free(mail);
}
