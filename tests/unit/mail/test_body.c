/* Which part is the text, which parts are attachments. */
#include "mail/body.h"

#include <string.h>

#include "mail/defect.h"
#include "support.h"

#define TYPE(type) "Content-Type: " type "\n"
#define MIXED TYPE("multipart/mixed; boundary=b") "\n"
#define ALTERNATIVE TYPE("multipart/alternative; boundary=b") "\n"
#define PART(type, body) "--b\n" TYPE(type) "\n" body "\n"
#define FILE_PART(type, how, body)                                             \
    "--b\n" TYPE(type) "Content-Disposition: " how "\n\n" body "\n"
#define END "--b--\n"

/* "name type size" with a "~" before what is shown in the text. */
static char *
attached(const Mail *mail)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < mail->attachments->len; i++) {
        const Attachment *attachment = mail->attachments->pdata[i];
        g_string_append_printf(
            out, "%s%s %s %zu;", attachment->is_inline ? "~" : "",
            attachment->name, attachment->type, attachment->size);
    }
    return g_string_free(out, FALSE);
}

static const struct {
    const char *mail;
    const char *text;
    const char *attachments;
} bodies[] = {
    {"\nhello\n", "hello\n", ""},
    {TYPE("text/plain; charset=utf-8") "\ncaf\xC3\xA9\r\nau lait\r\n",
     "café\nau lait\n", ""},
    {TYPE("text/html") "\n<p>Hello</p><p>world</p>", "Hello\n\nworld", ""},
    {TYPE("text/html") "Content-Transfer-Encoding: base64\n\nPHA+aGk8L3A+",
     "hi", ""},
    {"\n<!DOCTYPE html><p>hi</p>", "hi", ""},
    /* What is no part of anything is shown, unless it is a file. */
    {TYPE("text/markdown") "\n# hi", "# hi", ""},
    {TYPE("text/plain") "Content-Disposition: attachment\n\nhi", "hi", ""},
    {TYPE("text/csv; name=a.csv") "\na,b", "", "a.csv text/csv 3;"},
    {TYPE("application/pdf") "\nx", "", " application/pdf 1;"},
    /* The charset a page names counts only where the mail names none. */
    {TYPE("text/html") "\n<meta charset=koi8-r><p>\xF0\xD2\xC9\xD7\xC5\xD4",
     "Привет", ""},
    {TYPE("text/html; charset=koi8-r") "\n<meta charset=latin1>\xF0\xD2\xC9",
     "При", ""},
    /* M41: the plain text, unless there is none. */
    {ALTERNATIVE PART("text/plain", "plain") PART("text/html", "<b>rich</b>")
         END,
     "plain", ""},
    {ALTERNATIVE PART("text/plain", " \n") PART("text/html", "<b>rich</b>") END,
     "rich", ""},
    {ALTERNATIVE PART("text/plain; name=body.txt", "plain")
         PART("text/html; name=body.html", "<b>rich</b>") END,
     "plain", ""},
    {ALTERNATIVE FILE_PART("text/plain", "attachment; filename=a.txt", "12345")
         PART("text/html", "<b>rich</b>") END,
     "rich", "a.txt text/plain 5;"},
    {MIXED PART("text/plain", "one") PART("text/plain", "two") END, "one\ntwo",
     ""},
    {MIXED PART("text/plain", "one")
         FILE_PART("application/pdf", "attachment; filename=a.pdf", "12345")
             PART("text/plain", "two") END,
     "one\ntwo", "a.pdf application/pdf 5;"},
    {MIXED FILE_PART("text/plain", "attachment; filename=a.txt", "12345") END,
     "", "a.txt text/plain 5;"},
    {MIXED PART("text/plain; name=a.txt", "12345") END, "",
     "a.txt text/plain 5;"},
    /* A file that is to be shown is both. */
    {MIXED FILE_PART("text/plain", "inline; filename=a.txt", "12345") END,
     "12345", "a.txt text/plain 5;"},
    {MIXED PART("image/png", "12345") END, "", " image/png 5;"},
    {MIXED "--b\n" TYPE("image/png") "Content-ID: <logo@x>\n\n12345\n" END, "",
     "~ image/png 5;"},
    {MIXED FILE_PART("image/png", "attachment; filename=x.png", "1") END, "",
     "x.png image/png 1;"},
    {MIXED PART("text/calendar; name=invite.ics", "BEGIN:VCALENDAR") END, "",
     "invite.ics text/calendar 15;"},
    /* An attached message is one attachment, its own parts are not listed. */
    {MIXED PART("text/plain", "see below") PART(
         "message/rfc822", "Subject: x\n" TYPE("text/plain") "\ninner") END,
     "see below", " message/rfc822 42;"},
    /* M42, M45, M50: what is not for us is at least listed. */
    {MIXED PART("application/ms-tnef; name=winmail.dat", "x") END, "",
     "winmail.dat application/ms-tnef 1;"},
    {MIXED
     "--b\n" TYPE("a/b") "Content-Transfer-Encoding: base64\n\nYWJj\n" END,
     "", " a/b 3;"},
    {MIXED PART("text/html; x=\"<script>\"", "<p>x") END, "x", ""},
    {MIXED PART("application/<script>", "x") END, "",
     " application/octet-stream 1;"},
    /* M32, M38, M39: nothing is lost where the structure is broken. */
    {TYPE("multipart/mixed") "\nhello\n", "hello\n", ""},
    {MIXED "hello\n", "hello\n", ""},
    {MIXED END, "--b--\n", ""},
    {MIXED "--b\n\n--b--\n", "", ""},
    /* uuencode in the text (M45) */
    {"\nsee\nbegin 644 a.txt\n#86)C\n`\nend\nbye\n", "see\nbye\n",
     "a.txt application/octet-stream 3;"},
    {"\nbegin 644 a.txt\nnot uuencoded, is it?\nend\n",
     "begin 644 a.txt\nnot uuencoded, is it?\nend\n", ""},
    {"\nbegin at once\n", "begin at once\n", ""},
    /* M12, A37, A24: neither NUL nor tricks in the text. */
    {"Content-Transfer-Encoding: quoted-printable\n\na=00b=1Bc=E2=80=AEd",
     "a\xEF\xBF\xBD"
     "bcd",
     ""},
    {"\none\rtwo\r\nthree", "one\ntwo\nthree", ""},
};

START_TEST(text_and_attachments_are_told_apart)
{
    g_autoptr(Mail) mail = support_parse(bodies[_i].mail, NULL);
    ck_assert_str_eq(mail->text, bodies[_i].text);
    g_autofree char *got = attached(mail);
    ck_assert_str_eq(got, bodies[_i].attachments);
    ck_assert_int_eq(support_has_defect(mail, DEFECT_NO_TEXT),
                     *bodies[_i].text == '\0');
}
END_TEST

static const struct {
    const char *text;
    bool delete_space;
    const char *expected;
} flows[] = {
    {"one \ntwo\n", false, "one two\n"},
    {"one \ntwo\n", true, "onetwo\n"},
    {"one\ntwo\n", false, "one\ntwo\n"},
    {"> one \n> two\n", false, "> one \n> two\n"},
    {"> one \ntwo\n", false, "> one \ntwo\n"},
    {"> one \n>> two\n", false, "> one \n>> two\n"},
    {"one \n> two\n", false, "one \n> two\n"},
    {" stuffed\n", false, "stuffed\n"},
    {"one\n-- \nBob\n", false, "one\n-- \nBob\n"},
    {"one \n-- \nBob\n", false, "one \n-- \nBob\n"},
    {"one \n", false, "one "},
    {"\n \n", false, "\n\n"},
    {"", false, ""},
};

START_TEST(flowed_lines_are_joined)
{
    g_autofree char *got = body_unflow(flows[_i].text, flows[_i].delete_space);
    ck_assert_str_eq(got, flows[_i].expected);
}
END_TEST

START_TEST(flowed_text_is_recognised)
{
    g_autoptr(Mail) mail = support_parse(
        TYPE("text/plain; format=flowed") "\n> a \n> b\n\nc \nd\n", NULL);
    ck_assert_str_eq(mail->text, "> a \n> b\n\nc d\n");
}
END_TEST

START_TEST(text_has_a_limit)
{
    MailLimits limits = mail_limits_default;
    limits.text_bytes = 1000;
    g_autofree char *fits = support_repeat("\n", "x", 999, "");
    g_autofree char *too_long = support_repeat("\n", "x", 1001, "");
    g_autoptr(GBytes) small = g_bytes_new(fits, strlen(fits));
    g_autoptr(Mail) whole = mail_parse(small, NULL, &limits);
    ck_assert(!support_has_defect(whole, DEFECT_TEXT_LONG));
    ck_assert_uint_eq(strlen(whole->text), 999);
    g_autoptr(GBytes) big = g_bytes_new(too_long, strlen(too_long));
    g_autoptr(Mail) cut = mail_parse(big, NULL, &limits);
    ck_assert(support_has_defect(cut, DEFECT_TEXT_LONG));
    ck_assert_uint_eq(strlen(cut->text), 1000);
}
END_TEST

static void
read_mail(const char *text, size_t length)
{
    mail_free(support_parse_bytes(text, length));
}

/* M47, M48 and bodies that are read in several passes. */
static const struct {
    const char *before;
    const char *piece;
    size_t count;
} hostile[] = {
    {"\n", "x", 1500000},
    {"\n", "\n", 1500000},
    {"\n", "begin 644 x\n", 100000},
    {"\n", "begin 644 x\n#86)C\n", 60000},
    {TYPE("text/plain; format=flowed") "\n", "> a \n", 300000},
    {"Content-Transfer-Encoding: quoted-printable\n\n", "=", 1500000},
    {"Content-Transfer-Encoding: quoted-printable\n\n", "= ", 1500000},
    {"Content-Transfer-Encoding: quoted-printable\n\n", "=4 =\r", 500000},
    {"Content-Transfer-Encoding: base64\n\n", "=", 4000000},
    {MIXED, FILE_PART("message/rfc822", "attachment", "\r\n\r"), 100000},
    {MIXED, FILE_PART("application/ms-tnef", "inline", "x\237>\""), 100000},
    {MIXED, PART("text/plain", "x"), 100000},
    {MIXED, FILE_PART("a/b", "attachment; filename=x", ""), 100000},
};

START_TEST(hostile_bodies_cost_their_length)
{
    support_grows_linearly(read_mail, hostile[_i].before, hostile[_i].piece,
                           hostile[_i].count, "");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, text_and_attachments_are_told_apart, 0,
                        G_N_ELEMENTS(bodies));
    tcase_add_loop_test(tests, flowed_lines_are_joined, 0, G_N_ELEMENTS(flows));
    tcase_add_test(tests, flowed_text_is_recognised);
    tcase_add_test(tests, text_has_a_limit);
    tcase_add_loop_test(tests, hostile_bodies_cost_their_length, 0,
                        G_N_ELEMENTS(hostile));
}

int
main(void)
{
    return support_run("body", add);
}
