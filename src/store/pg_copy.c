/* COPY of one large mail, streamed from where it lies. */
#include <endian.h>
#include <poll.h>
#include <string.h>

#include "store/pg_inside.h"

enum { COPY_CHUNK_BYTES = 64 * 1024 };

static bool
copy_put(Pg *pg, const char *bytes, size_t length, GError **error)
{
    int64_t deadline_us = g_get_monotonic_time() + pg->timeout_us;
    int done;
    while ((done = PQputCopyData(pg->connection, bytes, (int)length)) == 0) {
        if (PQflush(pg->connection) < 0)
            break;
        if (!pg_wait_io(pg, POLLOUT, deadline_us, error))
            return false;
    }
    /* Hand it to the kernel before the next piece, so that libpq's buffer
     * stays small. */
    int unsent = 0;
    while (done > 0 && (unsent = PQflush(pg->connection)) > 0)
        if (!pg_wait_io(pg, POLLOUT, deadline_us, error))
            return false;
    if (done > 0 && unsent == 0)
        return true;
    pg_set_lost(pg, error, PQerrorMessage(pg->connection));
    return false;
}

static void
append_be(GString *out, uint64_t number, size_t width)
{
    uint64_t big = htobe64(number);
    g_string_append_len(out, (const char *)&big + 8 - width, (gssize)width);
}

/* Binary COPY: signature, flags, extension, then one tuple of three fields. */
static bool
copy_row(Pg *pg, GBytes *digest, GBytes *raw, GError **error)
{
    g_autoptr(GString) head = g_string_new(NULL);
    g_string_append_len(head, "PGCOPY\n\377\r\n\0", 11);
    append_be(head, 0, 4);
    append_be(head, 0, 4);
    append_be(head, 3, 2);
    gsize digest_length, length;
    const char *digest_bytes = g_bytes_get_data(digest, &digest_length);
    append_be(head, digest_length, 4);
    g_string_append_len(head, digest_bytes, (gssize)digest_length);
    const char *bytes = g_bytes_get_data(raw, &length);
    append_be(head, length, 4);
    if (!copy_put(pg, head->str, head->len, error))
        return false;
    for (size_t at = 0; at < length; at += COPY_CHUNK_BYTES)
        if (!copy_put(pg, bytes + at, MIN(COPY_CHUNK_BYTES, length - at),
                      error))
            return false;
    g_string_truncate(head, 0);
    append_be(head, 8, 4);
    append_be(head, length, 8);
    append_be(head, 0xFFFF, 2);
    return copy_put(pg, head->str, head->len, error);
}

/* The result of one command outside pipeline mode. */
static bool
plain_result(Pg *pg, ExecStatusType wanted, GError **error)
{
    bool good = false;
    for (;;) {
        if (!pg_wait_result(pg, error))
            return false;
        g_autoptr(PGresult) result = PQgetResult(pg->connection);
        if (result == NULL)
            break;
        good = PQresultStatus(result) == wanted;
        if (!good && !pg->failed)
            pg_set_refused(pg, result, error);
        if (wanted == PGRES_COPY_IN)
            break;
    }
    return good;
}

bool
pg_copy_raw(Pg *pg, GBytes *digest, GBytes *raw, GError **error)
{
    /* COPY is not allowed in pipeline mode; nothing may be owed. */
    if (!pg_send_no_time(pg, error) || !pg_sync(pg, false, NULL, error))
        return false;
    if (PQexitPipelineMode(pg->connection) == 0 ||
        PQsendQueryParams(pg->connection,
                          "COPY raw_mail (digest, bytes, octets) FROM STDIN "
                          "(FORMAT binary)",
                          0, NULL, NULL, NULL, NULL, 0) == 0) {
        pg_set_lost(pg, error, PQerrorMessage(pg->connection));
        return false;
    }
    bool good = plain_result(pg, PGRES_COPY_IN, error) &&
                copy_row(pg, digest, raw, error);
    if (good && PQputCopyEnd(pg->connection, NULL) < 0) {
        pg_set_lost(pg, error, PQerrorMessage(pg->connection));
        good = false;
    }
    good = good && plain_result(pg, PGRES_COMMAND_OK, error);
    if (!pg_is_alive(pg))
        return false;
    if (PQenterPipelineMode(pg->connection) == 0) { /* busy: half a COPY */
        PQfinish(pg->connection);
        pg->connection = NULL;
        return false;
    }
    return good && pg_send_rules(pg, error);
}
