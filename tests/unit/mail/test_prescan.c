#include <string.h>

#include "mail/prescan.h"
#include "support.h"

static Mail *
scan(const char *text)
{
    g_autoptr(GBytes) raw = g_bytes_new(text, strlen(text));
    return prescan(raw, &mail_limits_default);
}

static const struct {
    const char *from;
    const char *addr_spec; /* NULL: none */
} origins[] = {
    {"a@example.org", "a@example.org"},
    {"\"Anna B.\" <anna.b+x@mail.example.org>", "anna.b+x@mail.example.org"},
    {"=?utf-8?q?J=C3=BC?= <j@example.org> (at home)", "j@example.org"},
    {"a@b.example, c@d.example", "a@b.example"},
    {"<a@example.org", "a@example.org"},
    {"\xFC <a@example.org>", "a@example.org"},
    {"@example.org", NULL},
    {"anna@", NULL},
    {"anna", NULL},
    {"", NULL},
    {"<>", NULL},
};

START_TEST(who_wrote_stands_in_plain_sight)
{
    g_autofree char *text =
        g_strdup_printf("From: %s\nSubject: s\n\nx\n", origins[_i].from);
    g_autoptr(Mail) mail = scan(text);
    ck_assert_pstr_eq(mail->originator != NULL ? mail->originator->addr_spec
                                               : NULL,
                      origins[_i].addr_spec);
    ck_assert_str_eq(mail->subject, "s");
}
END_TEST

START_TEST(an_address_has_its_limit)
{
    for (size_t length = ADDRESS_MAX_BYTES; length <= ADDRESS_MAX_BYTES + 1;
         length++) {
        g_autofree char *local = g_strnfill(length - 2, 'a');
        g_autofree char *text = g_strdup_printf("From: %s@b\n\nx\n", local);
        g_autoptr(Mail) mail = scan(text);
        ck_assert_int_eq(mail->originator != NULL, length == ADDRESS_MAX_BYTES);
    }
}
END_TEST

START_TEST(so_much_of_the_text_is_shown)
{
    for (size_t more = 0; more < 2; more++) {
        g_autofree char *body = g_strnfill(PRESCAN_TEXT_BYTES - 1 + more, 'x');
        g_autofree char *text = g_strdup_printf("From: a@b\n\n%sy", body);
        g_autoptr(Mail) mail = scan(text);
        ck_assert_uint_eq(strlen(mail->text), PRESCAN_TEXT_BYTES);
        ck_assert_int_eq(strchr(mail->text, 'y') != NULL, more == 0);
        ck_assert_str_eq(mail->reply, mail->text);
    }
}
END_TEST

START_TEST(nothing_is_decoded_and_nothing_acknowledged)
{
    g_autoptr(Mail) mail =
        scan("From: a@example.org\nSubject: =?utf-8?q?x?=\n"
             "References: <1@x.example> <2@x.example>\n"
             "Content-Type: text/html\nContent-Transfer-Encoding: base64\n"
             "Received: x\nReceived: y\n\nPGI+\n<b>\x01 caf\xE9\n");
    ck_assert_str_eq(mail->subject, "=?utf-8?q?x?=");
    ck_assert_str_eq(mail->text, "PGI+\n<b> caf\xEF\xBF\xBD\n");
    ck_assert_uint_eq(mail->references->len, 2);
    ck_assert_uint_eq(mail->hops, 2);
    ck_assert_uint_eq(mail->attachments->len, 0);
    ck_assert_int_eq(mail->automatic.class, AUTOMATIC_NONE);
    ck_assert(mail->automatic.suppress_acknowledgement);
    ck_assert(support_has_defect(mail, "only-pre-scanned"));
}
END_TEST

static void
prescan_bytes(const char *text, size_t length)
{
    g_autoptr(GBytes) raw = g_bytes_new_static(text, length);
    mail_free(prescan(raw, &mail_limits_default));
}

static const char *const hostile[] = {"x", "a: b\n", "From: @",
                                      "<", "\n",     "References: <a@b>\n "};

START_TEST(hostile_mail_costs_its_length)
{
    support_grows_linearly(prescan_bytes, "", hostile[_i], 200000, "");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, who_wrote_stands_in_plain_sight, 0,
                        G_N_ELEMENTS(origins));
    tcase_add_test(tests, an_address_has_its_limit);
    tcase_add_test(tests, so_much_of_the_text_is_shown);
    tcase_add_test(tests, nothing_is_decoded_and_nothing_acknowledged);
    tcase_add_loop_test(tests, hostile_mail_costs_its_length, 0,
                        G_N_ELEMENTS(hostile));
}

int
main(void)
{
    return support_run("prescan", add);
}
