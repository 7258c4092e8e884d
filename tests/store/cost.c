/* What each statement on the road of mail may cost, whatever strangers have
 * made the tables hold: it touches no more blocks than its row says. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "store/statement.h"

/* A batch: so many mails, each with as many ids as are asked for. */
#define OF_MAILS(what)                                                         \
    "(SELECT array_agg(" what " ORDER BY m) FROM generate_series(0, 31) AS m)"
#define OF_IDS(what)                                                           \
    "(SELECT array_agg(" what " ORDER BY m, p)"                                \
    " FROM generate_series(0, 31) AS m, generate_series(0, 15) AS p)"
#define SOME(what)                                                             \
    "(SELECT array_agg(" what " ORDER BY i) FROM generate_series(1, 20) AS i)"
#define LEASE "gen_random_uuid()"
#define HELD "'00000000-0000-0000-0000-000000000001'"

/* The tables take a while to fill on a machine that is busy. */
enum { PARAMS_MOST = 20, HOSTILE_ROWS = 4000, FILL_TIMEOUT_S = 900 };

/* A statement, its parameters as SQL expressions, and the most blocks. */
typedef struct {
    StatementName name;
    int most;
    const char *params[PARAMS_MOST + 1];
} Cost;

static const Cost road[] = {
    /* accept */
    {ST_raw_add, 200, {"sha256('new')", "'new'::bytea", "3"}},
    {ST_raw_exists, 200, {"sha256('same')"}},
    {ST_raw_piece, 200, {"sha256('same')", "1", "8388608"}},
    {ST_delivery_add,
     200,
     {"'k'", "'lmtp'", "'a@siege'", "'a@desk'", "''", "'Q'", "sha256('same')",
      "0", "0"}},
    {ST_delivery_add_completing,
     800,
     {"'k'", "'pipe'", "'a@siege'", "'a@desk'", "''", "'Q'", "sha256('whole')",
      "0", "0"}},
    /* process */
    {ST_delivery_lock_batch, 400, {"32", "1048576", "0"}},
    {ST_delivery_backlog, 200, {"100"}},
    {ST_delivery_read, 200, {"1"}},
    {ST_context_lock, 200, {OF_IDS("(m * 16 + p)::bigint")}},
    {ST_context_references,
     30000,
     {OF_IDS("m"), OF_IDS("p"), OF_IDS("'s' || p"), OF_IDS("text 'victim@x'")}},
    {ST_context_ticket,
     600,
     {OF_MAILS("m"), OF_MAILS("m + 1"), OF_MAILS("text 'victim@x'")}},
    {ST_context_content,
     600,
     {OF_MAILS("m"), OF_MAILS("sha256(('c' || m)::bytea)"),
      OF_MAILS("text 'support'")}},
    {ST_context_budget,
     300,
     {"20", OF_MAILS("m"), OF_MAILS("text 'victim@x'")}},
    {ST_context_breaker, 200, {"600", "100"}},
    {ST_signing_keys, 200, {NULL}},
    {ST_ids_next, 200, {"32", "32"}},
    {ST_delivery_settle,
     1000,
     {OF_MAILS("m + 1"), OF_MAILS("text 'x'"), OF_MAILS("1"), OF_MAILS("1")}},
    {ST_delivery_park, 200, {"1", "'x'", "1"}},
    {ST_delivery_expire, 1000, {"0", "20", "'x'", "'x'", "86400"}},
    {ST_delivery_postpone, 200, {"1", "'x'"}},
    {ST_delivery_strike, 200, {"1"}},
    {ST_ticket_add,
     800,
     {OF_MAILS("m + 1000000"), OF_MAILS("text 'support'"), OF_MAILS("text 'x'"),
      OF_MAILS("text ''"), OF_MAILS("text 'a@siege'"), OF_MAILS("text ''"),
      OF_MAILS("text 'a@siege'"), OF_MAILS("0")}},
    {ST_ticket_touch, 1000, {OF_MAILS("m + 1"), OF_MAILS("text 'open'")}},
    {ST_message_add,
     1200,
     {OF_MAILS("m + 1000000"),
      OF_MAILS("1"),
      OF_MAILS("text 'mail'"),
      OF_MAILS("text 'a@siege'"),
      OF_MAILS("text ''"),
      OF_MAILS("text 'x'"),
      OF_MAILS("text 'i'"),
      OF_MAILS("text '{}'"),
      OF_MAILS("text 'text'"),
      OF_MAILS("0"),
      OF_MAILS("0"),
      OF_MAILS("text 'normal'"),
      OF_MAILS("text ''"),
      OF_MAILS("text 'new'"),
      OF_MAILS("text '{}'"),
      OF_MAILS("0"),
      OF_MAILS("sha256('same')"),
      OF_MAILS("sha256(('n' || m)::bytea)"),
      OF_MAILS("0"),
      OF_MAILS("0")}},
    {ST_message_replace,
     200,
     {"1", "'a@siege'", "''", "'x'", "'i'", "'{}'", "'text'", "0", "0",
      "'normal'", "''", "'{}'", "0", "sha256('same')", "sha256('fresh')", "0"}},
    {ST_attachment_add,
     800,
     {OF_MAILS("1"), OF_MAILS("m + 1"), OF_MAILS("text 'n'"),
      OF_MAILS("text 't'"), OF_MAILS("0"), OF_MAILS("sha256('a')"),
      OF_MAILS("0"), OF_MAILS("text ''")}},
    {ST_reference_add,
     12000,
     {OF_IDS("m + 1"), OF_IDS("'s' || p"), OF_IDS("text 'stored'")}},
    {ST_party_add,
     800,
     {OF_MAILS("m + 1"), OF_MAILS("text 'victim@x'"), OF_MAILS("text ''"),
      OF_MAILS("text 'participant'")}},
    {ST_ticket_queue_add, 800, {OF_MAILS("m + 1"), OF_MAILS("text 'third'")}},
    {ST_event_add,
     400,
     {OF_MAILS("1"), OF_MAILS("text 'x'"), OF_MAILS("text ''"),
      OF_MAILS("text ''")}},
    {ST_alarm_raise, 200, {"'x'", "3600"}},
    {ST_outgoing_add,
     1500,
     {OF_MAILS("text 'notice'"), OF_MAILS("1"), OF_MAILS("1"),
      OF_MAILS("m + 1"), OF_MAILS("text ''"), OF_MAILS("text 'i'"),
      OF_MAILS("'c'::bytea"), OF_MAILS("NULL::text"),
      OF_MAILS("text '{a@x,b@x}'")}},
    /* send */
    {ST_outbox_claim, 1500, {LEASE, "60", "20", "65536"}},
    {ST_outbox_load_content, 200, {"1", HELD}},
    {ST_outbox_renew, 1500, {HELD, "60"}},
    {ST_outbox_settle_recipient,
     800,
     {HELD, SOME("i"), SOME("0"), SOME("text 'sent'"), SOME("250"),
      SOME("text ''"), SOME("text ''")}},
    {ST_outbox_event,
     500,
     {HELD, SOME("i"), SOME("text 'x'"), SOME("text ''")}},
    {ST_outbox_settle,
     1500,
     {HELD, SOME("i"), SOME("0"), SOME("text ''"), SOME("0"), SOME("0")}},
    {ST_outbox_release, 1500, {HELD, "0", "''"}},
    {ST_outbox_recover, 1500, {HELD, "'{acknowledgement}'", "'{1}'", "'{2}'"}},
    {ST_outbox_expire, 2500, {"0", "20"}},
    {ST_outbox_next_due, 200, {NULL}},
    {ST_ticket_thread, 200, {"1"}},
    /* watch */
    {ST_folder_hold, 200, {"'a'", "'INBOX'", LEASE, "'h'", "60"}},
    {ST_folder_release, 200, {"1", HELD}},
    {ST_folder_report, 200, {"1", HELD, "60", "''", "0", "0", "0", "0"}},
    {ST_folder_advance, 200, {"1", HELD, "1", "0", "5", "60", "0", "0"}},
    {ST_folder_stands, 200, {"1", HELD, "1", "0"}},
    {ST_folder_raw_add,
     800,
     {SOME("sha256(('f' || i)::bytea)"), SOME("'f'::bytea"), SOME("1")}},
    {ST_folder_delivery_add,
     400,
     {SOME("'imap/' || i"), SOME("text 'a@siege'"), SOME("text 'a@desk'"),
      SOME("text 'support'"), SOME("sha256('same')"), SOME("0"), SOME("1")}},
    {ST_folder_accepted, 200, {SOME("'imap/' || i")}},
    {ST_left_add, 200, {"1", "1", "1000000", "1", "1", "'x'", "3"}},
    {ST_left_due, 200, {"1", "1", "20"}},
    {ST_left_clear, 300, {"1", "1", SOME("i")}},
    {ST_left_retry, 200, {"1", "100"}},
};

/* Not on the road: people ask them, or they are asked once, and the server's
 * limit of time ends them as it ends all. */
static const struct {
    StatementName name;
    const char *why;
} elsewhere[] = {
    {ST_delivery_retry, "an operator"},
    {ST_delivery_retry_all, "an operator, about all that is parked"},
    {ST_delivery_drop, "an operator"},
    {ST_delivery_drop_all, "an operator, about all that is parked"},
    {ST_delivery_purge, "the clock: passes over what is parked"},
    {ST_delivery_purge_dropped, "the clock"},
    {ST_folder_begin, "once for a generation of a folder"},
    {ST_left_retry_all, "an operator, about all that was left"},
    {ST_message_raw, "an operator"},
    {ST_outgoing_content, "an operator"},
    {ST_outbox_retry, "an operator"},
    {ST_outbox_drop, "an operator"},
    {ST_outbox_purge, "the clock"},
    {ST_ticket_set_status, "an operator"},
    {ST_statement_rules, "touches nothing"},
    {ST_statement_time, "touches nothing"},
};

/* ---- hostile tables ---- */

static const char *const fill[] = {
    "INSERT INTO raw_mail VALUES (sha256('same'), 'same', 4), "
    "(sha256('whole'), 'samesame', 8)",
    "INSERT INTO ticket (queue, subject, requester, reply_to) SELECT "
    "'support', "
    "'x', 'a@siege', 'a@siege' FROM generate_series(1, %1$d)",
    "INSERT INTO reference SELECT sha256(convert_to('s' || p, 'UTF8')), id, "
    "'seen' FROM ticket, generate_series(0, 15) AS p",
    "INSERT INTO party SELECT id, 'victim@x', '', 'cc' FROM ticket",
    "INSERT INTO party SELECT 1, 'p' || i || '@x', '', 'cc' "
    "FROM generate_series(1, %1$d) AS i",
    "INSERT INTO ticket_queue SELECT id, 'billing' FROM ticket",
    "INSERT INTO ticket_queue SELECT 1, 'q' || i FROM generate_series(1, %1$d) "
    "AS i",
    "INSERT INTO message (ticket_id, kind, author, class, message_id, "
    "raw_digest) SELECT 1, 'mail', 'a@siege', 'auto', 'i', sha256('same') "
    "FROM generate_series(1, %1$d)",
    "INSERT INTO message (ticket_id, kind, author, content_digest) SELECT 1, "
    "'mail', 'a@siege', sha256(('c' || i)::bytea) "
    "FROM generate_series(0, %1$d) AS i",
    "INSERT INTO event (ticket_id, name) SELECT 1, 'x' "
    "FROM generate_series(1, %1$d)",
    /* waiting by turn; put off; parked; of one MTA queue id; of a folder */
    "INSERT INTO delivery (source_key, transport, envelope_recipient, "
    "raw_digest, turn) SELECT 'w' || i, 'lmtp', 'a@desk', sha256('same'), i "
    "FROM generate_series(1, %1$d) AS i",
    "INSERT INTO delivery (source_key, transport, envelope_recipient, "
    "raw_digest, postponed, not_before) SELECT 't' || i, 'lmtp', 'a@desk', "
    "sha256('same'), 1, now() + interval '1 hour' "
    "FROM generate_series(1, %1$d) AS i",
    "INSERT INTO delivery (source_key, transport, envelope_recipient, "
    "raw_digest, state, is_rubbish, settled_at) SELECT 'p' || i, 'lmtp', "
    "'a@desk', sha256('same'), 'parked', i %% 2 = 0, "
    "now() - interval '1 hour' FROM generate_series(1, %1$d) AS i",
    "INSERT INTO delivery (source_key, transport, envelope_recipient, "
    "raw_digest, state, mta_queue_id) SELECT 'q' || i, 'pipe', "
    "CASE WHEN i %% 2 = 0 THEN 'a@desk' ELSE 'u' || i || '@desk' END, "
    "sha256('same'), 'settled', 'Q' FROM generate_series(1, %1$d) AS i",
    "INSERT INTO delivery (source_key, transport, envelope_recipient, queue, "
    "raw_digest, state) SELECT 'i' || i, 'imap', 'a@desk', 'other', "
    "sha256('same'), 'settled' FROM generate_series(1, %1$d) AS i",
    /* a claim, what is due, what is not, and what one address had */
    "INSERT INTO outgoing (kind, envelope_sender, message_id, content, state, "
    "lease, lease_until, ticket_id) SELECT 'notice', '', 'c', 'c', "
    "'submitting', " HELD ", now() + interval '1 hour', 1 "
    "FROM generate_series(1, 20)",
    "INSERT INTO outgoing (kind, envelope_sender, message_id, content, due_at, "
    "retry_since, ticket_id) SELECT 'notice', '', 'c', 'c', "
    "now() + (i %% 2) * interval '1 hour', now() - interval '1 hour', 1 "
    "FROM generate_series(1, %1$d) AS i",
    "INSERT INTO outgoing (kind, envelope_sender, message_id, acknowledged, "
    "state, settled_at) SELECT 'acknowledgement', '', 'c', 'victim@x', 'sent', "
    "now() FROM generate_series(1, %1$d)",
    "INSERT INTO outgoing (kind, envelope_sender, message_id, state, "
    "settled_at) SELECT 'acknowledgement', '', 'c', 'failed', now() "
    "FROM generate_series(1, %1$d)",
    "INSERT INTO outgoing_recipient (outgoing_id, position, addr_spec) "
    "SELECT id, 0, 'a@x' FROM outgoing",
    "INSERT INTO folder (account, name, uid_validity, lease, lease_until) "
    "VALUES ('a', 'INBOX', 1, " HELD ", now() + interval '1 hour')",
    "INSERT INTO left_mail (folder_id, uid_validity, uid, octets, reason, "
    "parked_at, not_before) SELECT 1, 1, i, 1000000, 'x', "
    "CASE WHEN i %% 2 = 0 THEN now() END, now() + interval '1 hour' "
    "FROM generate_series(1, %1$d) AS i",
};

static void
make_hostile(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fill); i++) {
        g_autofree char *rows = g_strdup_printf("%d", HOSTILE_ROWS);
        g_auto(GStrv) parts = g_strsplit(fill[i], "%1$d", -1);
        g_autofree char *counted = g_strjoinv(rows, parts);
        g_auto(GStrv) plain = g_strsplit(counted, "%%", -1);
        g_autofree char *sql = g_strjoinv("%", plain);
        tell("%s", sql);
    }
}

/* ---- blocks ---- */

/* The number behind the first `key` in what EXPLAIN says. */
static long
number_of(const char *plan, const char *key)
{
    const char *at = strstr(plan, key);
    return at != NULL ? strtol(at + strlen(key), NULL, 10) : 0;
}

/* What the whole plan touched: its root, and what WITH writes beside it. */
static long
blocks_of(const char *plan)
{
    static const char node[] = "\"Node Type\": ";
    long blocks = 0;
    bool is_root = true;
    for (const char *at = strstr(plan, node); at != NULL;
         at = strstr(at + 1, node)) {
        if (is_root || g_str_has_prefix(at + strlen(node), "\"ModifyTable\""))
            blocks += number_of(at, "\"Shared Hit Blocks\": ") +
                      number_of(at, "\"Shared Read Blocks\": ");
        is_root = false;
    }
    return blocks;
}

static PGresult *
run(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    ck_assert_msg(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK,
                  "%.300s: %s", sql, PQresultErrorMessage(result));
    return result;
}

/* EXECUTE with the values of its parameters, which may be no queries there. */
static char *
call_of(PGconn *connection, const Cost *cost)
{
    GString *sql = g_string_new("EXECUTE ");
    g_string_append(sql, statement_texts[cost->name].name);
    for (size_t i = 0; cost->params[i] != NULL; i++) {
        g_autofree char *value = ask("SELECT (%s)::text", cost->params[i]);
        char *quoted = PQescapeLiteral(connection, value, strlen(value));
        g_string_append_printf(sql, "%s%s", i == 0 ? " (" : ", ", quoted);
        PQfreemem(quoted);
    }
    g_string_append(sql, cost->params[0] != NULL ? ")" : "");
    return g_string_free(sql, FALSE);
}

/* As the store sends it, by a plan for these values or for any. */
static long
measure(PGconn *connection, const Cost *cost, const char *plan_cache_mode)
{
    const StatementText *text = &statement_texts[cost->name];
    g_autofree char *call = call_of(connection, cost);
    g_autofree char *explain = g_strdup_printf(
        "BEGIN; SELECT set_config('enable_seqscan', 'off', true), "
        "set_config('enable_bitmapscan', 'off', true), "
        "set_config('enable_hashjoin', 'off', true), "
        "set_config('enable_mergejoin', 'off', true), "
        "set_config('jit', 'off', true), "
        "set_config('plan_cache_mode', '%s', true); "
        "EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) %s",
        plan_cache_mode, call);
    PQclear(PQprepare(connection, text->name, text->sql, 0, NULL));
    PGresult *result = run(connection, explain);
    const char *plan = PQgetvalue(result, 0, 0);
    long blocks = blocks_of(plan);
    if (g_strcmp0(g_getenv("STORE_TEST_COSTS"), text->name) == 0)
        g_printerr("%s\n", plan);
    PQclear(result);
    PQclear(run(connection, "ROLLBACK"));
    PQclear(run(connection, "DEALLOCATE ALL"));
    return blocks;
}

/* All of them, so that one run shows what there is to mend. */
static void
add_excesses(GString *excesses, PGconn *connection, const char *when)
{
    static const char *const modes[] = {"force_custom_plan",
                                        "force_generic_plan"};
    for (size_t i = 0; i < G_N_ELEMENTS(road); i++)
        for (size_t k = 0; k < G_N_ELEMENTS(modes); k++) {
            long blocks = measure(connection, &road[i], modes[k]);
            const char *name = statement_texts[road[i].name].name;
            if (g_getenv("STORE_TEST_COSTS") != NULL)
                g_printerr("%-28s %6ld of %6d, %s, %s\n", name, blocks,
                           road[i].most, when, modes[k]);
            if (blocks > road[i].most)
                g_string_append_printf(excesses, "%s, %s, %s: %ld; ", name,
                                       when, modes[k], blocks);
        }
}

START_TEST(no_statement_of_the_road_costs_what_strangers_choose)
{
    /* Dead rows of other tests are not what this is about. */
    tell("SET client_min_messages = error"); /* of tables that are not ours */
    make_hostile();
    tell("VACUUM");
    PGconn *connection = PQconnectdb(g_getenv("STORE_TEST_CONNINFO"));
    g_autoptr(GString) excesses = g_string_new(NULL);
    add_excesses(excesses, connection, "never analysed");
    tell("ANALYZE");
    add_excesses(excesses, connection, "analysed");
    PQfinish(connection);
    /* The next test would take them out one by one. */
    tell("TRUNCATE raw_mail, ticket, reference, party, ticket_queue, message, "
         "attachment, event, delivery, outgoing, outgoing_recipient, folder, "
         "left_mail, alarm");
    ck_assert_str_eq(excesses->str, "");
}
END_TEST

START_TEST(every_statement_has_a_bound_or_a_reason)
{
    bool known[ST_COUNT] = {false};
    for (size_t i = 0; i < G_N_ELEMENTS(road); i++)
        known[road[i].name] = true;
    for (size_t i = 0; i < G_N_ELEMENTS(elsewhere); i++) {
        ck_assert(!known[elsewhere[i].name] && *elsewhere[i].why != '\0');
        known[elsewhere[i].name] = true;
    }
    for (int name = 0; name < ST_COUNT; name++) {
        const char *word = statement_texts[name].name;
        known[name] |= g_str_has_prefix(word, "inspect_") ||
                       g_str_has_prefix(word, "schema_") ||
                       g_str_has_prefix(word, "server_");
        ck_assert_msg(known[name], "%s: what may it cost?", word);
    }
}
END_TEST

void
add_cost_tests(Suite *suite)
{
    TCase *tests = fixture_case(suite, "cost");
    tcase_set_timeout(tests, FILL_TIMEOUT_S);
    tcase_add_test(tests, no_statement_of_the_road_costs_what_strangers_choose);
    tcase_add_test(tests, every_statement_has_a_bound_or_a_reason);
}
