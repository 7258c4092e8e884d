/* What leaves: queued with all it needs, claimed by one. */
#include "sender.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

/* ---- queueing ---- */

START_TEST(a_mail_is_queued_with_everything_it_needs)
{
    int64_t ticket = make_quiet_ticket();
    Outgoing *outgoing =
        outgoing_new(OUTGOING_REPLY, ticket, "reply.1@desk",
                     "Olena@Customer.example taras@customer.example");
    outgoing->message_id_no = 1;
    outgoing->delivery_id = 1;
    g_autofree char *hex = text_hex(g_bytes_get_data(outgoing->content, NULL),
                                    g_bytes_get_size(outgoing->content));
    queue_outgoing(outgoing);
    assert_sql("reply|queued|1|1|1|support@desk.example|reply.1@desk|NULL|0|0|"
               "t|NULL|NULL",
               "SELECT kind, state, ticket_id, message_id_no, delivery_id, "
               "envelope_sender, message_id, acknowledged, attempts, repeats, "
               "due_at <= now(), lease, settled_at FROM outgoing");
    assert_sql(hex, "SELECT encode(content, 'hex') FROM outgoing");
    assert_sql("0|Olena@Customer.example|waiting|0\n"
               "1|taras@customer.example|waiting|0",
               "SELECT position, addr_spec, state, code FROM "
               "outgoing_recipient ORDER BY position");
    assert_sql("ours", "SELECT kind FROM reference WHERE id_digest = "
                       "sha256('reply.1@desk')");
}
END_TEST

START_TEST(an_acknowledgement_counts_for_its_address)
{
    queue_outgoing(outgoing_new(OUTGOING_ACKNOWLEDGEMENT, 0, "ack.1@desk",
                                "Olena@Customer.EXAMPLE"));
    assert_sql("olena@customer.example", "SELECT acknowledged FROM outgoing");
    assert_sql("0", "SELECT count(*) FROM reference"); /* no ticket, no id */
}
END_TEST

START_TEST(a_delivery_is_acknowledged_once_whatever_happens)
{
    for (int i = 0; i < 2; i++) {
        g_autofree char *id = g_strdup_printf("ack.%d@desk", i);
        Outgoing *outgoing =
            outgoing_new(OUTGOING_ACKNOWLEDGEMENT, 0, id, "a@x");
        outgoing->delivery_id = 7;
        g_autoptr(GPtrArray) one =
            g_ptr_array_new_with_free_func((GDestroyNotify)outgoing_free);
        g_ptr_array_add(one, outgoing);
        Txn *txn = begin(fix.store);
        g_autoptr(GError) error = NULL;
        outbox_add(txn, one);
        bool good = txn_commit(txn, &error);
        ck_assert(good == (i == 0));
        txn_free(txn);
    }
    assert_sql("ack.0@desk", "SELECT message_id FROM outgoing");
}
END_TEST

/* ---- claiming ---- */

START_TEST(what_is_due_is_claimed_oldest_first)
{
    for (int i = 1; i <= 6; i++) {
        g_autofree char *id = g_strdup_printf("r%d@desk", i);
        queue_reply(id, "a@x");
    }
    tell("UPDATE outgoing SET due_at = now() - interval '5 minutes' "
         "WHERE id IN (4, 2)");
    tell("UPDATE outgoing SET due_at = now() - interval '9 minutes' "
         "WHERE id = 6");
    tell("UPDATE outgoing SET due_at = now() + interval '1 second' "
         "WHERE id = 1");
    assert_claim("6 2 4", MINE, 3);
    assert_claim("3 5", OTHERS, 3);
    assert_claim("", MINE, 3);
    assert_sql("1|queued|NULL\n2|submitting|" MINE "\n3|submitting|" OTHERS
               "\n4|submitting|" MINE "\n5|submitting|" OTHERS
               "\n6|submitting|" MINE,
               "SELECT id, state, lease FROM outgoing ORDER BY id");
    assert_sql("t", "SELECT bool_and(lease_until BETWEEN now() + interval "
                    "'590 s' AND now() + interval '600 s') FROM outgoing "
                    "WHERE lease IS NOT NULL");
}
END_TEST

START_TEST(only_what_is_queued_is_claimed)
{
    static const char *const states[] = {"submitting", "sent", "failed",
                                         "unsure", "dropped"};
    queue_reply("r@desk", "a@x");
    for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
        tell("UPDATE outgoing SET state = '%s', lease_until = now() - "
             "interval '1 day'",
             states[i]);
        assert_claim("", MINE, ALL);
    }
}
END_TEST

/* Claims until nothing is left, on a connection of its own; one byte a row. */
static void
claim_all(int pipe_end, int number)
{
    g_autoptr(Store) store = fixture_another();
    g_autofree char *lease =
        g_strdup_printf("%08d-0000-4000-8000-000000000000", number);
    for (;;) {
        g_autoptr(GPtrArray) claimed = NULL;
        if (!outbox_claim(store, lease, LEASE_S, 3, NULL, &claimed, NULL))
            _exit(1);
        if (claimed->len == 0)
            _exit(0);
        for (guint i = 0; i < claimed->len; i++) {
            guint8 id = (guint8)((const Claimed *)claimed->pdata[i])->id;
            if (write(pipe_end, &id, 1) != 1)
                _exit(1);
        }
    }
}

START_TEST(senders_at_once_never_share_a_row)
{
    enum { ROWS = 60, SENDERS = 4 };
    for (int i = 0; i < ROWS; i++) {
        g_autofree char *id = g_strdup_printf("r%d@desk", i);
        queue_reply(id, "a@x");
    }
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t senders[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = fork();
        if (senders[i] == 0)
            claim_all(ends[1], i);
    }
    for (int i = 0; i < SENDERS; i++) {
        int status = -1;
        ck_assert_int_eq(waitpid(senders[i], &status, 0), senders[i]);
        ck_assert_int_eq(status, 0);
    }
    close(ends[1]);
    bool seen[256] = {false};
    int count = 0;
    guint8 id;
    while (read(ends[0], &id, 1) == 1) {
        ck_assert(!seen[id]);
        seen[id] = true;
        count++;
    }
    close(ends[0]);
    ck_assert_int_eq(count, ROWS);
}
END_TEST

/* ---- what is claimed ---- */

START_TEST(a_claimed_mail_comes_with_whom_it_still_waits_for)
{
    int64_t ticket = make_quiet_ticket();
    int64_t id = queue_outgoing(
        outgoing_new(OUTGOING_REPLY, ticket, "r@desk", "a@x b@x c@x d@x"));
    tell("UPDATE outgoing_recipient SET state = 'sent' WHERE position = 0");
    tell("UPDATE outgoing_recipient SET state = 'failed' WHERE position = 2");
    tell("UPDATE outgoing SET attempts = 3, "
         "retry_since = now() - interval '77 seconds'");
    g_autoptr(GPtrArray) mails = claim_mails(MINE, ALL);
    ck_assert_uint_eq(mails->len, 1);
    const Claimed *claimed = mails->pdata[0];
    ck_assert_int_eq(claimed->id, id);
    ck_assert_int_eq(claimed->attempts, 3);
    ck_assert_int_ge(claimed->age_s, 77);
    ck_assert_int_le(claimed->age_s, 97);
    ck_assert_uint_eq(claimed->positions->len, 2);
    ck_assert_int_eq(g_array_index(claimed->positions, int, 0), 1);
    ck_assert_int_eq(g_array_index(claimed->positions, int, 1), 3);
    const Outgoing *outgoing = claimed->outgoing;
    ck_assert_int_eq(outgoing->kind, OUTGOING_REPLY);
    ck_assert_int_eq(outgoing->ticket_id, ticket);
    ck_assert_str_eq(outgoing->envelope_sender, "support@desk.example");
    ck_assert_str_eq(outgoing->message_id, "r@desk");
    ck_assert_uint_eq(outgoing->recipients->len, 2);
    ck_assert_str_eq(outgoing->recipients->pdata[0], "b@x");
    ck_assert_str_eq(outgoing->recipients->pdata[1], "d@x");
    static const char content[] = "Message-ID: <r@desk>\r\n\r\nText.\r\n";
    g_autoptr(GBytes) expected =
        g_bytes_new_static(content, sizeof content - 1);
    ck_assert(g_bytes_equal(outgoing->content, expected));
}
END_TEST

/* Queue a mail with so much content, claim it, load what did not come along. */
static void
assert_content(size_t length, bool comes_along)
{
    g_autofree char *text = g_strnfill(length, 'x');
    Outgoing *outgoing = outgoing_new(OUTGOING_REPLY, 0, "r@desk", "a@x");
    g_bytes_unref(outgoing->content);
    outgoing->content = g_bytes_new(text, length);
    queue_outgoing(outgoing);
    g_autoptr(GPtrArray) mails = claim_mails(MINE, ALL);
    ck_assert_uint_eq(mails->len, 1);
    Claimed *claimed = mails->pdata[0];
    ck_assert((claimed->outgoing->content != NULL) == comes_along);
    g_autoptr(GError) error = NULL;
    bool ours = false;
    if (!comes_along)
        must(outbox_load_content(fix.store, MINE, claimed, &ours, &error),
             error);
    ck_assert(ours == !comes_along);
    ck_assert_uint_eq(g_bytes_get_size(claimed->outgoing->content), length);
}

START_TEST(content_up_to_the_limit_comes_with_the_claim)
{
    assert_content(OUTBOX_LARGE_BYTES, true);
}
END_TEST

START_TEST(larger_content_is_read_in_its_turn)
{
    assert_content(OUTBOX_LARGE_BYTES + 1, false);
}
END_TEST

START_TEST(what_is_gone_is_not_loaded)
{
    queue_reply("r@desk", "a@x");
    g_autoptr(GPtrArray) mails = claim_mails(MINE, ALL);
    Claimed *claimed = mails->pdata[0];
    g_autoptr(GError) error = NULL;
    bool ours = true;
    must(outbox_load_content(fix.store, OTHERS, claimed, &ours, &error), error);
    ck_assert(!ours);
    ours = true;
    tell("UPDATE outgoing SET content = NULL");
    must(outbox_load_content(fix.store, MINE, claimed, &ours, &error), error);
    ck_assert(!ours);
}
END_TEST

START_TEST(whom_nobody_waits_for_is_claimed_to_be_settled)
{
    queue_reply("r@desk", "a@x");
    tell("UPDATE outgoing_recipient SET state = 'sent'");
    g_autoptr(GPtrArray) mails = claim_mails(MINE, ALL);
    const Claimed *claimed = mails->pdata[0];
    ck_assert_uint_eq(claimed->positions->len, 0);
    const Settlement nothing = {.id = claimed->id, .last_error = ""};
    settle(MINE, &nothing);
    assert_sql("sent", "SELECT state FROM outgoing");
}
END_TEST

void
add_outbox_tests(Suite *suite)
{
    TCase *tests = fixture_case(suite, "outbox");
    tcase_add_test(tests, a_mail_is_queued_with_everything_it_needs);
    tcase_add_test(tests, an_acknowledgement_counts_for_its_address);
    tcase_add_test(tests, a_delivery_is_acknowledged_once_whatever_happens);
    tcase_add_test(tests, what_is_due_is_claimed_oldest_first);
    tcase_add_test(tests, only_what_is_queued_is_claimed);
    tcase_add_test(tests, senders_at_once_never_share_a_row);
    tcase_add_test(tests, a_claimed_mail_comes_with_whom_it_still_waits_for);
    tcase_add_test(tests, content_up_to_the_limit_comes_with_the_claim);
    tcase_add_test(tests, larger_content_is_read_in_its_turn);
    tcase_add_test(tests, what_is_gone_is_not_loaded);
    tcase_add_test(tests, whom_nobody_waits_for_is_claimed_to_be_settled);
}
