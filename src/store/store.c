#include "store/store.h"

#include <string.h>

#include "base/failure.h"
#include "store/txn.h"

/* For what has to end, however much there is of it. */
enum { PATIENCE_S = 7 * 24 * 3600 };

Store *
store_new(const DatabaseSettings *settings, const char *who)
{
    Store *store = g_new0(Store, 1);
    store->settings = settings;
    store->who = g_strdup(who);
    return store;
}

void
store_free(Store *store)
{
    if (store == NULL)
        return;
    pg_close(store->pg);
    g_free(store->who);
    g_free(store);
}

/* End what was left: nothing of it was committed. A connection that cannot is
 * closed. */
static void
finish(Store *store)
{
    store->unfinished = false;
    if (store->pg != NULL &&
        (!pg_is_alive(store->pg) || !pg_reset(store->pg, NULL)))
        g_clear_pointer(&store->pg, pg_close);
}

Pg *
store_pg(Store *store, GError **error)
{
    if (store->pg != NULL && !pg_is_alive(store->pg))
        g_clear_pointer(&store->pg, pg_close);
    if (store->unfinished)
        finish(store);
    if (store->pg == NULL)
        store->pg = pg_open(store->settings, store->who, error);
    if (store->pg != NULL && !pg_refresh_plans(store->pg, error))
        return NULL;
    return store->pg;
}

bool
store_connect(Store *store, GError **error)
{
    return store_pg(store, error) != NULL;
}

bool
store_is_connected(const Store *store)
{
    return store->pg != NULL && pg_is_alive(store->pg);
}

bool
store_is_out_of_time(const Store *store)
{
    return store_is_connected(store) && pg_is_out_of_time(store->pg);
}

static Txn *
begin(Store *store, const char *sql, GError **error)
{
    Pg *pg = store_pg(store, error);
    if (pg == NULL)
        return NULL;
    store->unfinished = true;
    if (!pg_send_text(pg, sql, error) || !pg_send_rules(pg, error))
        return NULL;
    Txn *txn = g_new0(Txn, 1);
    txn->store = store;
    return txn;
}

Txn *
store_begin(Store *store, GError **error)
{
    return begin(store, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
                 error);
}

Txn *
store_begin_read_only(Store *store, GError **error)
{
    return begin(store, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                 error);
}

bool
txn_take_time(Txn *txn, GError **error)
{
    pg_set_timeout(txn_pg(txn), PATIENCE_S);
    return pg_send_no_time(txn_pg(txn), error);
}

/* ---- rows ---- */

/* In the order in which the tables refer to each other. */
static const StatementName writes[TXN_WRITES] = {
    ST_ticket_add,       ST_ticket_touch,  ST_message_add,
    ST_attachment_add,   ST_reference_add, ST_party_add,
    ST_ticket_queue_add, ST_event_add,     ST_outgoing_add,
    ST_delivery_settle,
};

void
txn_add(Txn *txn, StatementName name, const Param *params)
{
    size_t i = 0;
    while (i < TXN_WRITES && writes[i] != name)
        i++;
    g_assert(i < TXN_WRITES);
    rows_add(&txn->writes[i], params);
}

bool
txn_flush(Txn *txn, GError **error)
{
    for (size_t i = 0; i < TXN_WRITES; i++)
        if (!rows_send(&txn->writes[i], txn_pg(txn), writes[i], NO_PARAMS,
                       false, error))
            return false;
    return true;
}

/* ---- the end ---- */

bool
txn_commit(Txn *txn, GError **error)
{
    g_assert(!txn->over);
    txn->over = true;
    Pg *pg = txn_pg(txn);
    if (!txn_flush(txn, error) || !pg_send_text(pg, "COMMIT", error) ||
        !pg_sync(pg, true, "COMMIT", error))
        return false;
    txn->store->unfinished = false;
    return true;
}

void
txn_free(Txn *txn)
{
    if (txn == NULL)
        return;
    for (size_t i = 0; i < TXN_WRITES; i++)
        rows_clear(&txn->writes[i]);
    /* Now, not with the next one: who rests holds no lock and no snapshot. */
    if (txn->store->unfinished)
        finish(txn->store);
    if (txn->store->pg != NULL)
        pg_set_timeout(txn->store->pg, txn->store->settings->timeout_s);
    g_free(txn);
}

PGresult *
txn_query(Txn *txn, StatementName name, const Param *params, GError **error)
{
    if (!txn_flush(txn, error) ||
        !pg_send(txn_pg(txn), name, params, true, error))
        return NULL;
    return pg_result(txn_pg(txn), error);
}

/* ---- array literals ---- */

char *
array_text(const GPtrArray *items)
{
    GString *out = g_string_new("{");
    for (guint i = 0; i < items->len; i++) {
        g_string_append(out, i > 0 ? ",\"" : "\"");
        for (const char *p = items->pdata[i]; *p != '\0'; p++) {
            if (*p == '"' || *p == '\\')
                g_string_append_c(out, '\\');
            g_string_append_c(out, *p);
        }
        g_string_append_c(out, '"');
    }
    g_string_append_c(out, '}');
    return g_string_free(out, FALSE);
}

char *
array_int64(const GArray *items)
{
    GString *out = g_string_new("{");
    for (guint i = 0; items != NULL && i < items->len; i++)
        g_string_append_printf(out, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "",
                               g_array_index(items, int64_t, i));
    g_string_append_c(out, '}');
    return g_string_free(out, FALSE);
}

GPtrArray *
array_parse(const char *literal)
{
    GPtrArray *items = g_ptr_array_new_with_free_func(g_free);
    const char *p = literal;
    if (*p == '{')
        p++;
    while (*p != '\0' && *p != '}') {
        g_autoptr(GString) item = g_string_new(NULL);
        bool quoted = *p == '"';
        if (quoted)
            p++;
        while (*p != '\0' && (quoted ? *p != '"' : !strchr(",}", *p))) {
            if (*p == '\\' && p[1] != '\0')
                p++;
            g_string_append_c(item, *p++);
        }
        if (quoted && *p == '"')
            p++;
        if (*p == ',')
            p++;
        g_ptr_array_add(items, g_strdup(item->str));
    }
    return items;
}
