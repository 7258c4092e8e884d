/* Which ticket, by which evidence, and who may join it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "policy/thread.h"
#include "sample.h"

static Sample *sample;
static Context *context;
static GPtrArray *considered;

static void
set_up(void)
{
    sample = sample_new();
    context = context_new();
    considered = g_ptr_array_new_with_free_func(g_free);
}

static void
tear_down(void)
{
    g_ptr_array_unref(considered);
    context_free(context);
    sample_free(sample);
}

#define STRANGER "From: eve@elsewhere.example\nSubject: x\n\nText.\n"
#define ANNA "From: Anna <Anna@Agents.example>\nSubject: x\n\nText.\n"
#define BOUNCE                                                                 \
    "From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail Returned to "   \
    "Sender\nX-Failed-Recipients: olena@customer.example\n\nText.\n"

static Candidate *
add(int64_t ticket, Evidence evidence, const char *id, bool is_party)
{
    return sample_candidate(context,
                            sample_ticket(ticket, "support", TICKET_OPEN),
                            evidence, id, is_party);
}

static Threading
find(const char *text)
{
    g_autoptr(Mail) mail = sample_mail(sample, text, "x@y.example");
    return thread_find(mail, context, &sample->rules, considered);
}

START_TEST(no_evidence_is_no_ticket)
{
    Threading found = find(STRANGER);
    ck_assert_ptr_null(found.joins);
    ck_assert_ptr_null(found.claims);
    ck_assert_uint_eq(considered->len, 0);
}
END_TEST

START_TEST(a_party_joins_by_any_evidence)
{
    static const Evidence all[] = {EVIDENCE_OURS, EVIDENCE_STORED,
                                   EVIDENCE_SEEN, EVIDENCE_TAG};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        g_ptr_array_set_size(context->candidates, 0);
        const Candidate *only = add(7, all[i], "id@x", true);
        Threading found = find(STRANGER);
        ck_assert_ptr_eq(found.joins, only);
        ck_assert_ptr_null(found.claims);
        ck_assert(!found.as_note);
    }
}
END_TEST

START_TEST(the_strongest_of_the_tickets_one_belongs_to_is_joined)
{
    const Candidate *foreign = add(1, EVIDENCE_OURS, "a@x", false);
    const Candidate *first = add(2, EVIDENCE_STORED, "b@x", true);
    add(3, EVIDENCE_SEEN, "c@x", true);
    add(4, EVIDENCE_TAG, "", false);
    Threading found = find(STRANGER);
    ck_assert_ptr_eq(found.joins, first);
    ck_assert_ptr_eq(found.claims, foreign);
}
END_TEST

START_TEST(a_stranger_only_claims)
{
    static const Evidence all[] = {EVIDENCE_OURS, EVIDENCE_STORED,
                                   EVIDENCE_SEEN, EVIDENCE_TAG};
    const Candidate *first = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        const Candidate *added = add((int64_t)i + 1, all[i], "id@x", false);
        first = first != NULL ? first : added;
    }
    Threading found = find(STRANGER);
    ck_assert_ptr_null(found.joins);
    ck_assert_ptr_eq(found.claims, first);
}
END_TEST

START_TEST(each_candidate_leaves_a_line)
{
    add(1, EVIDENCE_OURS, "a@x", false);
    add(2, EVIDENCE_TAG, "", true);
    find(STRANGER);
    ck_assert_uint_eq(considered->len, 2);
    ck_assert_str_eq(considered->pdata[0],
                     "ticket 1 by own-message-id a@x: sender is no party");
    ck_assert_str_eq(considered->pdata[1], "ticket 2 by subject-tag: party");
}
END_TEST

/* ---- our own people ---- */

START_TEST(who_was_notified_and_answers_leaves_a_note)
{
    const Candidate *only = add(7, EVIDENCE_OURS, "notice@x", false);
    Threading found = find(ANNA);
    ck_assert_ptr_eq(found.joins, only);
    ck_assert(found.as_note);
    ck_assert_str_eq(considered->pdata[0],
                     "ticket 7 by own-message-id notice@x: notified");
}
END_TEST

START_TEST(who_was_notified_needs_an_id_that_we_wrote)
{
    static const Evidence weaker[] = {EVIDENCE_STORED, EVIDENCE_SEEN,
                                      EVIDENCE_TAG};
    for (size_t i = 0; i < G_N_ELEMENTS(weaker); i++)
        add(7, weaker[i], "a@x", false);
    Threading found = find(ANNA);
    ck_assert_ptr_null(found.joins);
    ck_assert_ptr_nonnull(found.claims);
}
END_TEST

START_TEST(only_the_tickets_own_queue_tells_who_is_notified)
{
    sample_candidate(context, sample_ticket(7, "billing", TICKET_OPEN),
                     EVIDENCE_OURS, "a@x", false);
    sample_candidate(context, sample_ticket(8, "gone", TICKET_OPEN),
                     EVIDENCE_OURS, "b@x", false);
    Threading found = find(ANNA);
    ck_assert_ptr_null(found.joins);
}
END_TEST

START_TEST(a_note_keeps_to_the_mail_that_is_one)
{
    /* Anna is notified of 7 and a party of 8: the stronger evidence wins, and
     * what is true of one does not colour the other. */
    add(7, EVIDENCE_STORED, "a@x", false);
    const Candidate *hers = add(8, EVIDENCE_STORED, "b@x", true);
    add(9, EVIDENCE_OURS, "c@x", false);
    Threading found = find(ANNA);
    ck_assert_ptr_eq(found.joins, hers);
    ck_assert(!found.as_note);
}
END_TEST

/* ---- reports ---- */

START_TEST(a_report_joins_by_our_signed_id_alone)
{
    g_autofree char *signed_id =
        token_message_id(sample->keys, "ack", 7, 1, "desk.example");
    const Candidate *only = add(7, EVIDENCE_OURS, signed_id, false);
    Threading found = find(BOUNCE);
    ck_assert_ptr_eq(found.joins, only);
    ck_assert(!found.as_note);
    ck_assert(g_str_has_suffix(considered->pdata[0], ": report"));
}
END_TEST

START_TEST(a_report_with_a_forged_id_joins_nothing)
{
    add(7, EVIDENCE_OURS, "ack.7.1.aaaaaaaaaaaaaaaa@desk.example", false);
    Threading found = find(BOUNCE);
    ck_assert_ptr_null(found.joins);
}
END_TEST

START_TEST(a_report_needs_an_id_that_we_wrote)
{
    g_autofree char *signed_id =
        token_message_id(sample->keys, "ack", 7, 1, "desk.example");
    add(7, EVIDENCE_STORED, signed_id, false);
    add(7, EVIDENCE_SEEN, signed_id, false);
    Threading found = find(BOUNCE);
    ck_assert_ptr_null(found.joins);
}
END_TEST

START_TEST(a_signed_id_alone_opens_nothing_to_a_person)
{
    g_autofree char *signed_id =
        token_message_id(sample->keys, "ack", 7, 1, "desk.example");
    add(7, EVIDENCE_OURS, signed_id, false);
    Threading found = find(STRANGER);
    ck_assert_ptr_null(found.joins);
    ck_assert_ptr_nonnull(found.claims);
}
END_TEST

START_TEST(mail_from_nobody_joins_nothing_it_has_no_right_to)
{
    add(7, EVIDENCE_OURS, "a@x", false);
    Threading found = find("Subject: x\n\nText.\n");
    ck_assert_ptr_null(found.joins);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("thread");
    TCase *tests = tcase_create("thread");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, no_evidence_is_no_ticket);
    tcase_add_test(tests, a_party_joins_by_any_evidence);
    tcase_add_test(tests,
                   the_strongest_of_the_tickets_one_belongs_to_is_joined);
    tcase_add_test(tests, a_stranger_only_claims);
    tcase_add_test(tests, each_candidate_leaves_a_line);
    tcase_add_test(tests, who_was_notified_and_answers_leaves_a_note);
    tcase_add_test(tests, who_was_notified_needs_an_id_that_we_wrote);
    tcase_add_test(tests, only_the_tickets_own_queue_tells_who_is_notified);
    tcase_add_test(tests, a_note_keeps_to_the_mail_that_is_one);
    tcase_add_test(tests, a_report_joins_by_our_signed_id_alone);
    tcase_add_test(tests, a_report_with_a_forged_id_joins_nothing);
    tcase_add_test(tests, a_report_needs_an_id_that_we_wrote);
    tcase_add_test(tests, a_signed_id_alone_opens_nothing_to_a_person);
    tcase_add_test(tests, mail_from_nobody_joins_nothing_it_has_no_right_to);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
