/* What leaves the house: only what was checked, in a form any server takes. */
#include "mail/writer.h"

#include <string.h>

#include "base/failure.h"
#include "mail/delivery.h"
#include "mail/outgoing.h"
#include "support.h"

static Address from = {(char *)"Acme Support", (char *)"support@acme.example"};

static WriterFields
plain_fields(void)
{
    return (WriterFields){.from = &from,
                          .to = "bob@example.org",
                          .subject = "Hello",
                          .message_id = "1@acme.example",
                          .date_s = 1588579872,
                          .text = "Hello Bob,\nall is well.\n"};
}

static char *
written(const WriterFields *fields)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = writer_write(fields, &error);
    ck_assert_msg(bytes != NULL, "%s", error != NULL ? error->message : "");
    gsize length;
    const char *data = g_bytes_get_data(bytes, &length);
    return g_strndup(data, length);
}

/* R19: CRLF only, 7-bit, lines of at most 998 bytes, header lines of 78. */
static void
check_wire(const char *mail)
{
    size_t length = strlen(mail);
    ck_assert_uint_ge(length, 4);
    ck_assert_str_eq(mail + length - 2, "\r\n");
    bool in_header = true;
    for (const char *line = mail; *line != '\0';) {
        const char *end = strstr(line, "\r\n");
        ck_assert_ptr_nonnull(end);
        size_t n = (size_t)(end - line);
        in_header &= n > 0;
        ck_assert_uint_le(n, in_header ? 78 : 998);
        for (const char *p = line; p < end; p++)
            ck_assert_msg((unsigned char)*p < 0x7F && (*p >= ' ' || *p == '\t'),
                          "byte %d", *p);
        line = end + 2;
    }
}

START_TEST(a_plain_mail_is_as_one_would_write_it)
{
    WriterFields fields = plain_fields();
    g_autofree char *mail = written(&fields);
    ck_assert_str_eq(mail, "Date: Mon, 4 May 2020 08:11:12 +0000\r\n"
                           "From: Acme Support <support@acme.example>\r\n"
                           "To: bob@example.org\r\n"
                           "Subject: Hello\r\n"
                           "Message-ID: <1@acme.example>\r\n"
                           "MIME-Version: 1.0\r\n"
                           "Content-Type: text/plain; charset=utf-8\r\n"
                           "Content-Transfer-Encoding: quoted-printable\r\n"
                           "\r\n"
                           "Hello Bob,\r\n"
                           "all is well.\r\n");
}
END_TEST

START_TEST(all_fields_are_written)
{
    WriterFields fields = plain_fields();
    g_autoptr(GPtrArray) cc = g_ptr_array_new(), ids = g_ptr_array_new();
    g_ptr_array_add(cc, (char *)"a@x.org");
    g_ptr_array_add(cc, (char *)"b@x.org");
    g_ptr_array_add(ids, (char *)"r@x.org");
    fields.cc = cc;
    fields.reply_to = "support+k@acme.example";
    fields.in_reply_to = "p@x.org";
    fields.references = ids;
    fields.origin = WRITER_REPLIED;
    fields.loop_id = "acme";
    fields.language = "it";
    g_autofree char *mail = written(&fields);
    check_wire(mail);
    static const char *const expected[] = {
        "\r\nCc: a@x.org, b@x.org\r\n",
        "\r\nReply-To: support+k@acme.example\r\n",
        "\r\nIn-Reply-To: <p@x.org>\r\n",
        "\r\nReferences: <r@x.org>\r\n",
        "\r\nAuto-Submitted: auto-replied\r\n",
        "\r\nX-Auto-Response-Suppress: All\r\n",
        "\r\nX-Postern-Loop: acme\r\n",
        "\r\nContent-Language: it\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
        ck_assert_msg(strstr(mail, expected[i]) != NULL, "no %s", expected[i]);
    fields.origin = WRITER_GENERATED;
    g_autofree char *notice = written(&fields);
    ck_assert_ptr_nonnull(strstr(notice, "Auto-Submitted: auto-generated"));
    fields.origin = WRITER_HUMAN;
    g_autofree char *human = written(&fields);
    ck_assert_ptr_null(strstr(human, "Auto-Submitted"));
    ck_assert_ptr_null(strstr(human, "Suppress"));
}
END_TEST

/* What is written is what our own reader, and any other, reads again. */
static const struct {
    const char *name;
    const char *subject;
    const char *text;
} rounds[] = {
    {"Bob", "Hello", "Hello\n"},
    {"", "Hello", "Hello\n"},
    {"Builder, Bob \"B\" \\", "a  b", "x\n"},
    {"Jürgen Groß", "Größe – 5 €", "Grüße\n"},
    {"Анна", "Привіт, як справи?", "Привіт!\nБувай.\n"},
    {"日本", "件名", "本文\n"},
    {"=?utf-8?Q?x?=", "=?utf-8?Q?not_encoded?=", "=?utf-8?Q?x?=\n"},
    {"x", "", "\n"},
    {"x", "trailing space", "a \nb\t\n=3D\n.\n..\nFrom x\n"},
};

START_TEST(what_is_written_can_be_read)
{
    Address sender = {(char *)rounds[_i].name, (char *)"s@acme.example"};
    WriterFields fields = plain_fields();
    fields.from = &sender;
    fields.subject = rounds[_i].subject;
    fields.text = rounds[_i].text;
    g_autofree char *bytes = written(&fields);
    check_wire(bytes);
    g_autoptr(Mail) mail = support_parse(bytes, NULL);
    /* A reader decodes a name that looks encoded; nobody is called so. */
    if (!g_str_has_prefix(rounds[_i].name, "=?"))
        ck_assert_str_eq(mail->originator->name, rounds[_i].name);
    g_autofree char *one_line = g_strdup(rounds[_i].subject);
    if (strcmp(one_line, "a  b") == 0)
        strcpy(one_line, "a b");
    ck_assert_str_eq(mail->subject, one_line);
    if (strcmp(rounds[_i].text, "\n") != 0)
        ck_assert_str_eq(mail->text, rounds[_i].text);
    ck_assert_uint_eq(mail->defects->len,
                      strcmp(rounds[_i].text, "\n") == 0 ? 1 : 0);
}
END_TEST

START_TEST(long_values_are_folded)
{
    g_autofree char *words = support_repeat("", "word ", 400, "end");
    g_autofree char *one_word = support_repeat("", "x", 2000, "");
    g_autofree char *wide = support_repeat("", "ї", 2000, "");
    g_autofree char *line = support_repeat("", "y", 5000, "\n");
    const char *const subjects[] = {words, one_word, wide};
    for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++) {
        Address sender = {(char *)subjects[i], (char *)"s@acme.example"};
        WriterFields fields = plain_fields();
        fields.from = &sender;
        fields.subject = subjects[i];
        fields.text = i == 2 ? wide : line;
        g_autofree char *bytes = written(&fields);
        check_wire(bytes);
        g_autoptr(Mail) mail = support_parse(bytes, NULL);
        ck_assert_str_eq(mail->subject, subjects[i]);
        ck_assert_str_eq(mail->originator->name, subjects[i]);
    }
}
END_TEST

/* R19: of more than twenty the first, the root of the thread, and the newest.
 */
START_TEST(references_are_kept_short)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < WRITER_REFERENCES_MAX + 5; i++)
        g_ptr_array_add(ids, g_strdup_printf("%d@x.org", i));
    WriterFields fields = plain_fields();
    fields.references = ids;
    g_autofree char *bytes = written(&fields);
    check_wire(bytes);
    g_autoptr(Mail) mail = support_parse(bytes, NULL);
    ck_assert_uint_eq(mail->references->len, WRITER_REFERENCES_MAX);
    ck_assert_str_eq(mail->references->pdata[0], "0@x.org");
    ck_assert_str_eq(mail->references->pdata[1], "6@x.org");
    ck_assert_str_eq(mail->references->pdata[19], "24@x.org");
}
END_TEST

/* A15-A19: no value becomes a field, a line or another mail. */
static const char *const injections[] = {
    "x\r\nBcc: v@x.org",
    "x\nBcc: v@x.org",
    "x\rBcc: v@x.org",
    "x\r\n\r\nbody",
    ("x\xE2\x80\xA8"
     "Bcc: v"),
    "x\x01\x7F\x1B[2J",
    "\xFF\xFE",
};

START_TEST(no_value_becomes_a_field)
{
    Address sender = {(char *)injections[_i], (char *)"s@acme.example"};
    WriterFields fields = plain_fields();
    fields.from = &sender;
    fields.subject = injections[_i];
    fields.text = injections[_i];
    fields.loop_id = injections[_i];
    fields.language = injections[_i];
    fields.in_reply_to = injections[_i];
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    g_ptr_array_add(ids, (char *)injections[_i]);
    fields.references = ids;
    g_autofree char *bytes = written(&fields);
    check_wire(bytes);
    char *end = strstr(bytes, "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    *end = '\0';
    ck_assert_ptr_null(strstr(bytes, "\nBcc"));
    ck_assert_ptr_null(strstr(bytes, "X-Postern-Loop"));
    ck_assert_ptr_null(strstr(bytes, "Content-Language"));
    ck_assert_ptr_null(strstr(bytes, "In-Reply-To"));
    ck_assert_ptr_null(strstr(bytes, "References"));
}
END_TEST

static const char *const bad_addresses[] = {
    "bob",
    "bob@x.org\r\nBcc: v@x.org",
    "bob@x.org, eve@x.org",
    "<bob@x.org>",
    "-bob@x.org",
    "пошта@x.org",
    "",
    "bob@x.org (x)",
};

static void
is_refused(const WriterFields *fields)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = writer_write(fields, &error);
    ck_assert_ptr_null(bytes);
    ck_assert(failure_is(error, FAILURE_PERMANENT));
}

START_TEST(bad_addresses_are_refused)
{
    const char *bad = bad_addresses[_i];
    WriterFields fields = plain_fields();
    fields.to = bad;
    is_refused(&fields);
    fields = plain_fields();
    fields.reply_to = bad;
    is_refused(&fields);
    fields = plain_fields();
    Address sender = {(char *)"x", (char *)bad};
    fields.from = &sender;
    is_refused(&fields);
    fields = plain_fields();
    g_autoptr(GPtrArray) cc = g_ptr_array_new();
    g_ptr_array_add(cc, (char *)bad);
    fields.cc = cc;
    is_refused(&fields);
}
END_TEST

START_TEST(bad_ids_are_refused)
{
    static const char *const bad[] = {"",      "a b@x",   "a@x\r\nX: y",
                                      "<a@x>", "ї@x.org", NULL};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        WriterFields fields = plain_fields();
        fields.message_id = bad[i];
        is_refused(&fields);
    }
    g_autofree char *endless = support_repeat("", "a", 901, "");
    WriterFields fields = plain_fields();
    fields.message_id = endless;
    is_refused(&fields);
}
END_TEST

START_TEST(an_international_domain_is_written_in_ascii)
{
    WriterFields fields = plain_fields();
    fields.to = "bob@bücher.example";
    g_autofree char *bytes = written(&fields);
    check_wire(bytes);
    ck_assert_ptr_nonnull(strstr(bytes, "To: bob@xn--bcher-kva.example\r\n"));
}
END_TEST

START_TEST(nobody_is_undisclosed)
{
    WriterFields fields = plain_fields();
    fields.to = NULL;
    g_autofree char *bytes = written(&fields);
    ck_assert_ptr_nonnull(strstr(bytes, "To: undisclosed-recipients:;\r\n"));
}
END_TEST

static const struct {
    int64_t date_s;
    const char *expected;
} dates[] = {
    {0, "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"},
    {951782400, "Date: Tue, 29 Feb 2000 00:00:00 +0000\r\n"},
    {4102444799, "Date: Thu, 31 Dec 2099 23:59:59 +0000\r\n"},
};

START_TEST(dates_are_written_in_utc)
{
    WriterFields fields = plain_fields();
    fields.date_s = dates[_i].date_s;
    g_autofree char *bytes = written(&fields);
    ck_assert(g_str_has_prefix(bytes, dates[_i].expected));
}
END_TEST

START_TEST(kinds_have_names)
{
    for (int kind = OUTGOING_ACKNOWLEDGEMENT; kind <= OUTGOING_ADMIN; kind++) {
        OutgoingKind read = OUTGOING_ADMIN;
        ck_assert(
            outgoing_kind_parse(outgoing_kind_name((OutgoingKind)kind), &read));
        ck_assert_int_eq((int)read, kind);
    }
    OutgoingKind untouched = OUTGOING_NOTICE;
    ck_assert(!outgoing_kind_parse("Reply", &untouched));
    ck_assert_int_eq(untouched, OUTGOING_NOTICE);
    ck_assert(outgoing_kind_is_once(OUTGOING_ACKNOWLEDGEMENT));
    ck_assert(!outgoing_kind_is_once(OUTGOING_REPLY));
}
END_TEST

START_TEST(parcels_may_be_empty)
{
    delivery_free(NULL);
    outgoing_free(NULL);
    delivery_free(g_new0(Delivery, 1));
    outgoing_free(g_new0(Outgoing, 1));
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, a_plain_mail_is_as_one_would_write_it);
    tcase_add_test(tests, all_fields_are_written);
    tcase_add_loop_test(tests, what_is_written_can_be_read, 0,
                        G_N_ELEMENTS(rounds));
    tcase_add_test(tests, long_values_are_folded);
    tcase_add_test(tests, references_are_kept_short);
    tcase_add_loop_test(tests, no_value_becomes_a_field, 0,
                        G_N_ELEMENTS(injections));
    tcase_add_loop_test(tests, bad_addresses_are_refused, 0,
                        G_N_ELEMENTS(bad_addresses));
    tcase_add_test(tests, bad_ids_are_refused);
    tcase_add_test(tests, an_international_domain_is_written_in_ascii);
    tcase_add_test(tests, nobody_is_undisclosed);
    tcase_add_loop_test(tests, dates_are_written_in_utc, 0,
                        G_N_ELEMENTS(dates));
    tcase_add_test(tests, kinds_have_names);
    tcase_add_test(tests, parcels_may_be_empty);
}

int
main(void)
{
    return support_run("writer", add);
}
