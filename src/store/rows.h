/*
 * Many rows for one statement, as a column (an array of SQL) for each of its
 * parameters: the server is called once for a batch, not once for each row.
 * The statement takes them apart again with unnest(). Private to the room.
 */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include "store/pg.h"

typedef struct {
    GByteArray *columns[PARAM_MAX]; /* arrays in the server's binary format */
    guint n_columns;
    guint32 n; /* rows */
} Rows;

/* One more row: numbers become bigint[], texts text[], bytes bytea[]; of the
 * same kinds, in the same order, in each row. Everything is copied. */
void rows_add(Rows *rows, const Param *params);

/* Send them, after the parameters `first` that all rows share, and be empty. No
 * rows, no statement. `keep` as for pg_send(). */
bool rows_send(Rows *rows, Pg *pg, StatementName name, const Param *first,
               bool keep, GError **error);

/* Be empty, ready for other rows. */
void rows_clear(Rows *rows);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Rows, rows_clear)

#endif
