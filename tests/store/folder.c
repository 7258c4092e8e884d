/* Folders: held by one, moved on only by who holds, with what was left. */
#include "fixture.h"

#include <string.h>

#include "store/folder.h"

static const char ours[] = "11111111-1111-1111-1111-111111111111";
static const char theirs[] = "22222222-2222-2222-2222-222222222222";

static bool
hold(const char *lease, FolderPosition *ret_position)
{
    g_autoptr(GError) error = NULL;
    bool held;
    must(folder_hold(fix.store, "office", "INBOX", lease, "host/1",
                     ret_position, &held, &error),
         error);
    return held;
}

/* Held by us, in its first generation, with `resync_until`. */
static FolderPosition
folder_new(uint32_t resync_until)
{
    g_autoptr(GError) error = NULL;
    FolderPosition position;
    bool held;
    ck_assert(hold(ours, &position));
    must(folder_begin(fix.store, ours, &(FolderBeginning){7, resync_until, 0},
                      &position, &held, &error),
         error);
    ck_assert(held);
    return position;
}

/* A mail under that number, for queue `queue`. */
static Delivery *
mail_of(GBytes *raw, const FolderPosition *at, uint32_t uid, const char *queue)
{
    Delivery *delivery = hand_over(raw, "support@desk.example");
    g_free(delivery->key);
    delivery->key = g_strdup_printf("imap/office/INBOX/%u+%u/%u",
                                    at->uid_validity, at->generation, uid);
    g_free(delivery->transport);
    delivery->transport = g_strdup("imap");
    g_free(delivery->queue);
    delivery->queue = g_strdup(queue);
    delivery->raw_digest = digest_of(raw);
    return delivery;
}

typedef struct {
    GPtrArray *deliveries;
    GArray *left;
    GArray *cleared;
    bool compared[8];
    Added added[8];
    bool held;
} Taking;

static void
taking_begin(Taking *taking, bool compared)
{
    *taking = (Taking){.deliveries = deliveries_new(),
                       .left = g_array_new(FALSE, TRUE, sizeof(LeftMail)),
                       .cleared = g_array_new(FALSE, FALSE, sizeof(uint32_t))};
    for (size_t i = 0; i < G_N_ELEMENTS(taking->compared); i++)
        taking->compared[i] = compared;
}

static void
taking_end(Taking *taking)
{
    g_ptr_array_unref(taking->deliveries);
    g_array_unref(taking->left);
    g_array_unref(taking->cleared);
}

static bool
take(Taking *taking, const char *lease, FolderPosition *position, uint32_t last,
     GError **error)
{
    FolderBatch batch = {taking->deliveries, taking->compared, last,
                         taking->left, taking->cleared};
    return folder_accept(fix.store, lease, &batch, position, taking->added,
                         &taking->held, error);
}

/* One mail, which must not fail. */
static int64_t
take_one(FolderPosition *at, uint32_t uid, const char *text, bool compared,
         const char *queue)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) raw = bytes_of(text);
    Taking taking;
    taking_begin(&taking, compared);
    Delivery *delivery = mail_of(raw, at, uid, queue);
    g_ptr_array_add(taking.deliveries, delivery);
    must(take(&taking, ours, at, uid, &error), error);
    ck_assert(taking.held);
    int64_t id = delivery->id;
    taking_end(&taking);
    return id;
}

static void
leave(Taking *taking, uint32_t uid, bool struck)
{
    const LeftMail left = {
        .uid = uid, .octets = 1000, .struck = struck, .reason = "why"};
    g_array_append_val(taking->left, left);
}

/* ---- whose it is ---- */

START_TEST(a_folder_is_held_by_one)
{
    FolderPosition position;
    ck_assert(hold(ours, &position));
    ck_assert_uint_eq(position.uid_validity, 0);
    ck_assert(hold(ours, &position));
    ck_assert(!hold(theirs, &position));
    assert_sql("1", "SELECT count(*) FROM folder");
}
END_TEST

START_TEST(who_is_not_heard_of_loses_it)
{
    FolderPosition position;
    ck_assert(hold(ours, &position));
    tell("UPDATE folder SET lease_until = now() - interval '1 second'");
    ck_assert(hold(theirs, &position));
    ck_assert(!hold(ours, &position));
}
END_TEST

START_TEST(who_lets_go_leaves_it_at_once)
{
    g_autoptr(GError) error = NULL;
    FolderPosition position;
    ck_assert(hold(ours, &position));
    must(folder_release(fix.store, position.id, theirs, &error), error);
    ck_assert(!hold(theirs, &position));
    ck_assert(hold(ours, &position));
    must(folder_release(fix.store, position.id, ours, &error), error);
    ck_assert(hold(theirs, &position));
}
END_TEST

START_TEST(what_is_reported_is_there)
{
    g_autoptr(GError) error = NULL;
    FolderPosition position;
    bool held, due;
    ck_assert(hold(ours, &position));
    const FolderReport bad = {"refused", 9, 300, 0, 0},
                       good = {"", 3, 0, 5, 77};
    must(folder_report(fix.store, position.id, ours, &bad, &held, &due, &error),
         error);
    ck_assert(held);
    assert_sql("refused|0|t|t",
               "SELECT last_error, waiting, looked_at IS NULL, "
               "failing_since IS NOT NULL FROM folder");
    ck_assert(hold(ours, &position));
    ck_assert_int_ge(position.try_in_s, 299);
    ck_assert_int_le(position.try_in_s, 300);
    must(
        folder_report(fix.store, position.id, ours, &good, &held, &due, &error),
        error);
    assert_sql("|3|t|t|5|77", "SELECT last_error, waiting, looked_at > now() - "
                              "interval '1 minute', failing_since IS NULL, "
                              "acted_uid, highest_modseq FROM folder");
    ck_assert(hold(ours, &position));
    ck_assert_int_eq(position.try_in_s, 0);
    ck_assert_int_eq(position.highest_modseq, 77);
    must(folder_begin(fix.store, ours, &(FolderBeginning){8, 0, 9}, &position,
                      &held, &error),
         error);
    assert_sql("9", "SELECT highest_modseq FROM folder");
    position.highest_modseq = 12;
    take_one(&position, 1, "Subject: counted\n\n", false, "support");
    assert_sql("12", "SELECT highest_modseq FROM folder");
    must(folder_report(fix.store, position.id, theirs, &bad, &held, &due,
                       &error),
         error);
    ck_assert(!held);
    assert_sql("", "SELECT last_error FROM folder");
}
END_TEST

/* ---- batches ---- */

START_TEST(mails_and_position_are_one_commit)
{
    g_autoptr(GError) error = NULL;
    FolderPosition position = folder_new(0);
    Taking taking;
    taking_begin(&taking, false);
    for (uint32_t uid = 1; uid <= 3; uid++) {
        g_autofree char *text = g_strdup_printf("Subject: %u\n\n", uid);
        g_autoptr(GBytes) raw = bytes_of(text);
        g_ptr_array_add(taking.deliveries,
                        mail_of(raw, &position, uid, "support"));
    }
    must(take(&taking, ours, &position, 4, &error), error);
    ck_assert(taking.held);
    ck_assert_uint_eq(position.last_uid, 4);
    for (guint i = 0; i < 3; i++) {
        ck_assert_int_eq(taking.added[i], ADDED_NEW);
        ck_assert_int_gt(((Delivery *)taking.deliveries->pdata[i])->id, 0);
    }
    taking_end(&taking);
    assert_sql("3|3|t", "SELECT count(*), count(r.digest), bool_and("
                        "r.octets = length(r.bytes)) FROM delivery d "
                        "LEFT JOIN raw_mail r ON r.digest = d.raw_digest");
    assert_sql("4", "SELECT last_uid FROM folder");
}
END_TEST

/* Large ones go another way into the same transaction. */
START_TEST(large_and_small_mails_come_together)
{
    g_autoptr(GError) error = NULL;
    FolderPosition position = folder_new(9);
    Taking taking;
    taking_begin(&taking, true);
    const size_t sizes[] = {10, DELIVERY_LARGE_BYTES + 1, 100,
                            DELIVERY_LARGE_BYTES * 2, 1000};
    for (uint32_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GBytes) raw = noise(sizes[i]);
        g_ptr_array_add(taking.deliveries,
                        mail_of(raw, &position, i + 1, "support"));
    }
    must(take(&taking, ours, &position, 5, &error), error);
    taking_end(&taking);
    assert_sql("5|t", "SELECT count(*), bool_and(sha256(r.bytes) = "
                      "d.raw_digest) FROM delivery d "
                      "JOIN raw_mail r ON r.digest = d.raw_digest");
}
END_TEST

START_TEST(who_lost_the_folder_commits_nothing)
{
    g_autoptr(GError) error = NULL;
    FolderPosition position = folder_new(0), other;
    tell("UPDATE folder SET lease_until = now() - interval '1 second'");
    ck_assert(hold(theirs, &other));
    for (int large = 0; large < 2; large++) {
        g_autoptr(GBytes) raw = noise(large ? DELIVERY_LARGE_BYTES + 1 : 10);
        Taking taking;
        taking_begin(&taking, false);
        g_ptr_array_add(taking.deliveries,
                        mail_of(raw, &position, 1, "support"));
        leave(&taking, 2, true);
        must(take(&taking, ours, &position, 2, &error), error);
        ck_assert(!taking.held);
        ck_assert_uint_eq(position.last_uid, 0);
        taking_end(&taking);
    }
    assert_sql("0|0|0|0", "SELECT (SELECT count(*) FROM delivery), (SELECT "
                          "count(*) FROM raw_mail), (SELECT count(*) FROM "
                          "left_mail), last_uid FROM folder");
}
END_TEST

/* The position is not where we think: another of us was there. */
START_TEST(a_position_moves_on_only_from_where_it_stands)
{
    FolderPosition position = folder_new(0), stale = position;
    take_one(&position, 1, "Subject: a\n\n", false, "support");
    g_autoptr(GError) error = NULL;
    Taking taking;
    taking_begin(&taking, false);
    must(take(&taking, ours, &stale, 9, &error), error);
    ck_assert(!taking.held);
    taking_end(&taking);
    assert_sql("1", "SELECT last_uid FROM folder");
}
END_TEST

START_TEST(the_same_number_again_is_counted)
{
    FolderPosition position = folder_new(0);
    int64_t id = take_one(&position, 1, "Subject: a\n\n", false, "support");
    position.last_uid = 0;
    tell("UPDATE folder SET last_uid = 0");
    ck_assert_int_eq(take_one(&position, 1, "Subject: a\n\n", false, "support"),
                     id);
    assert_sql("1|1", "SELECT count(*), max(duplicates) FROM delivery");
}
END_TEST

/* ---- generations ---- */

START_TEST(what_is_known_is_not_taken_again)
{
    g_autoptr(GError) error = NULL;
    static const char text[] = "Subject: no id\n\nalarm\n";
    FolderPosition position = folder_new(0);
    bool held;
    take_one(&position, 1, text, false, "support");
    must(folder_begin(fix.store, ours, &(FolderBeginning){8, 5, 0}, &position,
                      &held, &error),
         error);
    ck_assert_int_eq(take_one(&position, 1, text, true, "support"), 0);
    ck_assert_uint_eq(position.last_uid, 1);
    /* Another queue has never seen it, and other bytes are another mail. */
    ck_assert_int_ne(take_one(&position, 2, text, true, "billing"), 0);
    ck_assert_int_ne(take_one(&position, 3, "Subject: x\n\n", true, "support"),
                     0);
    /* Not compared: it came after this generation was first seen. */
    ck_assert_int_ne(take_one(&position, 6, text, false, "support"), 0);
}
END_TEST

/* After retention the hand-over is forgotten, the message is not. */
START_TEST(what_is_in_a_ticket_is_known_without_its_hand_over)
{
    static const char text[] = "From: a@customer.example\nSubject: y\n\nz\n";
    FolderPosition position = folder_new(9);
    int64_t id = take_one(&position, 1, text, true, "support");
    receipt_free(process(id));
    tell("DELETE FROM delivery");
    ck_assert_int_eq(take_one(&position, 2, text, true, "support"), 0);
}
END_TEST

START_TEST(the_same_validity_again_is_another_generation)
{
    g_autoptr(GError) error = NULL;
    FolderPosition position = folder_new(0), again;
    bool held;
    take_one(&position, 5, "Subject: a\n\n", false, "support");
    must(folder_begin(fix.store, ours, &(FolderBeginning){7, 3, 0}, &position,
                      &held, &error),
         error);
    ck_assert_uint_eq(position.generation, 1);
    ck_assert(hold(ours, &again));
    ck_assert_uint_eq(again.generation, 1);
    ck_assert_uint_eq(again.last_uid, 0);
    ck_assert_uint_eq(again.resync_until, 3);
    must(folder_begin(fix.store, ours, &(FolderBeginning){8, 3, 0}, &position,
                      &held, &error),
         error);
    ck_assert_uint_eq(position.generation, 2);
    must(folder_begin(fix.store, theirs, &(FolderBeginning){9, 3, 0}, &position,
                      &held, &error),
         error);
    ck_assert(!held);
    ck_assert_uint_eq(position.uid_validity, 8);
}
END_TEST

/* A server that lost its index gives out another UIDVALIDITY; with the index
 * from a backup it is back at the first one, and gives out numbers again. */
START_TEST(a_validity_that_comes_back_is_another_generation)
{
    g_autoptr(GError) error = NULL;
    FolderPosition position = folder_new(0);
    bool held;
    int64_t id = take_one(&position, 5, "Subject: a\n\n", false, "support");
    must(folder_begin(fix.store, ours, &(FolderBeginning){8, 1, 0}, &position,
                      &held, &error),
         error);
    must(folder_begin(fix.store, ours, &(FolderBeginning){7, 5, 0}, &position,
                      &held, &error),
         error);
    ck_assert_int_ne(take_one(&position, 5, "Subject: b\n\n", true, "support"),
                     id);
}
END_TEST

/* ---- what was left ---- */

static char *
due(const FolderPosition *position, int64_t mail_bytes)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) uids =
        folder_left_due(fix.store, position, mail_bytes, &error);
    must(uids != NULL, error);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < uids->len; i++)
        g_string_append_printf(text, " %u", g_array_index(uids, uint32_t, i));
    return g_string_free(text, FALSE);
}

#define assert_due(expected, position, mail_bytes)                             \
    do {                                                                       \
        g_autofree char *due_ = due(position, mail_bytes);                     \
        ck_assert_str_eq(due_, expected);                                      \
    } while (0)

START_TEST(three_strikes_park)
{
    g_autoptr(GError) error = NULL;
    FolderPosition position = folder_new(0);
    for (int strikes = 1; strikes <= FOLDER_STRIKES_MAX; strikes++) {
        Taking taking;
        taking_begin(&taking, false);
        leave(&taking, 4, true);
        must(take(&taking, ours, &position, 4, &error), error);
        const LeftMail *left = &g_array_index(taking.left, LeftMail, 0);
        ck_assert_int_eq(left->strikes, strikes);
        ck_assert(left->parked == (strikes == FOLDER_STRIKES_MAX));
        taking_end(&taking);
        assert_due("", &position, 10);
        tell("UPDATE left_mail SET not_before = now()");
        assert_due(strikes < FOLDER_STRIKES_MAX ? " 4" : "", &position, 10);
    }
}
END_TEST

START_TEST(a_higher_limit_lets_in_what_was_too_large)
{
    g_autoptr(GError) error = NULL;
    FolderPosition position = folder_new(0);
    Taking taking;
    taking_begin(&taking, false);
    leave(&taking, 2, false);
    must(take(&taking, ours, &position, 2, &error), error);
    ck_assert(g_array_index(taking.left, LeftMail, 0).parked);
    taking_end(&taking);
    assert_due("", &position, 999);
    assert_due(" 2", &position, 1000);
}
END_TEST

START_TEST(what_was_taken_after_all_is_left_no_more)
{
    g_autoptr(GError) error = NULL;
    FolderPosition position = folder_new(0);
    uint32_t uid = 2;
    for (int n = 0; n < 2; n++) {
        Taking taking;
        taking_begin(&taking, false);
        if (n == 0)
            leave(&taking, uid, true);
        else
            g_array_append_val(taking.cleared, uid);
        must(take(&taking, ours, &position, 2, &error), error);
        taking_end(&taking);
        assert_sql(n == 0 ? "1" : "0", "SELECT count(*) FROM left_mail");
    }
}
END_TEST

START_TEST(another_generation_forgets_what_was_left)
{
    g_autoptr(GError) error = NULL;
    FolderPosition position = folder_new(0);
    bool held;
    Taking taking;
    taking_begin(&taking, false);
    leave(&taking, 2, false);
    must(take(&taking, ours, &position, 2, &error), error);
    taking_end(&taking);
    must(folder_begin(fix.store, theirs, &(FolderBeginning){9, 0, 0}, &position,
                      &held, &error),
         error);
    assert_sql("1", "SELECT count(*) FROM left_mail");
    must(folder_begin(fix.store, ours, &(FolderBeginning){9, 0, 0}, &position,
                      &held, &error),
         error);
    assert_sql("0", "SELECT count(*) FROM left_mail");
}
END_TEST

START_TEST(an_operator_has_them_tried_again)
{
    g_autoptr(GError) error = NULL;
    FolderPosition position = folder_new(0);
    bool held, is_due;
    int64_t count;
    Taking taking;
    taking_begin(&taking, false);
    leave(&taking, 2, false);
    must(take(&taking, ours, &position, 2, &error), error);
    taking_end(&taking);
    const FolderReport good = {"", 0, 0, 0, 0};
    must(folder_report(fix.store, position.id, ours, &good, &held, &is_due,
                       &error),
         error);
    ck_assert(!is_due);
    Txn *txn = begin(fix.store);
    must(folder_left_retry(txn, "another", &count, &error), error);
    ck_assert_int_eq(count, 0);
    must(folder_left_retry(txn, "office", &count, &error), error);
    ck_assert_int_eq(count, 1);
    commit(txn);
    must(folder_report(fix.store, position.id, ours, &good, &held, &is_due,
                       &error),
         error);
    ck_assert(is_due);
    assert_due(" 2", &position, 10);
}
END_TEST

START_TEST(only_what_was_accepted_is_said_to_be)
{
    g_autoptr(GError) error = NULL;
    FolderPosition position = folder_new(0);
    take_one(&position, 2, "Subject: a\n\n", false, "support");
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
    for (uint32_t uid = 1; uid <= 3; uid++)
        g_ptr_array_add(keys, g_strdup_printf("imap/office/INBOX/7+0/%u", uid));
    bool accepted[3];
    must(folder_accepted(fix.store, keys, accepted, &error), error);
    ck_assert(!accepted[0] && accepted[1] && !accepted[2]);
}
END_TEST

void
add_folder_tests(Suite *suite)
{
    TCase *tests = fixture_case(suite, "folder");
    tcase_add_test(tests, a_folder_is_held_by_one);
    tcase_add_test(tests, who_is_not_heard_of_loses_it);
    tcase_add_test(tests, who_lets_go_leaves_it_at_once);
    tcase_add_test(tests, what_is_reported_is_there);
    tcase_add_test(tests, mails_and_position_are_one_commit);
    tcase_add_test(tests, large_and_small_mails_come_together);
    tcase_add_test(tests, who_lost_the_folder_commits_nothing);
    tcase_add_test(tests, a_position_moves_on_only_from_where_it_stands);
    tcase_add_test(tests, the_same_number_again_is_counted);
    tcase_add_test(tests, what_is_known_is_not_taken_again);
    tcase_add_test(tests, what_is_in_a_ticket_is_known_without_its_hand_over);
    tcase_add_test(tests, the_same_validity_again_is_another_generation);
    tcase_add_test(tests, a_validity_that_comes_back_is_another_generation);
    tcase_add_test(tests, three_strikes_park);
    tcase_add_test(tests, a_higher_limit_lets_in_what_was_too_large);
    tcase_add_test(tests, what_was_taken_after_all_is_left_no_more);
    tcase_add_test(tests, another_generation_forgets_what_was_left);
    tcase_add_test(tests, an_operator_has_them_tried_again);
    tcase_add_test(tests, only_what_was_accepted_is_said_to_be);
}
