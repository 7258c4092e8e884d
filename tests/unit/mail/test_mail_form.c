#include <string.h>

#include "mail/attachment.h"
#include "mail/mail_form.h"
#include "mail/msgid.h"
#include "mail/prescan.h"
#include "support.h"

static const char *const mails[] = {
    "",
    "Subject: x\n\ny\n",
    "From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>, b@example.org\n"
    "Reply-To: c@example.org\nTo: d@example.org, E <e@example.org>\n"
    "Cc: f@example.org\nSubject: =?utf-8?q?gr=C3=BCn?=\n"
    "Message-ID: <1@example.org>\nIn-Reply-To: <0@example.org>\n"
    "References: <a@example.org> <0@example.org>\n"
    "Date: Mon, 2 Mar 2026 10:00:00 +0200\nContent-Language: de\n"
    "Received: x\nX-Auto-Response-Suppress: All\n"
    "Content-Type: multipart/mixed; boundary=b\n\n"
    "--b\n\nGuten Tag,\n\ndanke!\n\n"
    "Am 1.3.2026 schrieb Anna:\n> Hallo\n"
    "--b\nContent-Type: image/png; name=\"a.png\"\nContent-ID: <i@x>\n"
    "Content-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--b--\n",
    "From: MAILER-DAEMON@example.org\nSubject: Undelivered\n"
    "Content-Type: multipart/report; report-type=delivery-status;"
    " boundary=b\n\n--b\n\nSorry.\n--b\n"
    "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
    "Final-Recipient: rfc822; gone@example.net\nAction: failed\n"
    "Status: 5.1.1\n\n--b--\n",
    "Precedence: list\nFrom: a@b.example\n\n\xFF\n",
};

static Mail *
read_form(const void *bytes, size_t length, GBytes *raw)
{
    return mail_form_read(bytes, length, raw, &mail_limits_default);
}

static GByteArray *
write_sample(size_t i, Mail **ret_mail)
{
    *ret_mail = support_parse(mails[i], NULL);
    return mail_form_write(*ret_mail);
}

/* What two processes would make of it is the same. */
static bool
is_same(const Mail *a, const Mail *b)
{
    g_autoptr(GByteArray) first = mail_form_write(a);
    g_autoptr(GByteArray) second = mail_form_write(b);
    return first->len == second->len &&
           memcmp(first->data, second->data, first->len) == 0 &&
           strcmp(a->reply, b->reply) == 0;
}

START_TEST(a_mail_comes_back_as_it_was)
{
    g_autoptr(Mail) mail = NULL;
    g_autoptr(GByteArray) form = write_sample((size_t)_i, &mail);
    g_autoptr(Mail) again = read_form(form->data, form->len, mail->raw);
    ck_assert_ptr_nonnull(again);
    ck_assert(is_same(mail, again));
    ck_assert_str_eq(again->subject, mail->subject);
    ck_assert_uint_eq(again->attachments->len, mail->attachments->len);
    ck_assert_uint_eq(again->failed->len, mail->failed->len);
    ck_assert_int_eq(again->date_s, mail->date_s);
    ck_assert_str_eq(again->automatic.reason, mail->automatic.reason);
    ck_assert_uint_le(form->len, mail_form_max_bytes(&mail_limits_default));
}
END_TEST

START_TEST(what_the_prescan_reads_comes_back_too)
{
    g_autoptr(GBytes) raw = g_bytes_new_static(mails[_i], strlen(mails[_i]));
    g_autoptr(Mail) mail = prescan(raw, &mail_limits_default);
    g_autoptr(GByteArray) form = mail_form_write(mail);
    g_autoptr(Mail) again = read_form(form->data, form->len, raw);
    ck_assert_ptr_nonnull(again);
    ck_assert(is_same(mail, again));
}
END_TEST

/* Each byte of it becomes three, and none of them ends the text. */
START_TEST(the_form_of_a_mail_has_room)
{
    g_autofree char *html =
        support_repeat("Content-Type: text/html\n\n", "\x81",
                       4 * mail_limits_default.text_bytes, "");
    g_autofree char *text = support_repeat(
        "Subject: x\n\n", "\x81", 2 * mail_limits_default.text_bytes, "");
    const char *const large[] = {html, text};
    for (size_t i = 0; i < G_N_ELEMENTS(large); i++) {
        g_autoptr(Mail) mail = support_parse(large[i], NULL);
        g_autoptr(GByteArray) form = mail_form_write(mail);
        ck_assert_uint_le(form->len, mail_form_max_bytes(&mail_limits_default));
    }
}
END_TEST

START_TEST(a_form_that_is_cut_or_goes_on_is_none)
{
    g_autoptr(Mail) mail = NULL;
    g_autoptr(GByteArray) form = write_sample((size_t)_i, &mail);
    for (guint length = 0; length < form->len; length++) {
        /* As long as it is, so that a step too far is seen. */
        g_autofree guint8 *cut = g_memdup2(form->data, length);
        ck_assert_ptr_null(read_form(cut, length, mail->raw));
    }
    g_byte_array_append(form, (const guint8 *)"", 1);
    ck_assert_ptr_null(read_form(form->data, form->len, mail->raw));
}
END_TEST

/* Whatever one byte says, it is a mail or none, and never too much. */
START_TEST(one_wrong_byte_is_met)
{
    g_autoptr(Mail) mail = NULL;
    g_autoptr(GByteArray) form = write_sample((size_t)_i, &mail);
    static const guint8 wrongs[] = {0, 1, '\n', 0x7F, 0x80, 0xFF};
    for (guint at = 0; at < form->len; at++) {
        guint8 was = form->data[at];
        for (size_t i = 0; i < G_N_ELEMENTS(wrongs); i++) {
            form->data[at] = wrongs[i];
            g_autoptr(Mail) read = read_form(form->data, form->len, mail->raw);
            if (read != NULL)
                ck_assert_uint_le(read->reply_end, strlen(read->text));
        }
        form->data[at] = was;
    }
}
END_TEST

/* What a taken-over writer may try. */
typedef struct {
    const char *what;
    void (*forge)(Mail *mail);
} Forgery;

static void
set(char **string, const char *value)
{
    g_free(*string);
    *string = g_strdup(value);
}

static void
forge_nothing(Mail *mail)
{
    (void)mail;
}

static void
forge_subject(Mail *mail)
{
    set(&mail->subject, "x\nBcc: v@example.org");
}

static void
forge_utf8(Mail *mail)
{
    set(&mail->text, "\xC3");
}

static void
forge_address(Mail *mail)
{
    set(&mail->originator->addr_spec, "");
}

static void
forge_name(Mail *mail)
{
    set(&mail->originator->name, "x\r\ny");
}

static void
forge_id(Mail *mail)
{
    set((char **)&mail->references->pdata[0], "a@b\n");
}

static void
forge_view(Mail *mail)
{
    mail->reply_end = strlen(mail->text) + 1;
}

static void
forge_view_order(Mail *mail)
{
    mail->reply_start = mail->reply_end + 1;
}

static void
forge_view_in_character(Mail *mail)
{
    set(&mail->text, "\xC3\xBC");
    mail->reply_start = 0;
    mail->reply_end = 1;
}

static void
forge_class(Mail *mail)
{
    mail->automatic.class = (AutomaticClass)(AUTOMATIC_BOUNCE + 1);
}

static void
forge_reason(Mail *mail)
{
    mail->automatic.reason = "of-my-own";
}

static void
forge_defect(Mail *mail)
{
    g_ptr_array_add(mail->defects, (gpointer)(uintptr_t) "of-my-own");
}

static void
set_long(char **string, size_t length)
{
    g_free(*string);
    *string = g_strnfill(length, 'x');
}

static void
forge_long_address(Mail *mail)
{
    set_long(&mail->originator->addr_spec, ADDRESS_MAX_BYTES + 1);
}

static void
forge_long_id(Mail *mail)
{
    set_long(&mail->message_id, MSGID_MAX_BYTES + 1);
}

static void
forge_long_reference(Mail *mail)
{
    set_long((char **)&mail->references->pdata[0], MSGID_MAX_BYTES + 1);
}

static void
forge_long_name(Mail *mail)
{
    Attachment *attachment = mail->attachments->pdata[0];
    set_long(&attachment->name, ATTACHMENT_NAME_MAX + 1);
}

static void
forge_huge_attachment(Mail *mail)
{
    Attachment *attachment = mail->attachments->pdata[0];
    attachment->size = (size_t)INT64_MAX + 1;
}

static void
forge_originators(Mail *mail)
{
    mail->originators = SIZE_MAX;
}

static void
forge_hops(Mail *mail)
{
    mail->hops = SIZE_MAX;
}

static void
forge_date(Mail *mail)
{
    mail->date_s = G_GINT64_CONSTANT(253402300800);
}

static void
forge_date_before_all(Mail *mail)
{
    mail->date_s = -1;
}

static void
add_recipients(Mail *mail, size_t count)
{
    while (mail->to->len < count)
        g_ptr_array_add(mail->to, address_new("", "a@b.example"));
}

static void
fill_recipients(Mail *mail)
{
    add_recipients(mail, mail_limits_default.addresses);
}

static void
forge_recipients(Mail *mail)
{
    add_recipients(mail, mail_limits_default.addresses + 1);
}

static void
fill_to_the_brim(Mail *mail)
{
    Attachment *attachment = mail->attachments->pdata[0];
    set_long(&mail->originator->addr_spec, ADDRESS_MAX_BYTES);
    set_long(&mail->message_id, MSGID_MAX_BYTES);
    set_long(&attachment->name, ATTACHMENT_NAME_MAX);
    attachment->size = INT64_MAX;
    mail->date_s = G_GINT64_CONSTANT(253402300799);
}

static void
forge_references(Mail *mail)
{
    while (mail->references->len <= MSGID_LIST_MAX)
        g_ptr_array_add(mail->references, g_strdup("a@b"));
}

static void
forge_attachments(Mail *mail)
{
    while (mail->attachments->len <= mail_limits_default.parts)
        g_ptr_array_add(mail->attachments, attachment_new("", "a/b", ""));
}

static void
forge_failed(Mail *mail)
{
    while (mail->failed->len <= DSN_RECIPIENTS_MAX) {
        DsnRecipient *recipient = g_new0(DsnRecipient, 1);
        recipient->addr_spec = g_strdup("a@b.example");
        recipient->status = g_strdup("");
        g_ptr_array_add(mail->failed, recipient);
    }
}

/* What is good, then what is not. */
enum { GOOD_FORGERIES = 3 };

static const Forgery forgeries[] = {
    {"nothing", forge_nothing},
    {"as many recipients as may be", fill_recipients},
    {"what is as long, large and late as may be", fill_to_the_brim},
    {"a subject of two lines", forge_subject},
    {"a name of two lines", forge_name},
    {"an id of two lines", forge_id},
    {"text that is no UTF-8", forge_utf8},
    {"nobody's address", forge_address},
    {"a view beyond the text", forge_view},
    {"a view that ends before it begins", forge_view_order},
    {"a view that cuts a character", forge_view_in_character},
    {"a class there is not", forge_class},
    {"a reason there is not", forge_reason},
    {"a defect there is not", forge_defect},
    {"an address that is too long", forge_long_address},
    {"an id that is too long", forge_long_id},
    {"a reference that is too long", forge_long_reference},
    {"an attachment's name that is too long", forge_long_name},
    {"an attachment larger than a database counts", forge_huge_attachment},
    {"more originators than that", forge_originators},
    {"more hops than that", forge_hops},
    {"a date after all dates", forge_date},
    {"a date before 1970", forge_date_before_all},
    {"too many recipients", forge_recipients},
    {"too many references", forge_references},
    {"too many attachments", forge_attachments},
    {"too many that failed", forge_failed},
};

START_TEST(forgeries_are_refused)
{
    g_autoptr(Mail) mail = support_parse(mails[2], NULL);
    forgeries[_i].forge(mail);
    g_autoptr(GByteArray) form = mail_form_write(mail);
    g_autoptr(Mail) read = read_form(form->data, form->len, mail->raw);
    ck_assert_msg((read != NULL) == (_i < GOOD_FORGERIES), "%s",
                  forgeries[_i].what);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, a_mail_comes_back_as_it_was, 0,
                        G_N_ELEMENTS(mails));
    tcase_add_loop_test(tests, what_the_prescan_reads_comes_back_too, 0,
                        G_N_ELEMENTS(mails));
    tcase_add_test(tests, the_form_of_a_mail_has_room);
    tcase_add_loop_test(tests, a_form_that_is_cut_or_goes_on_is_none, 0,
                        G_N_ELEMENTS(mails));
    tcase_add_loop_test(tests, one_wrong_byte_is_met, 0, G_N_ELEMENTS(mails));
    tcase_add_loop_test(tests, forgeries_are_refused, 0,
                        G_N_ELEMENTS(forgeries));
}

int
main(void)
{
    return support_run("mail_form", add);
}
