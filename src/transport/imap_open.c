/* transport/imap.h: from the connection to the login, and the end. */
#include "etpan.h"
#include "imap_login.h"
#include "imap_report.h"

enum { LOGOUT_S = 2 }; /* nobody waits long for a goodbye */

/* By our own hand: libetpan copies what a server has told, even if it has told
 * nothing, and what was told before TLS it keeps. */
static bool
hear_abilities(ImapClient *client)
{
    mailimap *imap = client->imap;
    struct mailimap_connection_info *info = imap->imap_connection_info;
    struct mailimap_response *response = NULL;
    if (info == NULL)
        return false;
    if (info->imap_capability != NULL)
        mailimap_capability_data_free(info->imap_capability);
    info->imap_capability = NULL;
    if (mailimap_send_current_tag(imap) != MAILIMAP_NO_ERROR ||
        !etpan_say(client, "CAPABILITY\r\n") ||
        mailimap_read_line(imap) == NULL ||
        mailimap_parse_response(imap, &response) != MAILIMAP_NO_ERROR)
        return false;
    mailimap_response_free(response);
    return info->imap_capability != NULL;
}

static bool
ask_abilities(ImapClient *client, GError **error)
{
    etpan_begin(client, ETPAN_ANSWER_BYTES);
    if (!hear_abilities(client))
        return etpan_fail(client, FAILURE_TEMPORARY, "CAPABILITY", error);
    client->abilities =
        (ImapAbilities){.idle = mailimap_has_idle(client->imap),
                        .move = mailimap_has_extension(client->imap, "MOVE"),
                        .uidplus = mailimap_has_uidplus(client->imap),
                        .condstore = mailimap_has_condstore(client->imap)};
    return true;
}

/* As whom we would be logged in nobody knows, and STARTTLS is not possible any
 * more (tests/README F27). */
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
start_tls(ImapClient *client, ImapReport *report, GError **error)
{
    const Account *account = client->account;
    report->stage = IMAP_STAGE_TLS;
    /* What the guard has kept was not protected either. */
    if (client->guard.more)
        stream_give_up(client->stream,
                       "it went on talking where TLS should begin");
    stream_set_deadline(client->stream, account->timeout_s);
    if (stream_start_tls(client->stream, account->host, account->ca_file,
                         &report->stream, error))
        return true;
    g_prefix_error(error, "account '%s': ", account->name);
    return false;
}

/* What it could before TLS was said by whoever. */
static bool
upgrade(ImapClient *client, ImapReport *report, GError **error)
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
    return start_tls(client, report, error);
}

static bool
come_in(ImapClient *client, const char *secret, ImapReport *report,
        GError **error)
{
    TlsMode tls = client->account->tls;
    if (tls == TLS_ALWAYS && !start_tls(client, report, error))
        return false;
    report->stage = IMAP_STAGE_GREETING;
    if (!greet(client, error) ||
        (tls == TLS_STARTTLS && !upgrade(client, report, error)) ||
        !ask_abilities(client, error))
        return false;
    report->stage = IMAP_STAGE_LOGIN;
    if (!imap_login(client, secret, error) || !ask_abilities(client, error))
        return false;
    report->stage = IMAP_STAGE_DONE;
    return true;
}

static const char *
guard(void *context, const char *bytes, size_t length, GString *passed)
{
    return imap_guard_pass(context, bytes, length, passed);
}

static ImapClient *
open_client(const Account *account, const char *secret, ImapReport *report,
            GError **error)
{
    Stream *stream = stream_open(account->host, account->port,
                                 account->timeout_s, &report->stream, error);
    report->stage =
        report->stream.found ? IMAP_STAGE_CONNECT : IMAP_STAGE_RESOLVE;
    if (stream == NULL) {
        g_prefix_error(error, "account '%s': ", account->name);
        return NULL;
    }
    mailimap *imap = mailimap_new(0, NULL);
    if (imap == NULL) {
        failure_set(error, FAILURE_TEMPORARY, "account '%s': %s", account->name,
                    STREAM_NO_MEMORY);
        stream_close(stream);
        return NULL;
    }
    ImapClient *client = g_new0(ImapClient, 1);
    client->account = account;
    client->stream = stream;
    client->imap = imap;
    stream_set_guard(stream, guard, &client->guard);
    bool good = come_in(client, secret, report, error);
    imap_report_session(client, report);
    if (good)
        return client;
    imap_close(client);
    return NULL;
}

ImapClient *
imap_open(const Account *account, const char *secret, ImapReport *ret_report,
          GError **error)
{
    ImapReport report = {.stage = IMAP_STAGE_RESOLVE};
    ImapClient *client = open_client(account, secret, &report, error);
    if (ret_report != NULL)
        *ret_report = report;
    else
        imap_report_clear(&report);
    return client;
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
    imap_end_idle(client, LOGOUT_S);
    etpan_begin(client, ETPAN_ANSWER_BYTES);
    stream_set_deadline(client->stream, LOGOUT_S);
    mailimap_free(client->imap); /* says LOGOUT, and closes its stream */
    stream_close(client->stream);
    g_free(client);
}
