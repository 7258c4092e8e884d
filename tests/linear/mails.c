/* Whole mails, with the piece in each place where a mail may hold it. */
#include <string.h>

#include "mail/mail.h"
#include "mail/mail_form.h"
#include "mail/prescan.h"
#include "readers.h"

/* The road of a mail: read, written as a form, and that read. */
static size_t
read_mail(const char *bytes, size_t length)
{
    g_autoptr(GBytes) raw = g_bytes_new_static(bytes, length);
    g_autoptr(Mail) mail = mail_parse(raw, NULL, &mail_limits_default);
    g_autoptr(GByteArray) form = mail_form_write(mail);
    g_autoptr(Mail) again =
        mail_form_read(form->data, form->len, raw, &mail_limits_default);
    g_assert_nonnull(again);
    g_assert_cmpuint(form->len, <=, mail_form_max_bytes(&mail_limits_default));
    return form->len;
}

static size_t
read_prescan(const char *bytes, size_t length)
{
    g_autoptr(GBytes) raw = g_bytes_new_static(bytes, length);
    g_autoptr(Mail) mail = prescan(raw, &mail_limits_default);
    return strlen(mail->text);
}

#define FROM "From: a@example.org\nTo: b@example.org\n"
#define TEXT FROM "Subject: Hello\n\n"
#define CHARSET(name) FROM "Content-Type: text/plain; charset=" name "\n\n"
#define HTML FROM "Content-Type: text/html\n\n"
#define REPORT                                                                 \
    "From: MAILER-DAEMON@example.org\nTo: a@example.org\n"                     \
    "Subject: Undelivered mail\n"
#define MULTIPART(type)                                                        \
    FROM "Content-Type: multipart/" type "; boundary=b\n\n--b\n"
#define BODY(name, before) WITHIN(name, before, "", read_mail)
#define FIELD(name)                                                            \
    FOLDED(name, FROM name ": ", "\nX-a: b\n\nHello\n", read_mail)
#define CONTENT(field) FOLDED(field, FROM field, "\n\nHello\n", read_mail)

/* Below what is looked at of a line: QUOTE_LINE_MAX, and 2000 bytes of reports.
 */
enum { LINE = 500, REPORT_LINE = 1900 };

const LinearReader linear_mails[] = {
    BODY("text", TEXT),
    BODY("text, in one line", TEXT "x"),
    WITHIN("text, before a colon", TEXT "x ", ":\n", read_mail),
    LINES("text, lines with a colon", TEXT, read_mail, LINE, "", ":\n"),
    LINES("text, lines of who wrote", TEXT, read_mail, LINE, "On 1.1.2020 ",
          "<a@b> wrote:\n"),
    LINES("text, lines with who wrote", TEXT, read_mail, LINE,
          "On 1.1.2020 <a@b> wrote: ", "\n"),
    LINES("text, lines behind who wrote", TEXT, read_mail, LINE,
          "a On 1.1.2020 <a@b> wrote: ", ":\n"),
    LINES("text, lines with an @", TEXT, read_mail, LINE, "a@b ", "\n"),
    LINES("text, lines of dashes", TEXT, read_mail, LINE, "-- ", " --\n"),
    LINES("text, lines of fields", TEXT, read_mail, LINE, "From: ", "\n"),
    LINES("text, lines of arrows", TEXT, read_mail, LINE, ">>> ", " >>>\n"),
    LINES("text, lines below a mark", TEXT "Reply above this line\n\n",
          read_mail, LINE, "", "\n"),
    LINES("report, lines", REPORT "\n", read_mail, REPORT_LINE, "", "\n"),
    LINES("report, lines that announce", REPORT "\n", read_mail, REPORT_LINE,
          "failed ", ":\n"),
    BODY("text, below a mark", TEXT "Reply above this line\n\n"),
    BODY("text, below an introduction",
         TEXT "On Mon, 1.1.2020 <a@example.org> wrote:\n\n"),
    BODY("text, below quotes", TEXT "Hello\n> a\n"),
    WITHIN("text, above quotes", TEXT, "\n> a\n> b\n", read_mail),
    BODY("text, flowed",
         FROM "Content-Type: text/plain; format=flowed; delsp=yes\n\n"),
    BODY("text, uuencoded", TEXT "begin 644 a\n"),
    BODY("HTML", HTML),
    BODY("HTML, in a tag", HTML "<p "),
    BODY("HTML, in a value", HTML "<a href=\""),
    BODY("HTML, in a link", HTML "<a href=\"http://a.example.org\">"),
    BODY("HTML, in a comment", HTML "<!--"),
    BODY("HTML, in a style", HTML "<style>"),
    BODY("HTML, hidden", HTML "<div hidden>"),
    BODY("HTML, quoted 12 times",
         HTML "<blockquote><blockquote><blockquote><blockquote><blockquote>"
              "<blockquote><blockquote><blockquote><blockquote><blockquote>"
              "<blockquote><blockquote>a<br>"),
    BODY("HTML, in lists",
         HTML "<ul><ul><ul><ul><ul><ul><ul><ul><ul><ul><ul><ul>"),
    BODY("HTML, as it stands", HTML "<pre>"),
    BODY("quoted-printable",
         FROM "Content-Transfer-Encoding: quoted-printable\n\n"),
    BODY("base64", FROM "Content-Transfer-Encoding: base64\n\n"),
    BODY("x-uuencode",
         FROM "Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n"),
    BODY("charset unknown", CHARSET("x-unknown")),
    BODY("charset utf-8", CHARSET("utf-8")),
    BODY("charset utf-7", CHARSET("utf-7")),
    BODY("charset utf-16", CHARSET("utf-16")),
    BODY("charset iso-2022-jp", CHARSET("iso-2022-jp")),
    BODY("charset iso-2022-kr", CHARSET("iso-2022-kr")),
    BODY("charset gb18030", CHARSET("gb18030")),
    BODY("charset hz", CHARSET("hz-gb-2312")),
    BODY("charset shift_jis", CHARSET("shift_jis")),
    BODY("charset iso-8859-2", CHARSET("iso-8859-2")),
    BODY("report", REPORT "\n"),
    BODY("report that names whom",
         REPORT "X-Failed-Recipients: b@example.org\n\n"),
    BODY("report with fields in its text",
         REPORT "X-Failed-Recipients: b@example.org\n\nFinal-Recipient:\n"),
    BODY("report, announced", REPORT "\nThis could not be delivered to:\n\n"),
    BODY("report in JSON",
         REPORT "\n{\"bounceType\":\"x\",\"bouncedRecipients\":[{"),
    WITHIN("report with a status",
           REPORT
           "Content-Type: multipart/report; boundary=b\n\n--b\n\nFailed.\n"
           "--b\nContent-Type: message/delivery-status\n\n",
           "\n--b--\n", read_mail),
    WITHIN("report with a mail",
           REPORT
           "Content-Type: multipart/report; boundary=b\n\n--b\n\nFailed.\n"
           "--b\nContent-Type: message/rfc822\n\n",
           "\n--b--\n", read_mail),
    WITHIN("header", "", "\n\nHello\n", read_mail),
    WITHIN("header, below From", FROM, "\n\nHello\n", read_mail),
    WITHIN("header, above Subject", FROM "a b\n", "\nSubject: a\n\nHello\n",
           read_mail),
    WITHIN("header of a multipart",
           FROM "Content-Type: multipart/mixed; boundary=c\n",
           "\nSubject: a\n\n--c\n\nHello\n", read_mail),
    BODY("multipart", MULTIPART("mixed")),
    BODY("multipart/alternative", MULTIPART("alternative")),
    BODY("multipart without a boundary",
         FROM "Content-Type: multipart/mixed\n\n"),
    WITHIN("file", MULTIPART("mixed") "Content-Type: a/b; name=c\n\n",
           "\n--b--\n", read_mail),
    WITHIN("file that is a mail",
           MULTIPART("mixed") "Content-Type: message/rfc822\n\n", "\n--b--\n",
           read_mail),
    FIELD("Subject"),
    FIELD("Reply-To"),
    FIELD("Cc"),
    FIELD("Sender"),
    FIELD("Message-ID"),
    FIELD("In-Reply-To"),
    FIELD("References"),
    FIELD("Date"),
    FIELD("Content-Language"),
    FIELD("Content-ID"),
    FIELD("Return-Path"),
    FIELD("Precedence"),
    FIELD("X-Failed-Recipients"),
    FOLDED("From", "From: ", "\n\nHello\n", read_mail),
    CONTENT("Content-Type: "),
    CONTENT("Content-Type: text/plain; charset="),
    CONTENT("Content-Type: text/plain; name=\""),
    CONTENT("Content-Type: multipart/mixed; boundary=\""),
    CONTENT("Content-Disposition: attachment; filename="),
    CONTENT("Content-Disposition: attachment; filename*=utf-8''"),
    CONTENT("Content-Disposition: attachment; filename*0="),
    CONTENT("Content-Transfer-Encoding: "),
    WITHIN("pre-scan", TEXT, "", read_prescan),
    WITHIN("pre-scan, header", FROM, "\n\nHello\n", read_prescan)};

const size_t linear_mails_count = G_N_ELEMENTS(linear_mails);
