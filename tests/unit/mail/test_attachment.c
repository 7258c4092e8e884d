/* Names, types and contents of attachments, and how one gets at them. */
#include "mail/attachment.h"

#include <string.h>

#include "base/text.h"
#include "mail/defect.h"
#include "support.h"

#define TYPE(type) "Content-Type: " type "\n"
#define ENCODED(how) "Content-Transfer-Encoding: " how "\n"
#define MIXED TYPE("multipart/mixed; boundary=b") "\n"
#define PART(header, body) "--b\n" header "\n" body "\n"
#define END "--b--\n"

static const Attachment *
at(const Mail *mail, guint index)
{
    ck_assert_uint_lt(index, mail->attachments->len);
    return mail->attachments->pdata[index];
}

static void
collect(void *context, const void *bytes, size_t length)
{
    ck_assert_uint_gt(length, 0);
    g_byte_array_append(context, bytes, (guint)length);
}

/* What mail_attachment() says is the content. */
static GByteArray *
extract(const Mail *mail, size_t index)
{
    GByteArray *content = g_byte_array_new();
    g_autoptr(GPtrArray) list = mail_attachment(mail->raw, &mail_limits_default,
                                                index, collect, content);
    ck_assert_uint_eq(list->len, mail->attachments->len);
    return content;
}

/* ---- the content: one definition ---- */

static void
assert_content(const Mail *mail, guint index, const void *bytes, size_t length)
{
    const Attachment *attachment = at(mail, index);
    g_autoptr(GByteArray) content = extract(mail, index);
    g_autofree char *digest =
        text_hex(attachment->digest, sizeof attachment->digest);
    g_autofree char *expected =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, length);
    ck_assert_uint_eq(content->len, length);
    if (length > 0)
        ck_assert_mem_eq(content->data, bytes, length);
    ck_assert_uint_eq(attachment->size, length);
    ck_assert_str_eq(digest, expected);
}

/* Each is the last attachment of its mail. */
static const struct {
    const char *mail;
    const char *content;
} contents[] = {
    {MIXED PART(TYPE("a/b"), "12345") END, "12345"},
    {MIXED PART(TYPE("a/b"), "") END, ""},
    {MIXED "--b\r\n" TYPE("a/b") "\na\r\nb\r\n" END, "a\r\nb"},
    {MIXED PART(TYPE("a/b") ENCODED("x-foo"), "a=3D") END, "a=3D"}, /* M45 */
    /* M43: padding in the middle, junk, spaces, none at the end */
    {MIXED PART(TYPE("a/b") ENCODED("base64"), "aGVsbG8=\nIHdvcmxk") END,
     "hello world"},
    {MIXED PART(TYPE("a/b") ENCODED("base64"), "a G*V\ns\tb G8") END, "hello"},
    {MIXED PART(TYPE("a/b") ENCODED("base64"), "Y") END, ""},
    /* M44: = at the end, =ZZ, =00 is tested below */
    {MIXED PART(TYPE("a/b") ENCODED("quoted-printable"), "caf=C3=A9=") END,
     "café"},
    {MIXED PART(TYPE("a/b") ENCODED("quoted-printable"), "a=ZZb=3") END,
     "a=ZZb=3"},
    {TYPE("a/b") ENCODED("quoted-printable") "\na=", "a"},
    {TYPE("a/b") ENCODED("x-uuencode") "\nbegin 644 x\n#86)C\n`\nend\n", "abc"},
    /* An attached message is a file with LF line ends, and what closes a
     * multipart has one. */
    {MIXED "--b\n" TYPE("message/rfc822") "\nA: b\r\n\r\nc\rd\r\n\r\n" END,
     "A: b\n\nc\rd\n"},
    {MIXED PART(TYPE("message/rfc822"), "A: b\n\n--c\n\n--c--\n") END,
     "A: b\n\n--c\n\n--c--\n"},
    {MIXED PART(TYPE("message/rfc822"), "A: b\n\n--c\n\n--c--") END,
     "A: b\n\n--c\n\n--c--\n"},
    {MIXED PART(TYPE("message/rfc822"), "A: b\n\nc") END, "A: b\n\nc"},
    {MIXED PART(TYPE("message/rfc822") ENCODED("base64"), "QTogYg0KDQpj") END,
     "A: b\r\n\r\nc"},
    {MIXED PART("\n", "text") PART(TYPE("message/rfc822"), "") END, ""},
    /* M45: uuencoded in the text */
    {"\nbegin 644 a.txt\n#86)C\n`\nend\n", "abc"},
    {"\nbegin 644 a.txt\n\"86(\n`\nend\n", "ab"}, /* a space trimmed */
    {"\nbegin 644 a.txt\n#86)\n`\nend\n", "ab@"},
    {"\nbegin 644 a.txt\n`\nend\n", ""},
    {"\nbegin 644 a\n#86)C\n`\nend\nand\nbegin 600 b\n\"86( \n`\nend\n", "ab"},
    {TYPE("text/plain; format=flowed") "\nbegin 644 a\n\"86( \n`\nend\n", "ab"},
    /* lines that end with CR alone */
    {"Content-Type: a/b\r\rone\rtwo", "one\ntwo"},
    {"\xEF\xBB\xBF" TYPE("a/b") "\nx", "x"},
};

START_TEST(what_is_listed_is_what_one_gets)
{
    g_autoptr(Mail) mail = support_parse(contents[_i].mail, NULL);
    ck_assert_uint_gt(mail->attachments->len, 0);
    assert_content(mail, mail->attachments->len - 1, contents[_i].content,
                   strlen(contents[_i].content));
}
END_TEST

START_TEST(m44_zeros_are_bytes_like_others)
{
    g_autoptr(Mail) mail = support_parse(
        MIXED PART(TYPE("a/b") ENCODED("quoted-printable"), "a=00b=00") END,
        NULL);
    assert_content(mail, 0, "a\0b\0", 4);
}
END_TEST

START_TEST(pieces_come_in_order)
{
    enum { LENGTH = 1000 * 1000 };
    g_autofree guchar *bytes = g_malloc(LENGTH);
    for (size_t i = 0; i < LENGTH; i++)
        bytes[i] = (guchar)(i * 2654435761U >> 13);
    g_autofree char *base64 = g_base64_encode(bytes, LENGTH);
    g_autofree char *text =
        g_strconcat(MIXED PART(TYPE("a/b"), "one") "--b\n" TYPE("a/b")
                        ENCODED("base64") "\n",
                    base64, "\n" PART(TYPE("a/b"), "three") END, NULL);
    g_autoptr(Mail) mail = support_parse(text, NULL);
    assert_content(mail, 0, "one", 3);
    assert_content(mail, 1, bytes, LENGTH);
    assert_content(mail, 2, "three", 5);
}
END_TEST

START_TEST(there_may_be_no_such_one)
{
    g_autoptr(Mail) mail =
        support_parse(MIXED PART(TYPE("a/b"), "x") END, NULL);
    g_autoptr(GByteArray) none = extract(mail, 1);
    ck_assert_uint_eq(none->len, 0);
}
END_TEST

/* ---- names ---- */

static const struct {
    const char *header; /* of the part */
    const char *expected;
} names[] = {
    {"filename=a.pdf", "a.pdf"},
    {"filename=\"  spaced  .pdf \"", "spaced .pdf"},
    {"filename=my file.pdf", "my file.pdf"},
    {"filename=\"a.pdf", "a.pdf"},
    {"filename=\"\"; name=b", "b"},
    {"filename=a; name=b", "a"},
    {"name=b", "b"},
    {"FileName=a", "a"},
    {"filename = a", "a"},
    {"filename=\"a\\\"b\"", "a\"b"},
    {"filename=\"caf\xC3\xA9.pdf\"", "café.pdf"},
    {"filename=\"caf\xE9.pdf\"", "caf\xEF\xBF\xBD.pdf"},
    /* M49: encoded words, where they may not be */
    {"filename=\"=?utf-8?B?w6kucGRm?=\"", "é.pdf"},
    {"filename=\"=?iso-8859-1?Q?caf=E9_au_lait.pdf?=\"", "café au lait.pdf"},
    {"filename==?utf-8?B?w6kucGRm?=", "é.pdf"},
    {"filename*=\"=?utf-8?B?w6kucGRm?=\"", "é.pdf"},
    {"filename=\"=?utf-8?B?w6k=?=\n =?utf-8?B?LnBkZg==?=\"", "é.pdf"},
    {"filename=\"=?utf-8?Q?..=2F..=2Fetc=2Fpasswd?=\"", "passwd"},
    /* M49: RFC 2231: whole, broken, out of order, twice, mixed */
    {"filename*=utf-8'en'caf%C3%A9.pdf", "café.pdf"},
    {"filename*=iso-8859-1''caf%E9.pdf", "café.pdf"},
    {"filename*=bogus''a.pdf", "a.pdf"},
    {"filename*=a%20b.pdf", "a b.pdf"},
    {"filename*=utf-8''a%zzb%2", "a%zzb%2"},
    {"filename*0=a; filename*1=b; filename*2=c", "abc"},
    {"filename*2=c; filename*0=a; filename*1=b", "abc"},
    {"filename*0*=utf-8''a%20; filename*1=b%20c", "a b%20c"},
    {"filename*0*=utf-8''caf%C3; filename*1*=%A9.pdf", "café.pdf"},
    {"filename*=utf-8''good.pdf; filename=bad.pdf", "good.pdf"},
    {"filename=bad.pdf; filename*=utf-8''good.pdf", "good.pdf"},
    /* A27, M49: paths */
    {"filename=\"../../etc/cron.d/x\"", "x"},
    {"filename=\"C:\\\\Users\\\\bob\\\\a.pdf\"", "a.pdf"},
    {"filename=\"/\"", "/"},
    {"filename=\"..\"", ""},
    {"filename=\".\"", ""},
    {"filename=\"a/..\"", ""},
    {"filename=\"../\"", ""},
    {"filename=\"a/..\\\\\"", ""},
    {"filename=\"../../a/\"", "a"},
    {"filename=\"~/.ssh/authorized_keys\"", "authorized_keys"},
    {"filename*=utf-8''%2Fetc%2Fpasswd", "passwd"},
    {"filename*=utf-8''a%2f%00", "\xEF\xBF\xBD"},
    /* A27: a label may be called what a file may not */
    {"filename=CON", "CON"},
    {"filename=-rf", "-rf"},
    {"filename=\"$(reboot).pdf\"", "$(reboot).pdf"},
    /* A27, M49: NUL, line ends, controls and tricks of direction */
    {"filename*=utf-8''a%00b.exe", "a\xEF\xBF\xBD"
                                   "b.exe"},
    {"filename*=utf-8''a%0D%0AX:%20y.pdf", "a X: y.pdf"},
    {"filename*=utf-8''a%1B%5B2Jb%7F", "a [2Jb"},
    {"filename*=utf-8''%E2%80%AEfdp.exe", "fdp.exe"},
    {"filename*=utf-8''a%E2%80%8B%EF%BB%BFb", "ab"},
    /* M50 */
    {"", ""},
    {"filename", ""},
    {"filename=", ""},
};

START_TEST(m49_names_are_labels)
{
    g_autofree char *text = g_strdup_printf(
        MIXED PART(TYPE("a/b") "Content-Disposition: attachment; %s\n", "x")
            END,
        names[_i].header);
    g_autoptr(Mail) mail = support_parse(text, NULL);
    ck_assert_uint_eq(mail->attachments->len, 1);
    ck_assert_str_eq(at(mail, 0)->name, names[_i].expected);
}
END_TEST

static const struct {
    const char *before;
    const char *piece;
    size_t count;
} long_names[] = {
    {"filename=\"", "é", 5000}, /* M49: 10 kB */
    {"filename=\"", "é", 50000},
    {"filename=\"", "a/", 50000},
    {"filename*=utf-8''", "%C3%A9", 20000},
    {"filename=\"", "=?utf-8?Q?=C3=A9?= ", 6000},
};

START_TEST(a27_names_have_a_length)
{
    g_autofree char *before =
        g_strconcat(MIXED "--b\n" TYPE("a/b") "Content-Disposition: "
                                              "attachment; ",
                    long_names[_i].before, NULL);
    g_autofree char *text = support_repeat(before, long_names[_i].piece,
                                           long_names[_i].count, "\n\nx\n" END);
    g_autoptr(Mail) mail = support_parse(text, NULL);
    ck_assert_uint_le(strlen(at(mail, 0)->name), ATTACHMENT_NAME_MAX);
    ck_assert(g_utf8_validate(at(mail, 0)->name, -1, NULL));
    ck_assert_uint_eq(at(mail, 0)->size, 1);
}
END_TEST

/* ---- types ---- */

static const struct {
    const char *header;
    const char *expected;
} types[] = {
    {TYPE("application/pdf"), "application/pdf"},
    {TYPE("Application/PDF; name=x"), "application/pdf"},
    {TYPE("application/vnd.oasis.opendocument.text"),
     "application/vnd.oasis.opendocument.text"},
    {TYPE("image/svg+xml"), "image/svg+xml"},
    /* A27: nothing but the two words, and only of permitted characters */
    {TYPE("text/html; x=\"<script>\""), "text/html"},
    {TYPE("application/<script>"), "application/octet-stream"},
    {TYPE("text/html\"onload=alert(1)"), "application/octet-stream"},
    {TYPE("a/b/c"), "application/octet-stream"},
    {TYPE("../../x"), "application/octet-stream"},
    {"Content-Disposition: attachment; filename=x\n", "text/plain"},
    {TYPE("pdf") "Content-Disposition: attachment\n", "text/plain"},
    {TYPE("") "Content-Disposition: attachment\n", "text/plain"},
};

START_TEST(a27_types_are_two_words)
{
    g_autofree char *text =
        g_strdup_printf(MIXED "--b\n%sContent-Disposition: attachment\n\nx\n"
                              "--b--\n",
                        types[_i].header);
    g_autoptr(Mail) mail = support_parse(text, NULL);
    ck_assert_str_eq(at(mail, 0)->type, types[_i].expected);
}
END_TEST

START_TEST(a27_types_have_a_length)
{
    g_autofree char *text =
        support_repeat(MIXED "--b\nContent-Type: a/", "b", 1000, "\n\nx\n" END);
    g_autoptr(Mail) mail = support_parse(text, NULL);
    ck_assert_str_eq(at(mail, 0)->type, "application/octet-stream");
}
END_TEST

/* ---- which parts, and how they are shown ---- */

/* "name type" of each, "~" before what is shown in the text. */
static char *
listed(const Mail *mail)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < mail->attachments->len; i++)
        g_string_append_printf(out, "%s%s %s;",
                               at(mail, i)->is_inline ? "~" : "",
                               at(mail, i)->name, at(mail, i)->type);
    return g_string_free(out, FALSE);
}

#define RELATED TYPE("multipart/related; boundary=b") "\n"
#define HTML PART(TYPE("text/html"), "<p>See <img src=\"cid:a@x\">")

static const struct {
    const char *mail;
    const char *text;
    const char *attachments;
} parts[] = {
    /* M42 */
    {TYPE("multipart/signed; boundary=b; micalg=pgp-sha256; "
          "protocol=\"application/pgp-signature\"") "\n" PART("", "Hello.")
         PART(TYPE("application/pgp-signature; name=signature.asc"), "-") END,
     "Hello.", "signature.asc application/pgp-signature;"},
    {TYPE("multipart/encrypted; boundary=b; "
          "protocol=\"application/pgp-encrypted\"") "\n" PART(TYPE("application"
                                                                   "/pgp-"
                                                                   "encrypted"),
                                                              "Version: 1")
         PART(TYPE("application/octet-stream; name=encrypted.asc"), "-") END,
     "", " application/pgp-encrypted;encrypted.asc application/octet-stream;"},
    {TYPE("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m")
         ENCODED("base64") "\nMIAG",
     "", "smime.p7m application/pkcs7-mime;"},
    {TYPE("multipart/alternative; boundary=b") "\n" PART("", "Come.")
         PART(TYPE("text/calendar; method=REQUEST"), "BEGIN:VCALENDAR") END,
     "Come.", " text/calendar;"},
    {TYPE("text/calendar; method=REQUEST") "\nBEGIN:VCALENDAR", "",
     " text/calendar;"},
    {TYPE("message/partial; id=x; number=1; total=2") "\nSubject: x\n\nHalf.",
     "", " message/partial;"},
    {MIXED PART("", "There.")
         PART(TYPE("message/external-body; access-type=URL; "
                   "URL=\"file:///etc/passwd\""),
              "Content-Type: a/b\n\n") END,
     "There.", " message/external-body;"},
    /* An attached message has no name but its own. */
    {MIXED PART(TYPE("message/rfc822"), "Subject: Hello\n\nText") END, "",
     " message/rfc822;"},
    {MIXED PART(TYPE("message/rfc822; name=a.eml"), "Subject: x\n\ny") END, "",
     "a.eml message/rfc822;"},
    /* Images of the text, and files: told apart by what the mail says. */
    {RELATED HTML PART(TYPE("image/png; name=a.png") "Content-ID: <a@x>\n", "x")
         END,
     "See", "~a.png image/png;"},
    {RELATED HTML PART(TYPE("image/png") "Content-Disposition: inline\n", "x")
         END,
     "See", "~ image/png;"},
    {RELATED HTML PART(
         TYPE("image/png; name=a.png") "Content-ID: <a@x>\n"
                                       "Content-Disposition: attachment\n",
         "x") END,
     "See", "a.png image/png;"},
    {RELATED HTML PART(TYPE("application/pdf") "Content-ID: <a@x>\n", "x") END,
     "See", " application/pdf;"},
    /* M51: they may refer to each other, to themselves, and be two of one id */
    {RELATED PART(TYPE("text/html") "Content-ID: <a@x>\n",
                  "<p>See <iframe src=\"cid:a@x\"></iframe>")
         PART(TYPE("image/svg+xml") "Content-ID: <b@x>\n",
              "<image href=\"cid:b@x\"/>")
             PART(TYPE("image/png") "Content-ID: <b@x>\n", "x") END,
     "See", "~ image/svg+xml;~ image/png;"},
    /* M45: yEnc is 8-bit text with a checksum of its own; it stays. */
    {"\n=ybegin line=128 size=3 name=a.bin\n\x8B\x8C\x8D\n=yend size=3\n",
     "=ybegin line=128 size=3 name=a.bin\n‹Œ\xEF\xBF\xBD\n=yend size=3\n", ""},
    /* M45: an encoding on a multipart is no encoding */
    {TYPE("multipart/mixed; boundary=b") ENCODED("base64") "\n" PART("", "Hi.")
         PART(TYPE("a/b"), "x") END,
     "Hi.", " a/b;"},
    /* M54 */
    {MIXED PART(TYPE("application/pdf; name=a.pdf"), "x") END, "",
     "a.pdf application/pdf;"},
};

START_TEST(m42_parts_are_told_apart)
{
    g_autoptr(Mail) mail = support_parse(parts[_i].mail, NULL);
    g_autofree char *attachments = listed(mail);
    ck_assert_str_eq(mail->text, parts[_i].text);
    ck_assert_str_eq(attachments, parts[_i].attachments);
}
END_TEST

START_TEST(content_ids_have_no_brackets)
{
    g_autoptr(Mail) mail =
        support_parse(MIXED PART(TYPE("image/png") "Content-ID: <a@x>\n", "x")
                          PART(TYPE("image/png") "Content-ID: b\n", "x")
                              PART(TYPE("image/png"), "x") END,
                      NULL);
    ck_assert_str_eq(at(mail, 0)->content_id, "a@x");
    ck_assert_str_eq(at(mail, 1)->content_id, "b");
    ck_assert_str_eq(at(mail, 2)->content_id, "");
}
END_TEST

START_TEST(content_ids_have_a_length)
{
    const char *before = MIXED "--b\n" TYPE("image/png") "Content-ID: <";
    g_autofree char *fits =
        support_repeat(before, "x", ATTACHMENT_ID_MAX, ">\n\nx\n" END);
    g_autofree char *too_long =
        support_repeat(before, "x", ATTACHMENT_ID_MAX + 1, ">\n\nx\n" END);
    g_autoptr(Mail) mail = support_parse(fits, NULL);
    ck_assert_uint_eq(strlen(at(mail, 0)->content_id), ATTACHMENT_ID_MAX);
    g_autoptr(Mail) other = support_parse(too_long, NULL);
    ck_assert_str_eq(at(other, 0)->content_id, "");
}
END_TEST

/* ---- how many, how large ---- */

START_TEST(m50_a_thousand_of_nothing)
{
    g_autofree char *text =
        support_repeat(MIXED, PART(TYPE("a/b"), ""), 1000, END);
    g_autoptr(Mail) mail = support_parse(text, NULL);
    /* A thousand parts, and the first is the one around them. */
    ck_assert_uint_eq(mail->attachments->len, 999);
    ck_assert(support_has_defect(mail, DEFECT_PARTS));
    ck_assert_uint_eq(at(mail, 998)->size, 0);
}
END_TEST

START_TEST(what_is_beyond_the_limit_stays_text)
{
    MailLimits limits = mail_limits_default;
    limits.parts = 3;
    const char *text = "\nbegin 644 a\n`\nend\nbegin 644 b\n`\nend\n"
                       "begin 644 c\n`\nend\nbegin 644 d\n`\nend\n";
    g_autoptr(GBytes) raw = g_bytes_new_static(text, strlen(text));
    g_autoptr(Mail) mail = mail_parse(raw, NULL, &limits);
    ck_assert_uint_eq(mail->attachments->len, 3);
    ck_assert_str_eq(mail->text, "begin 644 d\n`\nend\n");
}
END_TEST

/* A35: no encoding makes more of a mail than it is, and nothing is unpacked. */
static const char *const bombs[] = {
    TYPE("application/zip") ENCODED("base64"),
    TYPE("application/gzip") ENCODED("base64") "Content-Encoding: gzip\n",
    TYPE("application/zip") ENCODED("x-uuencode"),
    TYPE("application/zip") ENCODED("quoted-printable"),
    TYPE("application/zip") ENCODED("base64,base64"),
};

START_TEST(a35_nothing_is_unpacked)
{
    /* 1,000 zeros, as gzip has them. */
    const char *gzip = "H4sIAAAAAAAAA2NgGAWjYBSMAgAzTx/z6AMAAA==";
    g_autofree char *text =
        g_strdup_printf(MIXED "--b\n%s\n%s\n" END, bombs[_i], gzip);
    g_autoptr(Mail) mail = support_parse(text, NULL);
    ck_assert_uint_le(at(mail, 0)->size, strlen(gzip));
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, what_is_listed_is_what_one_gets, 0,
                        G_N_ELEMENTS(contents));
    tcase_add_test(tests, m44_zeros_are_bytes_like_others);
    tcase_add_test(tests, pieces_come_in_order);
    tcase_add_test(tests, there_may_be_no_such_one);
    tcase_add_loop_test(tests, m49_names_are_labels, 0, G_N_ELEMENTS(names));
    tcase_add_loop_test(tests, a27_names_have_a_length, 0,
                        G_N_ELEMENTS(long_names));
    tcase_add_loop_test(tests, a27_types_are_two_words, 0, G_N_ELEMENTS(types));
    tcase_add_test(tests, a27_types_have_a_length);
    tcase_add_loop_test(tests, m42_parts_are_told_apart, 0,
                        G_N_ELEMENTS(parts));
    tcase_add_test(tests, content_ids_have_no_brackets);
    tcase_add_test(tests, content_ids_have_a_length);
    tcase_add_test(tests, m50_a_thousand_of_nothing);
    tcase_add_test(tests, what_is_beyond_the_limit_stays_text);
    tcase_add_loop_test(tests, a35_nothing_is_unpacked, 0, G_N_ELEMENTS(bombs));
}

int
main(void)
{
    return support_run("attachment", add);
}
