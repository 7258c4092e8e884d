#include "store/schema.h"

#include <string.h>

#include "base/failure.h"
#include "store/migration.h"
#include "store/txn.h"

enum { PURGE_PIECE = 1000 };

static char *
digest_of(const Migration *migration)
{
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, migration->sql, -1);
}

static int
newest_known(void)
{
    int version = 0;
    for (const Migration *m = migrations; m->name != NULL; m++)
        version = m->version;
    return version;
}

/* What one recorded version has to do with the file of that number. */
static bool
matches(int version, const char *name, const char *digest, GError **error)
{
    for (const Migration *m = migrations; m->name != NULL; m++) {
        if (m->version != version)
            continue;
        g_autofree char *ours = digest_of(m);
        if (strcmp(ours, digest) == 0)
            return true;
        failure_set(error, FAILURE_CONFIG,
                    "schema version %d (%s) in the database differs from the "
                    "one of this program; use the program that applied it",
                    version, name);
        return false;
    }
    failure_set(error, FAILURE_CONFIG,
                "the database has schema version %d (%s), this program knows "
                "%d; upgrade postern on this machine",
                version, name, newest_known());
    return false;
}

/* ret_version: the newest applied; 0 for an empty database. */
static bool
read_version(Txn *txn, int *ret_version, GError **error)
{
    *ret_version = 0;
    g_autoptr(PGresult) exists =
        txn_query(txn, ST_schema_exists, NO_PARAMS, error);
    if (exists == NULL)
        return false;
    if (PQntuples(exists) == 0)
        return true;
    g_autoptr(PGresult) rows =
        txn_query(txn, ST_schema_versions, NO_PARAMS, error);
    if (rows == NULL)
        return false;
    for (int row = 0; row < PQntuples(rows); row++) {
        int version = (int)pg_int(rows, row, 0);
        if (!matches(version, pg_text(rows, row, 1), pg_text(rows, row, 2),
                     error))
            return false;
        *ret_version = version;
    }
    return true;
}

/* A migration is many commands; pipeline mode takes one at a time. */
static bool
run_script(Txn *txn, const char *sql, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(sql, "\n", -1);
    g_autoptr(GString) command = g_string_new(NULL);
    for (char **line = lines; *line != NULL; line++) {
        if (g_str_has_prefix(*line, "--"))
            continue;
        g_string_append(command, *line);
        g_string_append_c(command, '\n');
        if (!g_str_has_suffix(*line, ";")) /* a command ends its line */
            continue;
        if (!pg_send_text(txn_pg(txn), command->str, error))
            return false;
        g_string_truncate(command, 0);
    }
    return true;
}

static bool
apply_one(Txn *txn, const Migration *migration, GError **error)
{
    g_autofree char *digest = digest_of(migration);
    return run_script(txn, migration->sql, error) &&
           pg_send(txn_pg(txn), ST_schema_record,
                   PARAMS(p_int(migration->version), p_text(migration->name),
                          p_text(digest)),
                   false, error);
}

/* Apply the next missing one. ret_name NULL: nothing is missing. */
static bool
apply_next(Store *store, const char **ret_name, GError **error)
{
    *ret_name = NULL;
    g_autoptr(Txn) txn = store_begin(store, error);
    int version;
    if (txn == NULL || !txn_take_time(txn, error) ||
        !pg_send(txn_pg(txn), ST_schema_lock, NO_PARAMS, false, error) ||
        !read_version(txn, &version, error))
        return false;
    if (version == 0 &&
        !pg_send(txn_pg(txn), ST_schema_table, NO_PARAMS, false, error))
        return false;
    for (const Migration *m = migrations; m->name != NULL; m++) {
        if (m->version <= version)
            continue;
        if (!apply_one(txn, m, error) || !txn_commit(txn, error)) {
            g_prefix_error(error, "schema version %d (%s): ", m->version,
                           m->name);
            return false;
        }
        *ret_name = m->name;
        return true;
    }
    return txn_commit(txn, error);
}

bool
schema_apply(Store *store, void (*applied)(void *context, const char *name),
             void *context, GError **error)
{
    for (;;) {
        const char *name;
        if (!apply_next(store, &name, error))
            return false;
        if (name == NULL)
            return true;
        applied(context, name);
    }
}

bool
schema_check(Store *store, GError **error)
{
    g_autoptr(Txn) txn = store_begin_read_only(store, error);
    int version;
    if (txn == NULL || !read_version(txn, &version, error))
        return false;
    if (version == newest_known())
        return true;
    failure_set(error, FAILURE_CONFIG,
                "the database has schema version %d, this program needs %d; "
                "run: postern schema apply",
                version, newest_known());
    return false;
}

static bool
is(const PGresult *row, int column, const char *value)
{
    return strcmp(pg_text(row, 0, column), value) == 0;
}

/* Without a BEGIN that would ask for READ WRITE: accepting asks for nothing. */
static PGresult *
ask_server(Store *store, StatementName what, GError **error)
{
    Pg *pg = store_pg(store, error);
    if (pg == NULL)
        return NULL;
    store->unfinished = true;
    if (!pg_send(pg, what, NO_PARAMS, true, error) ||
        !pg_sync(pg, false, NULL, error))
        return NULL;
    store->unfinished = false;
    return pg_result(pg, error);
}

bool
schema_check_server(Store *store, GError **error)
{
    g_autoptr(PGresult) row = ask_server(store, ST_server_settings, error);
    if (row == NULL)
        return false;
    const char *wrong = NULL;
    if (!is(row, 0, "on"))
        wrong = "fsync is off: accepted mail would be lost in a power cut; set "
                "fsync = on";
    else if (!is(row, 1, "on"))
        wrong = "full_page_writes is off: a power cut can corrupt the "
                "database; set full_page_writes = on";
    else if (is(row, 2, "off"))
        wrong = "synchronous_commit is off: accepted mail would be lost in a "
                "crash; set synchronous_commit = on";
    else if (is(row, 2, "local") && !is(row, 3, ""))
        wrong = "synchronous_commit is 'local' though standbys are named: "
                "accepted mail would be lost in a failover; set "
                "synchronous_commit = on";
    else if (!is(row, 4, "UTF8"))
        wrong = "the database's encoding is not UTF8: create it with "
                "createdb -E UTF8 -T template0";
    else if (!is(row, 5, "off"))
        wrong = "the server is read-only: conninfo must name the primary";
    if (wrong != NULL)
        failure_set(error, FAILURE_CONFIG, "database: %s", wrong);
    return wrong == NULL;
}

bool
schema_check_connections(Store *store, int64_t wanted, GError **error)
{
    g_autoptr(PGresult) row = ask_server(store, ST_server_connections, error);
    if (row == NULL)
        return false;
    int64_t there = pg_int(row, 0, 0);
    if (wanted > there)
        failure_set(error, FAILURE_CONFIG,
                    "database: the server has %lld connections for ordinary "
                    "users, and posternd may want %lld, one for each worker "
                    "and each folder; raise max_connections of PostgreSQL",
                    (long long)there, (long long)wanted);
    return wanted <= there;
}

/* ---- retention ---- */

static bool
purge(Store *store, StatementName name, int64_t seconds, int64_t *count,
      GError **error)
{
    if (seconds == 0) /* kept for ever */
        return true;
    g_autoptr(Txn) txn = store_begin(store, error);
    if (txn == NULL)
        return false;
    g_autoptr(PGresult) rows =
        txn_query(txn, name, PARAMS(p_int(seconds), p_int(PURGE_PIECE)), error);
    if (rows == NULL || !txn_commit(txn, error))
        return false;
    *count += PQntuples(rows);
    return true;
}

bool
schema_purge(Store *store, const Retention *retention, int64_t *ret_count,
             GError **error)
{
    *ret_count = 0;
    return purge(store, ST_delivery_purge, retention->settled_delivery_s,
                 ret_count, error) &&
           purge(store, ST_delivery_purge_dropped,
                 retention->settled_delivery_s, ret_count, error) &&
           purge(store, ST_outbox_purge, retention->sent_content_s, ret_count,
                 error);
}
