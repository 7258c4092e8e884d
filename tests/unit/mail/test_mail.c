/* Whole mails, also those that are none: mail_parse() never fails. */
#include "mail/mail.h"

#include <string.h>

#include "mail/defect.h"
#include "support.h"

/* What holds for every Mail, whatever it was read from. */
static void
check_sound(const Mail *mail)
{
    const char *const texts[] = {mail->subject, mail->text, mail->reply,
                                 mail->language};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        ck_assert_ptr_nonnull(texts[i]);
        ck_assert(g_utf8_validate(texts[i], -1, NULL));
    }
    ck_assert_ptr_null(strpbrk(mail->subject, "\r\n"));
    ck_assert_ptr_null(strchr(mail->text, '\r'));
    const GPtrArray *const lists[] = {
        mail->reply_to,   mail->to,          mail->cc,     mail->in_reply_to,
        mail->references, mail->attachments, mail->failed, mail->defects};
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        ck_assert_ptr_nonnull(lists[i]);
    ck_assert_uint_le(mail->reply_start, mail->reply_end);
    ck_assert_uint_le(mail->reply_end, strlen(mail->text));
    g_autofree char *view = g_strndup(mail->text + mail->reply_start,
                                      mail->reply_end - mail->reply_start);
    ck_assert_str_eq(view, mail->reply);
    if (mail->originator != NULL) {
        ck_assert(g_utf8_validate(mail->originator->name, -1, NULL));
        ck_assert(g_utf8_validate(mail->originator->addr_spec, -1, NULL));
        ck_assert_ptr_nonnull(strchr(mail->originator->addr_spec, '@'));
    }
    ck_assert_ptr_nonnull(mail->automatic.reason);
}

static const char everyday[] =
    "Received: from a by b; Mon, 4 May 2020 10:11:12 +0200\r\n"
    "Received: from c by a; Mon, 4 May 2020 10:11:11 +0200\r\n"
    "From: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>\r\n"
    "Reply-To: office@example.org\r\n"
    "To: Support <support@acme.example>, x@acme.example\r\n"
    "Cc: boss@example.org\r\n"
    "Subject: Re: [#1042]\r\n printer\r\n"
    "Message-ID: <m@example.org>\r\n"
    "In-Reply-To: <p@acme.example>\r\n"
    "References: <r@acme.example> <p@acme.example>\r\n"
    "Date: Mon, 4 May 2020 10:11:12 +0200\r\n"
    "Content-Language: de-CH, fr\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=\"b\"\r\n"
    "\r\n"
    "--b\r\n"
    "Content-Type: text/plain; charset=iso-8859-1\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n"
    "\r\n"
    "Sch=F6n!\r\n"
    "\r\n"
    "Am 04.05.2020 um 09:00 schrieb Support:\r\n"
    "> Alt.\r\n"
    "--b\r\n"
    "Content-Type: application/pdf\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "Content-Disposition: attachment; filename=a.pdf\r\n"
    "\r\n"
    "YWJjZGVm\r\n"
    "--b--\r\n";

START_TEST(an_everyday_mail_is_read)
{
    g_autoptr(Mail) mail = support_parse(everyday, "j@example.org");
    check_sound(mail);
    ck_assert_str_eq(mail->subject, "Re: [#1042] printer");
    ck_assert_str_eq(mail->originator->name, "Jürgen");
    ck_assert_str_eq(mail->originator->addr_spec, "j@example.org");
    ck_assert_uint_eq(mail->originators, 1);
    ck_assert_uint_eq(mail->to->len, 2);
    ck_assert_uint_eq(mail->cc->len, 1);
    ck_assert_uint_eq(mail->reply_to->len, 1);
    ck_assert_str_eq(mail->message_id, "m@example.org");
    ck_assert_uint_eq(mail->in_reply_to->len, 1);
    ck_assert_uint_eq(mail->references->len, 2);
    ck_assert_str_eq(mail->references->pdata[0], "r@acme.example");
    ck_assert_int_eq(mail->date_s, 1588579872);
    ck_assert_str_eq(mail->language, "de-ch");
    ck_assert_str_eq(mail->reply, "Schön!");
    ck_assert_ptr_nonnull(strstr(mail->text, "> Alt."));
    ck_assert_uint_eq(mail->attachments->len, 1);
    ck_assert_int_eq(mail->automatic.class, AUTOMATIC_NONE);
    ck_assert_uint_eq(mail->hops, 2);
    ck_assert_uint_eq(mail->defects->len, 0);
}
END_TEST

/* Accepted, readable, and the oddity is named. */
static const struct {
    const char *mail;
    const char *subject;
    const char *addr_spec; /* NULL: nobody */
    const char *text;
    const char *defect; /* NULL: none is asked for */
} malformed[] = {
    /* M1-M7 */
    {"", "", NULL, "", DEFECT_EMPTY},
    {"\n", "", NULL, "", DEFECT_NO_TEXT},
    {"just a body\nwithout header\n", "", NULL, "just a body\nwithout header\n",
     DEFECT_NO_HEADER},
    {"Subject: x", "x", NULL, "", DEFECT_NO_TEXT},
    {":::\n:\n", "", NULL, ":::\n:\n", DEFECT_NO_HEADER},
    {"\x7F"
     "ELF\x02\x01\x01",
     "", NULL, "ELF", DEFECT_NO_HEADER},
    {"From bob Mon May 4\nSubject: x\n\nbody", "x", NULL, "body", NULL},
    /* M8-M10 line ends */
    {"Subject: x\rFrom: a@b.org\r\rbody\r", "x", "a@b.org", "body\n",
     DEFECT_BARE_CR},
    {"Subject: x\r\nFrom: a@b.org\n\r\nbody\rmore\n", "x", "a@b.org",
     "body\nmore\n", NULL},
    /* M14-M19 */
    {"From: \nSubject: x\n\ny", "x", NULL, "y", DEFECT_NO_FROM},
    {"From: <>\nSender: s@x.org\n\ny", "", "s@x.org", "y", DEFECT_NO_FROM},
    {"From: bob\nReply-To: r@x.org\n\ny", "", "r@x.org", "y", DEFECT_NO_FROM},
    {"From: a@x.org\nFrom: b@x.org\n\ny", "", "a@x.org", "y", DEFECT_MANY_FROM},
    {"From: a@x.org, b@x.org\n\ny", "", "a@x.org", "y", DEFECT_MANY_FROM},
    {"From: [bob]\nFrom: b@x.org\n\ny", "", "b@x.org", "y", NULL},
    {"From: =?utf-8?Q?B=C3=B6b_=3Cb=40x.org=3E?=\n\ny", "", "b@x.org", "y",
     NULL},
    {"From: A <a@x.org> <b@x.org>\n\ny", "", "a@x.org", "y", DEFECT_MANY_FROM},
    {"From: undisclosed:;\n\ny", "", NULL, "y", DEFECT_NO_FROM},
    {"From: a@b\xE9.org\n\ny", "", "a@b\xEF\xBF\xBD.org", "y", NULL},
    /* M15 */
    {"Subject: one\nSubject: two\n\ny", "one", NULL, "y",
     DEFECT_DUPLICATE_FIELD},
    /* M23, M24 */
    {"Subject :  \n\ny", "", NULL, "y", NULL},
    {"Subject : x\n\ny", "x", NULL, "y", NULL},
    /* M26 */
    {"Subject: x\nno colon here\nFrom: a@b.org\n\ny", "x", "a@b.org", "y",
     DEFECT_HEADER_GARBAGE},
    /* M32, M43-M46 are in the tests of body and decode. */
    {"Content-Type: text/plain; charset=x-unknown\n\ncaf\xE9", "", NULL, "café",
     DEFECT_CHARSET},
    {"Content-Transfer-Encoding: x-foo\n\nbody", "", NULL, "body", NULL},
    {"\xEF\xBB\xBFSubject: x\n\ny", "x", NULL, "y", NULL},
    /* Something before the header; but a text stays a text. */
    {"\n\r\nReceived: x\nSubject: x\n\ny", "x", NULL, "y",
     DEFECT_HEADER_GARBAGE},
    {"--- copy ---\nDelivered-To: b@x.org\nSubject: x\n\ny", "x", NULL, "y",
     DEFECT_HEADER_GARBAGE},
    {"\nhello\nSubject: x\n\ny", "", NULL, "hello\nSubject: x\n\ny", NULL},
    {"hello\nthere\nSubject: x\n\ny", "", NULL, "hello\nthere\nSubject: x\n\ny",
     NULL},
};

START_TEST(malformed_mail_is_read)
{
    g_autoptr(Mail) mail = support_parse(malformed[_i].mail, NULL);
    check_sound(mail);
    ck_assert_str_eq(mail->subject, malformed[_i].subject);
    ck_assert_pstr_eq(mail->originator != NULL ? mail->originator->addr_spec
                                               : NULL,
                      malformed[_i].addr_spec);
    ck_assert_str_eq(mail->text, malformed[_i].text);
    if (malformed[_i].defect != NULL)
        ck_assert(support_has_defect(mail, malformed[_i].defect));
}
END_TEST

/* A37, M11-M13: NUL cuts nothing off. */
START_TEST(nul_is_a_byte_like_others)
{
    static const char text[] =
        "From: a\0b <a@x.org>\nSubject: one\0two\n\nthree\0four\n";
    g_autoptr(Mail) mail = support_parse_bytes(text, sizeof(text) - 1);
    check_sound(mail);
    ck_assert_str_eq(mail->subject, "one\xEF\xBF\xBDtwo");
    ck_assert_str_eq(mail->text, "three\xEF\xBF\xBD"
                                 "four\n");
    ck_assert_str_eq(mail->originator->addr_spec, "a@x.org");
}
END_TEST

/* A39, M31 */
static const struct {
    const char *date;
    int64_t date_s;
} dates[] = {
    {"Mon, 4 May 2020 10:11:12 +0200", 1588579872},
    {"4 May 2020 08:11:12 GMT", 1588579872},
    {"Mon, 4 May 20 10:11:12 +0200", 1588579872},
    {"Mon, 4 May 2020 10:11:12 +0200 (CEST)", 1588579872},
    {"garbage", 0},
    {"", 0},
    {"Mon, 4 May 99999 10:11:12 +0200", 0},
    {"Mon, 4 May 1900 10:11:12 +0200", 0},
    {"Mon, 4 May 9999 10:11:12 +0200", 0},
    {"31 Feb 2020 10:11:12 +0000", 0},
    {"Mon, 4 May 2020 99:99:99 +0000", 0},
    {"-1", 0},
    {"=?utf-8?Q?x?=", 0},
};

START_TEST(dates_are_read_or_left)
{
    g_autofree char *text = g_strdup_printf("Date: %s\n\nx", dates[_i].date);
    g_autoptr(Mail) mail = support_parse(text, NULL);
    check_sound(mail);
    ck_assert_int_eq(mail->date_s, dates[_i].date_s);
    ck_assert_int_eq(support_has_defect(mail, DEFECT_BAD_DATE),
                     dates[_i].date_s == 0);
}
END_TEST

static const struct {
    const char *value;
    const char *expected;
} languages[] = {
    {"de", "de"},
    {"DE-CH", "de-ch"},
    {"uk, en", "uk"},
    {" it ; q=1", "it"},
    {"", ""},
    {"\"de\"", ""},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""},
};

START_TEST(the_first_language_counts)
{
    g_autofree char *text =
        g_strdup_printf("Content-Language: %s\n\nx", languages[_i].value);
    g_autoptr(Mail) mail = support_parse(text, NULL);
    ck_assert_str_eq(mail->language, languages[_i].expected);
}
END_TEST

START_TEST(an_encoded_id_is_the_same)
{
    g_autoptr(Mail) mail = support_parse(
        "Message-ID: =?utf-8?q?=3Ca=40x=2Eorg=3E?=\nIn-Reply-To: "
        "=?utf-8?q?=3Cb=40x=2Eorg=3E?=\nReferences: <=?x?q?c?=@x.org>\n\nx",
        NULL);
    ck_assert_str_eq(mail->message_id, "a@x.org");
    ck_assert_str_eq(mail->in_reply_to->pdata[0], "b@x.org");
    ck_assert_str_eq(mail->references->pdata[0], "=?x?q?c?=@x.org");
}
END_TEST

START_TEST(hops_are_counted)
{
    size_t limit = mail_limits_default.hops;
    g_autofree char *some =
        support_repeat("", "Received: x\n", limit - 1, "\nbody");
    g_autofree char *loop =
        support_repeat("", "Received: x\n", limit, "\nbody");
    g_autoptr(Mail) travelled = support_parse(some, NULL);
    ck_assert_uint_eq(travelled->hops, limit - 1);
    ck_assert(!support_has_defect(travelled, DEFECT_HOPS));
    g_autoptr(Mail) looping = support_parse(loop, NULL);
    ck_assert(support_has_defect(looping, DEFECT_HOPS));
}
END_TEST

START_TEST(addresses_are_counted)
{
    size_t limit = mail_limits_default.addresses;
    g_autofree char *all = support_repeat("To: ", "a@x.org,", limit, "\n\nx");
    g_autofree char *more =
        support_repeat("To: ", "a@x.org,", limit + 1, "\n\nx");
    g_autoptr(Mail) fits = support_parse(all, NULL);
    ck_assert_uint_eq(fits->to->len, limit);
    ck_assert(!support_has_defect(fits, DEFECT_ADDRESSES));
    g_autoptr(Mail) cut = support_parse(more, NULL);
    ck_assert_uint_eq(cut->to->len, limit);
    ck_assert(support_has_defect(cut, DEFECT_ADDRESSES));
}
END_TEST

/* M22: the rest stays in raw, what was read is readable. */
START_TEST(a_long_subject_is_cut)
{
    size_t limit = mail_limits_default.header_field_bytes;
    g_autofree char *text =
        support_repeat("Subject: ", "x", 1000000, "\nFrom: a@b.org\n\nbody");
    g_autoptr(Mail) mail = support_parse(text, NULL);
    check_sound(mail);
    ck_assert_uint_le(strlen(mail->subject), limit);
    ck_assert_uint_ge(strlen(mail->subject), limit - 1);
    ck_assert_str_eq(mail->originator->addr_spec, "a@b.org");
    ck_assert_str_eq(mail->text, "body");
    ck_assert(support_has_defect(mail, DEFECT_HEADER_FIELD_LONG));
    ck_assert_uint_eq(g_bytes_get_size(mail->raw), strlen(text));
}
END_TEST

/* M59: cut at every byte. Each beginning of a mail is a mail. */
static const char *const samples[] = {
    everyday,
    "From: MAILER-DAEMON@x.org\nSubject: failure notice\n\n<a@x.org>:\n550 "
    "5.1.1 unknown\n\n--- Below this line is a copy of the message.\n\n"
    "Received: x\n\ty\nFrom: b@x.org\n\nhello\n",
    "Content-Type: text/html; charset=utf-8\n\n<p>caf\xC3\xA9 &eacute; <a "
    "href=\"https://x.org/?a=1&amp;b=2\">here</a><!-- c --><blockquote>old"
    "</blockquote><script>x</script>\n",
    "Content-Type: multipart/report; report-type=delivery-status; "
    "boundary=\"=_b\"\n\n--=_b\nContent-Type: message/delivery-status\n\n"
    "Final-Recipient: rfc822; a@x.org\nAction: failed\nStatus: 5.1.1\n"
    "--=_b\nContent-Type: message/rfc822\n\nSubject: x\n\ny\n--=_b--\n",
    "Subject: =?utf-8?B?0J/RgNC40LLRltGC?= =?koi8-u?Q?=F0=D2?=\nFrom: "
    "\"a, b\" <c@d.org> (e (f))\nContent-Type: text/plain;\n "
    "name*0*=utf-8'uk'%D0%B0; name*1=b; charset=\"utf-16le\"\n"
    "Content-Transfer-Encoding: base64\n\nSABpAA==SABpAA==\n",
    "\nbegin 644 a.txt\n#86)C\n`\nend\n\nOn 04/05/2020 10:11, Bob\nwrote:\n"
    "> a\n> b\n\n-- \nme\n",
};

START_TEST(every_beginning_of_a_mail_is_read)
{
    size_t length = strlen(samples[_i]);
    for (size_t n = 0; n <= length; n++) {
        /* A copy of its own, so that a byte too far is seen. */
        g_autofree char *part = g_memdup2(samples[_i], n);
        g_autoptr(GBytes) raw = g_bytes_new_static(part, n);
        g_autoptr(Mail) mail = mail_parse(raw, NULL, &mail_limits_default);
        check_sound(mail);
    }
}
END_TEST

/* ... and with any byte changed into another. */
START_TEST(every_wrong_byte_is_survived)
{
    static const unsigned char wrong[] = {0, '\n', '"', '=', '<', 0x80, 0xFF};
    size_t length = strlen(samples[_i]);
    for (size_t n = 0; n < length; n++) {
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
            g_autofree char *copy = g_memdup2(samples[_i], length);
            copy[n] = (char)wrong[i];
            g_autoptr(GBytes) raw = g_bytes_new_static(copy, length);
            g_autoptr(Mail) mail = mail_parse(raw, NULL, &mail_limits_default);
            check_sound(mail);
        }
    }
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, an_everyday_mail_is_read);
    tcase_add_loop_test(tests, malformed_mail_is_read, 0,
                        G_N_ELEMENTS(malformed));
    tcase_add_test(tests, nul_is_a_byte_like_others);
    tcase_add_loop_test(tests, dates_are_read_or_left, 0, G_N_ELEMENTS(dates));
    tcase_add_loop_test(tests, the_first_language_counts, 0,
                        G_N_ELEMENTS(languages));
    tcase_add_test(tests, an_encoded_id_is_the_same);
    tcase_add_test(tests, hops_are_counted);
    tcase_add_test(tests, addresses_are_counted);
    tcase_add_test(tests, a_long_subject_is_cut);
    tcase_add_loop_test(tests, every_beginning_of_a_mail_is_read, 0,
                        G_N_ELEMENTS(samples));
    tcase_add_loop_test(tests, every_wrong_byte_is_survived, 0,
                        G_N_ELEMENTS(samples));
}

int
main(void)
{
    return support_run("mail", add);
}
