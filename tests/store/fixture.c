#include "fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mail/identity.h"
#include "store/outbox.h"
#include "store/record.h"
#include "store/schema.h"

Fixture fix;

enum { TIMEOUT_S = 20, TEST_TIMEOUT_S = 120 };

/* ---- the eye ---- */

static PGconn *
look(PGconn **eye, const char *variable)
{
    if (*eye == NULL) {
        const char *conninfo = g_getenv(variable);
        ck_assert_msg(conninfo != NULL, "run me by store.sh");
        *eye = PQconnectdb(conninfo);
        ck_assert_msg(PQstatus(*eye) == CONNECTION_OK, "%s",
                      PQerrorMessage(*eye));
        PQclear(PQexec(*eye, "SET client_min_messages = warning"));
    }
    return *eye;
}

static char *
rows_of(const PGresult *result)
{
    GString *out = g_string_new(NULL);
    for (int row = 0; row < PQntuples(result); row++) {
        g_string_append(out, row > 0 ? "\n" : "");
        for (int column = 0; column < PQnfields(result); column++)
            g_string_append_printf(out, "%s%s", column > 0 ? "|" : "",
                                   PQgetisnull(result, row, column)
                                       ? "NULL"
                                       : PQgetvalue(result, row, column));
    }
    return g_string_free(out, FALSE);
}

static char *
execute(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    ck_assert_msg(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK,
                  "%s: %s", sql, PQresultErrorMessage(result));
    char *rows = rows_of(result);
    PQclear(result);
    return rows;
}

static PGconn *eye;
static PGconn *admin_eye;

static char *ask_va(PGconn *connection, const char *format, va_list args)
    G_GNUC_PRINTF(2, 0);

static char *
ask_va(PGconn *connection, const char *format, va_list args)
{
    g_autofree char *sql = g_strdup_vprintf(format, args);
    return execute(connection, sql);
}

char *
ask(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *rows = ask_va(look(&eye, "STORE_TEST_CONNINFO"), format, args);
    va_end(args);
    return rows;
}

char *
ask_admin(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *rows = ask_va(look(&admin_eye, "STORE_TEST_ADMIN"), format, args);
    va_end(args);
    return rows;
}

void
tell(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_free(ask_va(look(&eye, "STORE_TEST_CONNINFO"), format, args));
    va_end(args);
}

void
tell_admin(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_free(ask_va(look(&admin_eye, "STORE_TEST_ADMIN"), format, args));
    va_end(args);
}

static void
close_eyes(void)
{
    g_clear_pointer(&eye, PQfinish);
    g_clear_pointer(&admin_eye, PQfinish);
}

/* ---- before and after ---- */

static void
read_environment(void)
{
    const char *conninfo = g_getenv("STORE_TEST_POOL");
    if (conninfo == NULL)
        conninfo = g_getenv("STORE_TEST_CONNINFO");
    fix.settings = (DatabaseSettings){
        .conninfo = g_strdup(conninfo != NULL ? conninfo : ""),
        .prepared = g_strcmp0(g_getenv("STORE_TEST_PREPARED"), "0") != 0,
        .timeout_s = TIMEOUT_S};
}

void
fixture_reset_server(void)
{
    /* With standbys named a commit of ours would wait for them. */
    tell_admin("SET synchronous_commit = local");
    tell_admin("ALTER SYSTEM RESET ALL");
    tell_admin("SELECT pg_reload_conf()");
    tell_admin("ALTER DATABASE desk RESET ALL");
}

static void
ignore_name(void *context, const char *name)
{
    (void)context;
    (void)name;
}

START_TEST(the_schema_is_made)
{
    read_environment();
    fixture_reset_server();
    g_autoptr(Store) store = fixture_another();
    g_autoptr(GError) error = NULL;
    must(schema_apply(store, ignore_name, NULL, &error), error);
    g_clear_pointer(&fix.settings.conninfo, g_free);
    close_eyes();
}
END_TEST

void
add_preparation(Suite *suite)
{
    TCase *tests = tcase_create("fixture");
    tcase_set_timeout(tests, TEST_TIMEOUT_S);
    tcase_add_test(tests, the_schema_is_made);
    suite_add_tcase(suite, tests);
}

/* DELETE, because TRUNCATE makes files anew and waits for the disk. Who is
 * referred to goes in a later round. */
static const char empty_all[] =
    "DO $$ DECLARE name text; BEGIN"
    " FOR round IN 1 .. 5 LOOP"
    "  FOR name IN SELECT tablename FROM pg_tables"
    "   WHERE schemaname = 'public'"
    "   AND tablename NOT IN ('schema_migration', 'signing_key') LOOP"
    "   BEGIN EXECUTE format('DELETE FROM %%I', name);"
    "   EXCEPTION WHEN foreign_key_violation THEN NULL; END;"
    "  END LOOP;"
    " END LOOP;"
    " PERFORM setval(format('%%I', sequencename), 1, false) FROM pg_sequences"
    "  WHERE schemaname = 'public' AND sequencename NOT LIKE 'signing_key%%';"
    "END $$";

void
fixture_set_up(void)
{
    read_environment();
    tell(empty_all);
    assert_sql("0|0", "SELECT (SELECT count(*) FROM raw_mail), "
                      "(SELECT count(*) FROM ticket)");
    fix.sample = sample_new();
    fix.store = fixture_another();
}

void
fixture_tear_down(void)
{
    g_clear_pointer(&fix.store, store_free);
    g_clear_pointer(&fix.sample, sample_free);
    g_clear_pointer(&fix.settings.conninfo, g_free);
    close_eyes();
}

Store *
fixture_another(void)
{
    return store_new(&fix.settings, "test");
}

TCase *
fixture_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);
    tcase_add_checked_fixture(tests, fixture_set_up, fixture_tear_down);
    tcase_set_timeout(tests, TEST_TIMEOUT_S);
    suite_add_tcase(suite, tests);
    return tests;
}

Txn *
begin(Store *store)
{
    g_autoptr(GError) error = NULL;
    Txn *txn = store_begin(store, &error);
    must(txn != NULL, error);
    return txn;
}

void
commit(Txn *txn)
{
    g_autoptr(GError) error = NULL;
    must(txn_commit(txn, &error), error);
    txn_free(txn);
}

/* ---- what arrives ---- */

GBytes *
digest_of(GBytes *bytes)
{
    gsize length, digest_length = 32;
    const guint8 *data = g_bytes_get_data(bytes, &length);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(sum, data, (gssize)length);
    guint8 digest[32];
    g_checksum_get_digest(sum, digest, &digest_length);
    return g_bytes_new(digest, digest_length);
}

static void
feed(void *context, const char *piece, size_t length)
{
    g_checksum_update(context, (const guchar *)piece, (gssize)length);
}

GBytes *
content_digest_of(GBytes *raw)
{
    gsize length, digest_length = 32;
    const char *data = g_bytes_get_data(raw, &length);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    if (data == NULL || !identity_content_feed(data, length, feed, sum))
        return NULL;
    guint8 digest[32];
    g_checksum_get_digest(sum, digest, &digest_length);
    return g_bytes_new(digest, digest_length);
}

Delivery *
hand_over(GBytes *raw, const char *recipient)
{
    Delivery *delivery = sample_delivery("olena@customer.example", recipient);
    gsize length;
    const guchar *data = g_bytes_get_data(raw, &length);
    g_autofree char *sum = g_compute_checksum_for_data(
        G_CHECKSUM_SHA256, data != NULL ? data : (const guchar *)"", length);
    delivery->id = 0;
    g_free(delivery->key);
    delivery->key = g_strdup_printf("lmtp/%s/%s", recipient, sum);
    delivery->raw = g_bytes_ref(raw);
    return delivery;
}

int64_t
accept_one(Delivery *delivery)
{
    g_autoptr(GPtrArray) one = g_ptr_array_new();
    g_ptr_array_add(one, delivery);
    g_autoptr(GBytes) digest = digest_of(delivery->raw);
    g_autoptr(GError) error = NULL;
    Added added;
    must(delivery_add(fix.store, one, digest, 0, &added, &error), error);
    return delivery->id;
}

int64_t
accept_text(const char *text, const char *recipient)
{
    g_autoptr(GBytes) raw = g_bytes_new(text, strlen(text));
    g_autoptr(Delivery) delivery = hand_over(raw, recipient);
    g_autoptr(Mail) mail = mail_parse(raw, NULL, &fix.sample->limits);
    if (mail->originator != NULL) {
        g_free(delivery->envelope_sender);
        delivery->envelope_sender = g_strdup(mail->originator->addr_spec);
    }
    return accept_one(delivery);
}

GBytes *
bytes_of(const char *text)
{
    return g_bytes_new(text, strlen(text));
}

char *
accept_all(GPtrArray *deliveries, size_t trace_octets)
{
    static const char *const words[] = {[ADDED_NEW] = "new",
                                        [ADDED_DUPLICATE] = "duplicate",
                                        [ADDED_COMPLETED] = "completed"};
    const Delivery *first = deliveries->pdata[0];
    g_autoptr(GBytes) digest = digest_of(first->raw);
    g_autofree Added *added = g_new0(Added, deliveries->len);
    g_autoptr(GError) error = NULL;
    must(delivery_add(fix.store, deliveries, digest, trace_octets, added,
                      &error),
         error);
    g_autoptr(GString) out = g_string_new(NULL);
    for (guint i = 0; i < deliveries->len; i++)
        g_string_append_printf(out, "%s%s", i > 0 ? " " : "", words[added[i]]);
    return g_strdup(out->str);
}

GPtrArray *
deliveries_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)delivery_free);
}

GBytes *
noise(size_t length)
{
    guint8 *bytes = g_malloc(length + 1);
    uint32_t state = 1;
    for (size_t i = 0; i < length; i++) {
        state = state * 1664525U + 1013904223U;
        bytes[i] = (guint8)(state >> 24);
    }
    return g_bytes_new_take(bytes, length);
}

/* ---- what becomes of it ---- */

Context *
context_load(Txn *txn, Lookup *lookup, GError **error)
{
    g_autoptr(GPtrArray) lookups = g_ptr_array_new();
    g_ptr_array_add(lookups, lookup);
    g_autoptr(GPtrArray) contexts =
        store_load_contexts(txn, lookups, &fix.sample->rules, error);
    return contexts != NULL ? g_ptr_array_steal_index(contexts, 0) : NULL;
}

Receipt *
record_one(Txn *txn, const Delivery *delivery, const Mail *mail,
           const Decision *decision, const Lookup *lookup, GError **error)
{
    const Record record = {delivery, mail, lookup, decision};
    g_autoptr(GPtrArray) receipts = store_record(txn, &record, 1, error);
    if (receipts == NULL)
        return NULL;
    g_ptr_array_set_free_func(receipts, NULL);
    return receipts->pdata[0];
}

static Receipt *
decide_and_record(Txn *txn, Delivery *delivery)
{
    g_autoptr(GError) error = NULL;
    if (delivery->raw == NULL)
        must(delivery_load_raw(txn, delivery, &error), error);
    g_autoptr(Mail) mail = mail_parse(delivery->raw, delivery->envelope_sender,
                                      &fix.sample->limits);
    g_autoptr(GBytes) content = content_digest_of(delivery->raw);
    g_autoptr(Lookup) lookup =
        lookup_new(mail, delivery, content, &fix.sample->rules);
    must(store_lock_context(txn, lookup->locks, &error), error);
    g_autoptr(Context) context = context_load(txn, lookup, &error);
    must(context != NULL, error);
    g_autoptr(Decision) decision =
        decide(mail, delivery, lookup, context, &fix.sample->rules);
    Receipt *receipt =
        record_one(txn, delivery, mail, decision, lookup, &error);
    must(receipt != NULL, error);
    g_ptr_array_set_size(receipt->alarms, 0); /* borrowed from the decision */
    return receipt;
}

Receipt *
process(int64_t id)
{
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) batch =
        delivery_lock_batch(txn, 1000, DELIVERY_LARGE_BYTES, &error);
    must(batch != NULL, error);
    Receipt *receipt = NULL;
    for (guint i = 0; i < batch->len; i++) {
        Delivery *delivery = batch->pdata[i];
        if (delivery->id == id)
            receipt = decide_and_record(txn, delivery);
    }
    ck_assert_msg(receipt != NULL, "delivery does not wait");
    commit(txn);
    return receipt;
}

int64_t
receive(const char *text, const char *recipient, int64_t *ret_ticket)
{
    g_autoptr(Receipt) receipt = process(accept_text(text, recipient));
    if (ret_ticket != NULL)
        *ret_ticket = receipt->ticket->id;
    return receipt->message_id_no;
}

/* ---- what leaves ---- */

Outgoing *
outgoing_new(OutgoingKind kind, int64_t ticket, const char *id,
             const char *recipients)
{
    Outgoing *outgoing = g_new0(Outgoing, 1);
    outgoing->kind = kind;
    outgoing->ticket_id = ticket;
    outgoing->envelope_sender =
        g_strdup(kind == OUTGOING_REPLY ? "support@desk.example" : "");
    outgoing->message_id = g_strdup(id);
    g_autofree char *content =
        g_strdup_printf("Message-ID: <%s>\r\n\r\nText.\r\n", id);
    outgoing->content = g_bytes_new(content, strlen(content));
    outgoing->recipients = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) words = g_strsplit(recipients, " ", -1);
    for (char **word = words; *word != NULL; word++)
        g_ptr_array_add(outgoing->recipients, g_strdup(*word));
    return outgoing;
}

int64_t
queue_outgoing(Outgoing *outgoing)
{
    g_autoptr(GPtrArray) one =
        g_ptr_array_new_with_free_func((GDestroyNotify)outgoing_free);
    g_ptr_array_add(one, outgoing);
    Txn *txn = begin(fix.store);
    outbox_add(txn, one);
    commit(txn);
    g_autofree char *id = ask("SELECT id FROM outgoing WHERE message_id = '%s'",
                              outgoing->message_id);
    return g_ascii_strtoll(id, NULL, 10);
}

/* ---- connections ---- */

pid_t
backend_of(Store *store)
{
    g_autoptr(GError) error = NULL;
    must(store_connect(store, &error), error);
    /* The newest of ours: the eye has its own name. */
    g_autofree char *pid =
        ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'test' "
            "AND datname = current_database() ORDER BY backend_start DESC "
            "LIMIT 1");
    return (pid_t)g_ascii_strtoll(pid, NULL, 10);
}

void
assert_usable(Store *store)
{
    g_autoptr(GError) error = NULL;
    int64_t wait_s;
    must(outbox_next_due(store, &wait_s, &error), error);
    Txn *txn = begin(store);
    bool parked;
    must(delivery_park(txn, 4711, "x", false, &parked, &error), error);
    commit(txn);
}

bool
leave_mark(Txn *txn, GError **error)
{
    g_autoptr(Ticket) ticket = sample_ticket(1, "support", TICKET_OPEN);
    int64_t id;
    return store_add_message(txn, ticket, true, "a@x", "", "mark", &id, error);
}

void
make_ticket(void)
{
    tell("INSERT INTO ticket (queue, subject, requester, reply_to) "
         "VALUES ('support', '', '', '')");
}

void
assert_marks(const char *count)
{
    assert_sql(count, "SELECT count(*) FROM message");
}
