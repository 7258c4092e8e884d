#include "etpan.h"

#include <string.h>

#include "base/text.h"

enum { SAID_BYTES = 500 };

void
etpan_begin(ImapClient *client, size_t budget_bytes)
{
    imap_end_idle(client, client->account->timeout_s);
    etpan_allow(client, budget_bytes);
}

void
etpan_allow(ImapClient *client, size_t budget_bytes)
{
    stream_set_deadline(client->stream, client->account->timeout_s);
    stream_set_budget(client->stream, budget_bytes);
}

/* libetpan keeps the whole answer: what it is about is said in the end. */
static const char *
last_line(const MMAPString *answer)
{
    size_t length = answer->len;
    while (length > 0 &&
           (answer->str[length - 1] == '\n' || answer->str[length - 1] == '\r'))
        length--;
    const char *before = memrchr(answer->str, '\n', length);
    return before != NULL ? before + 1 : answer->str;
}

/* "3 NO [AUTHENTICATIONFAILED] Sorry.\r\n" without the tag, as one line. */
char *
etpan_said(const ImapClient *client)
{
    const MMAPString *answer = client->imap->imap_stream_buffer;
    if (answer->str == NULL)
        return g_strdup("");
    const char *line = last_line(answer);
    while (g_ascii_isdigit(*line))
        line++;
    g_autofree char *valid = text_repair(line, strnlen(line, SAID_BYTES));
    return text_one_line(valid);
}

/* Not our fault, and not for good (RFC 5530 3). */
static bool
is_their_trouble(const char *said)
{
    static const char *const codes[] = {"[UNAVAILABLE]", "[INUSE]",
                                        "[SERVERBUG]", "[LIMIT]"};
    g_autofree char *upper = g_ascii_strup(said, -1);
    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
        if (strstr(upper, codes[i]) != NULL)
            return true;
    return false;
}

bool
etpan_fail(const ImapClient *client, FailureCode code, const char *what,
           GError **error)
{
    const Account *account = client->account;
    bool dead = stream_is_dead(client->stream);
    g_autofree char *said =
        dead ? g_strdup(stream_error(client->stream)) : etpan_said(client);
    failure_set(error,
                dead || is_their_trouble(said) ? FAILURE_TEMPORARY : code,
                "account '%s': %s port %u, %s: %s", account->name,
                account->host, (unsigned)account->port, what,
                *said != '\0' ? said : "an answer that is none");
    return false;
}

bool
etpan_say(ImapClient *client, const char *text)
{
    mailstream *stream = client->imap->imap_stream;
    mailstream_write(stream, text, strlen(text));
    return mailstream_flush(stream) != -1;
}

bool
etpan_good(ImapClient *client, int result)
{
    if (result == MAILIMAP_ERROR_MEMORY)
        stream_give_up(client->stream, STREAM_NO_MEMORY);
    return result == MAILIMAP_NO_ERROR;
}

bool
etpan_same_folder(const ImapClient *client, GError **error)
{
    const struct mailimap_selection_info *info =
        client->imap->imap_selection_info;
    if (info == NULL) {
        failure_set(error, FAILURE_TEMPORARY, "account '%s': no folder is open",
                    client->account->name);
        return false;
    }
    if (info->sel_uidvalidity == client->uid_validity)
        return true;
    failure_set(error, FAILURE_TEMPORARY,
                "account '%s': the folder was made anew meanwhile "
                "(UIDVALIDITY was %u and is %u)",
                client->account->name, client->uid_validity,
                info->sel_uidvalidity);
    return false;
}

struct mailimap_set *
etpan_set(ImapClient *client, const uint32_t *uids, size_t n)
{
    struct mailimap_set *set = mailimap_set_new_empty();
    bool good = set != NULL;
    /* Neighbours as one range: a hundred numbers make a long line. */
    for (size_t i = 0, last; good && i < n; i = last + 1) {
        for (last = i; last + 1 < n && uids[last + 1] == uids[last] + 1;)
            last++;
        good = mailimap_set_add_interval(set, uids[i], uids[last]) ==
               MAILIMAP_NO_ERROR;
    }
    if (good)
        return set;
    etpan_set_free(set);
    stream_give_up(client->stream, STREAM_NO_MEMORY);
    return NULL;
}

void
etpan_set_free(struct mailimap_set *set)
{
    if (set != NULL)
        mailimap_set_free(set);
}

char *
etpan_folder(const char *folder)
{
    return g_convert(folder, -1, "UTF-7-IMAP", "UTF-8", NULL, NULL, NULL);
}
