/* Connections that break at the worst moment, and what is said of it then. */
#include "fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/outbox.h"
#include "store/record.h"
#include "store/txn.h"

/* ---- transactions ---- */

START_TEST(what_is_left_without_commit_is_rolled_back)
{
    make_ticket();
    pid_t backend = backend_of(fix.store);
    g_autoptr(GError) error = NULL;
    for (int i = 0; i < 3; i++) {
        Txn *txn = begin(fix.store);
        must(leave_mark(txn, &error), error);
        txn_free(txn);
    }
    Txn *txn = begin(fix.store);
    must(leave_mark(txn, &error), error);
    commit(txn);
    assert_marks("1");
    ck_assert_int_eq(backend_of(fix.store), backend);
    assert_sql("0", "SELECT count(*) FROM pg_stat_activity "
                    "WHERE application_name = 'test' "
                    "AND state LIKE 'idle in transaction%%'");
}
END_TEST

START_TEST(an_error_leaves_nothing_and_a_usable_connection)
{
    make_ticket();
    pid_t backend = backend_of(fix.store);
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    must(leave_mark(txn, &error), error);
    int strikes;
    ck_assert(delivery_strike(txn, 1, &strikes, &error));
    ck_assert(pg_send_text(txn_pg(txn), "SELECT 1 / 0", &error));
    ck_assert(!delivery_strike(txn, 1, &strikes, &error));
    ck_assert(failure_is(error, FAILURE_PERMANENT));
    ck_assert_ptr_nonnull(strstr(error->message, "22012"));
    g_clear_error(&error);
    ck_assert(!leave_mark(txn, &error)); /* and nothing works any more */
    ck_assert_ptr_nonnull(error);
    g_clear_error(&error);
    ck_assert(!txn_commit(txn, &error));
    ck_assert(!failure_is(error, FAILURE_UNCERTAIN));
    txn_free(txn);
    assert_usable(fix.store);
    assert_marks("0");
    ck_assert_int_eq(backend_of(fix.store), backend);
}
END_TEST

START_TEST(an_error_in_flight_is_met_at_commit)
{
    make_ticket();
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    must(leave_mark(txn, &error), error);
    must(pg_send_text(txn_pg(txn), "SELECT 1 / 0", &error), error);
    ck_assert(!txn_commit(txn, &error));
    ck_assert(failure_is(error, FAILURE_PERMANENT));
    txn_free(txn);
    assert_usable(fix.store);
    assert_marks("0");
}
END_TEST

START_TEST(an_error_in_flight_that_nobody_met_spoils_nothing)
{
    make_ticket();
    /* What was prepared behind the error never reached the server. */
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    must(pg_send_text(txn_pg(txn), "SELECT 1 / 0", &error), error);
    must(pg_send(txn_pg(txn), ST_delivery_strike, PARAMS(p_int(1)), false,
                 &error),
         error);
    txn_free(txn);
    txn = begin(fix.store);
    int strikes = -1;
    must(delivery_strike(txn, 1, &strikes, &error), error);
    ck_assert_int_eq(strikes, 0);
    commit(txn);
}
END_TEST

START_TEST(a_commit_that_rolled_back_is_no_success)
{
    /* COMMIT of a failed transaction "succeeds" with the tag ROLLBACK. */
    g_autoptr(GError) error = NULL;
    g_autoptr(Pg) pg = pg_open(&fix.settings, "test", &error);
    must(pg != NULL, error);
    must(pg_send_text(pg, "BEGIN", &error), error);
    must(pg_send_text(pg, "ROLLBACK", &error), error);
    ck_assert(!pg_sync(pg, true, "COMMIT", &error));
    ck_assert(failure_is(error, FAILURE_TEMPORARY));
    ck_assert_ptr_nonnull(strstr(error->message, "ROLLBACK"));
    g_clear_error(&error);
    must(pg_reset(pg, &error), error);
    must(pg_send_text(pg, "BEGIN", &error), error);
    must(pg_send_text(pg, "COMMIT", &error), error);
    must(pg_sync(pg, true, "COMMIT", &error), error);
}
END_TEST

START_TEST(plans_are_made_anew_without_a_stumble)
{
    g_autoptr(GError) error = NULL;
    int64_t wait_s;
    pid_t backend = backend_of(fix.store);
    for (int i = 0; i < 450; i++)
        must(outbox_next_due(fix.store, &wait_s, &error), error);
    assert_usable(fix.store);
    ck_assert_int_eq(backend_of(fix.store), backend);
}
END_TEST

START_TEST(who_is_connected_can_be_seen)
{
    g_autoptr(Store) store = store_new(&fix.settings, "postern processor:1");
    g_autoptr(GError) error = NULL;
    must(store_connect(store, &error), error);
    assert_sql("1", "SELECT count(*) FROM pg_stat_activity "
                    "WHERE application_name = 'postern processor:1'");
}
END_TEST

/* ---- servers that are not there ---- */

static const struct {
    const char *conninfo;
    const char *word;
} nowhere[] = {
    {"host=/nonexistent", "No such file"},
    {"host=127.0.0.1 port=1", "refused"},
    {"%s dbname=nobodys", "nobodys"},
    {"%s user=nobodys", "nobodys"},
    {"host=/nonexistent nonsense", "nonsense"},
};

START_TEST(a_server_that_is_not_there_may_come_back)
{
    g_autofree char *given = NULL;
    if (g_str_has_prefix(nowhere[_i].conninfo, "%s"))
        given =
            g_strconcat(fix.settings.conninfo, nowhere[_i].conninfo + 2, NULL);
    DatabaseSettings settings = fix.settings;
    settings.conninfo =
        given != NULL ? given : (char *)(uintptr_t)nowhere[_i].conninfo;
    g_autoptr(Store) store = store_new(&settings, "test");
    for (int i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;
        ck_assert(!store_connect(store, &error));
        ck_assert(failure_is(error, FAILURE_TEMPORARY));
        ck_assert_msg(strstr(error->message, nowhere[_i].word) != NULL, "%s",
                      error->message);
        ck_assert_ptr_null(strchr(error->message, '\n'));
    }
    settings.conninfo = fix.settings.conninfo;
    assert_usable(store);
}
END_TEST

/* A server that says one thing, in no known encoding, and closes. */
static void
serve_rubbish(const char *path)
{
    static const char refusal[] = "E\0\0\0\x20SFATAL\0C28000\0"
                                  "Mzug\xC4ngli\xFC\xFC\xFC\0\0";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(
        bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 5), 0);
    if (fork() != 0) {
        close(listener);
        return;
    }
    char packet[4096];
    int client = accept(listener, NULL, NULL);
    if (client >= 0 && read(client, packet, sizeof packet) > 0 &&
        write(client, refusal, sizeof refusal - 1) > 0)
        shutdown(client, SHUT_WR);
    _exit(0);
}

START_TEST(what_a_server_says_in_its_own_encoding_is_repaired)
{
    g_autofree char *directory = g_dir_make_tmp("store-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(directory, ".s.PGSQL.5432", NULL);
    serve_rubbish(path);
    g_autofree char *conninfo = g_strdup_printf("host=%s user=x", directory);
    DatabaseSettings settings = fix.settings;
    settings.conninfo = conninfo;
    g_autoptr(Store) store = store_new(&settings, "test");
    g_autoptr(GError) error = NULL;
    ck_assert(!store_connect(store, &error));
    ck_assert(failure_is(error, FAILURE_TEMPORARY));
    ck_assert(g_utf8_validate(error->message, -1, NULL));
    ck_assert_ptr_nonnull(strstr(error->message, "ngli"));
    wait(NULL);
    unlink(path);
    rmdir(directory);
}
END_TEST

/* ---- connections that are lost ---- */

static void
terminate(pid_t backend)
{
    assert_sql("t", "SELECT pg_terminate_backend(%d, 5000)", (int)backend);
}

START_TEST(a_connection_that_was_lost_in_idleness_is_made_again)
{
    make_ticket();
    assert_usable(fix.store);
    terminate(backend_of(fix.store));
    g_autoptr(Txn) txn = store_begin(fix.store, NULL);
    g_autoptr(GError) error = NULL;
    if (txn != NULL) { /* it is noticed with the first answer */
        ck_assert(!leave_mark(txn, &error));
        ck_assert(failure_is(error, FAILURE_TEMPORARY));
    }
    assert_usable(fix.store);
    assert_marks("0");
}
END_TEST

START_TEST(a_connection_that_is_lost_in_a_transaction_takes_it_along)
{
    make_ticket();
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    must(leave_mark(txn, &error), error);
    int64_t unused;
    must(delivery_retry(txn, 0, &unused, &error), error); /* all is there */
    terminate(backend_of(fix.store));
    ck_assert(!delivery_retry(txn, 0, &unused, &error));
    ck_assert(failure_is(error, FAILURE_TEMPORARY));
    txn_free(txn);
    assert_usable(fix.store);
    assert_marks("0");
}
END_TEST

START_TEST(whoever_repeats_on_a_new_connection_succeeds)
{
    g_autoptr(GBytes) raw = g_bytes_new_static("Subject: x\n\nx\n", 14);
    g_autoptr(GBytes) digest = digest_of(raw);
    g_autoptr(GPtrArray) one =
        g_ptr_array_new_with_free_func((GDestroyNotify)delivery_free);
    g_ptr_array_add(one, hand_over(raw, "support@desk.example"));
    assert_usable(fix.store);
    terminate(backend_of(fix.store));
    Added added;
    g_autoptr(GError) error = NULL;
    if (!delivery_add(fix.store, one, digest, 0, &added, &error))
        must(delivery_add(fix.store, one, digest, 0, &added, NULL), error);
    ck_assert_int_eq(added, ADDED_NEW);
    assert_sql("1", "SELECT count(*) FROM delivery");
}
END_TEST

/* ---- transactions that are in each other's way ---- */

/* Take two advisory locks in this order; the other one has its first by then.
 */
static bool
lock_both(Store *store, int64_t first, int64_t second, int other,
          GError **error)
{
    char word = 'x';
    g_autoptr(Txn) txn = store_begin(store, error);
    g_autoptr(GArray) locks = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_array_append_val(locks, first);
    int64_t unused;
    if (txn == NULL || !store_lock_context(txn, locks, error) ||
        !delivery_retry(txn, 0, &unused, error))
        return false;
    if (write(other, &word, 1) != 1 || read(other, &word, 1) != 1)
        return false;
    g_array_index(locks, int64_t, 0) = second;
    return store_lock_context(txn, locks, error) && txn_commit(txn, error);
}

START_TEST(a_deadlock_is_worth_another_try)
{
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        g_autoptr(Store) other = fixture_another();
        g_autoptr(GError) theirs = NULL;
        bool won = lock_both(other, 2, 1, ends[1], &theirs);
        _exit(won ? 0 : failure_is(theirs, FAILURE_TEMPORARY) ? 75 : 1);
    }
    close(ends[1]);
    g_autoptr(GError) error = NULL;
    bool won = lock_both(fix.store, 1, 2, ends[0], &error);
    close(ends[0]);
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), won ? 75 : 0);
    if (!won)
        ck_assert(failure_is(error, FAILURE_TEMPORARY));
    assert_usable(fix.store);
}
END_TEST

void
add_connection_tests(Suite *suite)
{
    TCase *tests = fixture_case(suite, "connection");
    tcase_add_test(tests, what_is_left_without_commit_is_rolled_back);
    tcase_add_test(tests, an_error_leaves_nothing_and_a_usable_connection);
    tcase_add_test(tests, an_error_in_flight_is_met_at_commit);
    tcase_add_test(tests, an_error_in_flight_that_nobody_met_spoils_nothing);
    tcase_add_test(tests, a_commit_that_rolled_back_is_no_success);
    tcase_add_test(tests, plans_are_made_anew_without_a_stumble);
    tcase_add_test(tests, who_is_connected_can_be_seen);
    tcase_add_loop_test(tests, a_server_that_is_not_there_may_come_back, 0,
                        G_N_ELEMENTS(nowhere));
    tcase_add_test(tests, what_a_server_says_in_its_own_encoding_is_repaired);
    tcase_add_test(tests, a_connection_that_was_lost_in_idleness_is_made_again);
    tcase_add_test(tests,
                   a_connection_that_is_lost_in_a_transaction_takes_it_along);
    tcase_add_test(tests, whoever_repeats_on_a_new_connection_succeeds);
    tcase_add_test(tests, a_deadlock_is_worth_another_try);
}
