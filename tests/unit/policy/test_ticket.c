/* The desk's words: the same in columns, logs and explanations for ever. */
#include <check.h>
#include <stdlib.h>

#include "sample.h"

START_TEST(a_status_has_a_word_and_the_word_a_status)
{
    static const char *const words[] = {[TICKET_OPEN] = "open",
                                        [TICKET_PENDING] = "pending",
                                        [TICKET_CLOSED] = "closed"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        TicketStatus status = TICKET_OPEN;
        ck_assert_str_eq(ticket_status_name((TicketStatus)i), words[i]);
        ck_assert(ticket_status_parse(words[i], &status));
        ck_assert_uint_eq(status, i);
    }
}
END_TEST

static const char *const unknown[] = {"", "Open", "opened", "open ", "merged"};

START_TEST(another_word_is_no_status_and_changes_nothing)
{
    TicketStatus status = TICKET_PENDING;
    ck_assert(!ticket_status_parse(unknown[_i], &status));
    ck_assert_int_eq(status, TICKET_PENDING);
}
END_TEST

START_TEST(roles_evidence_and_verdicts_have_their_words)
{
    ck_assert_str_eq(party_role_name(PARTY_REQUESTER), "requester");
    ck_assert_str_eq(party_role_name(PARTY_PARTICIPANT), "participant");
    ck_assert_str_eq(party_role_name(PARTY_CC), "cc");
    ck_assert_str_eq(party_role_name(PARTY_AGENT), "agent");
    ck_assert_str_eq(evidence_name(EVIDENCE_OURS), "own-message-id");
    ck_assert_str_eq(evidence_name(EVIDENCE_STORED), "message-id");
    ck_assert_str_eq(evidence_name(EVIDENCE_SEEN), "shared-ancestor");
    ck_assert_str_eq(evidence_name(EVIDENCE_TAG), "subject-tag");
    ck_assert_str_eq(verdict_name(VERDICT_NEW), "new");
    ck_assert_str_eq(verdict_name(VERDICT_JOIN), "join");
    ck_assert_str_eq(verdict_name(VERDICT_KNOWN), "known");
    ck_assert_str_eq(verdict_name(VERDICT_COMPLETE), "complete");
    ck_assert_str_eq(verdict_name(VERDICT_PARK), "park");
}
END_TEST

START_TEST(a_copy_of_a_ticket_shares_nothing_with_it)
{
    g_autoptr(Ticket) ticket = sample_ticket(7, "billing", TICKET_CLOSED);
    g_autoptr(Ticket) copy = ticket_copy(ticket);
    ck_assert_int_eq(copy->id, 7);
    ck_assert_int_eq(copy->status, TICKET_CLOSED);
    ck_assert_str_eq(copy->queue, ticket->queue);
    ck_assert_str_eq(copy->subject, ticket->subject);
    ck_assert_str_eq(copy->language, ticket->language);
    ck_assert_str_eq(copy->requester, ticket->requester);
    ck_assert_str_eq(copy->requester_name, ticket->requester_name);
    ck_assert_str_eq(copy->reply_to, ticket->reply_to);
    ck_assert_ptr_ne(copy->queue, ticket->queue);
    ck_assert_ptr_ne(copy->subject, ticket->subject);
    ck_assert_ptr_ne(copy->language, ticket->language);
    ck_assert_ptr_ne(copy->requester, ticket->requester);
    ck_assert_ptr_ne(copy->requester_name, ticket->requester_name);
    ck_assert_ptr_ne(copy->reply_to, ticket->reply_to);
    ticket_free(NULL);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ticket");
    TCase *tests = tcase_create("ticket");
    tcase_add_test(tests, a_status_has_a_word_and_the_word_a_status);
    tcase_add_loop_test(tests, another_word_is_no_status_and_changes_nothing, 0,
                        G_N_ELEMENTS(unknown));
    tcase_add_test(tests, roles_evidence_and_verdicts_have_their_words);
    tcase_add_test(tests, a_copy_of_a_ticket_shares_nothing_with_it);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
