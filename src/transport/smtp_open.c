/* The client half of transport/smtp.h: from the connection to the login. */
#include "smtp_chat.h"
#include "smtp_client.h"

#define QUIT_S 2 /* nobody waits long for a goodbye */

/* Talking */

/* Why there is no reply that will do: none at all, nonsense, or this one. */
static void
explain(const SmtpClient *client, const char *command, const SmtpReply *reply,
        FailureCode failure, GError **error)
{
    const Relay *relay = client->relay;
    g_autofree char *said = NULL;
    if (stream_is_dead(client->stream))
        said = g_strdup(stream_error(client->stream));
    else if (reply->code == 0)
        said = g_strdup_printf("\"%s\" is no reply", reply->text);
    else
        said = g_strdup_printf("%d %s", reply->code, reply->text);
    failure_set(error, failure, "%s port %u, %s: %s", relay->host,
                (unsigned)relay->port, command, said);
}

bool
smtp_client_ask(SmtpClient *client, const char *command, int64_t timeout_s,
                SmtpReply *ret_reply, FailureCode failure, GError **error)
{
    bool good =
        smtp_chat_flush(client->stream) &&
        smtp_chat_reply(client->stream, timeout_s, ret_reply, NULL, NULL);
    if (!good || ret_reply->code == 421)
        client->over = true;
    if (!good)
        explain(client, command, ret_reply, failure, error);
    return good;
}

bool
smtp_client_demand(SmtpClient *client, const char *command, int class,
                   GError **error)
{
    SmtpReply reply = {0, NULL, NULL};
    bool good = smtp_client_ask(client, command, client->relay->timeout_s,
                                &reply, FAILURE_TEMPORARY, error);
    if (good && reply.code / 100 != class) {
        explain(client, command, &reply, FAILURE_TEMPORARY, error);
        client->over = true;
        good = false;
    }
    smtp_reply_clear(&reply);
    return good;
}

/* Opening */

/* One line of the EHLO reply (RFC 5321 4.1.1.1). */
static void
note_ability(void *context, const char *text)
{
    SmtpClient *client = context;
    if (g_ascii_strcasecmp(text, "PIPELINING") == 0)
        client->pipelining = true;
    else if (g_ascii_strcasecmp(text, "STARTTLS") == 0)
        client->starttls = true;
    else if (g_ascii_strcasecmp(text, "SMTPUTF8") == 0)
        client->smtputf8 = true;
    else if (g_ascii_strcasecmp(text, "8BITMIME") == 0)
        client->eightbit = true;
    else if (g_ascii_strncasecmp(text, "SIZE ", 5) == 0)
        client->size_bytes = g_ascii_strtoll(text + 5, NULL, 10);
    else if (g_ascii_strncasecmp(text, "AUTH ", 5) == 0 ||
             g_ascii_strncasecmp(text, "AUTH=", 5) == 0)
        smtp_login_note(&client->mechanisms, text + 5);
}

static void
forget_abilities(SmtpClient *client)
{
    client->pipelining = false;
    client->starttls = false;
    client->smtputf8 = false;
    client->eightbit = false;
    client->size_bytes = 0;
    client->mechanisms = (SmtpMechanisms){false, false};
}

/* EHLO, or HELO where that is too modern. */
static bool
say_hello(SmtpClient *client, GError **error)
{
    const char *name = client->relay->helo_name;
    if (*name == '\0')
        name = g_get_host_name();
    forget_abilities(client);
    smtp_chat_say(client->stream, "EHLO %s\r\n", name);
    SmtpReply reply = {0, NULL, NULL};
    bool good = smtp_chat_flush(client->stream) &&
                smtp_chat_reply(client->stream, client->relay->timeout_s,
                                &reply, note_ability, client);
    bool ancient = good && reply.code / 100 == 5;
    good = good && reply.code / 100 == 2;
    if (!good && !ancient)
        explain(client, "EHLO", &reply, FAILURE_TEMPORARY, error);
    smtp_reply_clear(&reply);
    if (!ancient)
        return good;
    forget_abilities(client);
    smtp_chat_say(client->stream, "HELO %s\r\n", name);
    return smtp_client_demand(client, "HELO", 2, error);
}

static bool
start_tls(SmtpClient *client, GError **error)
{
    const Relay *relay = client->relay;
    stream_set_deadline(client->stream, relay->timeout_s);
    return stream_start_tls(client->stream, relay->host, relay->ca_file, NULL,
                            error);
}

/* STARTTLS is wanted: without it nothing is sent (tests/README F40). */
static bool
upgrade(SmtpClient *client, GError **error)
{
    if (!client->starttls) {
        failure_set(error, FAILURE_TEMPORARY,
                    "%s port %u offers no STARTTLS, and relay.tls wants it",
                    client->relay->host, (unsigned)client->relay->port);
        return false;
    }
    smtp_chat_say(client->stream, "STARTTLS\r\n");
    return smtp_client_demand(client, "STARTTLS", 2, error) &&
           start_tls(client, error) && say_hello(client, error);
}

static bool
log_in(SmtpClient *client, const char *password, GError **error)
{
    const Relay *relay = client->relay;
    if (password == NULL || *relay->user == '\0')
        return true;
    if (smtp_login(client->stream, client->mechanisms, relay->user, password,
                   relay->timeout_s, error))
        return true;
    g_prefix_error(error, "%s port %u: ", relay->host, (unsigned)relay->port);
    return false;
}

SmtpClient *
smtp_open(const Relay *relay, const char *password, GError **error)
{
    g_autoptr(SmtpClient) client = g_new0(SmtpClient, 1);
    client->relay = relay;
    client->stream =
        stream_open(relay->host, relay->port, relay->timeout_s, NULL, error);
    if (client->stream == NULL)
        return NULL;
    client->over = true; /* until all of this is done */
    if (relay->tls == TLS_ALWAYS && !start_tls(client, error))
        return NULL;
    if (!smtp_client_demand(client, "greeting", 2, error) ||
        !say_hello(client, error))
        return NULL;
    if (relay->tls == TLS_STARTTLS && !upgrade(client, error))
        return NULL;
    if (!log_in(client, password, error))
        return NULL;
    client->over = false;
    return g_steal_pointer(&client);
}

bool
smtp_is_alive(SmtpClient *client)
{
    return !client->over && !stream_has_news(client->stream);
}

void
smtp_close(SmtpClient *client)
{
    if (client == NULL)
        return;
    if (client->stream != NULL && !client->over &&
        !stream_is_dead(client->stream)) {
        SmtpReply reply = {0, NULL, NULL};
        smtp_chat_say(client->stream, "QUIT\r\n");
        stream_set_deadline(client->stream, QUIT_S);
        if (smtp_chat_flush(client->stream))
            smtp_chat_reply(client->stream, QUIT_S, &reply, NULL, NULL);
        smtp_reply_clear(&reply);
    }
    stream_close(client->stream);
    g_free(client);
}
