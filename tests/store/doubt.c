/* Servers that hang, and answers that do not come: in time, and never taken for
 * what they are not. */
#include "fixture.h"

#include <linux/sockios.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "await.h"
#include "store/outbox.h"
#include "store/record.h"

/* ---- servers that hang: tests/README F10 ---- */

/* A store with little patience, and a clock. */
typedef struct {
    DatabaseSettings settings;
    Store *store;
    int64_t begun_us;
} Hasty;

static void
hasty_open(Hasty *hasty, int64_t timeout_s, const char *conninfo)
{
    hasty->settings = fix.settings;
    hasty->settings.timeout_s = timeout_s;
    if (conninfo != NULL)
        hasty->settings.conninfo = (char *)(uintptr_t)conninfo;
    hasty->store = store_new(&hasty->settings, "test");
    assert_usable(hasty->store);
    hasty->begun_us = g_get_monotonic_time();
}

static void
assert_in_time(const Hasty *hasty)
{
    int64_t took_us = g_get_monotonic_time() - hasty->begun_us;
    ck_assert_int_ge(took_us, (hasty->settings.timeout_s - 1) * 1000000);
    ck_assert_int_le(took_us, (hasty->settings.timeout_s + 20) * 1000000);
}

START_TEST(a_server_that_hangs_is_left_in_time)
{
    make_ticket();
    Hasty hasty;
    hasty_open(&hasty, 2, NULL);
    Txn *txn = begin(hasty.store);
    g_autoptr(GError) error = NULL;
    must(leave_mark(txn, &error), error);
    pid_t backend = backend_of(hasty.store);
    hasty.begun_us = g_get_monotonic_time();
    ck_assert_int_eq(kill(backend, SIGSTOP), 0);
    int64_t unused;
    ck_assert(!delivery_retry(txn, 0, &unused, &error));
    assert_in_time(&hasty);
    ck_assert(failure_is(error, FAILURE_TEMPORARY));
    txn_free(txn);
    kill(backend, SIGCONT);
    assert_usable(hasty.store);
    assert_marks("0");
    store_free(hasty.store);
}
END_TEST

START_TEST(a_server_that_hangs_at_commit_leaves_a_doubt)
{
    make_ticket();
    Hasty hasty;
    hasty_open(&hasty, 2, NULL);
    Txn *txn = begin(hasty.store);
    g_autoptr(GError) error = NULL;
    must(leave_mark(txn, &error), error);
    pid_t backend = backend_of(hasty.store);
    hasty.begun_us = g_get_monotonic_time();
    ck_assert_int_eq(kill(backend, SIGSTOP), 0);
    ck_assert(!txn_commit(txn, &error));
    assert_in_time(&hasty);
    ck_assert(failure_is(error, FAILURE_UNCERTAIN));
    txn_free(txn);
    kill(backend, SIGCONT);
    assert_usable(hasty.store);
    store_free(hasty.store);
}
END_TEST

/* A statement that takes longer than we wait for it: a lock is not given. */
static void
fail_for_a_lock(Hasty *hasty, GError **error)
{
    make_ticket();
    hasty_open(hasty, 2, NULL);
    tell("BEGIN");
    tell("SELECT FROM ticket FOR UPDATE");
    Txn *txn = begin(hasty->store);
    bool found;
    ck_assert(!store_set_status(txn, 1, TICKET_CLOSED, "a", &found, error));
    assert_in_time(hasty);
    ck_assert(failure_is(*error, FAILURE_TEMPORARY));
    txn_free(txn);
}

static bool
runs_for_nobody(void *unused)
{
    (void)unused;
    g_autofree char *count =
        ask_admin("SELECT count(*) FROM pg_stat_activity "
                  "WHERE datname = 'desk' AND wait_event_type = 'Lock'");
    return strcmp(count, "0") != 0;
}

static bool
runs_no_more(void *unused)
{
    return !runs_for_nobody(unused);
}

START_TEST(a_server_that_heeds_no_limit_is_told_when_we_give_up)
{
    /* Whoever has another set_config() before ours: none that is heeded. */
    tell("CREATE FUNCTION public.set_config(text, text, boolean) RETURNS text "
         "LANGUAGE sql AS 'SELECT $2'");
    tell_admin("ALTER DATABASE desk SET search_path = public, pg_catalog");
    Hasty hasty;
    g_autoptr(GError) error = NULL;
    fail_for_a_lock(&hasty, &error);
    ck_assert_ptr_nonnull(strstr(error->message, "no answer within the time"));
    ck_assert(!store_is_connected(hasty.store));
    ck_assert(!store_is_out_of_time(hasty.store));
    ck_assert(await(runs_no_more, NULL));
    tell("COMMIT");
    tell("DROP FUNCTION public.set_config(text, text, boolean)");
    tell_admin("ALTER DATABASE desk RESET ALL");
    store_free(hasty.store);
}
END_TEST

START_TEST(the_server_ends_a_statement_before_we_give_up)
{
    make_ticket();
    /* It sleeps for longer than anybody waits. */
    tell("CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS "
         "'BEGIN PERFORM pg_sleep(600); RETURN NEW; END'"); /* see above */
    tell("CREATE TRIGGER dawdle BEFORE UPDATE ON ticket FOR EACH ROW "
         "EXECUTE FUNCTION dawdle()");
    Hasty hasty;
    hasty_open(&hasty, 2, NULL);
    Txn *txn = begin(hasty.store);
    g_autoptr(GError) error = NULL;
    bool found;
    ck_assert(!store_set_status(txn, 1, TICKET_CLOSED, "a", &found, &error));
    tell("DROP TRIGGER dawdle ON ticket");
    tell("DROP FUNCTION dawdle");
    assert_in_time(&hasty);
    ck_assert_ptr_nonnull(strstr(error->message, "statement timeout"));
    txn_free(txn);
    ck_assert(store_is_connected(hasty.store));
    ck_assert(store_is_out_of_time(hasty.store)); /* until the next one */
    txn_free(begin(hasty.store));
    ck_assert(!store_is_out_of_time(hasty.store));
    store_free(hasty.store);
}
END_TEST

START_TEST(who_waits_for_a_lock_too_long_is_not_out_of_time)
{
    Hasty hasty;
    g_autoptr(GError) error = NULL;
    fail_for_a_lock(&hasty, &error);
    ck_assert_ptr_nonnull(strstr(error->message, "lock timeout"));
    ck_assert(store_is_connected(hasty.store));
    ck_assert(!store_is_out_of_time(hasty.store));
    ck_assert(!runs_for_nobody(NULL));
    tell("COMMIT");
    assert_usable(hasty.store);
    assert_sql("open", "SELECT status FROM ticket");
    store_free(hasty.store);
}
END_TEST

START_TEST(a_flight_that_is_its_own_transaction_leaves_a_doubt)
{
    queue_outgoing(outgoing_new(OUTGOING_REPLY, 0, "r@desk", "a@x"));
    Hasty hasty;
    hasty_open(&hasty, 2, NULL);
    pid_t backend = backend_of(hasty.store);
    hasty.begun_us = g_get_monotonic_time();
    ck_assert_int_eq(kill(backend, SIGSTOP), 0);
    g_autoptr(GError) error = NULL;
    bool done;
    ck_assert(!outbox_drop(hasty.store, 1, &done, &error));
    assert_in_time(&hasty);
    /* The server may carry it out yet, as soon as it can. */
    ck_assert(failure_is(error, FAILURE_UNCERTAIN));
    kill(backend, SIGCONT);
    assert_usable(hasty.store);
    store_free(hasty.store);
}
END_TEST

/* ---- the answer to COMMIT that does not come: tests/README F9 ---- */

/* What the proxy is to do at the next end of a flight. */
static void
order(const char *what)
{
    static int count;
    g_autofree char *text =
        g_strdup_printf("%s %d.%d\n", what, (int)getpid(), ++count);
    /* In place: the proxy is another user and needs the same file. */
    FILE *file = fopen(g_getenv("STORE_TEST_CONTROL"), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_gt(fprintf(file, "%s", text), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static const struct {
    const char *order;
    const char *marks; /* what the database has afterwards */
} cuts[] = {
    {"cut-after", "1"},
    {"cut-before", "0"},
    {"stall", "1"},
};

START_TEST(a_commit_without_an_answer_is_a_doubt)
{
    make_ticket();
    Hasty hasty;
    hasty_open(&hasty, 3, g_getenv("STORE_TEST_PROXY"));
    Txn *txn = begin(hasty.store);
    g_autoptr(GError) error = NULL;
    must(leave_mark(txn, &error), error);
    order(cuts[_i].order);
    ck_assert(!txn_commit(txn, &error));
    ck_assert_msg(failure_is(error, FAILURE_UNCERTAIN), "%s", error->message);
    txn_free(txn);
    assert_marks(cuts[_i].marks);
    assert_usable(hasty.store);
    store_free(hasty.store);
}
END_TEST

START_TEST(a_hand_over_in_doubt_is_found_by_its_key)
{
    static const size_t sizes[] = {100, DELIVERY_LARGE_BYTES + 100};
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *body = g_strnfill(sizes[i], 'x');
        g_autoptr(GBytes) raw = g_bytes_new(body, sizes[i]);
        g_autoptr(GBytes) digest = digest_of(raw);
        g_autoptr(GPtrArray) one =
            g_ptr_array_new_with_free_func((GDestroyNotify)delivery_free);
        g_ptr_array_add(one, hand_over(raw, "support@desk.example"));
        Hasty hasty;
        hasty_open(&hasty, 3, g_getenv("STORE_TEST_PROXY"));
        if (i == 0)
            order(cuts[_i].order);
        Added added;
        g_autoptr(GError) error = NULL;
        bool stored = delivery_add(hasty.store, one, digest, 0, &added, &error);
        ck_assert(stored == (i != 0));
        if (!stored) {
            ck_assert(failure_is(error, FAILURE_UNCERTAIN));
            must(delivery_add(hasty.store, one, digest, 0, &added, NULL),
                 error);
            ck_assert_int_eq(added, *cuts[_i].marks == '1' ? ADDED_DUPLICATE
                                                           : ADDED_NEW);
        }
        store_free(hasty.store);
    }
    assert_sql("2", "SELECT count(*) FROM delivery");
    assert_sql("t", "SELECT bool_and(digest = sha256(bytes)) FROM raw_mail");
}
END_TEST

START_TEST(a_claim_in_doubt_is_none)
{
    static const char lease[] = "11111111-1111-4111-8111-111111111111";
    queue_outgoing(outgoing_new(OUTGOING_REPLY, 0, "r@desk", "a@x"));
    Hasty hasty;
    hasty_open(&hasty, 3, g_getenv("STORE_TEST_PROXY"));
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) claimed = NULL;
    must(store_connect(hasty.store, &error), error);
    order(cuts[_i].order);
    ck_assert(
        !outbox_claim(hasty.store, lease, 600, 1, NULL, &claimed, &error));
    ck_assert_ptr_null(claimed);
    ck_assert(failure_is(error, FAILURE_UNCERTAIN));
    assert_sql(*cuts[_i].marks == '1' ? "submitting" : "queued",
               "SELECT state FROM outgoing");
    store_free(hasty.store);
}
END_TEST

/* ---- every flight of a sender, cut ---- */

static const char flight_lease[] = "11111111-1111-4111-8111-111111111111";

static bool
fly_claim(Store *store, GError **error)
{
    g_autoptr(GPtrArray) claimed = NULL;
    return outbox_claim(store, flight_lease, 600, 1, NULL, &claimed, error);
}

static bool
fly_load_content(Store *store, GError **error)
{
    Outgoing outgoing = {.content = NULL};
    Claimed claimed = {.id = 1, .outgoing = &outgoing};
    bool ours;
    bool good =
        outbox_load_content(store, flight_lease, &claimed, &ours, error);
    g_clear_pointer(&outgoing.content, g_bytes_unref);
    return good;
}

static bool
fly_renew(Store *store, GError **error)
{
    g_autoptr(GArray) ids = NULL;
    return outbox_renew(store, flight_lease, 600, NULL, &ids, error);
}

static bool
fly_release(Store *store, GError **error)
{
    return outbox_release(store, flight_lease, 0, "", NULL, error);
}

static bool
fly_recover(Store *store, GError **error)
{
    Recovered recovered;
    return outbox_recover(store, NULL, &recovered, error);
}

static bool
fly_expire(Store *store, GError **error)
{
    int64_t count;
    return outbox_expire(store, 600, &count, error);
}

static bool
fly_next_due(Store *store, GError **error)
{
    int64_t wait_s;
    return outbox_next_due(store, &wait_s, error);
}

static bool
fly_retry(Store *store, GError **error)
{
    bool done;
    return outbox_retry(store, 1, &done, error);
}

static bool
fly_drop(Store *store, GError **error)
{
    bool done;
    return outbox_drop(store, 1, &done, error);
}

static bool (*const flights[])(Store *store, GError **error) = {
    fly_claim,  fly_load_content, fly_renew, fly_release, fly_recover,
    fly_expire, fly_next_due,     fly_retry, fly_drop,
};

START_TEST(a_flight_that_is_cut_fails_and_the_next_one_flies)
{
    queue_outgoing(outgoing_new(OUTGOING_REPLY, 0, "r@desk", "a@x"));
    for (size_t i = 0; i < G_N_ELEMENTS(flights); i++) {
        Hasty hasty;
        hasty_open(&hasty, 3, g_getenv("STORE_TEST_PROXY"));
        g_autoptr(GError) error = NULL, second = NULL;
        must(store_connect(hasty.store, &error), error);
        order("cut-after");
        ck_assert_msg(!flights[i](hasty.store, &error), "flight %zu", i);
        ck_assert_ptr_nonnull(error);
        must(flights[i](hasty.store, &second), second);
        store_free(hasty.store);
    }
}
END_TEST

/* ---- large mails on a bad road ---- */

START_TEST(half_a_copy_is_none)
{
    /* Somebody else stores the same large mail and has not committed yet. */
    g_autofree char *body = g_strnfill(DELIVERY_LARGE_BYTES + 1, 'x');
    g_autoptr(GBytes) raw = g_bytes_new(body, DELIVERY_LARGE_BYTES + 1);
    g_autoptr(GBytes) digest = digest_of(raw);
    g_autoptr(GPtrArray) one =
        g_ptr_array_new_with_free_func((GDestroyNotify)delivery_free);
    g_ptr_array_add(one, hand_over(raw, "support@desk.example"));
    Hasty hasty;
    hasty_open(&hasty, 2, NULL);
    tell("BEGIN");
    tell("INSERT INTO raw_mail SELECT sha256(b), b, length(b) FROM "
         "(SELECT convert_to(repeat('x', %d), 'UTF8') AS b) AS mail",
         DELIVERY_LARGE_BYTES + 1);
    Added added;
    g_autoptr(GError) error = NULL;
    ck_assert(!delivery_add(hasty.store, one, digest, 0, &added, &error));
    ck_assert(failure_is(error, FAILURE_TEMPORARY));
    assert_in_time(&hasty);
    tell("COMMIT");
    g_clear_error(&error);
    must(delivery_add(hasty.store, one, digest, 0, &added, &error), error);
    ck_assert_int_eq(added, ADDED_NEW);
    assert_sql("1|1", "SELECT (SELECT count(*) FROM delivery), "
                      "(SELECT count(*) FROM raw_mail)");
    store_free(hasty.store);
}
END_TEST

/* On one of the connections that we have in common with who forked us lies more
 * than a first piece that the server has not read: it is amid the COPY. */
enum { UNREAD_BYTES = 64 * 1024 };

static bool
is_asked(void *data)
{
    (void)data;
    for (int fd = 0; fd < 1024; fd++) {
        int type, unread;
        socklen_t size = sizeof type;
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
            ioctl(fd, SIOCOUTQ, &unread) == 0 && unread > UNREAD_BYTES)
            return true;
    }
    return false;
}

START_TEST(a_copy_whose_server_dies_is_repeated)
{
    g_autofree char *body = g_strnfill(8 * DELIVERY_LARGE_BYTES, 'x');
    g_autoptr(GBytes) raw = g_bytes_new(body, 8 * DELIVERY_LARGE_BYTES);
    g_autoptr(GBytes) digest = digest_of(raw);
    g_autoptr(GPtrArray) one =
        g_ptr_array_new_with_free_func((GDestroyNotify)delivery_free);
    g_ptr_array_add(one, hand_over(raw, "support@desk.example"));
    pid_t backend = backend_of(fix.store);
    kill(backend, SIGSTOP);
    pid_t child = fork();
    if (child == 0) {
        await(is_asked, NULL);
        kill(backend, SIGTERM);
        kill(backend, SIGCONT);
        _exit(0);
    }
    Added added;
    g_autoptr(GError) error = NULL;
    ck_assert(!delivery_add(fix.store, one, digest, 0, &added, &error));
    ck_assert(failure_is(error, FAILURE_TEMPORARY));
    waitpid(child, NULL, 0);
    g_clear_error(&error);
    must(delivery_add(fix.store, one, digest, 0, &added, &error), error);
    assert_sql("t", "SELECT digest = sha256(bytes) FROM raw_mail");
}
END_TEST

void
add_doubt_tests(Suite *suite)
{
    TCase *tests = fixture_case(suite, "doubt");
    tcase_add_test(tests, a_server_that_hangs_is_left_in_time);
    tcase_add_test(tests, a_server_that_hangs_at_commit_leaves_a_doubt);
    tcase_add_test(tests, the_server_ends_a_statement_before_we_give_up);
    tcase_add_test(tests, who_waits_for_a_lock_too_long_is_not_out_of_time);
    tcase_add_test(tests, a_server_that_heeds_no_limit_is_told_when_we_give_up);
    tcase_add_test(tests, a_flight_that_is_its_own_transaction_leaves_a_doubt);
    tcase_add_loop_test(tests, a_commit_without_an_answer_is_a_doubt, 0,
                        G_N_ELEMENTS(cuts));
    tcase_add_loop_test(tests, a_hand_over_in_doubt_is_found_by_its_key, 0,
                        G_N_ELEMENTS(cuts));
    tcase_add_loop_test(tests, a_claim_in_doubt_is_none, 0, G_N_ELEMENTS(cuts));
    tcase_add_test(tests, a_flight_that_is_cut_fails_and_the_next_one_flies);
    tcase_add_test(tests, half_a_copy_is_none);
    tcase_add_test(tests, a_copy_whose_server_dies_is_repeated);
}
