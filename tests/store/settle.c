/* What became of a mail: recipient by recipient, in doubt, given up, by hand.
 */
#include "sender.h"

#include <string.h>

/* ---- settling ---- */

START_TEST(each_recipient_has_an_outcome_of_its_own)
{
    int64_t ticket = make_quiet_ticket();
    int64_t id = queue_outgoing(
        outgoing_new(OUTGOING_REPLY, ticket, "r@desk", "a@x b@x c@x"));
    assert_claim("1", MINE, ALL);
    const RecipientOutcome first[] = {
        {0, "sent", 250, "2.0.0", "ok"},
        {1, "waiting", 450, "4.2.0", "later"},
        {2, "failed", 550, "5.1.1", "it's \"nobody\""},
    };
    const Settlement settlement = {.id = id,
                                   .recipients = first,
                                   .n = 3,
                                   .wait_s = 300,
                                   .last_error = "<c@x>: 550 nobody",
                                   .event = "send-failed",
                                   .refused = true};
    settle(MINE, &settlement);
    assert_sql("0|sent|250|2.0.0|ok|t\n1|waiting|450|4.2.0|later|t\n"
               "2|failed|550|5.1.1|it's \"nobody\"|t",
               "SELECT position, state, code, enhanced, reply, replied_at IS "
               "NOT NULL FROM outgoing_recipient ORDER BY position");
    assert_sql("queued|1|0|<c@x>: 550 nobody|NULL|NULL|t",
               "SELECT state, attempts, repeats, last_error, lease, "
               "settled_at, due_at BETWEEN now() + interval '240 seconds' "
               "AND now() + interval '300 seconds' FROM outgoing");
    assert_sql("1|send-failed|<c@x>: 550 nobody",
               "SELECT ticket_id, name, detail FROM event");

    /* The next round is about the one that waits. */
    tell("UPDATE outgoing SET due_at = now()");
    g_autoptr(GPtrArray) mails = claim_mails(OTHERS, ALL);
    ck_assert_uint_eq(mails->len, 1);
    const Claimed *claimed = mails->pdata[0];
    ck_assert_uint_eq(claimed->outgoing->recipients->len, 1);
    ck_assert_str_eq(claimed->outgoing->recipients->pdata[0], "b@x");
    const RecipientOutcome second = {1, "sent", 250, "", "ok"};
    const Settlement last = {
        .id = id, .recipients = &second, .n = 1, .last_error = ""};
    settle(OTHERS, &last);
    assert_sql("failed|1|t", "SELECT state, attempts, settled_at IS NOT NULL "
                             "FROM outgoing");
    assert_sql("1", "SELECT count(*) FROM event");
}
END_TEST

static const struct {
    const char *first;
    const char *second;
    const char *state;
} ends[] = {
    {"sent", "sent", "sent"},        {"sent", "failed", "failed"},
    {"failed", "failed", "failed"},  {"sent", "unsure", "unsure"},
    {"unsure", "failed", "failed"},  {"sent", "waiting", "queued"},
    {"failed", "waiting", "queued"}, {"unsure", "waiting", "queued"},
};

START_TEST(the_state_of_a_mail_follows_from_its_recipients)
{
    int64_t id = queue_reply("r@desk", "a@x b@x");
    assert_claim("1", MINE, ALL);
    const RecipientOutcome outcomes[] = {{0, ends[_i].first, 250, "", ""},
                                         {1, ends[_i].second, 250, "", ""}};
    const Settlement settlement = {
        .id = id, .recipients = outcomes, .n = 2, .last_error = ""};
    settle(MINE, &settlement);
    assert_sql(ends[_i].state, "SELECT state FROM outgoing");
    assert_sql(strcmp(ends[_i].state, "queued") == 0 ? "t" : "f",
               "SELECT settled_at IS NULL FROM outgoing");
}
END_TEST

START_TEST(one_commit_settles_a_claim_and_takes_the_next)
{
    for (int i = 1; i <= 3; i++) {
        g_autofree char *id = g_strdup_printf("r%d@desk", i);
        queue_reply(id, "a@x");
    }
    assert_claim("1 2", MINE, 2);
    const RecipientOutcome sent = {0, "sent", 250, "", "ok"};
    const RecipientOutcome failed = {0, "failed", 550, "", "nobody"};
    const Settlement first = {
        .id = 1, .recipients = &sent, .n = 1, .last_error = ""};
    const Settlement second = {
        .id = 2, .recipients = &failed, .n = 1, .last_error = "nobody"};
    g_autoptr(GPtrArray) settlements = g_ptr_array_new();
    g_ptr_array_add(settlements, (gpointer)&first);
    g_ptr_array_add(settlements, (gpointer)&second);
    g_autoptr(GPtrArray) claimed = NULL;
    g_autoptr(GError) error = NULL;
    must(outbox_claim(fix.store, MINE, LEASE_S, ALL, settlements, &claimed,
                      &error),
         error);
    ck_assert_uint_eq(claimed->len, 1);
    assert_sql("sent|\nfailed|nobody\nsubmitting|",
               "SELECT state, last_error FROM outgoing ORDER BY id");
    assert_sql("sent\nfailed\nwaiting",
               "SELECT state FROM outgoing_recipient ORDER BY outgoing_id");
    assert_sql("t", "SELECT count(DISTINCT xmin::text) = 1 FROM outgoing");
}
END_TEST

START_TEST(a_lease_is_renewed_for_what_is_left_and_still_ours)
{
    for (int i = 1; i <= 4; i++) {
        g_autofree char *id = g_strdup_printf("r%d@desk", i);
        queue_reply(id, "a@x");
    }
    assert_claim("1 2 3 4", MINE, ALL);
    tell("UPDATE outgoing SET lease = '%s' WHERE id = 2", OTHERS);
    let_lapse(3);
    tell("UPDATE outgoing SET lease_until = now() + interval '5 seconds' "
         "WHERE id IN (1, 4)");
    const RecipientOutcome outcome = {0, "sent", 250, "", "ok"};
    const Settlement settlement = {
        .id = 1, .recipients = &outcome, .n = 1, .last_error = ""};
    assert_renewed("4", MINE, &settlement);
    assert_sql("1|sent|NULL\n2|submitting|f\n3|submitting|f\n"
               "4|submitting|t",
               "SELECT id, state, lease_until > now() + interval '500 s' "
               "AND lease = '" MINE "' FROM outgoing ORDER BY id");
}
END_TEST

START_TEST(a_sender_that_lost_a_row_changes_nothing_of_it)
{
    int64_t ticket = make_quiet_ticket();
    int64_t id =
        queue_outgoing(outgoing_new(OUTGOING_REPLY, ticket, "r@desk", "a@x"));
    assert_claim("1", MINE, ALL);
    tell("UPDATE outgoing SET lease = '%s'", OTHERS);
    const RecipientOutcome outcome = {0, "failed", 550, "", "nobody"};
    const Settlement settlement = {.id = id,
                                   .recipients = &outcome,
                                   .n = 1,
                                   .last_error = "lost",
                                   .event = "send-failed",
                                   .refused = true};
    settle(MINE, &settlement);
    assert_sql("submitting|0||" OTHERS,
               "SELECT state, attempts, last_error, lease FROM outgoing");
    assert_sql("waiting|0", "SELECT state, code FROM outgoing_recipient");
    assert_sql("0", "SELECT count(*) FROM event");
}
END_TEST

START_TEST(a_settlement_that_is_repeated_counts_once)
{
    int64_t ticket = make_quiet_ticket();
    int64_t id = queue_outgoing(
        outgoing_new(OUTGOING_REPLY, ticket, "r@desk", "a@x b@x"));
    assert_claim("1", MINE, ALL);
    const RecipientOutcome outcomes[] = {{0, "failed", 550, "", "nobody"},
                                         {1, "waiting", 450, "", "later"}};
    const Settlement settlement = {.id = id,
                                   .recipients = outcomes,
                                   .n = 2,
                                   .wait_s = 300,
                                   .last_error = "nobody",
                                   .event = "send-failed",
                                   .refused = true};
    settle(MINE, &settlement);
    settle(MINE, &settlement); /* the first answer was lost */
    assert_sql("queued|1", "SELECT state, attempts FROM outgoing");
    assert_sql("send-failed", "SELECT name FROM event");
}
END_TEST

START_TEST(what_may_go_out_twice_is_counted)
{
    int64_t id = queue_reply("r@desk", "a@x");
    assert_claim("1", MINE, ALL);
    const RecipientOutcome outcome = {0, "waiting", 0, "", ""};
    const Settlement settlement = {.id = id,
                                   .recipients = &outcome,
                                   .n = 1,
                                   .wait_s = 300,
                                   .last_error = "lost at the dot",
                                   .event = "send-repeated",
                                   .refused = true,
                                   .uncertain = true};
    settle(MINE, &settlement);
    assert_sql("queued|1|1", "SELECT state, attempts, repeats FROM outgoing");
    assert_sql("0", "SELECT count(*) FROM event"); /* it has no ticket */
}
END_TEST

/* ---- giving back ---- */

START_TEST(a_claim_is_given_back_with_what_was_not_sent)
{
    for (int i = 1; i <= 3; i++) {
        g_autofree char *id = g_strdup_printf("r%d@desk", i);
        queue_reply(id, "a@x");
    }
    assert_claim("1 2", MINE, 2);
    assert_claim("3", OTHERS, 2);
    g_autoptr(GError) error = NULL;
    must(outbox_release(fix.store, MINE, 60, "no relay", NULL, &error), error);
    assert_sql("1|queued|no relay|0|t\n2|queued|no relay|0|t\n"
               "3|submitting||0|f",
               "SELECT id, state, last_error, attempts, "
               "lease IS NULL AND due_at > now() + interval '30 seconds' "
               "FROM outgoing ORDER BY id");
}
END_TEST

/* ---- recovering ---- */

static void
recover_by(const LastWords *dead, int64_t unsure, int64_t repeated)
{
    g_autoptr(GError) error = NULL;
    Recovered got = {-1, -1};
    must(outbox_recover(fix.store, dead, &got, &error), error);
    ck_assert_int_eq(got.unsure, unsure);
    ck_assert_int_eq(got.repeated, repeated);
}

/* By the clock. */
static void
recover(int64_t unsure, int64_t repeated)
{
    recover_by(NULL, unsure, repeated);
}

static GArray *
ids_from_to(int64_t from, int64_t to)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (int64_t id = from; id <= to; id++)
        g_array_append_val(ids, id);
    return ids;
}

static void
queue_every_kind(void)
{
    static const OutgoingKind kinds[] = {OUTGOING_ACKNOWLEDGEMENT,
                                         OUTGOING_REPLY, OUTGOING_NOTICE,
                                         OUTGOING_ADMIN};
    static int count;
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *id = g_strdup_printf("k%d@desk", ++count);
        queue_outgoing(outgoing_new(kinds[i], 0, id, "a@x"));
    }
}

START_TEST(what_a_lapsed_lease_leaves_is_unsure_or_repeated)
{
    queue_every_kind();
    assert_claim("1 2 3 4", MINE, ALL);
    for (int64_t id = 1; id <= 4; id++)
        recover(0, 0); /* their lease has not run out */
    for (int64_t id = 1; id <= 4; id++)
        let_lapse(id);
    recover(1, 3);
    assert_sql("acknowledgement|unsure|0|t\nreply|queued|1|f\n"
               "notice|queued|1|f\nadmin|queued|1|f",
               "SELECT kind, state, repeats, settled_at IS NOT NULL "
               "FROM outgoing ORDER BY id");
    assert_sql("unsure\nwaiting\nwaiting\nwaiting",
               "SELECT state FROM outgoing_recipient ORDER BY outgoing_id");
    assert_sql("t", "SELECT bool_and(lease IS NULL AND last_error <> '') "
                    "FROM outgoing");
    assert_claim("2 3 4", OTHERS, ALL);
    recover(0, 0);
}
END_TEST

START_TEST(a_dead_sender_is_not_waited_for_and_its_marks_are_believed)
{
    int64_t ticket = make_quiet_ticket();
    queue_every_kind(); /* 1 ... 4, begun */
    queue_every_kind(); /* 5 ... 8, sent */
    queue_every_kind(); /* 9 ... 12, not begun */
    queue_reply("r@desk", "a@x");
    tell("UPDATE outgoing SET ticket_id = %d", (int)ticket);
    assert_claim("1 2 3 4 5 6 7 8 9 10 11 12", MINE, 12);
    assert_claim("13", OTHERS, 12);
    g_autoptr(GArray) begun = ids_from_to(1, 4);
    g_autoptr(GArray) sent = ids_from_to(5, 8);
    g_array_append_val(begun, (int64_t){4711}); /* settled long ago */
    const LastWords dead = {MINE, begun, sent};
    recover_by(&dead, 1, 3);
    assert_sql("1|unsure|0\n2|queued|1\n3|queued|1\n4|queued|1\n"
               "5|sent|0\n6|sent|0\n7|sent|0\n8|sent|0\n"
               "9|queued|0\n10|queued|0\n11|queued|0\n12|queued|0\n"
               "13|submitting|0",
               "SELECT id, state, repeats FROM outgoing ORDER BY id");
    assert_sql("t", "SELECT bool_and((lease IS NULL) = (id < 13)) "
                    "FROM outgoing");
    assert_sql("1|unsure|0\n5|sent|250\n6|sent|250\n7|sent|250\n8|sent|250",
               "SELECT outgoing_id, state, code FROM outgoing_recipient "
               "WHERE state <> 'waiting' ORDER BY 1");
    assert_sql("send-repeated|3\nsend-unsure|1",
               "SELECT name, count(*) FROM event GROUP BY 1 ORDER BY 1");
    assert_claim("2 3 4 9 10 11 12", OTHERS, ALL);
    recover_by(&dead, 0, 0); /* once more changes nothing */
}
END_TEST

START_TEST(who_had_it_already_gets_it_no_second_time)
{
    int64_t id = queue_reply("r@desk", "a@x b@x");
    tell("UPDATE outgoing_recipient SET state = 'sent' WHERE position = 0");
    assert_claim("1", MINE, ALL);
    let_lapse(id);
    recover(0, 1);
    assert_sql("sent\nwaiting",
               "SELECT state FROM outgoing_recipient ORDER BY position");
}
END_TEST

/* ---- giving up ---- */

static int64_t
expire(int64_t give_up_s)
{
    g_autoptr(GError) error = NULL;
    int64_t count = -1;
    must(outbox_expire(fix.store, give_up_s, &count, &error), error);
    return count;
}

START_TEST(what_is_too_old_has_failed_and_its_ticket_says_so)
{
    enum { DAYS_5 = 5 * 86400 };
    int64_t ticket = make_quiet_ticket();
    for (int i = 1; i <= 4; i++) {
        g_autofree char *id = g_strdup_printf("r%d@desk", i);
        queue_outgoing(outgoing_new(OUTGOING_REPLY, ticket, id, "a@x b@x"));
    }
    tell("UPDATE outgoing SET last_error = 'no relay', "
         "created_at = now() - interval '6 days', "
         "retry_since = now() - interval '6 days'");
    tell("UPDATE outgoing SET retry_since = now() - interval '4 days' "
         "WHERE id = 2");
    tell("UPDATE outgoing SET state = 'submitting' WHERE id = 3");
    tell("UPDATE outgoing SET state = 'sent' WHERE id = 4");
    tell("UPDATE outgoing_recipient SET state = 'sent' "
         "WHERE outgoing_id = 1 AND position = 0");
    ck_assert_int_eq(expire(DAYS_5), 1);
    ck_assert_int_eq(expire(DAYS_5), 0);
    assert_sql("1|failed|t\n2|queued|f\n3|submitting|f\n4|sent|f",
               "SELECT id, state, settled_at IS NOT NULL FROM outgoing "
               "ORDER BY id");
    assert_sql("sent\nfailed", "SELECT state FROM outgoing_recipient WHERE "
                               "outgoing_id = 1 ORDER BY position");
    assert_sql("1|send-expired|no relay",
               "SELECT ticket_id, name, detail FROM event");
}
END_TEST

START_TEST(a_wish_of_the_operators_starts_the_time_anew)
{
    queue_reply("r@desk", "a@x");
    tell("UPDATE outgoing SET retry_since = now() - interval '6 days'");
    ck_assert_int_eq(expire(5 * 86400), 1);
    g_autoptr(GError) error = NULL;
    bool done;
    must(outbox_retry(fix.store, 1, &done, &error), error);
    ck_assert(done);
    ck_assert_int_eq(expire(5 * 86400), 0);
    assert_claim("1", MINE, ALL);
}
END_TEST

START_TEST(the_next_due_time_is_known)
{
    g_autoptr(GError) error = NULL;
    int64_t wait_s = 0;
    must(outbox_next_due(fix.store, &wait_s, &error), error);
    ck_assert_int_eq(wait_s, -1);
    queue_reply("r1@desk", "a@x");
    queue_reply("r2@desk", "a@x");
    tell("UPDATE outgoing SET due_at = now() + id * interval '100 seconds'");
    must(outbox_next_due(fix.store, &wait_s, &error), error);
    ck_assert_int_ge(wait_s, 90);
    ck_assert_int_le(wait_s, 100);
    tell("UPDATE outgoing SET due_at = now() - interval '1 day' WHERE id = 2");
    must(outbox_next_due(fix.store, &wait_s, &error), error);
    ck_assert_int_eq(wait_s, 0);
    tell("UPDATE outgoing SET state = 'sent'");
    must(outbox_next_due(fix.store, &wait_s, &error), error);
    ck_assert_int_eq(wait_s, -1);
}
END_TEST

/* ---- by hand ---- */

static const struct {
    const char *state;
    bool can_retry;
    bool can_drop;
} states[] = {
    {"queued", true, true}, {"submitting", false, false},
    {"sent", false, false}, {"failed", true, true},
    {"unsure", true, true}, {"dropped", true, false},
};

START_TEST(a_mail_is_tried_again_in_the_right_states)
{
    queue_reply("r@desk", "a@x b@x c@x");
    tell("UPDATE outgoing SET state = '%s', settled_at = now(), "
         "due_at = now() + interval '1 hour'",
         states[_i].state);
    tell("UPDATE outgoing_recipient SET state = "
         "('{sent,failed,waiting}'::text[])[position + 1]");
    g_autoptr(GError) error = NULL;
    bool done;
    must(outbox_retry(fix.store, 1, &done, &error), error);
    ck_assert(done == states[_i].can_retry);
    if (done)
        assert_sql("queued|NULL|t",
                   "SELECT state, settled_at, due_at <= now() FROM outgoing");
    else
        assert_sql(states[_i].state, "SELECT state FROM outgoing");
    assert_sql(done ? "sent\nwaiting\nwaiting" : "sent\nfailed\nwaiting",
               "SELECT state FROM outgoing_recipient ORDER BY position");
}
END_TEST

START_TEST(a_mail_is_dropped_in_the_right_states)
{
    queue_reply("r@desk", "a@x");
    tell("UPDATE outgoing SET state = '%s'", states[_i].state);
    g_autoptr(GError) error = NULL;
    bool done;
    must(outbox_drop(fix.store, 1, &done, &error), error);
    ck_assert(done == states[_i].can_drop);
    assert_sql(done ? "dropped" : states[_i].state,
               "SELECT state FROM outgoing");
    if (done)
        assert_claim("", MINE, ALL);
}
END_TEST

START_TEST(what_has_no_content_any_more_cannot_be_tried_again)
{
    queue_reply("r@desk", "a@x");
    tell("UPDATE outgoing SET state = 'failed', content = NULL");
    tell("UPDATE outgoing_recipient SET state = 'failed'");
    g_autoptr(GError) error = NULL;
    bool done = true;
    must(outbox_retry(fix.store, 1, &done, &error), error);
    ck_assert(!done);
    must(outbox_retry(fix.store, 4711, &done, &error), error);
    ck_assert(!done);
    must(outbox_drop(fix.store, 4711, &done, &error), error);
    ck_assert(!done);
    assert_sql("failed|failed", "SELECT o.state, r.state FROM outgoing o, "
                                "outgoing_recipient r");
}
END_TEST

START_TEST(a_mail_may_be_sent_to_all_that_are_left)
{
    int64_t id = queue_reply("r@desk", "a@x");
    assert_claim("1", MINE, ALL);
    const RecipientOutcome outcome = {0, "sent", 250, "", "ok"};
    const Settlement settlement = {
        .id = id, .recipients = &outcome, .n = 1, .last_error = ""};
    settle(MINE, &settlement);
    assert_sql("sent|0|t", "SELECT state, attempts, settled_at IS NOT NULL "
                           "FROM outgoing");
    assert_claim("", OTHERS, ALL);
}
END_TEST

void
add_settle_tests(Suite *suite)
{
    TCase *tests = fixture_case(suite, "settle");
    tcase_add_test(tests, each_recipient_has_an_outcome_of_its_own);
    tcase_add_loop_test(tests, the_state_of_a_mail_follows_from_its_recipients,
                        0, G_N_ELEMENTS(ends));
    tcase_add_test(tests, one_commit_settles_a_claim_and_takes_the_next);
    tcase_add_test(tests, a_lease_is_renewed_for_what_is_left_and_still_ours);
    tcase_add_test(tests, a_sender_that_lost_a_row_changes_nothing_of_it);
    tcase_add_test(tests, a_settlement_that_is_repeated_counts_once);
    tcase_add_test(tests, what_may_go_out_twice_is_counted);
    tcase_add_test(tests, a_claim_is_given_back_with_what_was_not_sent);
    tcase_add_test(tests, what_a_lapsed_lease_leaves_is_unsure_or_repeated);
    tcase_add_test(tests,
                   a_dead_sender_is_not_waited_for_and_its_marks_are_believed);
    tcase_add_test(tests, who_had_it_already_gets_it_no_second_time);
    tcase_add_test(tests, what_is_too_old_has_failed_and_its_ticket_says_so);
    tcase_add_test(tests, a_wish_of_the_operators_starts_the_time_anew);
    tcase_add_test(tests, the_next_due_time_is_known);
    tcase_add_loop_test(tests, a_mail_is_tried_again_in_the_right_states, 0,
                        G_N_ELEMENTS(states));
    tcase_add_loop_test(tests, a_mail_is_dropped_in_the_right_states, 0,
                        G_N_ELEMENTS(states));
    tcase_add_test(tests, what_has_no_content_any_more_cannot_be_tried_again);
    tcase_add_test(tests, a_mail_may_be_sent_to_all_that_are_left);
}
