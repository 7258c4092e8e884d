/* Mail that leaves: what it says, what it never says, and in which header. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "press.h"

enum { NOW_S = 1700000000 }; /* Tue, 14 Nov 2023 22:13:20 +0000 */

static Sample *sample;
static TemplateSet *templates;
static Delivery *delivery;
static Press press;

static void
set_up(void)
{
    sample = sample_new();
    delivery =
        sample_delivery("olena@customer.example", "support@desk.example");
    templates = press_templates();
    press = (Press){&sample->rules, templates, NOW_S};
}

static void
tear_down(void)
{
    template_set_free(templates);
    delivery_free(delivery);
    sample_free(sample);
}

/* ---- the road up to here ---- */

static Receipt *
receipt_new(const Ticket *ticket, int64_t ticket_id)
{
    Receipt *receipt = g_new0(Receipt, 1);
    receipt->ticket = ticket_copy(ticket);
    receipt->ticket->id = ticket_id;
    receipt->message_id_no = 7;
    receipt->alarms = g_ptr_array_new();
    return receipt;
}

/* All that a mail causes when it makes ticket 1042. */
static GPtrArray *
compose(const char *text, const Context *context)
{
    g_autoptr(Mail) mail = sample_mail(sample, text, delivery->envelope_sender);
    g_autoptr(Lookup) lookup = lookup_new(mail, delivery, NULL, &sample->rules);
    g_autoptr(Decision) decision =
        decide(mail, delivery, lookup, context, &sample->rules);
    g_autoptr(Receipt) receipt = receipt_new(decision->ticket, 1042);
    for (guint i = 0; i < decision->effects->len; i++) {
        const Effect *effect = decision->effects->pdata[i];
        if (effect->kind == EFFECT_ALARM)
            g_ptr_array_add(receipt->alarms, (gpointer)effect);
    }
    return notice_compose_all(decision, receipt, mail, delivery, &press, NULL);
}

static const Outgoing *
of_kind(const GPtrArray *all, OutgoingKind kind)
{
    for (guint i = 0; i < all->len; i++) {
        const Outgoing *outgoing = all->pdata[i];
        if (outgoing->kind == kind)
            return outgoing;
    }
    return NULL;
}

#define MAIL                                                                   \
    "From: Olena <olena@customer.example>\nSubject: Printer\n"                 \
    "Message-ID: <m@customer.example>\n\nIt burns.\n"

/* ---- acknowledgement ---- */

START_TEST(an_acknowledgement_is_an_answer_by_a_machine)
{
    g_autoptr(Context) context = context_new();
    g_autoptr(GPtrArray) all = compose(MAIL, context);
    const Outgoing *ack = of_kind(all, OUTGOING_ACKNOWLEDGEMENT);
    g_autofree char *id =
        token_message_id(sample->keys, "ack", 1042, 7, "desk.example");
    ck_assert_ptr_nonnull(ack);
    press_assert_clean(ack);
    ck_assert_str_eq(ack->envelope_sender, ""); /* RFC 3834 section 3.3 */
    ck_assert_uint_eq(ack->recipients->len, 1);
    ck_assert_str_eq(ack->recipients->pdata[0], "olena@customer.example");
    ck_assert_str_eq(ack->message_id, id);
    ck_assert_int_eq(ack->ticket_id, 1042);
    ck_assert_int_eq(ack->message_id_no, 7);
    ck_assert_int_eq(ack->delivery_id, 77);
    g_autofree char *names = press_field_names(ack);
    ck_assert_str_eq(names, "Date From To Subject Message-ID In-Reply-To "
                            "References Auto-Submitted "
                            "X-Auto-Response-Suppress X-Postern-Loop "
                            "Content-Language MIME-Version Content-Type "
                            "Content-Transfer-Encoding");
    press_assert_field(ack, "Date", "Tue, 14 Nov 2023 22:13:20 +0000");
    press_assert_field(ack, "From", "Acme Support <support@desk.example>");
    press_assert_field(ack, "To", "olena@customer.example");
    press_assert_field(ack, "In-Reply-To", "<m@customer.example>");
    press_assert_field(ack, "Auto-Submitted", "auto-replied");
    press_assert_field(ack, "X-Auto-Response-Suppress", "All");
    press_assert_field(ack, "X-Postern-Loop", "postern");
    press_assert_field(ack, "Content-Language", "en");
}
END_TEST

START_TEST(an_acknowledgement_repeats_none_of_a_strangers_words)
{
    g_autoptr(Context) context = context_new();
    g_autoptr(GPtrArray) all =
        compose("From: CHEAPPILLS <olena@customer.example>\n"
                "Subject: CHEAPPILLS\nMessage-ID: <m@x>\n\nCHEAPPILLS\n",
                context);
    const Outgoing *ack = of_kind(all, OUTGOING_ACKNOWLEDGEMENT);
    g_autofree char *text = press_text(ack);
    ck_assert_str_eq(text, "acknowledgement subject=none requester=none "
                           "author=none agent=none\nno text\n|\n");
    press_assert_field(ack, "Subject", "[#1042] acknowledgement");
    gsize length;
    const char *bytes = g_bytes_get_data(ack->content, &length);
    ck_assert_ptr_null(memmem(bytes, length, "CHEAP", 5));
}
END_TEST

static const struct {
    const char *language; /* what the mail says */
    const char *greeting;
    const char *declared;
} languages[] = {
    {"it", "conferma", "it"},
    {"it-CH", "conferma", "it"},
    {"en-GB", "acknowledgement", "en"},
    {"xx", "acknowledgement", "en"},
    {"cheap-pills", "acknowledgement", "en"},
    {"", "acknowledgement", "en"},
};

START_TEST(the_language_declared_is_the_language_written)
{
    g_autoptr(Context) context = context_new();
    g_autofree char *text =
        g_strdup_printf("Content-Language: %s\n" MAIL, languages[_i].language);
    g_autoptr(GPtrArray) all = compose(text, context);
    const Outgoing *ack = of_kind(all, OUTGOING_ACKNOWLEDGEMENT);
    g_autofree char *written = press_text(ack);
    ck_assert(g_str_has_prefix(written, languages[_i].greeting));
    press_assert_field(ack, "Content-Language", languages[_i].declared);
}
END_TEST

START_TEST(whom_we_cannot_write_to_is_left_out)
{
    g_autoptr(Context) context = context_new();
    Queue *support = sample_queue(sample, "support");
    g_strfreev(support->notify);
    support->notify = g_strsplit("анна@agents.example", " ", -1);
    g_autoptr(GPtrArray) all = compose(MAIL, context);
    ck_assert_ptr_null(of_kind(all, OUTGOING_NOTICE));
    ck_assert_ptr_nonnull(of_kind(all, OUTGOING_ACKNOWLEDGEMENT));
}
END_TEST

START_TEST(an_international_domain_is_written_for_every_relay)
{
    g_autoptr(Context) context = context_new();
    g_free(delivery->envelope_sender);
    delivery->envelope_sender = g_strdup("olena@пошта.укр");
    g_autoptr(GPtrArray) all = compose(MAIL, context);
    const Outgoing *ack = of_kind(all, OUTGOING_ACKNOWLEDGEMENT);
    ck_assert_ptr_nonnull(ack);
    press_assert_clean(ack);
    press_assert_field(ack, "To", "olena@xn--80a1acn3a.xn--j1amh");
    ck_assert_str_eq(ack->recipients->pdata[0],
                     "olena@xn--80a1acn3a.xn--j1amh");
}
END_TEST

/* ---- threading ---- */

START_TEST(the_root_comes_first_in_every_mail_of_a_ticket)
{
    g_autoptr(Context) context = context_new();
    g_autoptr(GPtrArray) all =
        compose("References: <a@x> <b@x>\nIn-Reply-To: <b@x>\n" MAIL, context);
    g_autoptr(Ticket) ticket = sample_ticket(1042, "support", TICKET_OPEN);
    g_autofree char *root = notice_root_id(ticket, &sample->rules);
    g_autofree char *expected =
        token_message_id(sample->keys, "ticket", 1042, 0, "desk.example");
    ck_assert_str_eq(root, expected);
    g_autofree char *chain =
        g_strdup_printf("<%s> <a@x> <b@x> <m@customer.example>", root);
    g_autofree char *alone = g_strdup_printf("<%s>", root);
    press_assert_field(of_kind(all, OUTGOING_ACKNOWLEDGEMENT), "References",
                       chain);
    press_assert_field(of_kind(all, OUTGOING_NOTICE), "References", alone);
}
END_TEST

START_TEST(a_root_that_came_back_is_not_repeated)
{
    g_autoptr(Context) context = context_new();
    g_autoptr(Ticket) ticket = sample_ticket(1042, "support", TICKET_OPEN);
    g_autofree char *root = notice_root_id(ticket, &sample->rules);
    g_autofree char *text =
        g_strdup_printf("References: <a@x> <%s> <b@x>\n" MAIL, root);
    g_autoptr(GPtrArray) all = compose(text, context);
    g_autofree char *chain =
        g_strdup_printf("<%s> <a@x> <b@x> <m@customer.example>", root);
    press_assert_field(of_kind(all, OUTGOING_ACKNOWLEDGEMENT), "References",
                       chain);
}
END_TEST

START_TEST(a_root_stays_while_keys_are_added_and_queues_go)
{
    g_autoptr(Ticket) ticket = sample_ticket(1042, "gone", TICKET_OPEN);
    g_autofree char *root = notice_root_id(ticket, &sample->rules);
    ck_assert(g_str_has_suffix(root, "@localhost"));
    ck_assert(token_message_id_verify(sample->keys, root, NULL));
}
END_TEST

START_TEST(a_mail_without_an_id_is_answered_without_one)
{
    g_autoptr(Context) context = context_new();
    g_autoptr(GPtrArray) all =
        compose("From: olena@customer.example\nSubject: x\n\nText.\n", context);
    const Outgoing *ack = of_kind(all, OUTGOING_ACKNOWLEDGEMENT);
    press_assert_field(ack, "In-Reply-To", NULL);
    g_autoptr(Ticket) ticket = sample_ticket(1042, "support", TICKET_OPEN);
    g_autofree char *root = notice_root_id(ticket, &sample->rules);
    g_autofree char *alone = g_strdup_printf("<%s>", root);
    press_assert_field(ack, "References", alone);
}
END_TEST

START_TEST(of_an_endless_chain_the_root_and_the_newest_stay)
{
    g_autoptr(Context) context = context_new();
    g_autoptr(GString) text = g_string_new("References:");
    for (int i = 0; i < 150; i++)
        g_string_append_printf(text, " <id%d@x>\n", i);
    g_string_append(text, MAIL);
    g_autoptr(GPtrArray) all = compose(text->str, context);
    g_autoptr(Header) header =
        press_header(of_kind(all, OUTGOING_ACKNOWLEDGEMENT));
    g_autofree char *references = header_text(header, "References");
    g_auto(GStrv) ids = g_strsplit(references, " ", -1);
    ck_assert_uint_le(g_strv_length(ids), 21);
    ck_assert(g_str_has_prefix(ids[0], "<ticket.1042.0."));
    ck_assert(g_str_has_suffix(references, "<id149@x> <m@customer.example>"));
}
END_TEST

START_TEST(ids_that_cannot_be_written_are_left_out)
{
    g_autoptr(Context) context = context_new();
    g_autoptr(GPtrArray) all =
        compose("From: olena@customer.example\nSubject: x\n"
                "References: <a b@x> <\xD0\xB6@x> <good@x>\n"
                "Message-ID: <bad id@x>\n\nText.\n",
                context);
    const Outgoing *ack = of_kind(all, OUTGOING_ACKNOWLEDGEMENT);
    ck_assert_ptr_nonnull(ack);
    press_assert_clean(ack);
    press_assert_field(ack, "In-Reply-To", NULL);
    g_autoptr(Header) header = press_header(ack);
    g_autofree char *references = header_text(header, "References");
    ck_assert(g_str_has_suffix(references, "@desk.example> <good@x>"));
}
END_TEST

/* ---- notices ---- */

START_TEST(a_notice_tells_our_people_who_wrote_what)
{
    g_autoptr(Context) context = context_new();
    g_autoptr(GPtrArray) all = compose(MAIL, context);
    const Outgoing *notice = of_kind(all, OUTGOING_NOTICE);
    ck_assert_ptr_nonnull(notice);
    press_assert_clean(notice);
    ck_assert_str_eq(notice->envelope_sender, "");
    ck_assert_uint_eq(notice->recipients->len, 2);
    ck_assert_str_eq(notice->recipients->pdata[0], "anna@agents.example");
    ck_assert_str_eq(notice->recipients->pdata[1], "ben@agents.example");
    press_assert_field(notice, "To", "anna@agents.example");
    press_assert_field(notice, "Cc", "ben@agents.example");
    press_assert_field(notice, "Auto-Submitted", "auto-generated");
    press_assert_field(notice, "In-Reply-To", NULL);
    press_assert_field(notice, "Subject", "[#1042] notice-new Printer");
    g_autofree char *text = press_text(notice);
    ck_assert_str_eq(text, "notice-new subject=Printer requester=Olena "
                           "author=Olena <olena@customer.example> agent=none\n"
                           "It burns.\n|\n");
}
END_TEST

START_TEST(a_notice_of_an_answer_is_another_one)
{
    g_autoptr(Context) context = context_new();
    sample_candidate(context, sample_ticket(1042, "support", TICKET_OPEN),
                     EVIDENCE_STORED, "x@y", true);
    g_autoptr(GPtrArray) all = compose(MAIL, context);
    ck_assert_uint_eq(all->len, 1);
    press_assert_field(of_kind(all, OUTGOING_NOTICE), "Subject",
                       "[#1042] notice-answer Printer");
}
END_TEST

START_TEST(a_notice_carries_64_kib_of_the_text)
{
    g_autoptr(Context) context = context_new();
    g_autoptr(GString) text = g_string_new(MAIL);
    while (text->len < 200 * 1024)
        g_string_append(text, "щ щ щ щ щ щ щ щ щ щ щ щ щ щ щ щ\n");
    g_autoptr(GPtrArray) all = compose(text->str, context);
    const Outgoing *notice = of_kind(all, OUTGOING_NOTICE);
    press_assert_clean(notice);
    g_autofree char *read = press_text(notice);
    ck_assert(g_utf8_validate(read, -1, NULL));
    ck_assert_uint_ge(strlen(read), 64 * 1024);
    ck_assert_uint_le(strlen(read), 65 * 1024);
}
END_TEST

START_TEST(nobody_to_tell_is_no_mail)
{
    g_autoptr(Context) context = context_new();
    g_free(delivery->envelope_recipient);
    delivery->envelope_recipient = g_strdup("robots@desk.example");
    g_autoptr(GPtrArray) all = compose(MAIL, context);
    ck_assert_uint_eq(all->len, 0);
}
END_TEST

/* ---- to the admin ---- */

START_TEST(a_tripped_budget_is_told_to_the_admin_instead)
{
    g_autoptr(Context) context = context_new();
    context->all_in_window = 100;
    g_autoptr(GPtrArray) all = compose(MAIL, context);
    ck_assert_ptr_null(of_kind(all, OUTGOING_ACKNOWLEDGEMENT));
    const Outgoing *alarm = of_kind(all, OUTGOING_ADMIN);
    ck_assert_ptr_nonnull(alarm);
    press_assert_clean(alarm);
    ck_assert_str_eq(alarm->recipients->pdata[0], "admin@desk.example");
    ck_assert_str_eq(alarm->envelope_sender, "");
    ck_assert_int_eq(alarm->ticket_id, 0);
    press_assert_field(alarm, "Auto-Submitted", "auto-generated");
    press_assert_field(alarm, "Subject", "admin budget-breaker");
    g_autofree char *text = press_text(alarm);
    ck_assert_ptr_nonnull(strstr(text, "<olena@customer.example>"));
}
END_TEST

START_TEST(without_an_admin_nobody_is_told)
{
    sample->rules.admin = "";
    ck_assert_ptr_null(notice_compose_admin("reason", "detail", 1, &press));
}
END_TEST

/* ---- hostile values ---- */

START_TEST(a_hostile_mail_cannot_inject)
{
    g_autoptr(Context) context = context_new();
    g_autoptr(GPtrArray) all = compose(
        "From: =?utf-8?q?x=0D=0ABcc:_victim@x.example?= "
        "<olena@customer.example>\n"
        "Subject: =?utf-8?q?y=0D=0ABcc:_victim@x.example=0D=0A=0D=0Abody?=\n"
        "Message-ID: <m@x\r>\nReferences: <a@x\rBcc: v@x> <b@x>\n"
        "Content-Language: en\r Bcc: v@x\n"
        "Content-Type: text/plain; charset=utf-8\n"
        "Content-Transfer-Encoding: quoted-printable\n\n"
        "one=0D=0A.=0D=0AQUIT=0D=0A=00two=FF\n",
        context);
    ck_assert_uint_eq(all->len, 2);
    for (guint i = 0; i < all->len; i++) {
        const Outgoing *outgoing = all->pdata[i];
        press_assert_clean(outgoing);
        g_autoptr(Header) header = press_header(outgoing);
        ck_assert_ptr_null(header_find(header, "Bcc"));
    }
    press_assert_field(of_kind(all, OUTGOING_NOTICE), "Subject",
                       "[#1042] notice-new y Bcc: victim@x.example body");
}
END_TEST

START_TEST(the_same_arguments_give_the_same_bytes)
{
    g_autoptr(Context) context = context_new();
    g_autoptr(GPtrArray) one = compose(MAIL, context);
    g_autoptr(GPtrArray) two = compose(MAIL, context);
    ck_assert_uint_eq(one->len, 2);
    for (guint i = 0; i < one->len; i++) {
        const Outgoing *first = one->pdata[i], *second = two->pdata[i];
        ck_assert(g_bytes_equal(first->content, second->content));
        ck_assert_str_eq(first->message_id, second->message_id);
    }
}
END_TEST

START_TEST(a_parked_mail_says_nothing_by_itself)
{
    g_autoptr(Decision) decision = decision_new(NULL);
    decision->verdict = VERDICT_PARK;
    g_autoptr(Receipt) receipt = g_new0(Receipt, 1);
    receipt->alarms = g_ptr_array_new();
    g_autoptr(Mail) mail = sample_mail(sample, MAIL, "x@y");
    g_autoptr(GPtrArray) all =
        notice_compose_all(decision, receipt, mail, delivery, &press, NULL);
    ck_assert_uint_eq(all->len, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("notice");
    TCase *tests = tcase_create("notice");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, an_acknowledgement_is_an_answer_by_a_machine);
    tcase_add_test(tests, an_acknowledgement_repeats_none_of_a_strangers_words);
    tcase_add_loop_test(tests, the_language_declared_is_the_language_written, 0,
                        G_N_ELEMENTS(languages));
    tcase_add_test(tests, whom_we_cannot_write_to_is_left_out);
    tcase_add_test(tests, an_international_domain_is_written_for_every_relay);
    tcase_add_test(tests, the_root_comes_first_in_every_mail_of_a_ticket);
    tcase_add_test(tests, a_root_that_came_back_is_not_repeated);
    tcase_add_test(tests, a_root_stays_while_keys_are_added_and_queues_go);
    tcase_add_test(tests, a_mail_without_an_id_is_answered_without_one);
    tcase_add_test(tests, of_an_endless_chain_the_root_and_the_newest_stay);
    tcase_add_test(tests, ids_that_cannot_be_written_are_left_out);
    tcase_add_test(tests, a_notice_tells_our_people_who_wrote_what);
    tcase_add_test(tests, a_notice_of_an_answer_is_another_one);
    tcase_add_test(tests, a_notice_carries_64_kib_of_the_text);
    tcase_add_test(tests, nobody_to_tell_is_no_mail);
    tcase_add_test(tests, a_tripped_budget_is_told_to_the_admin_instead);
    tcase_add_test(tests, without_an_admin_nobody_is_told);
    tcase_add_test(tests, a_hostile_mail_cannot_inject);
    tcase_add_test(tests, the_same_arguments_give_the_same_bytes);
    tcase_add_test(tests, a_parked_mail_says_nothing_by_itself);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
