/* transport/imap.h: from the connection to the login, and the end. */
#include "etpan.h"
#include "imap_login.h"

enum { LOGOUT_S = 2 }; /* nobody waits long for a goodbye */

static bool
ask_abilities(ImapClient *client, GError **error)
{
    struct mailimap_capability_data *data = NULL;
    etpan_begin(client, ETPAN_ANSWER_BYTES);
    if (mailimap_capability(client->imap, &data) != MAILIMAP_NO_ERROR)
        return etpan_fail(client, FAILURE_TEMPORARY, "CAPABILITY", error);
    mailimap_capability_data_free(data);
    client->abilities =
        (ImapAbilities){.idle = mailimap_has_idle(client->imap),
                        .move = mailimap_has_extension(client->imap, "MOVE"),
                        .uidplus = mailimap_has_uidplus(client->imap)};
    return true;
}

/* As whom we would be logged in nobody knows, and STARTTLS is not possible any
 * more (RELIABILITY F27). */
static bool
refuse_preauth(const ImapClient *client, GError **error)
{
    failure_set(error, FAILURE_PERMANENT,
                "account '%s': %s port %u greets as if we were logged in "
                "already (PREAUTH)",
                client->account->name, client->account->host,
                (unsigned)client->account->port);
    return false;
}

static bool
greet(ImapClient *client, GError **error)
{
    etpan_begin(client, ETPAN_ANSWER_BYTES);
    switch (mailimap_connect(client->imap, stream_mailstream(client->stream))) {
    case MAILIMAP_NO_ERROR_NON_AUTHENTICATED:
        return true;
    case MAILIMAP_NO_ERROR_AUTHENTICATED:
        return refuse_preauth(client, error);
    default:
        return etpan_fail(client, FAILURE_TEMPORARY, "greeting", error);
    }
}

static bool
start_tls(ImapClient *client, GError **error)
{
    const Account *account = client->account;
    stream_set_deadline(client->stream, account->timeout_s);
    if (stream_start_tls(client->stream, account->host, account->ca_file,
                         error))
        return true;
    g_prefix_error(error, "account '%s': ", account->name);
    return false;
}

/* What it could before TLS was said by whoever (RELIABILITY A45). */
static bool
upgrade(ImapClient *client, GError **error)
{
    if (!ask_abilities(client, error))
        return false;
    if (!mailimap_has_extension(client->imap, "STARTTLS")) {
        failure_set(error, FAILURE_TEMPORARY,
                    "account '%s': %s port %u offers no STARTTLS, and tls "
                    "wants it",
                    client->account->name, client->account->host,
                    (unsigned)client->account->port);
        return false;
    }
    etpan_begin(client, ETPAN_ANSWER_BYTES);
    if (mailimap_starttls(client->imap) != MAILIMAP_NO_ERROR)
        return etpan_fail(client, FAILURE_TEMPORARY, "STARTTLS", error);
    return start_tls(client, error);
}

static bool
come_in(ImapClient *client, const char *secret, GError **error)
{
    const Account *account = client->account;
    return (account->tls != TLS_ALWAYS || start_tls(client, error)) &&
           greet(client, error) &&
           (account->tls != TLS_STARTTLS || upgrade(client, error)) &&
           ask_abilities(client, error) && imap_login(client, secret, error) &&
           ask_abilities(client, error);
}

ImapClient *
imap_open(const Account *account, const char *secret, GError **error)
{
    Stream *stream =
        stream_open(account->host, account->port, account->timeout_s, error);
    if (stream == NULL) {
        g_prefix_error(error, "account '%s': ", account->name);
        return NULL;
    }
    ImapClient *client = g_new0(ImapClient, 1);
    client->account = account;
    client->stream = stream;
    client->imap = mailimap_new(0, NULL);
    g_assert(client->imap != NULL);
    if (come_in(client, secret, error))
        return client;
    imap_close(client);
    return NULL;
}

ImapAbilities
imap_abilities(const ImapClient *client)
{
    return client->abilities;
}

bool
imap_is_alive(const ImapClient *client)
{
    return !stream_is_dead(client->stream);
}

void
imap_close(ImapClient *client)
{
    if (client == NULL)
        return;
    etpan_begin(client, ETPAN_ANSWER_BYTES);
    stream_set_deadline(client->stream, LOGOUT_S);
    mailimap_free(client->imap); /* says LOGOUT, and closes its stream */
    stream_close(client->stream);
    g_free(client);
}
