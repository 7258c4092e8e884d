#include "etpan.h"

#include <string.h>

#include "base/text.h"

enum { SAID_BYTES = 500 };

void
etpan_begin(ImapClient *client, size_t budget_bytes)
{
    stream_set_deadline(client->stream, client->account->timeout_s);
    stream_set_budget(client->stream, budget_bytes);
}

/* "3 NO [AUTHENTICATIONFAILED] Sorry.\r\n" without the tag, as one line. */
static char *
server_said(const ImapClient *client)
{
    const char *line = client->imap->imap_stream_buffer->str;
    if (line == NULL)
        line = "";
    while (g_ascii_isdigit(*line))
        line++;
    g_autofree char *valid = text_repair(line, strnlen(line, SAID_BYTES));
    return text_one_line(valid);
}

bool
etpan_fail(const ImapClient *client, FailureCode code, const char *what,
           GError **error)
{
    const Account *account = client->account;
    bool dead = stream_is_dead(client->stream);
    g_autofree char *said =
        dead ? g_strdup(stream_error(client->stream)) : server_said(client);
    failure_set(error, dead ? FAILURE_TEMPORARY : code,
                "account '%s': %s port %u, %s: %s", account->name,
                account->host, (unsigned)account->port, what,
                *said != '\0' ? said : "an answer that is none");
    return false;
}

struct mailimap_set *
etpan_set(const uint32_t *uids, size_t n)
{
    struct mailimap_set *set = mailimap_set_new_empty();
    g_assert(set != NULL);
    /* Neighbours as one range: a hundred numbers make a long line. */
    for (size_t i = 0, last; i < n; i = last + 1) {
        for (last = i; last + 1 < n && uids[last + 1] == uids[last] + 1;)
            last++;
        g_assert(mailimap_set_add_interval(set, uids[i], uids[last]) ==
                 MAILIMAP_NO_ERROR);
    }
    return set;
}

char *
etpan_folder(const char *folder)
{
    return g_convert(folder, -1, "UTF-7-IMAP", "UTF-8", NULL, NULL, NULL);
}
