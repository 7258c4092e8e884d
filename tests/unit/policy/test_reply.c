/* What a person answers, and words of ours that strangers had a hand in. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "press.h"

enum { NOW_S = 1700000000 }; /* Tue, 14 Nov 2023 22:13:20 +0000 */

static Sample *sample;
static TemplateSet *templates;
static Press press;

static void
set_up(void)
{
    sample = sample_new();
    templates = press_templates();
    press = (Press){&sample->rules, templates, NOW_S};
}

static void
tear_down(void)
{
    template_set_free(templates);
    sample_free(sample);
}

/* ---- replies ---- */

static Outgoing *
reply_to(const Ticket *ticket, const char *agent, const char *text,
         GError **error)
{
    g_autoptr(GPtrArray) chain = g_ptr_array_new();
    g_ptr_array_add(chain, (gpointer) "a@x");
    const Answer answer = {.ticket = ticket,
                           .message_id_no = 9,
                           .agent_name = agent,
                           .text = text,
                           .in_reply_to = "m@customer.example",
                           .references = chain};
    return notice_compose_reply(&answer, &press, error);
}

START_TEST(a_reply_is_a_persons_mail)
{
    g_autoptr(Ticket) ticket = sample_ticket(1042, "support", TICKET_OPEN);
    g_autoptr(GError) error = NULL;
    g_autoptr(Outgoing) reply =
        reply_to(ticket, "Anna", "Turn it off.\nAnna\n", &error);
    ck_assert_msg(reply != NULL, "%s", error ? error->message : "");
    press_assert_clean(reply);
    ck_assert_int_eq(reply->kind, OUTGOING_REPLY);
    ck_assert_str_eq(reply->envelope_sender, "support@desk.example");
    ck_assert_uint_eq(reply->recipients->len, 1);
    ck_assert_str_eq(reply->recipients->pdata[0], "olena@customer.example");
    g_autofree char *names = press_field_names(reply);
    ck_assert_str_eq(names, "Date From To Subject Message-ID In-Reply-To "
                            "References Content-Language MIME-Version "
                            "Content-Type Content-Transfer-Encoding");
    press_assert_field(reply, "From",
                       "Anna via Acme Support <support@desk.example>");
    press_assert_field(reply, "In-Reply-To", "<m@customer.example>");
    g_autofree char *root = notice_root_id(ticket, &sample->rules);
    g_autofree char *chain =
        g_strdup_printf("<%s> <a@x> <m@customer.example>", root);
    press_assert_field(reply, "References", chain);
    g_autofree char *text = press_text(reply);
    ck_assert_ptr_nonnull(strstr(text, "Turn it off.\nAnna\n"));
}
END_TEST

START_TEST(a_reply_by_the_desk_has_the_desks_name)
{
    g_autoptr(Ticket) ticket = sample_ticket(7, "billing", TICKET_OPEN);
    g_autoptr(Outgoing) reply = reply_to(ticket, "", "Text.", NULL);
    press_assert_field(reply, "From", "Acme Billing <billing@desk.example>");
    ck_assert_str_eq(reply->envelope_sender, "billing@desk.example");
    g_autoptr(Header) header = press_header(reply);
    g_autofree char *subject = header_text(header, "Subject");
    ck_assert(g_str_has_prefix(subject, "[acme #7] "));
}
END_TEST

START_TEST(a_reply_that_cannot_be_written_is_refused)
{
    g_autoptr(Ticket) gone = sample_ticket(7, "gone", TICKET_OPEN);
    g_autoptr(GError) no_queue = NULL;
    ck_assert_ptr_null(reply_to(gone, "Anna", "x", &no_queue));
    ck_assert(failure_is(no_queue, FAILURE_CONFIG));
    static const char *const bad[] = {"", "nobody", "a b@x.example",
                                      "a@x>\r\nRCPT TO:<b@x", "-x@y.example"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(Ticket) ticket = sample_ticket(7, "support", TICKET_OPEN);
        g_free(ticket->reply_to);
        ticket->reply_to = g_strdup(bad[i]);
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(reply_to(ticket, "Anna", "x", &error));
        ck_assert(failure_is(error, FAILURE_PERMANENT));
    }
}
END_TEST

/* ---- hostile values ---- */

#define INJECTION                                                              \
    "x\r\nBcc: victim@x.example\r\n\r\nbody\n.\r\nQUIT\x01\x7F\xE2\x80\xAE"

/* One header, of our fields only; the hostile word is in none of their names.
 */
static void
assert_unharmed(const Outgoing *outgoing, size_t fields)
{
    press_assert_clean(outgoing);
    g_autoptr(Header) header = press_header(outgoing);
    ck_assert_uint_eq(header->fields->len, fields);
    ck_assert_ptr_null(header_find(header, "Bcc"));
    ck_assert_uint_eq(header_count(header, "Subject"), 1);
}

START_TEST(names_and_subjects_cannot_inject)
{
    g_autoptr(Ticket) ticket = sample_ticket(7, "support", TICKET_OPEN);
    g_free(ticket->subject);
    ticket->subject = g_strdup(INJECTION);
    g_free(ticket->requester_name);
    ticket->requester_name = g_strdup(INJECTION);
    g_autoptr(GError) error = NULL;
    g_autoptr(Outgoing) reply = reply_to(ticket, INJECTION, INJECTION, &error);
    ck_assert_msg(reply != NULL, "%s", error ? error->message : "");
    assert_unharmed(reply, 11);
    g_autoptr(Outgoing) alarm =
        notice_compose_admin(INJECTION, INJECTION, 1, &press);
    assert_unharmed(alarm, 12);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("reply");
    TCase *tests = tcase_create("reply");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_reply_is_a_persons_mail);
    tcase_add_test(tests, a_reply_by_the_desk_has_the_desks_name);
    tcase_add_test(tests, a_reply_that_cannot_be_written_is_refused);
    tcase_add_test(tests, names_and_subjects_cannot_inject);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
