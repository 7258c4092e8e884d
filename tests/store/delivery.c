/* What arrives: accepted once, locked by one, settled, parked. */
#include "fixture.h"

#include <string.h>

#include "await.h"

/* ---- hand-overs ---- */

START_TEST(a_hand_over_is_stored_as_it_came)
{
    g_autoptr(GBytes) raw = bytes_of("Subject: x\r\n\r\n\0text");
    g_autoptr(GPtrArray) all = deliveries_new();
    Delivery *delivery = hand_over(raw, "Support+x@Desk.example");
    g_free(delivery->queue);
    delivery->queue = g_strdup("billing");
    g_free(delivery->mta_queue_id);
    delivery->mta_queue_id = g_strdup("4SVkQ7");
    g_ptr_array_add(all, delivery);
    g_autofree char *added = accept_all(all, 5);
    ck_assert_str_eq(added, "new");
    ck_assert_int_eq(delivery->id, 1);
    assert_sql("lmtp|olena@customer.example|Support+x@Desk.example|billing|"
               "4SVkQ7|5|waiting||0|0|0|NULL|NULL|NULL|t",
               "SELECT transport, envelope_sender, envelope_recipient, queue, "
               "mta_queue_id, trace_octets, state, reason, strikes, "
               "duplicates, completed, ticket_id, message_id_no, settled_at, "
               "received_at > now() - interval '1 minute' FROM delivery");
    g_autofree char *key = ask("SELECT source_key FROM delivery");
    ck_assert_str_eq(key, delivery->key);
    assert_sql("t|t", "SELECT digest = sha256(bytes), octets = length(bytes) "
                      "FROM raw_mail");
}
END_TEST

START_TEST(the_same_hand_over_again_is_counted)
{
    g_autoptr(GBytes) raw = bytes_of("Subject: x\n\ntext\n");
    for (int i = 0; i < 3; i++) {
        g_autoptr(GPtrArray) all = deliveries_new();
        g_ptr_array_add(all, hand_over(raw, "support@desk.example"));
        g_autofree char *added = accept_all(all, 0);
        ck_assert_str_eq(added, i == 0 ? "new" : "duplicate");
        ck_assert_int_eq(((Delivery *)all->pdata[0])->id, 1);
    }
    assert_sql("1|2", "SELECT count(*), max(duplicates) FROM delivery");
    assert_sql("1", "SELECT count(*) FROM raw_mail");
}
END_TEST

START_TEST(a_mail_for_several_is_one_commit_and_one_copy)
{
    g_autoptr(GBytes) raw = bytes_of("Subject: x\n\ntext\n");
    g_autoptr(GPtrArray) first = deliveries_new();
    g_ptr_array_add(first, hand_over(raw, "b@desk.example"));
    g_free(accept_all(first, 0));
    g_autoptr(GPtrArray) all = deliveries_new();
    g_ptr_array_add(all, hand_over(raw, "a@desk.example"));
    g_ptr_array_add(all, hand_over(raw, "b@desk.example"));
    g_ptr_array_add(all, hand_over(raw, "c@desk.example"));
    g_ptr_array_add(all, hand_over(raw, "c@desk.example"));
    g_autofree char *added = accept_all(all, 0);
    ck_assert_str_eq(added, "new duplicate new duplicate");
    ck_assert_int_eq(((Delivery *)all->pdata[2])->id,
                     ((Delivery *)all->pdata[3])->id);
    assert_sql("3|1", "SELECT count(*), count(DISTINCT raw_digest) "
                      "FROM delivery");
}
END_TEST

START_TEST(one_that_cannot_be_stored_takes_all_with_it)
{
    g_autoptr(GBytes) raw = bytes_of("Subject: x\n\ntext\n");
    g_autoptr(GPtrArray) all = deliveries_new();
    g_ptr_array_add(all, hand_over(raw, "a@desk.example"));
    g_ptr_array_add(all, hand_over(raw, "caf\xE9@desk.example"));
    g_autoptr(GBytes) digest = digest_of(raw);
    g_autoptr(GError) error = NULL;
    Added added[2];
    ck_assert(!delivery_add(fix.store, all, digest, 0, added, &error));
    ck_assert(failure_is(error, FAILURE_PERMANENT));
    assert_sql("0|0", "SELECT (SELECT count(*) FROM delivery), "
                      "(SELECT count(*) FROM raw_mail)");
    ck_assert_int_gt(accept_text(OLENA_MAIL("m@x"), "support@desk.example"), 0);
}
END_TEST

/* ---- bytes ---- */

static const size_t sizes[] = {
    0,
    1,
    65536,
    DELIVERY_LARGE_BYTES - 1,
    DELIVERY_LARGE_BYTES,
    DELIVERY_LARGE_BYTES + 1,
    3 * DELIVERY_LARGE_BYTES + 17,
    8 * DELIVERY_LARGE_BYTES - 1, /* a piece, and more of them */
    8 * DELIVERY_LARGE_BYTES,
    8 * DELIVERY_LARGE_BYTES + 1,
    16 * DELIVERY_LARGE_BYTES,
    19 * DELIVERY_LARGE_BYTES,
};

START_TEST(a_mail_of_any_size_comes_back_byte_for_byte)
{
    g_autoptr(GBytes) raw = noise(sizes[_i]);
    for (int i = 0; i < 2; i++) {
        g_autoptr(GPtrArray) all = deliveries_new();
        g_ptr_array_add(all, hand_over(raw, "a@desk.example"));
        g_ptr_array_add(all, hand_over(raw, "b@desk.example"));
        g_autofree char *added = accept_all(all, 0);
        ck_assert_str_eq(added, i == 0 ? "new new" : "duplicate duplicate");
    }
    assert_sql("1|t|t", "SELECT count(*), bool_and(digest = sha256(bytes)), "
                        "bool_and(octets = length(bytes)) FROM raw_mail");
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) batch =
        delivery_lock_batch(txn, 10, DELIVERY_LARGE_BYTES, &error);
    must(batch != NULL, error);
    ck_assert_uint_eq(batch->len, 2);
    for (guint i = 0; i < batch->len; i++) {
        Delivery *delivery = batch->pdata[i];
        ck_assert((delivery->raw == NULL) ==
                  (sizes[_i] > DELIVERY_LARGE_BYTES));
        if (delivery->raw == NULL)
            must(delivery_load_raw(txn, delivery, &error), error);
        ck_assert(g_bytes_equal(delivery->raw, raw));
    }
    g_autoptr(Delivery) read = NULL;
    must(delivery_read(txn, 1, &read, &error), error);
    ck_assert(g_bytes_equal(read->raw, raw));
    commit(txn);
}
END_TEST

/* ---- a batch ---- */

static char *
ids_of(const GPtrArray *batch)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (guint i = 0; i < batch->len; i++)
        g_string_append_printf(out, "%s%d", i > 0 ? " " : "",
                               (int)((Delivery *)batch->pdata[i])->id);
    return g_strdup(out->str);
}

static void
assert_batch(Txn *txn, int64_t limit, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) batch =
        delivery_lock_batch(txn, limit, DELIVERY_LARGE_BYTES, &error);
    must(batch != NULL, error);
    g_autofree char *ids = ids_of(batch);
    ck_assert_str_eq(ids, expected);
}

static void
accept_some(int count)
{
    for (int i = 0; i < count; i++) {
        g_autofree char *recipient = g_strdup_printf("r%d@desk.example", i);
        accept_text(OLENA_MAIL("m@x"), recipient);
    }
}

START_TEST(two_processors_share_what_waits_and_never_a_row)
{
    accept_some(6);
    tell("UPDATE delivery SET state = 'settled' WHERE id = 2");
    tell("UPDATE delivery SET state = 'parked' WHERE id = 3");
    g_autoptr(Store) other = fixture_another();
    Txn *mine = begin(fix.store);
    Txn *others = begin(other);
    assert_batch(mine, 2, "1 4");
    assert_batch(others, 10, "5 6");
    assert_batch(mine, 10, "1 4");
    txn_free(others); /* left without commit: its rows are free at once */
    others = begin(other);
    assert_batch(others, 10, "5 6");
    txn_free(mine);
    mine = begin(fix.store); /* the next begin rolls back */
    assert_batch(mine, 10, "1 4");
    commit(mine);
    commit(others);
}
END_TEST

static bool
has_both(void *txn)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) batch =
        delivery_lock_batch(txn, 10, DELIVERY_LARGE_BYTES, &error);
    must(batch != NULL, error);
    return batch->len == 2;
}

START_TEST(a_dead_processors_rows_are_free_at_once)
{
    accept_some(2);
    Store *dying = fixture_another();
    Txn *txn = begin(dying);
    assert_batch(txn, 10, "1 2");
    txn_free(txn);
    store_free(dying);
    Txn *mine = begin(fix.store);
    ck_assert(await(has_both, mine)); /* the server notices in its own time */
    commit(mine);
}
END_TEST

START_TEST(a_batch_brings_everything_that_was_handed_over)
{
    g_autoptr(GBytes) raw = bytes_of(OLENA_MAIL("m@x"));
    g_autoptr(Delivery) given = hand_over(raw, "Support+x@Desk.example");
    g_free(given->queue);
    given->queue = g_strdup("billing");
    g_free(given->mta_queue_id);
    given->mta_queue_id = g_strdup("4SVkQ7");
    accept_one(given);
    tell("UPDATE delivery SET strikes = 2, received_at = to_timestamp(%d.9)",
         1700000000);
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) batch =
        delivery_lock_batch(txn, 1, DELIVERY_LARGE_BYTES, &error);
    must(batch != NULL && batch->len == 1, error);
    const Delivery *got = batch->pdata[0];
    g_autoptr(GBytes) digest = digest_of(raw);
    ck_assert_str_eq(got->key, given->key);
    ck_assert_str_eq(got->transport, "lmtp");
    ck_assert_str_eq(got->envelope_sender, "olena@customer.example");
    ck_assert_str_eq(got->envelope_recipient, "Support+x@Desk.example");
    ck_assert_str_eq(got->queue, "billing");
    ck_assert_str_eq(got->mta_queue_id, "4SVkQ7");
    ck_assert(g_bytes_equal(got->raw, raw));
    ck_assert(g_bytes_equal(got->raw_digest, digest));
    ck_assert_int_eq(got->received_at_s, 1700000000);
    ck_assert_int_eq(got->strikes, 2);
    ck_assert_int_eq(got->message_id_no, 0);
    ck_assert_int_eq(got->ticket_id, 0);
    commit(txn);
}
END_TEST

START_TEST(a_delivery_that_is_not_there_is_no_error)
{
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    Delivery *none = (Delivery *)fix.store;
    must(delivery_read(txn, 4711, &none, &error), error);
    ck_assert_ptr_null(none);
    commit(txn);
}
END_TEST

/* ---- strikes, parking, another try ---- */

START_TEST(strikes_are_counted_while_it_waits)
{
    accept_some(1);
    for (int expected = 1; expected <= 3; expected++) {
        Txn *txn = begin(fix.store);
        g_autoptr(GError) error = NULL;
        int strikes = -1;
        must(delivery_strike(txn, 1, &strikes, &error), error);
        ck_assert_int_eq(strikes, expected);
        commit(txn);
    }
    tell("UPDATE delivery SET state = 'settled'");
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    int strikes = -1;
    must(delivery_strike(txn, 1, &strikes, &error), error);
    ck_assert_int_eq(strikes, 0);
    must(delivery_strike(txn, 4711, &strikes, &error), error);
    ck_assert_int_eq(strikes, 0);
    commit(txn);
    assert_sql("3", "SELECT strikes FROM delivery");
}
END_TEST

/* However old it is: it may cost its reader's life again. */
START_TEST(what_has_strikes_is_not_taken_beside_others)
{
    static const int64_t order[] = {2, 3};
    accept_some(3);
    tell("UPDATE delivery SET strikes = 1 WHERE id = 1");
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) batch =
        delivery_lock_batch(txn, 10, DELIVERY_LARGE_BYTES, &error);
    must(batch != NULL && batch->len == G_N_ELEMENTS(order), error);
    for (guint i = 0; i < batch->len; i++)
        ck_assert_int_eq(((const Delivery *)batch->pdata[i])->id, order[i]);
    commit(txn);
}
END_TEST

static bool
park(int64_t id, const char *reason, bool is_rubbish)
{
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    bool parked;
    must(delivery_park(txn, id, reason, is_rubbish, &parked, &error), error);
    commit(txn);
    return parked;
}

static int64_t
retry(int64_t id)
{
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    int64_t count;
    must(delivery_retry(txn, id, &count, &error), error);
    commit(txn);
    return count;
}

START_TEST(only_what_waits_is_parked)
{
    accept_some(2);
    ck_assert(park(1, "it's \"odd\"", false));
    ck_assert(!park(1, "again", true));
    ck_assert(!park(4711, "never was", false));
    assert_sql("parked|it's \"odd\"|f|t\nwaiting||f|NULL",
               "SELECT state, reason, is_rubbish, settled_at <= now() "
               "FROM delivery ORDER BY id");
    Txn *txn = begin(fix.store);
    assert_batch(txn, 10, "2");
    commit(txn);
}
END_TEST

START_TEST(a_parked_one_is_tried_again_by_hand)
{
    accept_some(4);
    tell("UPDATE delivery SET state = 'parked', reason = 'r', strikes = 3, "
         "is_rubbish = true, settled_at = now() WHERE id <> 4");
    ck_assert_int_eq(retry(1), 1);
    ck_assert_int_eq(retry(1), 0);
    ck_assert_int_eq(retry(4), 0);
    assert_sql("waiting||f|0|NULL",
               "SELECT state, reason, is_rubbish, strikes, settled_at "
               "FROM delivery WHERE id = 1");
    ck_assert_int_eq(retry(0), 2);
    ck_assert_int_eq(retry(0), 0);
    assert_sql("4", "SELECT count(*) FROM delivery WHERE state = 'waiting'");
}
END_TEST

static int64_t
drop(int64_t id)
{
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    int64_t count;
    must(delivery_drop(txn, id, "; it's dropped", &count, &error), error);
    commit(txn);
    return count;
}

START_TEST(only_what_is_parked_is_dropped_and_may_come_back)
{
    accept_some(6);
    ck_assert_int_eq(drop(1), 0); /* it waits */
    for (int id = 1; id <= 5; id++)
        ck_assert(park(id, "r", id > 3));
    tell("UPDATE delivery SET settled_at = now() - interval '1 day'");
    ck_assert_int_eq(drop(1), 1);
    ck_assert_int_eq(drop(1), 0);
    ck_assert_int_eq(drop(4711), 0);
    assert_sql("dropped|r; it's dropped|t",
               "SELECT state, reason, settled_at > now() - interval '1 hour' "
               "FROM delivery WHERE id = 1");
    ck_assert_int_eq(drop(DELIVERY_DROP_RUBBISH), 2);
    ck_assert_int_eq(drop(DELIVERY_DROP_ALL), 2);
    ck_assert_int_eq(drop(DELIVERY_DROP_ALL), 0);
    ck_assert_int_eq(retry(0), 0); /* of all only what is parked */
    ck_assert_int_eq(retry(1), 1);
    assert_sql("1|waiting|\n6|waiting|", "SELECT id, state, reason "
                                         "FROM delivery WHERE state <> "
                                         "'dropped' ORDER BY id");
}
END_TEST

static char *
expire(int64_t expected)
{
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    GString *told = g_string_new(NULL);
    int64_t count;
    must(delivery_expire(txn, 30 * 86400, "rubbish", 86400, told, 30, &count,
                         &error),
         error);
    commit(txn);
    ck_assert_int_eq(count, expected);
    return g_string_free(told, FALSE);
}

START_TEST(any_number_is_dropped_or_tried_again_piece_by_piece)
{
    static const int counts[] = {DELIVERY_PIECE - 1, DELIVERY_PIECE,
                                 2 * DELIVERY_PIECE + 1};
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        tell("DELETE FROM delivery");
        tell(
            "INSERT INTO delivery (source_key, transport, envelope_recipient, "
            "raw_digest, state, is_rubbish) SELECT 'k' || i, 'lmtp', 'a@desk', "
            "sha256('m'), 'parked', i > 1 FROM generate_series(1, %d) AS i",
            counts[i]);
        int64_t count;
        g_autoptr(GError) error = NULL;
        Txn *txn = begin(fix.store);
        must(delivery_drop(txn, DELIVERY_DROP_RUBBISH, "", &count, &error),
             error);
        ck_assert_int_eq(count, counts[i] - 1);
        must(delivery_drop(txn, DELIVERY_DROP_ALL, "", &count, &error), error);
        ck_assert_int_eq(count, 1);
        txn_free(txn);
        txn = begin(fix.store);
        must(delivery_retry(txn, 0, &count, &error), error);
        ck_assert_int_eq(count, counts[i]);
        commit(txn);
        assert_sql("waiting", "SELECT DISTINCT state FROM delivery");
    }
}
END_TEST

START_TEST(old_rubbish_is_dropped_when_the_admin_may_be_told)
{
    accept_some(5);
    for (int id = 1; id <= 4; id++)
        ck_assert(park(id, "r", id != 2));
    tell("UPDATE delivery SET settled_at = now() - CASE id "
         "WHEN 1 THEN interval '29 days' ELSE id * interval '30 days' END");
    tell("INSERT INTO alarm (name) VALUES ('rubbish')");
    g_free(expire(0));
    tell("UPDATE alarm SET raised_at = now() - interval '25 hours'");
    g_autofree char *told = expire(2); /* as much as fits of it */
    ck_assert(told[0] == '3' || told[0] == '4');
    ck_assert_ptr_nonnull(strstr(told, "  <olena@customer.example>  r; "));
    ck_assert_ptr_eq(strchr(told, '\n'), told + strlen(told) - 1);
    assert_sql("1|parked|r\n2|parked|r\n"
               "3|dropped|r; dropped after retention.rubbish\n"
               "4|dropped|r; dropped after retention.rubbish\n5|waiting|",
               "SELECT id, state, reason FROM delivery ORDER BY id");
    g_free(expire(0));
}
END_TEST

START_TEST(what_the_database_would_not_take_waits_longer_each_time)
{
    static const int waits[] = {1,   2,   4,   8,    16,   32,   64,
                                128, 256, 512, 1024, 2048, 3600, 3600};
    accept_some(2);
    for (size_t i = 0; i < G_N_ELEMENTS(waits); i++) {
        Txn *txn = begin(fix.store);
        g_autoptr(GError) error = NULL;
        int postponed;
        must(delivery_postpone(txn, 1, "would not", &postponed, &error), error);
        ck_assert_int_eq(postponed, (int)i + 1);
        commit(txn);
        g_autofree char *expected =
            g_strdup_printf("waiting|would not|%zu|t", i + 1);
        assert_sql(expected,
                   "SELECT state, reason, postponed, extract(epoch FROM "
                   "not_before - now()) BETWEEN %d - 10 AND %d "
                   "FROM delivery WHERE id = 1",
                   waits[i], waits[i]);
    }
    Txn *txn = begin(fix.store);
    assert_batch(txn, 10, "2");
    commit(txn);
    tell("UPDATE delivery SET not_before = now()");
    txn = begin(fix.store);
    assert_batch(txn, 10, "2");
    commit(txn);
    tell("DELETE FROM delivery WHERE id = 2");
    txn = begin(fix.store);
    assert_batch(txn, 10, "1");
    commit(txn);
}
END_TEST

START_TEST(what_made_trouble_comes_when_nothing_else_waits_or_alone)
{
    accept_some(4);
    tell("UPDATE delivery SET strikes = 1 WHERE id = 1");
    tell("UPDATE delivery SET postponed = 1, not_before = now() + "
         "interval '1 hour' WHERE id = 2");
    Txn *txn = begin(fix.store);
    assert_batch(txn, 2, "3 4");
    commit(txn);
    txn = begin(fix.store);
    assert_batch(txn, 10, "3 4");
    commit(txn);
    txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) one = delivery_lock_troubled(txn, &error);
    must(one != NULL, error);
    ck_assert_uint_eq(one->len, 1);
    ck_assert_int_eq(((Delivery *)one->pdata[0])->id, 1);
    ck_assert_ptr_null(((Delivery *)one->pdata[0])->raw);
    commit(txn);
}
END_TEST

START_TEST(a_batch_leaves_the_bytes_behind_when_asked_to)
{
    accept_some(1);
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) batch = delivery_lock_batch(txn, 1, -1, &error);
    must(batch != NULL && batch->len == 1, error);
    Delivery *delivery = batch->pdata[0];
    ck_assert_ptr_null(delivery->raw);
    must(delivery_load_raw(txn, delivery, &error), error);
    ck_assert_uint_eq(g_bytes_get_size(delivery->raw),
                      sizeof OLENA_MAIL("m@x") - 1);
    commit(txn);
}
END_TEST

START_TEST(what_is_settled_says_where_it_is)
{
    int64_t ticket;
    int64_t message =
        receive(OLENA_MAIL("m@x"), "support@desk.example", &ticket);
    ck_assert_int_eq(ticket, 1);
    ck_assert_int_eq(message, 1);
    assert_sql("settled|no-evidence|1|1|t",
               "SELECT state, reason, ticket_id, message_id_no, "
               "settled_at IS NOT NULL FROM delivery");
}
END_TEST

void
add_delivery_tests(Suite *suite)
{
    TCase *tests = fixture_case(suite, "delivery");
    tcase_add_test(tests, a_hand_over_is_stored_as_it_came);
    tcase_add_test(tests, the_same_hand_over_again_is_counted);
    tcase_add_test(tests, a_mail_for_several_is_one_commit_and_one_copy);
    tcase_add_test(tests, one_that_cannot_be_stored_takes_all_with_it);
    tcase_add_loop_test(tests, a_mail_of_any_size_comes_back_byte_for_byte, 0,
                        G_N_ELEMENTS(sizes));
    tcase_add_test(tests, two_processors_share_what_waits_and_never_a_row);
    tcase_add_test(tests, a_dead_processors_rows_are_free_at_once);
    tcase_add_test(tests, a_batch_brings_everything_that_was_handed_over);
    tcase_add_test(tests, a_delivery_that_is_not_there_is_no_error);
    tcase_add_test(tests, strikes_are_counted_while_it_waits);
    tcase_add_test(tests, what_has_strikes_is_not_taken_beside_others);
    tcase_add_test(tests, only_what_waits_is_parked);
    tcase_add_test(tests, a_parked_one_is_tried_again_by_hand);
    tcase_add_test(tests, only_what_is_parked_is_dropped_and_may_come_back);
    tcase_add_test(tests, any_number_is_dropped_or_tried_again_piece_by_piece);
    tcase_add_test(tests, old_rubbish_is_dropped_when_the_admin_may_be_told);
    tcase_add_test(tests,
                   what_the_database_would_not_take_waits_longer_each_time);
    tcase_add_test(tests,
                   what_made_trouble_comes_when_nothing_else_waits_or_alone);
    tcase_add_test(tests, a_batch_leaves_the_bytes_behind_when_asked_to);
    tcase_add_test(tests, what_is_settled_says_where_it_is);
}
