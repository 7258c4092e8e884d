/* Conversations with the LMTP session: bytes in; replies and mails out. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "transport/lmtp_session.h"

/* What a desk made of glass does with what the session gives it. */
typedef struct {
    GString *content;
    GString *mails;     /* one line a mail */
    int64_t disk_bytes; /* content beyond this cannot be kept */
    int discards;
} Desk;

static void
desk_recipient(void *context, const LmtpRecipient *recipient,
               LmtpReply *ret_reply)
{
    (void)context;
    if (g_str_has_prefix(recipient->addr_spec, "unknown"))
        *ret_reply = (LmtpReply){550, "5.1.1", "no such address"};
    else if (g_str_has_prefix(recipient->addr_spec, "later"))
        *ret_reply = (LmtpReply){451, "4.3.0", "later"};
    else if (!g_str_has_prefix(recipient->addr_spec, "silent"))
        *ret_reply = (LmtpReply){250, "2.1.5", "ok"};
}

static bool
desk_content(void *context, const char *bytes, size_t length)
{
    Desk *desk = context;
    if ((int64_t)(desk->content->len + length) > desk->disk_bytes)
        return false;
    g_string_append_len(desk->content, bytes, (gssize)length);
    return true;
}

static void
desk_discard(void *context)
{
    Desk *desk = context;
    desk->discards++;
    g_string_truncate(desk->content, 0);
}

static void
append_escaped(GString *out, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\r')
            g_string_append(out, "\\r");
        else if (bytes[i] == '\n')
            g_string_append(out, "\\n");
        else if (bytes[i] == '\0')
            g_string_append(out, "\\0");
        else
            g_string_append_c(out, bytes[i]);
    }
}

static void
desk_mail(void *context, const LmtpEnvelope *envelope, LmtpReply *ret_replies)
{
    Desk *desk = context;
    GString *mails = desk->mails;
    g_string_append_printf(mails, "<%s>", envelope->envelope_sender);
    for (guint i = 0; i < envelope->recipients->len; i++) {
        const LmtpRecipient *recipient = envelope->recipients->pdata[i];
        g_string_append_printf(mails, " %s", recipient->addr_spec);
        if (*recipient->queue != '\0')
            g_string_append_printf(mails, "(%s)", recipient->queue);
        if (!g_str_has_prefix(recipient->addr_spec, "forgotten"))
            ret_replies[i] = (LmtpReply){250, "2.0.0", "stored"};
    }
    if (*envelope->mta_queue_id != '\0')
        g_string_append_printf(mails, " id=%s", envelope->mta_queue_id);
    if (envelope->from_pipe)
        g_string_append(mails, " pipe");
    g_string_append(mails, ": ");
    append_escaped(mails, desk->content->str, desk->content->len);
    g_string_append_c(mails, '\n');
    g_string_truncate(desk->content, 0);
}

static const LmtpHandlers handlers = {desk_recipient, desk_content, desk_mail,
                                      desk_discard};

static const LmtpLimits limits = {
    .mail_bytes = 100, .recipients = 3, .command_line_bytes = 80, .errors = 4};

/*
 * "250-a\r\n250 b\r\n550 5.1.1 c\r\n" as "250 550/5.1.1": what a program looks
 * at.
 */
static char *
summary(const GString *replies)
{
    GString *out = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(replies->str, "\r\n", -1);
    for (size_t i = 0; lines[i] != NULL && *lines[i] != '\0'; i++) {
        const char *line = lines[i];
        ck_assert_uint_gt(strlen(line), 3);
        if (line[3] == '-')
            continue;
        if (out->len > 0)
            g_string_append_c(out, ' ');
        g_string_append_len(out, line, 3);
        if (g_ascii_isdigit(line[4]) && line[5] == '.')
            g_string_append_printf(out, "/%.5s", line + 4);
    }
    return g_string_free(out, FALSE);
}

typedef struct {
    char *replies; /* a summary() */
    char *mails;
    bool open;
    int discards;
} Outcome;

static void
outcome_clear(Outcome *outcome)
{
    g_free(outcome->replies);
    g_free(outcome->mails);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Outcome, outcome_clear)

/* Give `input` to a fresh session in pieces of `step` bytes. */
static Outcome
converse(const char *input, size_t length, size_t step, int64_t disk_bytes)
{
    Desk desk = {g_string_new(NULL), g_string_new(NULL), disk_bytes, 0};
    g_autoptr(GString) out = g_string_new(NULL);
    Outcome outcome = {.open = true};
    LmtpSession *session =
        lmtp_session_new("desk.example", &limits, &handlers, &desk);
    for (size_t i = 0; i < length; i += step) {
        size_t n = MIN(step, length - i);
        /* In memory of its own: reading beyond it is found. */
        g_autofree char *piece = g_memdup2(input + i, n);
        outcome.open = lmtp_session_feed(session, piece, n, out);
    }
    lmtp_session_free(session);
    outcome.replies = summary(out);
    outcome.mails = g_string_free(desk.mails, FALSE);
    outcome.discards = desk.discards;
    g_string_free(desk.content, TRUE);
    return outcome;
}

typedef struct {
    const char *name;
    const char *input; /* behind LHLO */
    size_t length;
    const char *replies;
    const char *mails;
} Row;

#define ROW(name, input, replies, mails)                                       \
    {                                                                          \
        name, input, sizeof input - 1, replies, mails                          \
    }
#define MAIL "MAIL FROM:<a@x>\r\n"
#define RCPT "RCPT TO:<b@y>\r\n"
#define BEGIN MAIL RCPT "DATA\r\n"
#define BEGUN "250/2.1.0 250/2.1.5 354"
#define DONE BEGUN " 250/2.0.0"

static const Row mails[] = {
    ROW("a mail", BEGIN "S: x\r\n\r\nhi\r\n.\r\n", DONE,
        "<a@x> b@y: S: x\\r\\n\\r\\nhi\\r\\n\n"),
    ROW("an empty mail", BEGIN ".\r\n", DONE, "<a@x> b@y: \n"),
    ROW("two mails in one flight", BEGIN "1\r\n.\r\n" BEGIN "2\r\n.\r\n",
        DONE " " DONE, "<a@x> b@y: 1\\r\\n\n<a@x> b@y: 2\\r\\n\n"),
    ROW("the null reverse-path", "MAIL FROM:<>\r\n" RCPT "DATA\r\n.\r\n", DONE,
        "<> b@y: \n"),
    ROW("letters in any case, blanks forgiven",
        "mail from: <a@x>  \r\nRcpt To: <b@y>\r\ndata\r\n.\r\n", DONE,
        "<a@x> b@y: \n"),
    ROW("a reply for each recipient",
        MAIL RCPT "RCPT TO:<c@y>\r\nDATA\r\n.\r\n",
        "250/2.1.0 250/2.1.5 250/2.1.5 354 250/2.0.0 250/2.0.0",
        "<a@x> b@y c@y: \n"),
    ROW("no reply for a refused recipient",
        MAIL "RCPT TO:<unknown@y>\r\n" RCPT "DATA\r\n.\r\n",
        "250/2.1.0 550/5.1.1 250/2.1.5 354 250/2.0.0", "<a@x> b@y: \n"),
    ROW("what the handler leaves open is temporary",
        MAIL "RCPT TO:<silent@y>\r\nRCPT TO:<forgotten@y>\r\nDATA\r\n.\r\n",
        "250/2.1.0 451/4.3.0 250/2.1.5 354 451/4.3.0", "<a@x> forgotten@y: \n"),
    ROW("RSET forgets",
        BEGIN "x\r\n.\r\n" MAIL RCPT "RSET\r\nDATA\r\n" BEGIN ".\r\n",
        DONE " 250/2.1.0 250/2.1.5 250/2.0.0 503/5.5.1 " DONE,
        "<a@x> b@y: x\\r\\n\n<a@x> b@y: \n"),
    ROW("LHLO forgets", MAIL "LHLO c\r\n" BEGIN ".\r\n", "250/2.1.0 250 " DONE,
        "<a@x> b@y: \n"),
    ROW("small talk", "NOOP\r\nNOOP x y\r\nVRFY b\r\nRSET\r\nQUIT\r\n",
        "250/2.0.0 250/2.0.0 252/2.1.5 250/2.0.0 221/2.0.0", ""),
    ROW("nothing is heard behind QUIT", "QUIT\r\n" BEGIN ".\r\n", "221/2.0.0",
        ""),
    ROW("a mail that was not ended is none", BEGIN "half", BEGUN, ""),
};

/* Only CR LF "." CR LF is the end. */
static const Row dots[] = {
    ROW("LF . LF", BEGIN "a\n.\nb\r\n.\r\n", DONE,
        "<a@x> b@y: a\\n.\\nb\\r\\n\n"),
    ROW("LF . CR LF", BEGIN "a\n.\r\nb\r\n.\r\n", DONE,
        "<a@x> b@y: a\\n.\\r\\nb\\r\\n\n"),
    ROW("CR . CR", BEGIN "a\r.\rb\r\n.\r\n", DONE,
        "<a@x> b@y: a\\r.\\rb\\r\\n\n"),
    ROW("CR . CR LF", BEGIN "a\r.\r\n.\r\n", DONE, "<a@x> b@y: a\\r.\\r\\n\n"),
    ROW("CR LF . LF", BEGIN "a\r\n.\nb\r\n.\r\n", DONE,
        "<a@x> b@y: a\\r\\n\\nb\\r\\n\n"),
    ROW("CR LF . CR", BEGIN "a\r\n.\rb\r\n.\r\n", DONE,
        "<a@x> b@y: a\\r\\n\\rb\\r\\n\n"),
    ROW("CR LF . CR CR LF", BEGIN "a\r\n.\r\r\n.\r\n", DONE,
        "<a@x> b@y: a\\r\\n\\r\\r\\n\n"),
    ROW("CR LF . CR . CR LF", BEGIN "a\r\n.\r.\r\n.\r\n", DONE,
        "<a@x> b@y: a\\r\\n\\r.\\r\\n\n"),
    ROW("CR CR LF ends a line", BEGIN "a\r\r\n.\r\n", DONE,
        "<a@x> b@y: a\\r\\r\\n\n"),
    ROW("a dot in the first line", BEGIN ".a\r\n.\r\n", DONE,
        "<a@x> b@y: a\\r\\n\n"),
    ROW("two dots are one", BEGIN "..\r\n...\r\n.\r\n", DONE,
        "<a@x> b@y: .\\r\\n..\\r\\n\n"),
    ROW("dots inside a line", BEGIN "a.\r\nb..c\r\n.\r\n", DONE,
        "<a@x> b@y: a.\\r\\nb..c\\r\\n\n"),
    ROW("NUL", BEGIN "a\0b\r\n\0.\r\n.\r\n", DONE,
        "<a@x> b@y: a\\0b\\r\\n\\0.\\r\\n\n"),
    ROW("smuggled commands",
        BEGIN "a\n.\nMAIL FROM:<evil@x>\n.\r\nQUIT\r\n.\r\n", DONE,
        "<a@x> b@y: a\\n.\\nMAIL FROM:<evil@x>\\n.\\r\\nQUIT\\r\\n\n"),
};

static const Row chunks[] = {
    ROW("one chunk", MAIL RCPT "BDAT 4 LAST\r\na\r\nb",
        "250/2.1.0 250/2.1.5 250/2.0.0", "<a@x> b@y: a\\r\\nb\n"),
    ROW("dots and NUL are bytes like others",
        MAIL RCPT "BDAT 8 LAST\r\na\0\r\n.\r\n.",
        "250/2.1.0 250/2.1.5 250/2.0.0", "<a@x> b@y: a\\0\\r\\n.\\r\\n.\n"),
    ROW("three chunks, the last of nothing",
        MAIL RCPT "BDAT 1\r\naBDAT 2\r\nbcBDAT 0 LAST\r\n",
        "250/2.1.0 250/2.1.5 250/2.0.0 250/2.0.0 250/2.0.0",
        "<a@x> b@y: abc\n"),
    ROW("an empty mail", MAIL RCPT "BDAT 0 LAST\r\n",
        "250/2.1.0 250/2.1.5 250/2.0.0", "<a@x> b@y: \n"),
    ROW("a reply for each recipient behind LAST only",
        MAIL RCPT RCPT "BDAT 1\r\naBDAT 1 last\r\nb",
        "250/2.1.0 250/2.1.5 250/2.1.5 250/2.0.0 250/2.0.0 250/2.0.0",
        "<a@x> b@y b@y: ab\n"),
    ROW("content that looks like commands",
        MAIL RCPT "BDAT 12 LAST\r\nQUIT\r\nQUIT\r\nNOOP\r\n",
        "250/2.1.0 250/2.1.5 250/2.0.0 250/2.0.0",
        "<a@x> b@y: QUIT\\r\\nQUIT\\r\\n\n"),
    ROW("without MAIL the chunk is still read",
        "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", "503/5.5.1 250/2.0.0", ""),
    ROW("without a recipient too",
        MAIL "BDAT 6\r\nQUIT\r\nBDAT 1 LAST\r\nxNOOP\r\n",
        "250/2.1.0 503/5.5.1 503/5.5.1 250/2.0.0", ""),
    ROW("no recipient joins when content was lost",
        MAIL "BDAT 1\r\nx" RCPT "BDAT 1 LAST\r\ny",
        "250/2.1.0 503/5.5.1 503/5.5.1 503/5.5.1", ""),
    ROW("DATA, MAIL, RCPT between chunks",
        MAIL RCPT "BDAT 1\r\nx"
                  "DATA\r\n" MAIL RCPT "BDAT 0 LAST\r\n",
        "250/2.1.0 250/2.1.5 250/2.0.0 503/5.5.1 503/5.5.1 503/5.5.1 250/2.0.0",
        "<a@x> b@y: x\n"),
    ROW("RSET between chunks", MAIL RCPT "BDAT 1\r\nxRSET\r\n" BEGIN ".\r\n",
        "250/2.1.0 250/2.1.5 250/2.0.0 250/2.0.0 " DONE, "<a@x> b@y: \n"),
    ROW("BINARYMIME comes by BDAT only",
        "MAIL FROM:<a@x> BODY=BINARYMIME\r\n" RCPT "DATA\r\nBDAT 1 LAST\r\nx",
        "250/2.1.0 250/2.1.5 503/5.5.1 250/2.0.0", "<a@x> b@y: x\n"),
    ROW("a size that is none closes", MAIL RCPT "BDAT x\r\nMAIL FROM:<e@x>\r\n",
        "250/2.1.0 250/2.1.5 501/5.5.4 421/4.7.0", ""),
    ROW("so does none at all", MAIL RCPT "BDAT\r\n",
        "250/2.1.0 250/2.1.5 501/5.5.4 421/4.7.0", ""),
    ROW("and a negative one", MAIL RCPT "BDAT -1\r\n",
        "250/2.1.0 250/2.1.5 501/5.5.4 421/4.7.0", ""),
    ROW("and one that overflows", MAIL RCPT "BDAT 9223372036854775808 LAST\r\n",
        "250/2.1.0 250/2.1.5 501/5.5.4 421/4.7.0", ""),
    ROW("and a word behind it", MAIL RCPT "BDAT 1 FIRST\r\n",
        "250/2.1.0 250/2.1.5 501/5.5.4 421/4.7.0", ""),
    ROW("a huge one is too large, not an overflow",
        MAIL RCPT "BDAT 9223372036854775807 LAST\r\nx", "250/2.1.0 250/2.1.5",
        ""),
};

static const Row sequences[] = {
    ROW("RCPT without MAIL", RCPT, "503/5.5.1", ""),
    ROW("DATA without MAIL", "DATA\r\n", "503/5.5.1", ""),
    ROW("DATA without a recipient", MAIL "DATA\r\n", "250/2.1.0 503/5.5.1", ""),
    ROW("MAIL twice", MAIL MAIL, "250/2.1.0 503/5.5.1", ""),
    ROW("DATA with a word", MAIL RCPT "DATA x\r\n",
        "250/2.1.0 250/2.1.5 501/5.5.4", ""),
    ROW("HELO and EHLO are SMTP (RFC 2033 4.1)", "HELO c\r\nEHLO c\r\n",
        "500/5.5.1 500/5.5.1", ""),
    ROW("LHLO without a name", "LHLO\r\n", "501/5.5.4", ""),
    ROW("no such command", "HELP\r\n\r\nDATAX\r\n",
        "500/5.5.1 500/5.5.1 500/5.5.1", ""),
    ROW("a bare LF ends no command", "NOOP\nNOOP\r\n", "500/5.5.2 250/2.0.0",
        ""),
    ROW("control characters", "NOOP \0\r\nNOOP \x1b[1m\r\nNOOP a\rb\r\n",
        "500/5.5.2 500/5.5.2 500/5.5.2", ""),
};

static const Row parameters[] = {
    ROW("those of Postfix",
        "MAIL FROM:<a@x> SIZE=99 BODY=8BITMIME\r\n"
        "RCPT TO:<b@y> ORCPT=rfc822;b@y NOTIFY=NEVER\r\nDATA\r\n.\r\n",
        DONE, "<a@x> b@y: \n"),
    ROW("strangers are ignored", "MAIL FROM:<a@x> RET=HDRS X Y=\r\n",
        "250/2.1.0", ""),
    ROW("SIZE at the limit", "MAIL FROM:<a@x> SIZE=100\r\n", "250/2.1.0", ""),
    ROW("SIZE above it", "MAIL FROM:<a@x> SIZE=101\r\n" RCPT,
        "552/5.3.4 503/5.5.1", ""),
    ROW("SIZE beyond all numbers",
        "MAIL FROM:<a@x> SIZE=99999999999999999999\r\n", "552/5.3.4", ""),
    ROW("SIZE that is none",
        "MAIL FROM:<a@x> SIZE=-1\r\n"
        "MAIL FROM:<a@x> SIZE\r\n",
        "501/5.5.4 501/5.5.4", ""),
    ROW("BODY that is none", "MAIL FROM:<a@x> BODY=FAT\r\n", "501/5.5.4", ""),
    ROW("SMTPUTF8", "MAIL FROM:<\xC3\xA9@x> SMTPUTF8\r\n" RCPT "DATA\r\n.\r\n",
        DONE, "<\xC3\xA9@x> b@y: \n"),
    ROW("SMTPUTF8 with a value", "MAIL FROM:<a@x> SMTPUTF8=1\r\n", "501/5.5.4",
        ""),
    ROW("XQUEUE", MAIL "RCPT TO:<billing> XQUEUE=billing\r\nDATA\r\n.\r\n",
        DONE, "<a@x> billing(billing): \n"),
    ROW("XQUEUE that is none",
        MAIL "RCPT TO:<b@y> XQUEUE=a/b\r\n"
             "RCPT TO:<b@y> XQUEUE=\r\nRCPT TO:<b@y> XQUEUE\r\n",
        "250/2.1.0 501/5.5.4 501/5.5.4 501/5.5.4", ""),
    ROW("XFORWARD",
        "XFORWARD NAME=h IDENT=4ABC+2Dx PROTO=pipe\r\n" BEGIN ".\r\n" BEGIN
        ".\r\n",
        "250/2.0.0 " DONE " " DONE,
        "<a@x> b@y id=4ABC-x pipe: \n<a@x> b@y: \n"),
    ROW("XFORWARD of what is not known",
        "XFORWARD IDENT=[UNAVAILABLE] PROTO=ESMTP\r\n" BEGIN ".\r\n",
        "250/2.0.0 " DONE, "<a@x> b@y: \n"),
    ROW("XFORWARD with broken xtext", "XFORWARD IDENT=a+zz\r\n" BEGIN ".\r\n",
        "250/2.0.0 " DONE, "<a@x> b@y: \n"),
    ROW("XFORWARD with a line end hidden in it",
        "XFORWARD IDENT=a+0D+0Ab\r\n" BEGIN ".\r\n", "250/2.0.0 " DONE,
        "<a@x> b@y: \n"),
    ROW("XFORWARD without a value, or too late",
        "XFORWARD IDENT\r\n" MAIL "XFORWARD IDENT=a\r\n",
        "501/5.5.4 250/2.1.0 503/5.5.1", ""),
};

/* RCPT TO: followed by ... */
static const struct {
    const char *path;
    const char *reply;
    const char *addr_spec; /* as the handler sees it */
} paths[] = {
    {"<b@y>", "250/2.1.5", "b@y"},
    {"<B+Tag@Y.Example>", "250/2.1.5", "B+Tag@Y.Example"},
    {"<postmaster>", "250/2.1.5", "postmaster"},
    {"<@relay.a,@relay.b:b@y>", "250/2.1.5", "b@y"},
    {"<\"a b\"@y>", "250/2.1.5", "\"a b\"@y"},
    {"<\"a>b\"@y>", "250/2.1.5", "\"a>b\"@y"},
    {"<\"a\\\"b@c\"@y>", "250/2.1.5", "\"a\\\"b@c\"@y"},
    {"<b@[127.0.0.1]>", "250/2.1.5", "b@[127.0.0.1]"},
    {"<b@[IPv6:::1]>", "250/2.1.5", "b@[IPv6:::1]"},
    {"<-b@y>", "250/2.1.5", "-b@y"},
    {"<a%c@y>", "250/2.1.5", "a%c@y"},
    {"<\xC3\xBC@\xC3\xBC>", "250/2.1.5", "\xC3\xBC@\xC3\xBC"},
    {"<>", "553/5.1.3", NULL},
    {"<@y>", "553/5.1.3", NULL},
    {"<\"\"@y>", "553/5.1.3", NULL},
    {"<\"\">", "553/5.1.3", NULL},
    {"<b@>", "553/5.1.3", NULL},
    {"<b@[]>", "553/5.1.3", NULL},
    {"<b@[127.0.0.1>", "553/5.1.3", NULL},
    {"<b@y@z>", "553/5.1.3", NULL},
    {"<a b@y>", "553/5.1.3", NULL},
    {"<a@b c>", "553/5.1.3", NULL},
    {"<<b@y>>", "501/5.5.4", NULL},
    {"<\"a\"b@y>", "553/5.1.3", NULL},
    {"<\"a@y>", "501/5.5.4", NULL},
    {"<\"a\\>", "501/5.5.4", NULL},
    {"<\xFF@y>", "553/5.1.3", NULL},
    {"<@a:>", "553/5.1.3", NULL},
    {"<@a,b@y>", "553/5.1.3", NULL},
    {"<b@y", "501/5.5.4", NULL},
    {"b@y", "501/5.5.4", NULL},
    {"<b@y>x", "501/5.5.4", NULL},
    {"", "501/5.5.4", NULL},
};

static void
check_row(const char *greeting, const Row *row)
{
    g_autoptr(GString) input = g_string_new(greeting);
    g_string_append_len(input, row->input, (gssize)row->length);
    g_autofree char *expected =
        g_strconcat(*greeting == '\0' ? "" : "250 ", row->replies, NULL);
    for (size_t step = 1; step <= input->len; step++) {
        g_auto(Outcome) outcome =
            converse(input->str, input->len, step, INT64_MAX);
        ck_assert_msg(g_strcmp0(outcome.replies, expected) == 0,
                      "%s, %zu bytes at a time: got %s, expected %s", row->name,
                      step, outcome.replies, expected);
        ck_assert_msg(g_strcmp0(outcome.mails, row->mails) == 0,
                      "%s, %zu bytes at a time: got %s, expected %s", row->name,
                      step, outcome.mails, row->mails);
    }
}

#define CHECK_ROWS(rows)                                                       \
    for (size_t row_i = 0; row_i < G_N_ELEMENTS(rows); row_i++)                \
    check_row("LHLO c\r\n", &rows[row_i])

START_TEST(mails_come_out_as_they_went_in)
{
    CHECK_ROWS(mails);
}
END_TEST

START_TEST(only_a_dot_between_crlf_ends_a_mail)
{
    CHECK_ROWS(dots);
}
END_TEST

START_TEST(chunks_are_counted_and_never_read_as_commands)
{
    CHECK_ROWS(chunks);
}
END_TEST

START_TEST(commands_out_of_turn_are_refused)
{
    CHECK_ROWS(sequences);
}
END_TEST

START_TEST(parameters_we_know_count_and_others_do_not)
{
    CHECK_ROWS(parameters);
}
END_TEST

START_TEST(any_path_gives_an_address_or_a_refusal)
{
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *input =
            g_strdup_printf(MAIL "RCPT TO:%s\r\nDATA\r\n.\r\n", paths[i].path);
        bool good = paths[i].addr_spec != NULL;
        g_autofree char *replies =
            g_strdup_printf("250/2.1.0 %s %s", paths[i].reply,
                            good ? "354 250/2.0.0" : "503/5.5.1 500/5.5.1");
        g_autofree char *mail =
            good ? g_strdup_printf("<a@x> %s: \n", paths[i].addr_spec)
                 : g_strdup("");
        Row row = {paths[i].path, input, strlen(input), replies, mail};
        check_row("LHLO c\r\n", &row);
    }
}
END_TEST

START_TEST(a_sender_may_be_anything_an_address_may_be)
{
    static const char *const good[] = {"a@x", "", "MAILER-DAEMON", "\"a b\"@x",
                                       "@relay:a@x"};
    static const char *const bad[] = {"a@", "@x", "a b@x", "\xFE"};
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *input = g_strdup_printf("MAIL FROM:<%s>\r\n", good[i]);
        Row row = {good[i], input, strlen(input), "250/2.1.0", ""};
        check_row("LHLO c\r\n", &row);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *input = g_strdup_printf("MAIL FROM:<%s>\r\n", bad[i]);
        Row row = {bad[i], input, strlen(input), "553/5.1.7", ""};
        check_row("LHLO c\r\n", &row);
    }
}
END_TEST

START_TEST(lhlo_comes_first)
{
    Row row = ROW("", MAIL RCPT "DATA\r\nLHLO c\r\n" MAIL,
                  "503/5.5.1 503/5.5.1 503/5.5.1 250 250/2.1.0", "");
    check_row("", &row);
}
END_TEST

START_TEST(lhlo_announces_what_we_can)
{
    Desk desk = {g_string_new(NULL), g_string_new(NULL), INT64_MAX, 0};
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(LmtpSession) session =
        lmtp_session_new("desk.example", &limits, &handlers, &desk);
    lmtp_session_greet(session, out);
    ck_assert_str_eq(out->str, "220 desk.example LMTP Postern\r\n");
    g_string_truncate(out, 0);
    ck_assert(lmtp_session_feed(session, "LHLO c\r\n", 8, out));
    ck_assert_str_eq(out->str, "250-desk.example\r\n"
                               "250-PIPELINING\r\n"
                               "250-SIZE 100\r\n"
                               "250-8BITMIME\r\n"
                               "250-SMTPUTF8\r\n"
                               "250-ENHANCEDSTATUSCODES\r\n"
                               "250-CHUNKING\r\n"
                               "250-BINARYMIME\r\n"
                               "250 XFORWARD IDENT PROTO\r\n");
    g_string_free(desk.content, TRUE);
    g_string_free(desk.mails, TRUE);
}
END_TEST

/* A mail of `bytes` bytes by DATA, in pieces of 13 bytes. */
static Outcome
mail_of(size_t bytes, int64_t disk_bytes)
{
    g_autoptr(GString) input = g_string_new("LHLO c\r\n" MAIL RCPT RCPT);
    g_string_append(input, "DATA\r\n");
    for (size_t i = 0; i < bytes - 2; i++)
        g_string_append_c(input, 'x');
    g_string_append(input, "\r\n.\r\nNOOP\r\n");
    return converse(input->str, input->len, 13, disk_bytes);
}

/* The same by BDAT, in chunks of 40. */
static Outcome
chunked_mail_of(size_t bytes, int64_t disk_bytes)
{
    g_autoptr(GString) input = g_string_new("LHLO c\r\n" MAIL RCPT RCPT);
    for (size_t i = 0; i < bytes; i += 40) {
        size_t n = MIN(40, bytes - i);
        g_string_append_printf(input, "BDAT %zu\r\n%.*s", n, (int)n,
                               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    }
    g_string_append(input, "BDAT 0 LAST\r\nNOOP\r\n");
    return converse(input->str, input->len, 13, disk_bytes);
}

#define TWO "250 250/2.1.0 250/2.1.5 250/2.1.5 "

START_TEST(a_mail_may_be_as_large_as_announced)
{
    g_auto(Outcome) whole = mail_of(100, INT64_MAX);
    ck_assert_str_eq(whole.replies, TWO "354 250/2.0.0 250/2.0.0 250/2.0.0");
    g_auto(Outcome) chunked = chunked_mail_of(100, INT64_MAX);
    ck_assert_str_eq(chunked.replies, TWO "250/2.0.0 250/2.0.0 250/2.0.0 "
                                          "250/2.0.0 250/2.0.0 250/2.0.0");
}
END_TEST

START_TEST(one_byte_more_is_refused_for_each_recipient)
{
    g_auto(Outcome) whole = mail_of(101, INT64_MAX);
    ck_assert_str_eq(whole.replies, TWO "354 552/5.3.4 552/5.3.4 250/2.0.0");
    ck_assert_str_eq(whole.mails, "");
    ck_assert_int_eq(whole.discards, 1);
    g_auto(Outcome) chunked = chunked_mail_of(101, INT64_MAX);
    ck_assert_str_eq(chunked.replies, TWO "250/2.0.0 250/2.0.0 552/5.3.4 "
                                          "552/5.3.4 552/5.3.4 250/2.0.0");
    ck_assert_str_eq(chunked.mails, "");
}
END_TEST

START_TEST(a_full_disk_is_temporary_and_the_session_goes_on)
{
    g_auto(Outcome) whole = mail_of(60, 50);
    ck_assert_str_eq(whole.replies, TWO "354 452/4.3.1 452/4.3.1 250/2.0.0");
    ck_assert_int_eq(whole.discards, 1);
    g_auto(Outcome) chunked = chunked_mail_of(60, 50);
    ck_assert_str_eq(chunked.replies,
                     TWO "250/2.0.0 452/4.3.1 452/4.3.1 452/4.3.1 250/2.0.0");
    ck_assert_str_eq(chunked.mails, "");
}
END_TEST

START_TEST(who_goes_on_and_on_is_cut_off)
{
    g_auto(Outcome) endless = mail_of(5000, INT64_MAX);
    ck_assert_str_eq(endless.replies, TWO "354 421/4.7.0");
    ck_assert(!endless.open);
    g_autofree char *line = g_strnfill(5000, 'x');
    g_auto(Outcome) command = converse(line, 5000, 100, INT64_MAX);
    ck_assert_str_eq(command.replies, "421/4.7.0");
}
END_TEST

START_TEST(recipients_beyond_the_limit_are_put_off)
{
    /* Refused ones count: nobody may try out addresses without end. */
    Row row =
        ROW("", MAIL RCPT "RCPT TO:<unknown@y>\r\n" RCPT RCPT "DATA\r\n.\r\n",
            "250/2.1.0 250/2.1.5 550/5.1.1 250/2.1.5 "
            "452/4.5.3 354 250/2.0.0 250/2.0.0",
            "<a@x> b@y b@y: \n");
    check_row("LHLO c\r\n", &row);
}
END_TEST

START_TEST(a_command_line_may_be_as_long_as_the_limit)
{
    for (size_t length = 78; length <= 83; length++) {
        g_autofree char *padding = g_strnfill(length - 7, 'x');
        g_autofree char *input =
            g_strdup_printf("NOOP %s\r\nNOOP\r\n", padding);
        Row row = {"", input, strlen(input),
                   length <= 80 ? "250/2.0.0 250/2.0.0" : "500/5.5.2 250/2.0.0",
                   ""};
        check_row("LHLO c\r\n", &row);
    }
}
END_TEST

START_TEST(too_many_errors_close_the_session)
{
    Row row = ROW("", "X\r\nX\r\nX\r\nNOOP\r\nX\r\nNOOP\r\n",
                  "500/5.5.1 500/5.5.1 500/5.5.1 250/2.0.0 500/5.5.1 "
                  "421/4.7.0",
                  "");
    check_row("LHLO c\r\n", &row);
    /* An unknown recipient is no error of the client's. */
    Row unknown = ROW("",
                      MAIL "RCPT TO:<unknown@a>\r\nRSET\r\n" MAIL
                           "RCPT TO:<unknown@a>\r\nRSET\r\n" MAIL
                           "RCPT TO:<unknown@a>\r\nRSET\r\n" MAIL
                           "RCPT TO:<unknown@a>\r\nRSET\r\nNOOP\r\n",
                      "250/2.1.0 550/5.1.1 250/2.0.0 "
                      "250/2.1.0 550/5.1.1 250/2.0.0 "
                      "250/2.1.0 550/5.1.1 250/2.0.0 "
                      "250/2.1.0 550/5.1.1 250/2.0.0 250/2.0.0",
                      "");
    check_row("LHLO c\r\n", &unknown);
}
END_TEST

START_TEST(endless_small_talk_closes_the_session)
{
    g_autoptr(GString) input = g_string_new("LHLO c\r\n");
    for (int i = 0; i < 200; i++)
        g_string_append(input, "NOOP\r\n");
    g_auto(Outcome) outcome = converse(input->str, input->len, 64, INT64_MAX);
    ck_assert(g_str_has_suffix(outcome.replies, "421/4.7.0"));
    ck_assert(!outcome.open);
}
END_TEST

START_TEST(a_reply_is_one_printable_line)
{
    Desk desk = {g_string_new(NULL), g_string_new(NULL), INT64_MAX, 0};
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(LmtpSession) session =
        lmtp_session_new("desk.example", &limits, &handlers, &desk);
    lmtp_session_bye(session, "4.3.2", "bye\r\n250 ok \xC3\xA9", out);
    ck_assert_str_eq(out->str, "421 4.3.2 bye??250 ok ??\r\n");
    ck_assert(!lmtp_session_feed(session, "NOOP\r\n", 6, out));
    g_string_free(desk.content, TRUE);
    g_string_free(desk.mails, TRUE);
}
END_TEST

START_TEST(a_session_knows_where_it_is)
{
    Desk desk = {g_string_new(NULL), g_string_new(NULL), INT64_MAX, 0};
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(LmtpSession) session =
        lmtp_session_new("desk.example", &limits, &handlers, &desk);
    static const struct {
        const char *input;
        bool in_mail;
        bool in_content;
    } steps[] = {
        {"LHLO c\r\n", false, false},
        {MAIL, true, false},
        {RCPT, true, false},
        {"DATA\r\nx\r\n", true, true},
        {".\r\n", false, false},
        {MAIL RCPT "BDAT 2\r\nx", true, true},
        {"x", true, true},
        {"BDAT 0 LAST\r\n", false, false},
        {"BDAT 2\r\nx", true, true},
        {"x", false, false},
        {MAIL "QUIT\r\n", false, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        lmtp_session_feed(session, steps[i].input, strlen(steps[i].input), out);
        ck_assert_msg(lmtp_session_in_mail(session) == steps[i].in_mail &&
                          lmtp_session_in_content(session) ==
                              steps[i].in_content,
                      "behind %s", steps[i].input);
    }
    g_string_free(desk.content, TRUE);
    g_string_free(desk.mails, TRUE);
}
END_TEST

int
main(void)
{
    TCase *talk = tcase_create("talk");
    tcase_add_test(talk, mails_come_out_as_they_went_in);
    tcase_add_test(talk, only_a_dot_between_crlf_ends_a_mail);
    tcase_add_test(talk, chunks_are_counted_and_never_read_as_commands);
    tcase_add_test(talk, commands_out_of_turn_are_refused);
    tcase_add_test(talk, parameters_we_know_count_and_others_do_not);
    tcase_add_test(talk, any_path_gives_an_address_or_a_refusal);
    tcase_add_test(talk, a_sender_may_be_anything_an_address_may_be);
    tcase_add_test(talk, lhlo_comes_first);
    tcase_add_test(talk, lhlo_announces_what_we_can);
    tcase_add_test(talk, a_reply_is_one_printable_line);
    tcase_add_test(talk, a_session_knows_where_it_is);
    TCase *limit = tcase_create("limits");
    tcase_add_test(limit, a_mail_may_be_as_large_as_announced);
    tcase_add_test(limit, one_byte_more_is_refused_for_each_recipient);
    tcase_add_test(limit, a_full_disk_is_temporary_and_the_session_goes_on);
    tcase_add_test(limit, who_goes_on_and_on_is_cut_off);
    tcase_add_test(limit, recipients_beyond_the_limit_are_put_off);
    tcase_add_test(limit, a_command_line_may_be_as_long_as_the_limit);
    tcase_add_test(limit, too_many_errors_close_the_session);
    tcase_add_test(limit, endless_small_talk_closes_the_session);
    Suite *suite = suite_create("lmtp_session");
    suite_add_tcase(suite, talk);
    suite_add_tcase(suite, limit);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
