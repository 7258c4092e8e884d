#include "store/rows.h"

#include <endian.h>
#include <string.h>

/*
 * An array as array_recv() of PostgreSQL reads it (src/backend/utils/adt/
 * arrayfuncs.c): dimensions, "has nulls", element type, then length and lower
 * bound of the dimension; then each element, length first, -1 for NULL.
 */
enum {
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_TEXT = 25,
    HEAD_NULLS = 4,  /* where "has nulls" is */
    HEAD_LENGTH = 12 /* where the number of elements is */
};

static void
append_int32(GByteArray *column, uint32_t number)
{
    uint32_t big = htobe32(number);
    g_byte_array_append(column, (const guint8 *)&big, sizeof big);
}

static void
patch_int32(GByteArray *column, size_t offset, uint32_t number)
{
    uint32_t big = htobe32(number);
    memcpy(column->data + offset, &big, sizeof big);
}

static uint32_t
type_of(const Param *param)
{
    switch (param->kind) {
    case PARAM_INT:
        return OID_INT8;
    case PARAM_BYTES:
        return OID_BYTEA;
    case PARAM_TEXT:
        return OID_TEXT;
    case PARAM_STOP:
        break;
    }
    g_assert_not_reached();
}

static GByteArray *
column_new(const Param *first)
{
    GByteArray *column = g_byte_array_new();
    append_int32(column, 1);
    append_int32(column, 0);
    append_int32(column, type_of(first));
    append_int32(column, 0);
    append_int32(column, 1);
    return column;
}

static void
append(GByteArray *column, const Param *param)
{
    if (param->kind == PARAM_INT) {
        uint64_t big = htobe64((uint64_t)param->number);
        append_int32(column, sizeof big);
        g_byte_array_append(column, (const guint8 *)&big, sizeof big);
    } else if (param->bytes == NULL) {
        patch_int32(column, HEAD_NULLS, 1);
        append_int32(column, UINT32_MAX);
    } else {
        g_assert(param->length <= G_MAXINT32);
        append_int32(column, (uint32_t)param->length);
        g_byte_array_append(column, (const guint8 *)param->bytes,
                            (guint)param->length);
    }
}

void
rows_add(Rows *rows, const Param *params)
{
    guint i = 0;
    for (const Param *p = params; p->kind != PARAM_STOP; p++, i++) {
        g_assert(i < PARAM_MAX);
        if (rows->columns[i] == NULL)
            rows->columns[i] = column_new(p);
        append(rows->columns[i], p);
    }
    g_assert(rows->n == 0 || rows->n_columns == i);
    rows->n_columns = i;
    rows->n++;
}

bool
rows_send(Rows *rows, Pg *pg, StatementName name, const Param *first, bool keep,
          GError **error)
{
    if (rows->n == 0)
        return true;
    Param params[PARAM_MAX + 1];
    guint n = 0;
    for (; first[n].kind != PARAM_STOP; n++)
        params[n] = first[n];
    g_assert(n + rows->n_columns <= PARAM_MAX);
    for (guint i = 0; i < rows->n_columns; i++) {
        GByteArray *column = rows->columns[i];
        patch_int32(column, HEAD_LENGTH, rows->n);
        params[n++] = p_bytes(column->data, column->len);
    }
    params[n].kind = PARAM_STOP;
    bool sent =
        pg_send(pg, name, params, keep, error) && pg_flush_request(pg, error);
    rows_clear(rows);
    return sent;
}

void
rows_clear(Rows *rows)
{
    for (guint i = 0; i < rows->n_columns; i++)
        g_clear_pointer(&rows->columns[i], g_byte_array_unref);
    rows->n_columns = 0;
    rows->n = 0;
}
