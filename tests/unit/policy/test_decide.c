/* What becomes of a mail, and which changes follow from it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

static Sample *sample;
static Context *context;
static Delivery *delivery;

static void
set_up(void)
{
    sample = sample_new();
    context = context_new();
    delivery =
        sample_delivery("olena@customer.example", "support@desk.example");
}

static void
tear_down(void)
{
    delivery_free(delivery);
    context_free(context);
    sample_free(sample);
}

static void
set_text(char **field, const char *text)
{
    g_free(*field);
    *field = g_strdup(text);
}

static Decision *
decide_text(const char *text)
{
    g_autoptr(Mail) mail = sample_mail(sample, text, delivery->envelope_sender);
    g_autoptr(Lookup) lookup = lookup_new(mail, delivery, NULL, &sample->rules);
    return decide(mail, delivery, lookup, context, &sample->rules);
}

static Decision *
decide_header(const char *header)
{
    g_autofree char *text = g_strdup_printf("%s\nText.\n", header);
    return decide_text(text);
}

#define OLENA "From: Olena <olena@customer.example>\n"
#define PRINTER OLENA "Subject: Printer\nMessage-ID: <m@customer.example>\n"

/* The effects as "kind text name ..." lines, for comparing them whole. */
static char *
effects_of(const Decision *decision)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < decision->effects->len; i++) {
        const Effect *effect = decision->effects->pdata[i];
        switch (effect->kind) {
        case EFFECT_STATUS:
            g_string_append_printf(out, "status %s\n",
                                   ticket_status_name(effect->status));
            break;
        case EFFECT_PARTY:
            g_string_append_printf(out, "party %s %s %s\n",
                                   party_role_name(effect->role), effect->text,
                                   effect->name);
            break;
        case EFFECT_QUEUE:
            g_string_append_printf(out, "queue %s\n", effect->text);
            break;
        case EFFECT_EVENT:
            g_string_append_printf(out, "event %s %s\n", effect->text,
                                   effect->name);
            break;
        case EFFECT_ALARM:
            g_string_append_printf(out, "alarm %s\n", effect->text);
            break;
        }
    }
    return g_string_free(out, FALSE);
}

static void
assert_effects(const Decision *decision, const char *expected)
{
    g_autofree char *effects = effects_of(decision);
    ck_assert_str_eq(effects, expected);
}

static char *
notified(const Decision *decision)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (guint i = 0; i < decision->notify->len; i++)
        g_string_append_printf(out, "%s%s", i > 0 ? " " : "",
                               (const char *)decision->notify->pdata[i]);
    return g_strdup(out->str);
}

#define BOTH "anna@agents.example ben@agents.example"

/* ---- new ---- */

START_TEST(a_first_mail_is_a_new_ticket)
{
    g_autoptr(Decision) decision =
        decide_header(PRINTER "To: Support@desk.example\n"
                              "Cc: Taras <Taras@Customer.example>\n"
                              "Content-Language: uk, en\n");
    ck_assert_int_eq(decision->verdict, VERDICT_NEW);
    ck_assert_str_eq(decision->reason, "no-evidence");
    ck_assert_str_eq(decision->queue->name, "support");
    ck_assert_str_eq(decision->acknowledge_to, "olena@customer.example");
    ck_assert_str_eq(decision->acknowledge_reason, "new-ticket");
    ck_assert_int_eq(decision->linked_to, 0);
    ck_assert(!decision->is_note);
    const Ticket *ticket = decision->ticket;
    ck_assert_int_eq(ticket->id, 0);
    ck_assert_str_eq(ticket->queue, "support");
    ck_assert_int_eq(ticket->status, TICKET_OPEN);
    ck_assert_str_eq(ticket->subject, "Printer");
    ck_assert_str_eq(ticket->language, "uk");
    ck_assert_str_eq(ticket->requester, "olena@customer.example");
    ck_assert_str_eq(ticket->requester_name, "Olena");
    ck_assert_str_eq(ticket->reply_to, "olena@customer.example");
    g_autofree char *told = notified(decision);
    ck_assert_str_eq(told, BOTH);
    assert_effects(decision, "party requester olena@customer.example Olena\n"
                             "party cc taras@customer.example Taras\n"
                             "event created no-evidence\n"
                             "event acknowledged olena@customer.example\n");
}
END_TEST

START_TEST(a_stranger_with_a_claim_gets_a_ticket_linked_to_it)
{
    sample_candidate(context, sample_ticket(1042, "support", TICKET_OPEN),
                     EVIDENCE_TAG, "", false);
    g_autoptr(Decision) decision = decide_header(
        OLENA "Subject: Re: [#1042] Printer\nMessage-ID: <m@x>\n");
    ck_assert_int_eq(decision->verdict, VERDICT_NEW);
    ck_assert_str_eq(decision->reason, "sender-is-no-party");
    ck_assert_int_eq(decision->linked_to, 1042);
    ck_assert_int_eq(decision->ticket->id, 0);
    ck_assert_str_eq(decision->ticket->subject, "Re: Printer");
    ck_assert_ptr_nonnull(decision->acknowledge_to);
}
END_TEST

START_TEST(a_mail_from_nobody_belongs_to_who_handed_it_over)
{
    g_autoptr(Decision) decision = decide_header("Subject: Printer\n");
    ck_assert_str_eq(decision->ticket->requester, "olena@customer.example");
    ck_assert_str_eq(decision->ticket->requester_name, "");
    ck_assert_str_eq(decision->ticket->reply_to, "olena@customer.example");
    set_text(&delivery->envelope_sender, "");
    g_autoptr(Decision) nobody = decide_header("Subject: Printer\n");
    ck_assert_int_eq(nobody->verdict, VERDICT_NEW);
    ck_assert_str_eq(nobody->ticket->requester, "");
    ck_assert_str_eq(nobody->ticket->reply_to, "");
    ck_assert_ptr_null(nobody->acknowledge_to);
    assert_effects(nobody, "event created no-evidence\n"
                           "event not-acknowledged auto\n");
}
END_TEST

static const struct {
    const char *header;
    const char *reply_to;
} answers[] = {
    {OLENA, "olena@customer.example"},
    {OLENA "Reply-To: Office <office@customer.example>\n",
     "office@customer.example"},
    {OLENA "Reply-To: support@desk.example\n", "olena@customer.example"},
    {OLENA "Reply-To: Help+x@desk.example\n", "olena@customer.example"},
    {OLENA "Reply-To: a@x.example, b@x.example\n", "olena@customer.example"},
    {OLENA "Reply-To: <-rf@x.example>\n", "olena@customer.example"},
    {OLENA "Reply-To: nonsense\n", "olena@customer.example"},
    {"From: other@x.example\n", "other@x.example"},
};

START_TEST(an_answer_goes_where_it_is_asked_to_unless_that_is_us)
{
    g_autoptr(Decision) decision = decide_header(answers[_i].header);
    ck_assert_str_eq(decision->ticket->reply_to, answers[_i].reply_to);
    /* It never goes where only the header says so: that is RFC 3834. */
    ck_assert_str_eq(decision->acknowledge_to, "olena@customer.example");
}
END_TEST

START_TEST(a_long_subject_is_cut_where_it_is_kept)
{
    g_autofree char *words = g_strnfill(400, 'x');
    g_autofree char *header =
        g_strdup_printf(OLENA "Subject: [#9] %s\n", words);
    g_autoptr(Decision) decision = decide_header(header);
    ck_assert_int_eq(g_utf8_strlen(decision->ticket->subject, -1), 255);
    ck_assert(g_str_has_suffix(decision->ticket->subject, "x…"));
}
END_TEST

/* ---- Cc ---- */

static size_t
count_role(const Decision *decision, PartyRole role)
{
    size_t count = 0;
    for (guint i = 0; i < decision->effects->len; i++) {
        const Effect *effect = decision->effects->pdata[i];
        count += effect->kind == EFFECT_PARTY && effect->role == role;
    }
    return count;
}

static char *
named(size_t in_to, size_t in_cc)
{
    GString *out = g_string_new(OLENA "To: support@desk.example");
    for (size_t i = 0; i < in_to; i++)
        g_string_append_printf(out, ",\n to%zu@x.example", i);
    g_string_append(out, "\nCc: help+x@desk.example");
    for (size_t i = 0; i < in_cc; i++)
        g_string_append_printf(out, ",\n cc%zu@x.example", i);
    g_string_append_c(out, '\n');
    return g_string_free(out, FALSE);
}

static const struct {
    size_t in_to;
    size_t in_cc;
    size_t remembered;
} crowds[] = {
    {0, 0, 0},    {1, 1, 2},   {9, 10, 19}, {10, 10, 20},
    {10, 11, 20}, {21, 0, 20}, {0, 21, 20}, {300, 300, 20},
};

START_TEST(twenty_of_those_named_are_remembered)
{
    g_autofree char *header = named(crowds[_i].in_to, crowds[_i].in_cc);
    g_autoptr(Decision) decision = decide_header(header);
    ck_assert_uint_eq(count_role(decision, PARTY_CC), crowds[_i].remembered);
    if (crowds[_i].in_to == 10) {
        g_autofree char *effects = effects_of(decision);
        ck_assert_ptr_nonnull(strstr(effects, "party cc cc9@x.example"));
        ck_assert_ptr_null(strstr(effects, "party cc cc10@x.example"));
    }
}
END_TEST

START_TEST(a_machine_names_nobody)
{
    g_autofree char *header = named(3, 3);
    g_autofree char *automatic =
        g_strdup_printf("Auto-Submitted: auto-generated\n%s", header);
    g_autoptr(Decision) decision = decide_header(automatic);
    ck_assert_int_eq(decision->verdict, VERDICT_NEW);
    ck_assert_uint_eq(count_role(decision, PARTY_CC), 0);
}
END_TEST

/* ---- join ---- */

static void
know(int64_t ticket, TicketStatus status, bool is_party)
{
    sample_candidate(context, sample_ticket(ticket, "support", status),
                     EVIDENCE_STORED, "parent@x", is_party);
}

START_TEST(an_answer_joins_and_its_writer_takes_part)
{
    know(7, TICKET_OPEN, true);
    g_autoptr(Decision) decision =
        decide_header(PRINTER "Cc: taras@customer.example\n");
    ck_assert_int_eq(decision->verdict, VERDICT_JOIN);
    ck_assert_str_eq(decision->reason, "message-id");
    ck_assert_int_eq(decision->ticket->id, 7);
    ck_assert_ptr_null(decision->acknowledge_to);
    ck_assert_str_eq(decision->acknowledge_reason, "not-a-new-ticket");
    /* Nobody becomes requester by answering. */
    ck_assert_str_eq(decision->ticket->requester, "olena@customer.example");
    g_autofree char *told = notified(decision);
    ck_assert_str_eq(told, BOTH);
    assert_effects(decision, "event joined message-id\n"
                             "party participant olena@customer.example Olena\n"
                             "party cc taras@customer.example \n");
}
END_TEST

START_TEST(a_person_reopens_what_was_not_open)
{
    static const TicketStatus others[] = {TICKET_PENDING, TICKET_CLOSED};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_ptr_array_set_size(context->candidates, 0);
        know(7, others[i], true);
        g_autoptr(Decision) decision = decide_header(PRINTER);
        ck_assert_int_eq(decision->ticket->status, TICKET_OPEN);
        assert_effects(decision,
                       "event joined message-id\n"
                       "party participant olena@customer.example Olena\n"
                       "status open\n"
                       "event reopened requester-wrote\n");
    }
}
END_TEST

static const char *const automatic[] = {
    "Auto-Submitted: auto-replied\n",
    "Precedence: bulk\n",
    "List-Id: <list.example>\n",
};

START_TEST(a_machine_joins_but_moves_nothing)
{
    know(7, TICKET_CLOSED, true);
    g_autofree char *header = g_strdup_printf(
        "%s" PRINTER "Cc: taras@customer.example\n", automatic[_i]);
    g_autoptr(Decision) decision = decide_header(header);
    ck_assert_int_eq(decision->verdict, VERDICT_JOIN);
    ck_assert_int_eq(decision->ticket->status, TICKET_CLOSED);
    ck_assert_ptr_null(decision->acknowledge_to);
    assert_effects(decision, "event joined message-id\n");
}
END_TEST

START_TEST(a_note_of_our_own_people_moves_nothing)
{
    sample_candidate(context, sample_ticket(7, "support", TICKET_CLOSED),
                     EVIDENCE_OURS, "notice@x", false);
    g_autoptr(Decision) decision =
        decide_header("From: Anna <anna@agents.example>\nSubject: x\n");
    ck_assert_int_eq(decision->verdict, VERDICT_JOIN);
    ck_assert(decision->is_note);
    ck_assert_int_eq(decision->ticket->status, TICKET_CLOSED);
    g_autofree char *told = notified(decision);
    ck_assert_str_eq(told, "ben@agents.example");
    assert_effects(decision, "event joined own-message-id\n");
}
END_TEST

START_TEST(an_answer_to_an_echo_is_told_to_nobody)
{
    sample_candidate(context, sample_ticket(7, "support", TICKET_OPEN),
                     EVIDENCE_OURS, "echo.7.1.sign@x", false);
    g_autoptr(Decision) decision =
        decide_header("From: Anna <anna@agents.example>\nSubject: x\n");
    ck_assert(decision->is_note);
    ck_assert_uint_eq(decision->notify->len, 0);
}
END_TEST

START_TEST(a_stranger_who_answers_a_notice_is_told_as_an_echo)
{
    sample_candidate(context, sample_ticket(7, "support", TICKET_OPEN),
                     EVIDENCE_OURS, "notice.7.1.sign@x", false);
    g_autoptr(Decision) decision =
        decide_header("From: Otto <otto@home.example>\nSubject: x\n");
    ck_assert_int_eq(decision->verdict, VERDICT_NEW);
    ck_assert_uint_gt(decision->notify->len, 0);
    ck_assert(decision->is_echo);
}
END_TEST

START_TEST(our_own_people_are_told_of_within_the_budget_only)
{
    g_autoptr(Decision) first =
        decide_header("From: Anna <anna@agents.example>\nSubject: x\n");
    ck_assert_int_eq(first->verdict, VERDICT_NEW);
    ck_assert_uint_eq(first->notify->len, 1);
    context->sender_day = G_MAXINT64;
    g_autoptr(Decision) last =
        decide_header("From: Anna <anna@agents.example>\nSubject: x\n");
    ck_assert_int_eq(last->verdict, VERDICT_NEW);
    ck_assert_uint_eq(last->notify->len, 0);
}
END_TEST

START_TEST(an_answer_to_another_queue_makes_it_known_there)
{
    know(7, TICKET_OPEN, true);
    set_text(&delivery->envelope_recipient, "billing@desk.example");
    g_autoptr(Decision) decision = decide_header(PRINTER);
    ck_assert_int_eq(decision->verdict, VERDICT_JOIN);
    ck_assert_str_eq(decision->ticket->queue, "support");
    assert_effects(decision,
                   "event joined message-id\nqueue billing\n"
                   "party participant olena@customer.example Olena\n");
}
END_TEST

/* ---- known, complete, park ---- */

START_TEST(the_same_mail_by_another_way_is_known)
{
    know(9, TICKET_OPEN, true);
    context->known = sample_ticket(7, "support", TICKET_OPEN);
    context->known_message = 70;
    set_text(&delivery->envelope_recipient, "billing@desk.example");
    g_autoptr(Decision) decision = decide_header(PRINTER);
    ck_assert_int_eq(decision->verdict, VERDICT_KNOWN);
    ck_assert_str_eq(decision->reason, "same-content");
    ck_assert_int_eq(decision->ticket->id, 7);
    ck_assert_int_eq(decision->message_id_no, 70);
    ck_assert_ptr_null(decision->acknowledge_to);
    ck_assert_uint_eq(decision->notify->len, 0); /* billing tells nobody */
    assert_effects(decision, "event same-mail-again billing\nqueue billing\n");
}
END_TEST

START_TEST(a_queue_that_knows_the_mail_is_not_told_again)
{
    context->known = sample_ticket(7, "support", TICKET_OPEN);
    context->known_message = 70;
    context->known_to_queue = true;
    g_autoptr(Decision) decision = decide_header(PRINTER);
    ck_assert_int_eq(decision->verdict, VERDICT_KNOWN);
    ck_assert_uint_eq(decision->notify->len, 0);
    assert_effects(decision, "event same-mail-again support\n");
}
END_TEST

START_TEST(the_rest_of_a_truncated_mail_takes_its_place)
{
    know(9, TICKET_OPEN, true);
    context->known = sample_ticket(8, "support", TICKET_OPEN);
    context->known_message = 80;
    delivery->ticket_id = 7;
    delivery->message_id_no = 70;
    g_autoptr(Decision) decision = decide_header(PRINTER);
    ck_assert_int_eq(decision->verdict, VERDICT_COMPLETE);
    ck_assert_str_eq(decision->reason, "whole-mail-after-a-part");
    ck_assert_int_eq(decision->ticket->id, 7);
    ck_assert_int_eq(decision->message_id_no, 70);
    ck_assert_ptr_null(decision->acknowledge_to);
    ck_assert_uint_eq(decision->notify->len, 0);
    assert_effects(decision, "event completed the first copy was cut short\n");
}
END_TEST

static char *
travelled(size_t hops)
{
    GString *out = g_string_new(NULL);
    for (size_t i = 0; i < hops; i++)
        g_string_append_printf(out, "Received: from a by b%zu\n", i);
    g_string_append(out, PRINTER);
    return g_string_free(out, FALSE);
}

START_TEST(fifty_hops_are_a_loop_and_one_less_is_none)
{
    static const struct {
        size_t hops;
        Verdict verdict;
    } roads[] = {{0, VERDICT_NEW},
                 {49, VERDICT_NEW},
                 {50, VERDICT_PARK},
                 {51, VERDICT_PARK}};
    for (size_t i = 0; i < G_N_ELEMENTS(roads); i++) {
        g_autofree char *header = travelled(roads[i].hops);
        g_autoptr(Decision) decision = decide_header(header);
        ck_assert_int_eq(decision->verdict, roads[i].verdict);
    }
}
END_TEST

START_TEST(what_is_parked_does_nothing_else)
{
    know(7, TICKET_CLOSED, true);
    g_autofree char *header = travelled(50);
    g_autoptr(Decision) loop = decide_header(header);
    ck_assert_str_eq(loop->reason, "too-many-hops");
    ck_assert(loop->is_rubbish);
    ck_assert_ptr_null(loop->ticket);
    ck_assert_ptr_null(loop->acknowledge_to);
    ck_assert_uint_eq(loop->notify->len, 0);
    assert_effects(loop, "");
    set_text(&delivery->envelope_recipient, "sales@desk.example");
    g_autoptr(Decision) stray = decide_header(PRINTER);
    ck_assert_int_eq(stray->verdict, VERDICT_PARK);
    ck_assert_str_eq(stray->reason, "no-queue-for-recipient");
    ck_assert(!stray->is_rubbish); /* our settings are at fault */
    ck_assert_ptr_null(stray->queue);
    assert_effects(stray, "");
}
END_TEST

/* ---- silence ---- */

START_TEST(a_spent_budget_keeps_the_mail_and_tells_the_admin)
{
    context->sender_10min = 3;
    g_autoptr(Decision) decision = decide_header(PRINTER);
    ck_assert_int_eq(decision->verdict, VERDICT_NEW);
    ck_assert_ptr_null(decision->acknowledge_to);
    ck_assert_str_eq(decision->acknowledge_reason, "sender-10min");
    const Effect *alarm = decision->effects->pdata[decision->effects->len - 1];
    ck_assert_int_eq(alarm->kind, EFFECT_ALARM);
    ck_assert_str_eq(alarm->text, "budget-sender-10min");
    ck_assert_int_eq(alarm->cool_down_s, 3600);
    ck_assert_ptr_nonnull(strstr(alarm->name, "<olena@customer.example>"));
    g_autofree char *told = notified(decision);
    ck_assert_str_eq(told, BOTH);
}
END_TEST

START_TEST(notices_end_at_the_breaker_and_not_before)
{
    context->all_in_window = sample->rules.budgets->breaker - 1;
    g_autoptr(Decision) last = decide_header(PRINTER);
    ck_assert_uint_gt(last->notify->len, 0);
    context->all_in_window = sample->rules.budgets->breaker;
    g_autoptr(Decision) none = decide_header(PRINTER);
    ck_assert_int_eq(none->verdict, VERDICT_NEW);
    ck_assert_uint_eq(none->notify->len, 0);
}
END_TEST

START_TEST(nobody_is_told_of_his_own_words_nor_are_we)
{
    Queue *support = sample_queue(sample, "support");
    g_strfreev(support->notify);
    support->notify = g_strsplit("Anna@Agents.example billing@desk.example "
                                 "carl@agents.example",
                                 " ", -1);
    g_autoptr(Decision) decision =
        decide_header("From: ANNA@agents.example\nSubject: x\n");
    g_autofree char *told = notified(decision);
    ck_assert_str_eq(told, "carl@agents.example");
}
END_TEST

START_TEST(the_same_arguments_give_the_same_decision)
{
    know(7, TICKET_CLOSED, false);
    g_autoptr(Decision) one = decide_header(PRINTER);
    g_autoptr(Decision) two = decide_header(PRINTER);
    g_autofree char *first = effects_of(one);
    g_autofree char *second = effects_of(two);
    ck_assert_str_eq(first, second);
    ck_assert_str_eq(one->reason, two->reason);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("decide");
    TCase *tests = tcase_create("decide");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_first_mail_is_a_new_ticket);
    tcase_add_test(tests, a_stranger_with_a_claim_gets_a_ticket_linked_to_it);
    tcase_add_test(tests, a_mail_from_nobody_belongs_to_who_handed_it_over);
    tcase_add_loop_test(tests,
                        an_answer_goes_where_it_is_asked_to_unless_that_is_us,
                        0, G_N_ELEMENTS(answers));
    tcase_add_test(tests, a_long_subject_is_cut_where_it_is_kept);
    tcase_add_loop_test(tests, twenty_of_those_named_are_remembered, 0,
                        G_N_ELEMENTS(crowds));
    tcase_add_test(tests, a_machine_names_nobody);
    tcase_add_test(tests, an_answer_joins_and_its_writer_takes_part);
    tcase_add_test(tests, a_person_reopens_what_was_not_open);
    tcase_add_loop_test(tests, a_machine_joins_but_moves_nothing, 0,
                        G_N_ELEMENTS(automatic));
    tcase_add_test(tests, a_note_of_our_own_people_moves_nothing);
    tcase_add_test(tests, an_answer_to_an_echo_is_told_to_nobody);
    tcase_add_test(tests, a_stranger_who_answers_a_notice_is_told_as_an_echo);
    tcase_add_test(tests, our_own_people_are_told_of_within_the_budget_only);
    tcase_add_test(tests, an_answer_to_another_queue_makes_it_known_there);
    tcase_add_test(tests, the_same_mail_by_another_way_is_known);
    tcase_add_test(tests, a_queue_that_knows_the_mail_is_not_told_again);
    tcase_add_test(tests, the_rest_of_a_truncated_mail_takes_its_place);
    tcase_add_test(tests, fifty_hops_are_a_loop_and_one_less_is_none);
    tcase_add_test(tests, what_is_parked_does_nothing_else);
    tcase_add_test(tests, a_spent_budget_keeps_the_mail_and_tells_the_admin);
    tcase_add_test(tests, notices_end_at_the_breaker_and_not_before);
    tcase_add_test(tests, nobody_is_told_of_his_own_words_nor_are_we);
    tcase_add_test(tests, the_same_arguments_give_the_same_decision);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
