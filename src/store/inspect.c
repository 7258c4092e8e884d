#include "store/inspect.h"

#include <errno.h>
#include <string.h>

#include "base/failure.h"
#include "store/txn.h"

/* PostgreSQL's type numbers of what is no text in our questions' answers. */
enum { OID_BOOL = 16, OID_INT8 = 20, OID_INT4 = 23 };

enum { RAW_PIECE_BYTES = 1024 * 1024 };

static const StatementName statements[] = {
    [INSPECT_STATUS] = ST_inspect_status,
    [INSPECT_TICKETS] = ST_inspect_tickets,
    [INSPECT_TICKET] = ST_inspect_ticket,
    [INSPECT_MESSAGES] = ST_inspect_messages,
    [INSPECT_ATTACHMENTS] = ST_inspect_attachments,
    [INSPECT_PARTIES] = ST_inspect_parties,
    [INSPECT_EVENTS] = ST_inspect_events,
    [INSPECT_TICKET_MAILS] = ST_inspect_ticket_mails,
    [INSPECT_DELIVERIES] = ST_inspect_deliveries,
    [INSPECT_DELIVERY] = ST_inspect_delivery,
    [INSPECT_OUTBOX] = ST_inspect_outbox,
    [INSPECT_OUTGOING] = ST_inspect_outgoing,
    [INSPECT_RECIPIENTS] = ST_inspect_recipients,
    [INSPECT_FOLDERS] = ST_inspect_folders,
    [INSPECT_LEFT] = ST_inspect_left,
};

static char *
cell(const InspectTable *table, const PGresult *rows, int row, int column)
{
    if (pg_is_null(rows, row, column))
        return NULL;
    if (table->types[column] == INSPECT_NUMBER)
        return g_strdup_printf("%" G_GINT64_FORMAT, pg_int(rows, row, column));
    if (table->types[column] == INSPECT_BOOLEAN)
        return g_strdup(pg_bool(rows, row, column) ? "yes" : "no");
    return g_strdup(pg_text(rows, row, column));
}

static void
cells_free(gpointer cells)
{
    char **texts = cells;
    for (guint i = 1; i <= GPOINTER_TO_UINT(texts[0]); i++)
        g_free(texts[i]);
    g_free(texts);
}

/* A row carries its length in front, because NULL is a value. */
static char **
row_of(const InspectTable *table, const PGresult *rows, int row)
{
    char **cells = g_new0(char *, table->n_columns + 1);
    cells[0] = GUINT_TO_POINTER(table->n_columns);
    for (guint column = 0; column < table->n_columns; column++)
        cells[column + 1] = cell(table, rows, row, (int)column);
    return cells;
}

static InspectType
type_of(Oid type)
{
    if (type == OID_BOOL)
        return INSPECT_BOOLEAN;
    return type == OID_INT8 || type == OID_INT4 ? INSPECT_NUMBER : INSPECT_TEXT;
}

static InspectTable *
table_of(const PGresult *rows)
{
    InspectTable *table = g_new0(InspectTable, 1);
    table->n_columns = (guint)PQnfields(rows);
    table->columns = g_new0(char *, table->n_columns + 1);
    table->types = g_new0(InspectType, table->n_columns + 1);
    for (guint column = 0; column < table->n_columns; column++) {
        table->columns[column] = g_strdup(PQfname(rows, (int)column));
        table->types[column] = type_of(PQftype(rows, (int)column));
    }
    table->rows = g_ptr_array_new_with_free_func(cells_free);
    for (int row = 0; row < PQntuples(rows); row++)
        g_ptr_array_add(table->rows, row_of(table, rows, row));
    return table;
}

InspectTable *
inspect_table_new(const char *const *names, const InspectType *types)
{
    InspectTable *table = g_new0(InspectTable, 1);
    table->columns = g_strdupv((char **)names);
    table->n_columns = g_strv_length(table->columns);
    table->types = g_memdup2(types, table->n_columns * sizeof *types);
    table->rows = g_ptr_array_new_with_free_func(cells_free);
    return table;
}

void
inspect_table_add(InspectTable *table, const char *const *cells)
{
    char **row = g_new0(char *, table->n_columns + 1);
    row[0] = GUINT_TO_POINTER(table->n_columns);
    for (guint column = 0; column < table->n_columns; column++)
        row[column + 1] = g_strdup(cells[column]);
    g_ptr_array_add(table->rows, row);
}

InspectTable *
inspect_ask(Txn *txn, InspectQuestion question, const char *const *arguments,
            GError **error)
{
    Param params[PARAM_MAX + 1];
    size_t n = 0;
    for (; arguments != NULL && arguments[n] != NULL; n++) {
        g_assert(n < PARAM_MAX);
        params[n] = p_text(arguments[n]);
    }
    params[n] = (Param){PARAM_STOP, NULL, 0, 0};
    g_autoptr(PGresult) rows =
        txn_query(txn, statements[question], params, error);
    return rows != NULL ? table_of(rows) : NULL;
}

const char *
inspect_cell(const InspectTable *table, guint row, guint column)
{
    char **cells = table->rows->pdata[row];
    return cells[column + 1];
}

const char *
inspect_get(const InspectTable *table, guint row, const char *column)
{
    for (guint i = 0; i < table->n_columns; i++) {
        if (strcmp(table->columns[i], column) == 0) {
            const char *value = inspect_cell(table, row, i);
            return value != NULL ? value : "";
        }
    }
    g_assert_not_reached(); /* our own statement lacks the column */
}

bool
inspect_outgoing_content(Txn *txn, int64_t id, GBytes **ret_content,
                         GError **error)
{
    g_autoptr(PGresult) row =
        txn_query(txn, ST_outgoing_content, PARAMS(p_int(id)), error);
    if (row == NULL)
        return false;
    *ret_content = PQntuples(row) > 0 ? pg_bytes(row, 0, 0) : NULL;
    return true;
}

static bool
put(FILE *file, GBytes *piece, GError **error)
{
    gsize length;
    const void *bytes = g_bytes_get_data(piece, &length);
    if (length == 0 || fwrite(bytes, 1, length, file) == length)
        return true;
    failure_set(error, FAILURE_TEMPORARY, "cannot write: %s",
                g_strerror(errno));
    return false;
}

bool
inspect_message_raw(Txn *txn, int64_t ticket_id, int64_t message_id_no,
                    FILE *file, bool *ret_found, GError **error)
{
    gsize length = RAW_PIECE_BYTES;
    *ret_found = false;
    for (int64_t at = 1; length == RAW_PIECE_BYTES; at += RAW_PIECE_BYTES) {
        g_autoptr(PGresult) row =
            txn_query(txn, ST_message_raw,
                      PARAMS(p_int(ticket_id), p_int(message_id_no), p_int(at),
                             p_int(RAW_PIECE_BYTES)),
                      error);
        if (row == NULL)
            return false;
        if (PQntuples(row) == 0)
            return true;
        *ret_found = true;
        g_autoptr(GBytes) piece = pg_bytes(row, 0, 0);
        if (!put(file, piece, error))
            return false;
        length = g_bytes_get_size(piece);
    }
    return true;
}

void
inspect_table_free(InspectTable *table)
{
    if (table == NULL)
        return;
    g_strfreev(table->columns);
    g_free(table->types);
    g_ptr_array_unref(table->rows);
    g_free(table);
}
