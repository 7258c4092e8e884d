/* The schema is applied once and whole; a server that cannot keep what we
 * promise is refused. */
#include "store/schema.h"
#include "fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "await.h"
#include "store/migration.h"
#include "store/statement.h"

/* ---- a database of its own ---- */

/* "key=value" of another database on the same server. */
static char *
conninfo_of(const char *database)
{
    return g_strdup_printf("%s dbname=%s", g_getenv("STORE_TEST_CONNINFO"),
                           database);
}

static void
create(const char *database, const char *options)
{
    tell_admin("DROP DATABASE IF EXISTS %s", database);
    tell_admin("CREATE DATABASE %s OWNER postern %s", database, options);
}

static void
drop(const char *database)
{
    tell_admin("DROP DATABASE IF EXISTS %s WITH (FORCE)", database);
}

/* Settings and Store for a database of this test. */
typedef struct {
    DatabaseSettings settings;
    Store *store;
    GString *applied; /* "name name " */
} Fresh;

static void
fresh_open(Fresh *fresh, const char *database)
{
    fresh->settings = fix.settings;
    fresh->settings.conninfo = conninfo_of(database);
    fresh->store = store_new(&fresh->settings, "test");
    fresh->applied = g_string_new(NULL);
}

static void
fresh_close(Fresh *fresh)
{
    store_free(fresh->store);
    g_free(fresh->settings.conninfo);
    g_string_free(fresh->applied, TRUE);
}

static void
note_applied(void *context, const char *name)
{
    g_string_append_printf(context, "%s ", name);
}

static bool
apply(Fresh *fresh, GError **error)
{
    g_string_truncate(fresh->applied, 0);
    return schema_apply(fresh->store, note_applied, fresh->applied, error);
}

/* ---- statements and comments ---- */

START_TEST(every_statement_is_prepared_on_a_fresh_database)
{
    PGconn *connection = PQconnectdb(g_getenv("STORE_TEST_CONNINFO"));
    for (int name = 0; name < ST_COUNT; name++) {
        const StatementText *text = &statement_texts[name];
        PGresult *result =
            PQprepare(connection, text->name, text->sql, 0, NULL);
        ck_assert_msg(PQresultStatus(result) == PGRES_COMMAND_OK, "%s: %s",
                      text->name, PQresultErrorMessage(result));
        PQclear(result);
    }
    PQfinish(connection);
}
END_TEST

START_TEST(every_table_and_column_has_a_comment)
{
    assert_sql("", "SELECT c.relname FROM pg_class c "
                   "WHERE c.relnamespace = 'public'::regnamespace "
                   "AND c.relkind = 'r' "
                   "AND obj_description(c.oid, 'pg_class') IS NULL");
    assert_sql("",
               "SELECT c.relname || '.' || a.attname "
               "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
               "WHERE c.relnamespace = 'public'::regnamespace "
               "AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped "
               "AND col_description(c.oid, a.attnum) IS NULL ORDER BY 1");
}
END_TEST

START_TEST(every_reference_to_a_table_has_an_index)
{
    /* Else each check of a foreign key, and each purge, reads a whole table. */
    assert_sql("", "SELECT k.conrelid::regclass || ' ' || k.conname "
                   "FROM pg_constraint k WHERE k.contype = 'f' AND NOT EXISTS "
                   "(SELECT FROM pg_index i WHERE i.indrelid = k.conrelid "
                   "AND i.indkey[0] = k.conkey[1]) "
                   "AND k.conrelid::regclass::text || '.' || (SELECT attname "
                   "FROM pg_attribute WHERE attrelid = k.conrelid "
                   "AND attnum = k.conkey[1]) <> 'ticket.merged_into'");
}
END_TEST

/* ---- applying ---- */

START_TEST(a_schema_is_applied_once)
{
    create("fresh", "");
    Fresh fresh;
    fresh_open(&fresh, "fresh");
    g_autoptr(GError) none = NULL;
    ck_assert(!schema_check(fresh.store, &none));
    ck_assert(failure_is(none, FAILURE_CONFIG));
    ck_assert_ptr_nonnull(strstr(none->message, "postern schema apply"));
    g_autoptr(GError) error = NULL;
    must(apply(&fresh, &error), error);
    ck_assert(g_str_has_prefix(fresh.applied->str, "0001_spine"));
    must(schema_check(fresh.store, &error), error);
    must(apply(&fresh, &error), error);
    ck_assert_str_eq(fresh.applied->str, "");
    must(schema_check(fresh.store, &error), error);
    fresh_close(&fresh);
    drop("fresh");
}
END_TEST

START_TEST(two_that_apply_at_once_take_turns)
{
    create("fresh", "");
    pid_t child = fork();
    if (child == 0) {
        Fresh fresh;
        fresh_open(&fresh, "fresh");
        _exit(apply(&fresh, NULL) ? 0 : 1);
    }
    Fresh fresh;
    fresh_open(&fresh, "fresh");
    g_autoptr(GError) error = NULL;
    must(apply(&fresh, &error), error);
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    must(schema_check(fresh.store, &error), error);
    fresh_close(&fresh);
    drop("fresh");
}
END_TEST

START_TEST(a_step_that_fails_leaves_nothing)
{
    create("fresh", "");
    Fresh fresh;
    fresh_open(&fresh, "fresh");
    PGconn *connection = PQconnectdb(fresh.settings.conninfo);
    PQclear(PQexec(connection, "CREATE TABLE outgoing (id bigint)"));
    g_autoptr(GError) error = NULL;
    ck_assert(!apply(&fresh, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "0001_spine"));
    ck_assert_ptr_nonnull(strstr(error->message, "already exists"));
    PGresult *tables =
        PQexec(connection,
               "SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
    ck_assert_int_eq(PQntuples(tables), 1);
    PQclear(tables);
    PQclear(PQexec(connection, "DROP TABLE outgoing"));
    PQfinish(connection);
    g_clear_error(&error);
    must(apply(&fresh, &error), error);
    fresh_close(&fresh);
    drop("fresh");
}
END_TEST

/* ---- from one version to the next ---- */

/* The schema as it was after its first `count` steps. */
static void
make_version(PGconn *connection, size_t count)
{
    PQclear(PQexec(connection, statement_texts[ST_schema_table].sql));
    for (size_t i = 0; i < count; i++) {
        const Migration *step = &migrations[i];
        PGresult *result = PQexec(connection, step->sql);
        ck_assert_msg(PQresultStatus(result) == PGRES_COMMAND_OK, "%s: %s",
                      step->name, PQresultErrorMessage(result));
        PQclear(result);
        g_autofree char *digest =
            g_compute_checksum_for_string(G_CHECKSUM_SHA256, step->sql, -1);
        g_autofree char *note = g_strdup_printf(
            "INSERT INTO schema_migration (version, name, digest) "
            "VALUES (%d, '%s', '%s')",
            step->version, step->name, digest);
        PQclear(PQexec(connection, note));
    }
}

static void
tell_there(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ck_assert_msg(PQresultStatus(result) == PGRES_COMMAND_OK, "%s: %s", sql,
                  PQresultErrorMessage(result));
    PQclear(result);
}

/* What 0001 leaves behind: a ticket that others name, and a mail in each state.
 */
static const char *const filled[] = {
    "INSERT INTO raw_mail VALUES (sha256('m'), 'Subject: m', 10)",
    "INSERT INTO ticket (queue, subject, requester, reply_to) SELECT "
    "'support', "
    "'x', 'a@x', 'a@x' FROM generate_series(1, 30)",
    "INSERT INTO reference SELECT sha256('id@x'), id, "
    "CASE id WHEN 30 THEN 'ours' ELSE 'seen' END FROM ticket",
    "INSERT INTO delivery (source_key, transport, envelope_recipient, "
    "raw_digest, strikes, postponed) VALUES "
    "('struck', 'lmtp', 'support@desk.example', sha256('m'), 2, 0), "
    "('fresh', 'lmtp', 'support@desk.example', sha256('m'), 0, 0), "
    "('late', 'lmtp', 'support@desk.example', sha256('m'), 0, 3)",
    "INSERT INTO delivery (source_key, transport, envelope_recipient, "
    "raw_digest, state) VALUES "
    "('parked', 'lmtp', 'support@desk.example', sha256('m'), 'parked'), "
    "('settled', 'imap', 'support@desk.example', sha256('m'), 'settled')",
    "UPDATE delivery SET reason = 'too-many-hops' WHERE source_key = 'settled'",
    "INSERT INTO delivery (source_key, transport, envelope_recipient, "
    "raw_digest, state, reason) VALUES ('circles', 'lmtp', "
    "'support@desk.example', sha256('m'), 'parked', 'too-many-hops')",
};

START_TEST(a_filled_database_is_carried_on)
{
    create("fresh", "");
    Fresh fresh;
    fresh_open(&fresh, "fresh");
    PGconn *connection = PQconnectdb(fresh.settings.conninfo);
    make_version(connection, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(filled); i++)
        tell_there(connection, filled[i]);
    g_autoptr(GError) error = NULL;
    must(apply(&fresh, &error), error);
    ck_assert_str_eq(fresh.applied->str, "0002_bounds ");
    must(schema_check(fresh.store, &error), error);

    Txn *txn = begin(fresh.store);
    g_autoptr(GPtrArray) batch =
        delivery_lock_batch(txn, 10, DELIVERY_LARGE_BYTES, &error);
    must(batch != NULL, error);
    g_autoptr(GString) order = g_string_new(NULL);
    for (guint i = 0; i < batch->len; i++)
        g_string_append_printf(order, "%s ",
                               ((Delivery *)batch->pdata[i])->key);
    ck_assert_str_eq(order->str, "fresh ");
    commit(txn);
    PGresult *rubbish =
        PQexec(connection, "SELECT source_key FROM delivery WHERE is_rubbish");
    ck_assert_int_eq(PQntuples(rubbish), 1);
    ck_assert_str_eq(PQgetvalue(rubbish, 0, 0), "circles");
    PQclear(rubbish);
    PQfinish(connection);
    fresh_close(&fresh);
    drop("fresh");
}
END_TEST

/* ---- refusing ---- */

static void
assert_refused(const char *word)
{
    g_autoptr(GError) checking = NULL;
    ck_assert(!schema_check(fix.store, &checking));
    ck_assert(failure_is(checking, FAILURE_CONFIG));
    ck_assert_msg(strstr(checking->message, word) != NULL, "%s",
                  checking->message);
    g_autoptr(GError) applying = NULL;
    g_autoptr(GString) applied = g_string_new(NULL);
    ck_assert(!schema_apply(fix.store, note_applied, applied, &applying));
    ck_assert(failure_is(applying, FAILURE_CONFIG));
    ck_assert_str_eq(applied->str, "");
}

START_TEST(a_newer_schema_is_refused)
{
    tell("INSERT INTO schema_migration (version, name, digest) "
         "VALUES (9999, '9999_future', 'x')");
    assert_refused("9999_future");
    tell("DELETE FROM schema_migration WHERE version = 9999");
    g_autoptr(GError) error = NULL;
    must(schema_check(fix.store, &error), error);
}
END_TEST

START_TEST(an_altered_schema_is_refused)
{
    g_autofree char *digest =
        ask("UPDATE schema_migration SET digest = reverse(digest) "
            "WHERE version = 1 RETURNING reverse(digest)");
    assert_refused("differs");
    tell("UPDATE schema_migration SET digest = '%s' WHERE version = 1", digest);
    g_autoptr(GError) error = NULL;
    must(schema_check(fix.store, &error), error);
}
END_TEST

/* ---- the server ---- */

static bool
is_set(void *data)
{
    const char *const *setting = data;
    g_autofree char *now = ask("SHOW %s", setting[0]);
    return strcmp(now, setting[1]) == 0;
}

/* A reload takes a moment. */
static void
assert_setting(const char *name, const char *value)
{
    const char *setting[] = {name, value};
    ck_assert_msg(await(is_set, setting), "%s does not become %s", name, value);
}

static void
server_set_up(void)
{
    fixture_reset_server();
    fixture_set_up();
    assert_setting("fsync", "on");
    assert_setting("full_page_writes", "on");
    assert_setting("synchronous_standby_names", "");
}

static void
server_tear_down(void)
{
    fixture_reset_server();
    fixture_tear_down();
}

static bool
serves(GError **error)
{
    g_autoptr(Store) store = fixture_another();
    return schema_check_server(store, error);
}

START_TEST(a_sound_server_is_taken)
{
    g_autoptr(GError) error = NULL;
    must(serves(&error), error);
}
END_TEST

static const struct {
    const char *database; /* ALTER DATABASE ... SET */
    const char *system;   /* ALTER SYSTEM SET */
    const char *name;     /* what must show before the test */
    const char *value;
    const char *word; /* NULL: is taken */
} servers[] = {
    {NULL, "fsync = off", "fsync", "off", "fsync is off"},
    {NULL, "full_page_writes = off", "full_page_writes", "off",
     "full_page_writes is off"},
    {"synchronous_commit = off", NULL, NULL, NULL, "synchronous_commit is off"},
    {"synchronous_commit = local", NULL, NULL, NULL, NULL},
    {"synchronous_commit = local", "synchronous_standby_names = 'other'",
     "synchronous_standby_names", "other", "'local' though standbys are named"},
    {"synchronous_commit = remote_write", NULL, NULL, NULL, NULL},
};

START_TEST(a_server_that_forgets_is_refused)
{
    if (servers[_i].database != NULL)
        tell_admin("ALTER DATABASE desk SET %s", servers[_i].database);
    if (servers[_i].system != NULL) {
        tell_admin("ALTER SYSTEM SET %s", servers[_i].system);
        tell_admin("SELECT pg_reload_conf()");
        assert_setting(servers[_i].name, servers[_i].value);
    }
    g_autoptr(GError) error = NULL;
    bool good = serves(&error);
    ck_assert(good == (servers[_i].word == NULL));
    if (good)
        return;
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert_msg(strstr(error->message, servers[_i].word) != NULL, "%s",
                  error->message);
}
END_TEST

/* What PostgreSQL keeps for superusers is not ours. */
START_TEST(connections_that_are_not_there_are_told)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) store = fixture_another();
    g_autofree char *max = ask_admin("SHOW max_connections");
    g_autofree char *kept = ask_admin("SHOW superuser_reserved_connections");
    int64_t most = atoi(max) - atoi(kept);
    must(schema_check_connections(store, most, &error), error);
    ck_assert(!schema_check_connections(store, most + 1, &error));
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert_ptr_nonnull(strstr(error->message, "raise max_connections"));
}
END_TEST

START_TEST(an_encoding_that_is_not_utf8_is_refused)
{
    create("latin", "ENCODING 'LATIN1' TEMPLATE template0");
    Fresh fresh;
    fresh_open(&fresh, "latin");
    g_autoptr(GError) error = NULL;
    ck_assert(!schema_check_server(fresh.store, &error));
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert_ptr_nonnull(strstr(error->message, "UTF8"));
    fresh_close(&fresh);
    drop("latin");
}
END_TEST

START_TEST(a_server_that_only_reads_may_be_a_standby_yet_to_rise)
{
    tell_admin("ALTER DATABASE desk SET default_transaction_read_only = on");
    g_autoptr(GError) error = NULL;
    ck_assert(!serves(&error));
    ck_assert(failure_is(error, FAILURE_TEMPORARY));
    ck_assert_ptr_nonnull(strstr(error->message, "read-only"));
}
END_TEST

START_TEST(a_server_that_only_reads_is_refused_where_any_would_do)
{
    tell_admin("ALTER DATABASE desk SET default_transaction_read_only = on");
    Fresh fresh = {.settings = fix.settings};
    fresh.settings.conninfo =
        g_strdup_printf("%s target_session_attrs=any", fix.settings.conninfo);
    fresh.store = store_new(&fresh.settings, "test");
    g_autoptr(GError) error = NULL;
    ck_assert(!schema_check_server(fresh.store, &error));
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert_ptr_nonnull(strstr(error->message, "read-only"));
    store_free(fresh.store);
    g_free(fresh.settings.conninfo);
}
END_TEST

/* ---- retention ---- */

static int64_t
purge(const Retention *retention)
{
    g_autoptr(GError) error = NULL;
    int64_t count = -1;
    must(schema_purge(fix.store, retention, &count, &error), error);
    return count;
}

START_TEST(what_is_old_and_settled_goes_and_the_mail_stays)
{
    static const Retention month = {.settled_delivery_s = 30 * 86400,
                                    .sent_content_s = 7 * 86400};
    static const Retention for_ever = {0};
    receive(OLENA_MAIL("a@x"), "support@desk.example", NULL);
    receive(OLENA_MAIL("b@x"), "support@desk.example", NULL);
    accept_text(OLENA_MAIL("c@x"), "support@desk.example");
    accept_text(OLENA_MAIL("d@x"), "support@desk.example");
    tell("UPDATE delivery SET state = 'parked' WHERE id = 4");
    tell("UPDATE delivery SET settled_at = now() - interval '29 days' "
         "WHERE id = 1");
    tell("UPDATE delivery SET received_at = now() - interval '99 days', "
         "settled_at = now() - interval '31 days' WHERE id <> 1");
    queue_outgoing(outgoing_new(OUTGOING_REPLY, 1, "r1@x", "a@x"));
    queue_outgoing(outgoing_new(OUTGOING_REPLY, 1, "r2@x", "a@x"));
    queue_outgoing(outgoing_new(OUTGOING_REPLY, 1, "r3@x", "a@x"));
    tell("UPDATE outgoing SET settled_at = now() - interval '8 days'");
    tell("UPDATE outgoing SET state = 'sent' WHERE id = 1");
    tell("UPDATE outgoing SET state = 'failed' WHERE id = 2");
    ck_assert_int_eq(purge(&for_ever), 0);
    ck_assert_int_eq(purge(&month), 2);
    ck_assert_int_eq(purge(&month), 0);
    assert_sql("1\n3\n4", "SELECT id FROM delivery ORDER BY id");
    tell("UPDATE delivery SET state = 'dropped', settled_at = now() - "
         "interval '29 days' WHERE id = 4");
    ck_assert_int_eq(purge(&month), 0);
    tell("UPDATE delivery SET settled_at = now() - interval '31 days' "
         "WHERE id = 4");
    ck_assert_int_eq(purge(&for_ever), 0);
    ck_assert_int_eq(purge(&month), 1);
    assert_sql("1\n3", "SELECT id FROM delivery ORDER BY id");
    assert_sql("1|t\n2|f\n3|f",
               "SELECT id, content IS NULL FROM outgoing ORDER BY id");
    assert_sql("2", "SELECT count(*) FROM message m JOIN raw_mail r "
                    "ON r.digest = m.raw_digest");
}
END_TEST

void
add_schema_tests(Suite *suite)
{
    TCase *tests = fixture_case(suite, "schema");
    tcase_add_test(tests, every_statement_is_prepared_on_a_fresh_database);
    tcase_add_test(tests, every_table_and_column_has_a_comment);
    tcase_add_test(tests, every_reference_to_a_table_has_an_index);
    tcase_add_test(tests, a_schema_is_applied_once);
    tcase_add_test(tests, two_that_apply_at_once_take_turns);
    tcase_add_test(tests, a_step_that_fails_leaves_nothing);
    tcase_add_test(tests, a_filled_database_is_carried_on);
    tcase_add_test(tests, a_newer_schema_is_refused);
    tcase_add_test(tests, an_altered_schema_is_refused);
    tcase_add_test(tests, what_is_old_and_settled_goes_and_the_mail_stays);
}

/* Last of all: they turn the server's settings. */
void
add_server_tests(Suite *suite)
{
    TCase *server = tcase_create("server");
    tcase_add_checked_fixture(server, server_set_up, server_tear_down);
    tcase_set_timeout(server, 120);
    tcase_add_test(server, a_sound_server_is_taken);
    tcase_add_test(server, connections_that_are_not_there_are_told);
    tcase_add_loop_test(server, a_server_that_forgets_is_refused, 0,
                        G_N_ELEMENTS(servers));
    tcase_add_test(server, an_encoding_that_is_not_utf8_is_refused);
    tcase_add_test(server,
                   a_server_that_only_reads_may_be_a_standby_yet_to_rise);
    tcase_add_test(server,
                   a_server_that_only_reads_is_refused_where_any_would_do);
    suite_add_tcase(suite, server);
}
