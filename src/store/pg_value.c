/* Values in and out: parameters of statements, fields of results. */
#include <endian.h>
#include <string.h>

#include "store/pg.h"

Param
p_text(const char *text)
{
    return (Param){PARAM_TEXT, text, text != NULL ? strlen(text) : 0, 0};
}

Param
p_int(int64_t number)
{
    return (Param){PARAM_INT, NULL, 0, number};
}

Param
p_bytes(const void *bytes, size_t length)
{
    return (Param){PARAM_BYTES, bytes, length, 0};
}

const char *
pg_text(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column);
}

int64_t
pg_int(const PGresult *result, int row, int column)
{
    const char *value = PQgetvalue(result, row, column);
    uint64_t eight;
    uint32_t four;
    switch (PQgetlength(result, row, column)) {
    case 8:
        memcpy(&eight, value, sizeof eight);
        return (int64_t)be64toh(eight);
    case 4:
        memcpy(&four, value, sizeof four);
        return (int32_t)be32toh(four);
    default:
        return 0;
    }
}

bool
pg_bool(const PGresult *result, int row, int column)
{
    return PQgetlength(result, row, column) == 1 &&
           *PQgetvalue(result, row, column) != 0;
}

bool
pg_is_null(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) != 0;
}

GBytes *
pg_bytes(const PGresult *result, int row, int column)
{
    if (pg_is_null(result, row, column))
        return NULL;
    return g_bytes_new(PQgetvalue(result, row, column),
                       (gsize)PQgetlength(result, row, column));
}
