/* What failed, for whom, and for good? */
#include "mail/dsn.h"

#include <string.h>

#include "mail/dsn_text.h"
#include "mail/dsn_words.h"
#include "support.h"

/* "addr status p|t;" for each failed recipient, or the class if no bounce. */
static char *
told(const Mail *mail)
{
    if (mail->automatic.class != AUTOMATIC_BOUNCE)
        return g_strdup(automatic_class_name(mail->automatic.class));
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < mail->failed->len; i++) {
        const DsnRecipient *failed = mail->failed->pdata[i];
        g_string_append_printf(out, "%s %s %c;", failed->addr_spec,
                               failed->status, failed->permanent ? 'p' : 't');
    }
    return g_string_free(out, FALSE);
}

#define REPORT                                                                 \
    "From: MAILER-DAEMON@mx.example.org\nTo: bob@example.org\n"                \
    "Subject: Undelivered Mail Returned to Sender\n"                           \
    "Content-Type: multipart/report; report-type=delivery-status; "            \
    "boundary=b\n\n--b\n\nSee below.\n"                                        \
    "--b\nContent-Type: message/delivery-status\n\n"                           \
    "Reporting-MTA: dns; mx.example.org\n\n"
#define END "\n--b--\n"

/* RFC 3464 as it is, and as it is written. */
static const struct {
    const char *fields;
    const char *expected;
} reports[] = {
    {"Final-Recipient: rfc822; anna@x.org\nAction: failed\nStatus: 5.1.1",
     "anna@x.org 5.1.1 p;"},
    {"Final-Recipient: rfc822;<anna@x.org>\nAction: Failed\nStatus: 5.1.1",
     "anna@x.org 5.1.1 p;"},
    {"Final-Recipient: anna@x.org\nAction: failed\nStatus: 5.1.1 (unknown)",
     "anna@x.org 5.1.1 p;"},
    {"Action: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822; anna@x.org",
     "anna@x.org 5.1.1 p;"},
    {"Final-Recipient: rfc822; anna@x.org\nAction: delayed\nStatus: 4.4.1",
     "anna@x.org 4.4.1 t;"},
    {"Final-Recipient: rfc822; anna@x.org\nAction: failed\nStatus: 4.4.7",
     "anna@x.org 4.4.7 t;"},
    /* A vague status gives way to what the server said. */
    {"Final-Recipient: rfc822; anna@x.org\nAction: failed\nStatus: 5.0.0\n"
     "Diagnostic-Code: smtp; 550 5.1.1 unknown",
     "anna@x.org 5.1.1 p;"},
    {"Final-Recipient: rfc822; anna@x.org\nAction: failed\n"
     "Diagnostic-Code: smtp;\n 550 no such user",
     "anna@x.org  p;"},
    {"Final-Recipient: rfc822; anna@x.org\nAction: failed\n"
     "Diagnostic-Code: smtp; 451 try later",
     "anna@x.org  t;"},
    /* Several recipients, with and without an empty line between them. */
    {"Final-Recipient: rfc822; a@x.org\nAction: failed\nStatus: 5.1.1\n\n"
     "Final-Recipient: rfc822; b@x.org\nAction: failed\nStatus: 5.2.2",
     "a@x.org 5.1.1 p;b@x.org 5.2.2 p;"},
    {"Final-Recipient: rfc822; a@x.org\nAction: failed\nStatus: 5.1.1\n"
     "Final-Recipient: rfc822; b@x.org\nAction: failed\nStatus: 5.2.2",
     "a@x.org 5.1.1 p;b@x.org 5.2.2 p;"},
    {"Original-Recipient: rfc822;a@x.org\nFinal-Recipient: rfc822;a@y.org\n"
     "Action: failed\nStatus: 5.1.1\nOriginal-Recipient: rfc822;b@x.org\n"
     "Final-Recipient: rfc822;b@y.org\nAction: failed\nStatus: 5.1.2",
     "a@y.org 5.1.1 p;b@y.org 5.1.2 p;"},
    {"\n\nFinal-Recipient: rfc822; a@x.org\n\n\nAction: failed\n"
     "Status: 5.1.1",
     "a@x.org  p;"},
    /* One failed, one arrived. */
    {"Final-Recipient: rfc822; a@x.org\nAction: delivered\nStatus: 2.0.0\n\n"
     "Final-Recipient: rfc822; b@x.org\nAction: failed\nStatus: 5.2.2",
     "b@x.org 5.2.2 p;"},
    /* An address inside a host is of no use to the writer. */
    {"Original-Recipient: rfc822;anna@x.org\nFinal-Recipient: rfc822;"
     "@mx.x.org:anna@inside\nAction: failed\nStatus: 5.2.0",
     "anna@x.org 5.2.0 p;"},
    {"Original-Recipient: rfc822;anna@x.org\nFinal-Recipient: unknown;anna\n"
     "Action: failed\nStatus: 5.2.0",
     "anna@x.org 5.2.0 p;"},
    {"Final-Recipient: rfc822; a@x.org\nAction: failed\nStatus: 5.1.1\n\n"
     "Final-Recipient: rfc822; A@X.org\nAction: failed\nStatus: 5.1.1",
     "a@x.org 5.1.1 p;"},
};

START_TEST(status_fields_are_read)
{
    g_autofree char *text = g_strconcat(REPORT, reports[_i].fields, END, NULL);
    g_autoptr(Mail) mail = support_parse(text, NULL);
    g_autofree char *got = told(mail);
    ck_assert_str_eq(got, reports[_i].expected);
}
END_TEST

/* Whose envelope has a sender is somebody. */
START_TEST(a_forgotten_from_is_no_mail_system)
{
    static const char text[] = "Subject: x\n\nYour mail was not delivered.\n";
    g_autoptr(Mail) known = support_parse(text, "bob@x.org");
    ck_assert_int_eq(known->automatic.class, AUTOMATIC_NONE);
    g_autoptr(Mail) null = support_parse(text, "");
    ck_assert_int_eq(null->automatic.class, AUTOMATIC_BOUNCE);
}
END_TEST

/* What a report quotes is its matter: who said what, and of which mail. */
START_TEST(a_report_is_its_own_words)
{
    static const char *const said[] = {
        "The mail was not relayed.\n\n<ann@x.org>: host mx.x.org said:\n"
        "    550 5.1.1 unknown",
        "Of a message with these fields:\n\n  Date: Mon, 4 May 2020\n"
        "  From: Bob <bob@y.org>\n  Subject: Hello\n\n"
        "Your message cannot be delivered to:\n\n  ann@x.org\n  550 5.1.1 no",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(said); i++) {
        g_autofree char *text =
            g_strconcat("From: MAILER-DAEMON@x.org\n"
                        "Subject: Undelivered Mail Returned to Sender\n\n",
                        said[i], "\n", NULL);
        g_autoptr(Mail) mail = support_parse(text, NULL);
        ck_assert_int_eq(mail->automatic.class, AUTOMATIC_BOUNCE);
        ck_assert_str_eq(mail->reply, said[i]);
    }
}
END_TEST

START_TEST(a_report_of_success_is_no_bounce)
{
    g_autoptr(Mail) mail = support_parse(
        "From: MAILER-DAEMON@x.org\nSubject: Successful Mail Delivery Report\n"
        "Content-Type: multipart/report; report-type=delivery-status; "
        "boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@x.org\n"
        "Action: relayed\nStatus: 2.0.0" END,
        NULL);
    g_autofree char *got = told(mail);
    ck_assert_str_eq(got, "auto");
}
END_TEST

#define RETURNED                                                               \
    "Received: from x\n\tby y; Mon, 4 May 2020 10:11:12 +0000\n"               \
    "From: bob@example.org\nTo: anna@x.org\nSubject: hi\n\nhello 5.9.9\n"

/* In plain words, as different programs have them. */
static const struct {
    const char *mail;
    const char *expected;
} words[] = {
    {"From: MAILER-DAEMON@x.org\nTo: bob@example.org\nSubject: failure "
     "notice\n\nHi. This is the qmail-send program at x.org.\nI'm afraid I "
     "wasn't able to deliver your message to the following addresses.\n\n"
     "<anna@x.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
     "<carl@x.org>:\n4.2.2 over quota\n\n--- Below this line is a copy of the "
     "message.\n\n" RETURNED,
     "anna@x.org 5.1.1 p;carl@x.org 4.2.2 t;"},
    {"From: Mail Delivery System <Mailer-Daemon@x.org>\nX-Failed-Recipients: "
     "anna@x.org\nSubject: Mail delivery failed\n\nA message could not be "
     "delivered. This is a permanent error:\n\n  anna@x.org\n    host mx: 550 "
     "5.1.1 unknown\n    (generated from carl@x.org)\n\n------ This is a copy "
     "of the message. ------\n\n" RETURNED,
     "anna@x.org 5.1.1 p;"},
    {"From: Mailer-Daemon@x.org\nSubject: Warning: message delayed 24 hours\n"
     "\nThe message has not yet been delivered to:\n\n  anna@x.org\n\nNo "
     "action is required on your part.\n",
     "anna@x.org  t;"},
    {"From: System Administrator <postmaster@x.org>\nSubject: Undeliverable: "
     "hi\n\nYour message\n\n  To:      anna@x.org\n  Subject: hi\n\ndid not "
     "reach the following recipient(s):\n\nanna@x.org on Mon, 4 May 2020\n    "
     "The recipient name is not recognized\n",
     "anna@x.org  p;"},
    {"From: postmaster@x.org\nSubject: Delivery failure\n\nUnable to deliver "
     "message to <anna@x.org>: mailbox full\nFor help contact help@x.org\n",
     "anna@x.org  p;"},
    {"Return-Path: <>\nFrom: system@x.org\nSubject: Posta non "
     "consegnata\n\nImpossibile recapitare il messaggio a anna@x.org: 550 "
     "5.1.1\n",
     "anna@x.org 5.1.1 p;"},
    {"Return-Path: <>\nFrom: system@x.org\nSubject: Повідомлення не "
     "доставлено\n\n<anna@x.org>: 550 5.7.1 заборонено\n",
     "anna@x.org 5.7.1 p;"},
    /* Nobody is named: the returned mail knows whom it was for. */
    {"From: MAILER-DAEMON@x.org\nSubject: Returned mail\n\n421 deferred\n\n"
     "----- Unsent message follows -----\n" RETURNED,
     "anna@x.org  t;"},
    /* Status fields in the text, by programs that know no parts. */
    {"From: MAILER-DAEMON@x.org\nSubject: Delivery Status Notification "
     "(Failure)\n\nTechnical report:\n\nFinal-Recipient: rfc822; anna@x.org\n"
     "Action: failed\nStatus: 5.2.1\n",
     "anna@x.org 5.2.1 p;"},
    {"From: no-reply@x.org\nSubject: Delivery failed\n\nCould not be delivered "
     "to: <anna@x.org>\n\n--- Original message ---\n" RETURNED,
     "anna@x.org  p;"},
    /* Gateways with ordinary addresses: a bare header and an address in a line
     * of its own, or the mail came back to whom had sent it. */
    {"From: viruswall@x.org\nTo: bob@example.org\nSubject: Delivery failure "
     "notification\n\nYour message could not be delivered to the following "
     "recipients:\n\nAnna@x.org\n\nPlease do not resend it.\n",
     "Anna@x.org  p;"},
    {"From: E-Mail Gateway <gate@x.org>\nTo: bob@example.org\nSubject: "
     "Returned Mail - Error During Delivery\nX-Mailer: Gate 1\n\n"
     "---- Failed Recipients ----\n\n<anna@x.org>: mailbox unavailable. "
     "[SMTP Error Code 550]\n---- Returned Mail ----\n\n" RETURNED,
     "anna@x.org  p;"},
    {"From: <viruswall@x.org>\nTo: bob@example.org\nSubject: Delivery "
     "failure\nIn-Reply-To: <a@b>\n\nWhat could not be delivered?\n\n"
     "anna@x.org\n",
     "normal"},
    {"From: Carl <carl@x.org>\nTo: bob@example.org\nSubject: Mail could not "
     "be delivered\n\nIt could not be delivered to:\n\nanna@x.org\n",
     "normal"},
    {"From: carl@x.org\nTo: bob@example.org\nSubject: Delivery failed\n\nMy "
     "parcel: delivery failed again. I am not at home.\n\nPlease write "
     "to\ndora@x.org\n",
     "normal"},
    {"From: carl@x.org\nTo: bob@example.org\nSubject: Fwd: Undelivered mail\n\n"
     "Look, it could not be delivered to:\n\ndora@x.org\n",
     "normal"},
    {"From: Mail Server Team <team@x.org>\nSubject: Question\n\nOur log has "
     "many lines \"user unknown\".\n",
     "normal"},
    {"From: Mail Delivery System <mds@x.org>\nSubject: Undelivered mail\n\n"
     "Could not be delivered to anna@x.org.\n",
     "anna@x.org  p;"},
    /* A forgotten From is no mail system if the MTA knows the sender. */
    {"Return-Path: <carl@x.org>\nSubject: Ticket by unknown user\n\n"
     "Who am I?\n",
     "normal"},
    {"From:\nSubject: Mail failed\n\nReturning to sender: anna@x.org\n",
     "anna@x.org  p;"},
    /* All in one line, as HTML without breaks is left. */
    {"From: MAILER-DAEMON@x.org\nSubject: \n\nI'm afraid I wasn't able to "
     "deliver your mail to this address, sorry: To: anna@x.org ---Below this "
     "line is a copy of the message. From bob@example.org\n",
     "anna@x.org  p;"},
    /* "a copy of your message" does not always follow. */
    {"From: MDaemon@x.org\nSubject: Permanent delivery failure\n\nThe "
     "following did NOT receive a copy of your message:\n\n> anna@x.org\n",
     "anna@x.org  p;"},
    /* Who sent it is not who failed, and X.400 has its own words. */
    {"From: postmaster@x.org\nSubject: Undeliverable\n\nThe mail from "
     "carl@example.net to anna@x.org was not delivered.\n",
     "anna@x.org  p;"},
    {"From: postmaster@x.org\nSubject: Undeliverable: hi\n\nYour message\n\n"
     "  To:      desk@example.org\n\ndid not reach the following "
     "recipient(s):\n\nc=US;a= ;p=x;o=y;dda:SMTP=ANNA@X.ORG; on Mon\n",
     "ANNA@X.ORG  p;"},
    {"From: postmaster@x.org\nSubject: Undeliverable: hi\n\ndid not reach the "
     "following:\n\nanna@x.org on Mon, 4 May 2020\n    The name is not known\n"
     "carl@x.org on Mon, 4 May 2020\n    The name is not known\n",
     "anna@x.org  p;carl@x.org  p;"},
    /* Vague fields, and words beside them that are not. */
    {"From: MAILER-DAEMON@x.org\nSubject: failed\nContent-Type: "
     "multipart/mixed; boundary=b\n\n--b\n\nanna@x.org: 550 5.1.1 <anna@x.org> "
     "unknown\ncarl@x.org: 552\n 5.2.2 full\ndora@x.org: sorry\n\n--b\n"
     "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x.org\n\n"
     "Final-Recipient: rfc822; Anna@x.org\nAction: failed\nStatus: 5.0.0\n\n"
     "Final-Recipient: rfc822; carl@x.org\nAction: failed\n\n"
     "Final-Recipient: rfc822; dora@x.org\nAction: failed\nStatus: 5.0.0\n"
     "\n--b--\n",
     "Anna@x.org 5.1.1 p;carl@x.org 5.2.2 p;dora@x.org 5.0.0 p;"},
    /* Amazon's JSON, as it is and in a string; a person may quote it. */
    {"From: SNS <no-reply@sns.example.org>\nSubject: Notification\n\n"
     "{\"notificationType\":\"Bounce\",\"bounce\":{\"bouncedRecipients\":["
     "{\"emailAddress\":\"anna@x.org\",\"status\":\"5.1.1\"},"
     "{\"emailAddress\":\"carl@x.org\",\"status\":\"4.4.7\"}]}}\n",
     "anna@x.org 5.1.1 p;carl@x.org 4.4.7 t;"},
    {"From: SNS <no-reply@sns.example.org>\nSubject: Notification\n\n"
     "\"Message\" : \"{\\\"bouncedRecipients\\\":[{\\\"emailAddress\\\":"
     "\\\"anna@x.org\\\"}]}\"\n",
     "anna@x.org  p;"},
    {"From: SNS <no-reply@sns.example.org>\nSubject: Notification\n\n"
     "\"Message\" : \"{\\\"bounce\\\":{\\\"bounceType\\\":\\\"Transient\\\","
     "\\\"bouncedRecipients\\\":[{\\\"emailAddress\\\":\\\"anna@x.org\\\"},"
     "{\\\"emailAddress\\\":\\\"carl@x.org\\\"}]}\"\n",
     "anna@x.org  t;carl@x.org  t;"},
    /* Who reports has but the name of a host; a person has an envelope. */
    {"From: mx.example.org\nTo: Anna <anna@x.org>\nSubject: Undelivered Mail "
     "Returned to Sender\n\nYour mail could not be delivered.\n\nFinal-"
     "Recipient: rfc822; anna@x.org\nAction: failed\nStatus: 5.1.1\n",
     "anna@x.org 5.1.1 p;"},
    {"Return-Path: <bob@example.org>\nFrom: Bob\nTo: desk@x.org\nSubject: "
     "Undelivered Mail Returned to Sender\n\nI got this: your mail could not "
     "be delivered. Status: 5.1.1\n",
     "normal"},
    {"From: Carl <carl@x.org>\nSubject: What is this?\n\n\"bouncedRecipients"
     "\":[{\"emailAddress\":\"anna@x.org\"}]\n",
     "normal"},
    /* A user named without the domain of the system that reports. */
    {"From: MAILER-DAEMON@x.org\nTo: bob@example.org\nSubject: Mail Delivery "
     "Problem\n\nSorry bob@example.org. Your mail could not be delivered "
     "to:\n\n  anna\n",
     "anna@x.org  p;"},
    {"From: Postmaster <postmaster@x.org>\nSubject: Mail Delivery Warning\n\n"
     "Delivery to\n\"anna@x.org\"\nhas been postponed due to a full "
     "mailbox.\n",
     "anna@x.org  t;"},
    {"Return-Path: <>\nFrom: system@x.org\nSubject: Your mail\n\nThis wasn\xE2"
     "\x80\x99t delivered to anna@x.org.\n",
     "anna@x.org  p;"},
    {"Return-Path: <>\nFrom: system@x.org\nSubject: Olevererbart: "
     "Hej\n\nanna@x.org\n",
     "anna@x.org  p;"},
    {"Return-Path: <>\nFrom: system@x.org\nSubject: Kézbesítés\n\nSikertelen "
     "kézbesítés: anna@x.org\n",
     "anna@x.org  p;"},
    /* People who write about bounces are people (M52, A42). */
    {"From: carl@x.org\nSubject: Undelivered Mail Returned to Sender\n\nWhy "
     "could my mail not be delivered to anna@x.org?\n\n" RETURNED,
     "normal"},
    {"From: carl@x.org\nSubject: failure notice\n\n550 5.1.1 <anna@x.org> "
     "user unknown\n",
     "normal"},
    {"From: postmaster@x.org\nSubject: Maintenance\n\nTonight at ten.\n",
     "auto"},
    {"Return-Path: <>\nFrom: anna@x.org\nSubject: Out of office: your mail\n\n"
     "Mail to me is not delivered to bob@x.org.\n",
     "auto"},
};

START_TEST(plain_words_are_understood)
{
    g_autoptr(Mail) mail = support_parse(words[_i].mail, NULL);
    g_autofree char *got = told(mail);
    ck_assert_str_eq(got, words[_i].expected);
}
END_TEST

static const struct {
    const char *text;
    const char *status; /* NULL: none */
    char reply;
} codes[] = {
    {"550 5.1.1 unknown", "5.1.1", '5'},
    {"said: 450 4.2.0 later", "4.2.0", '4'},
    {"(#5.1.1)", "5.1.1", 0},
    {"[5.1.1]", "5.1.1", 0},
    {"5.1.1.", "5.1.1", 0},
    {"5.0.0 then 5.2.2", "5.2.2", 0},
    {"5.0.0 only", "5.0.0", 0},
    {"2.0.0 fine", NULL, 0},
    {"192.5.1.1", NULL, 0},
    {"5.1.1.1", NULL, 0},
    {"version 5.1.10000", NULL, 0},
    {"v5.1.1", NULL, 0},
    {"550", NULL, '5'},
    {"at 5500 metres", NULL, 0},
    {"x550 y", NULL, 0},
    {"", NULL, 0},
};

START_TEST(codes_are_found)
{
    size_t length = strlen(codes[_i].text);
    g_autofree char *status = dsn_words_status(codes[_i].text, length);
    ck_assert_pstr_eq(status, codes[_i].status);
    ck_assert_int_eq(dsn_words_reply_class(codes[_i].text, length),
                     codes[_i].reply);
}
END_TEST

START_TEST(recipients_are_counted)
{
    GString *text = g_string_new(REPORT);
    for (int i = 0; i < DSN_RECIPIENTS_MAX + 10; i++)
        g_string_append_printf(
            text, "Final-Recipient: rfc822; r%d@x.org\nAction: failed\n\n", i);
    g_autoptr(Mail) mail = support_parse(text->str, NULL);
    ck_assert_uint_eq(mail->failed->len, DSN_RECIPIENTS_MAX);
    g_string_free(text, TRUE);
}
END_TEST

static void
read_mail(const char *text, size_t length)
{
    mail_free(support_parse_bytes(text, length));
}

static const struct {
    const char *before;
    const char *piece;
    size_t count;
} hostile[] = {
    {REPORT, "Final-Recipient: rfc822; a@x.org\n", 20000},
    {REPORT, "\n", 400000},
    {REPORT, "a:\nb\n", 20000},
    {"X-Failed-Recipients: a@x.org\n\nFinal-Recipient:\n", "a:\nb\n", 60000},
    {REPORT, "a@x.org\n\n", 60000},
    {"From: MAILER-DAEMON@x\nSubject: failure notice\n\n", "<a@x.org>:\n",
     60000},
    {"From: MAILER-DAEMON@x\nSubject: failure notice\n\n", "@", 600000},
    {"From: MAILER-DAEMON@x\nSubject: failure notice\n\n", "5.0.0 ", 200000},
    {"From: no-reply@x\n\n\"bouncedRecipients", "{", 600000},
    {"From: MAILER-DAEMON@x\nSubject: failed\n\nnot delivered:\n", "a\n",
     300000},
};

START_TEST(hostile_reports_cost_their_length)
{
    support_grows_linearly(read_mail, hostile[_i].before, hostile[_i].piece,
                           hostile[_i].count, "]");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, status_fields_are_read, 0,
                        G_N_ELEMENTS(reports));
    tcase_add_test(tests, a_forgotten_from_is_no_mail_system);
    tcase_add_test(tests, a_report_is_its_own_words);
    tcase_add_test(tests, a_report_of_success_is_no_bounce);
    tcase_add_loop_test(tests, plain_words_are_understood, 0,
                        G_N_ELEMENTS(words));
    tcase_add_loop_test(tests, codes_are_found, 0, G_N_ELEMENTS(codes));
    tcase_add_test(tests, recipients_are_counted);
    tcase_add_loop_test(tests, hostile_reports_cost_their_length, 0,
                        G_N_ELEMENTS(hostile));
}

int
main(void)
{
    return support_run("dsn", add);
}
