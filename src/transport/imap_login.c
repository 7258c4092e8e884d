#include "imap_login.h"

#include <string.h>

/* A failed login is answered late on purpose, by Dovecot after 15 s. Tests are
 * built with a shorter time. */
#ifndef LOGIN_MIN_S
#define LOGIN_MIN_S 30
#endif

static void
wipe(GString *secret)
{
    explicit_bzero(secret->str, secret->allocated_len);
    g_string_free(secret, TRUE);
}

/* ---- what is said ---- */

/* authzid NUL authcid NUL password: RFC 4616 2. */
static GString *
plain_message(const Account *account, const char *secret)
{
    GString *message = g_string_sized_new(1024);
    g_string_append(message, account->mailbox);
    g_string_append_c(message, '\0');
    g_string_append(message, account->user);
    g_string_append_c(message, '\0');
    g_string_append(message, secret);
    return message;
}

static const char *
mailbox_of(const Account *account)
{
    return *account->mailbox != '\0' ? account->mailbox : account->user;
}

/* RFC 7628 3.1; "=" and "," of a name are written "=3D" and "=2C". */
static GString *
bearer_message(const Account *account, const char *secret)
{
    GString *message = g_string_sized_new(8192);
    g_string_append(message, "n,a=");
    for (const char *p = mailbox_of(account); *p != '\0'; p++)
        if (*p == '=' || *p == ',')
            g_string_append(message, *p == '=' ? "=3D" : "=2C");
        else
            g_string_append_c(message, *p);
    g_string_append_printf(message,
                           ",\001host=%s\001port=%u\001auth=Bearer %s\001\001",
                           account->host, (unsigned)account->port, secret);
    return message;
}

/* Google's and Microsoft's own, from before the standard. */
static GString *
xoauth2_message(const Account *account, const char *secret)
{
    GString *message = g_string_sized_new(8192);
    g_string_append_printf(message, "user=%s\001auth=Bearer %s\001\001",
                           mailbox_of(account), secret);
    return message;
}

/* ---- saying it ---- */

static bool
is_challenge(const char *line)
{
    return line != NULL && line[0] == '+';
}

static char *
say_line(ImapClient *client, const char *line)
{
    mailstream *stream = client->imap->imap_stream;
    mailstream_write(stream, line, strlen(line));
    mailstream_write(stream, "\r\n", 2);
    if (mailstream_flush(stream) == -1)
        return NULL;
    return mailimap_read_line(client->imap);
}

/*
 * What the server says in the end. A challenge after the message is the reason
 * why not (RFC 7628 3.2.3): it is owed an answer before the NO comes.
 */
static bool
read_verdict(ImapClient *client, const char *line, const char *answer,
             bool *ret_accepted)
{
    struct mailimap_response *response = NULL;
    if (is_challenge(line))
        line = say_line(client, answer);
    if (line == NULL ||
        mailimap_parse_response(client->imap, &response) != MAILIMAP_NO_ERROR)
        return false;
    const struct mailimap_response_done *done = response->rsp_resp_done;
    *ret_accepted = done->rsp_type == MAILIMAP_RESP_DONE_TYPE_TAGGED &&
                    done->rsp_data.rsp_tagged->rsp_cond_state->rsp_type ==
                        MAILIMAP_RESP_COND_STATE_OK;
    mailimap_response_free(response);
    return true;
}

static bool
authenticate(ImapClient *client, const char *mechanism, GString *message,
             const char *answer, bool *ret_accepted)
{
    client->mechanism = mechanism;
    g_autofree char *command = g_strconcat("AUTHENTICATE ", mechanism, NULL);
    char *encoded = g_base64_encode((const guchar *)message->str, message->len);
    const char *line = NULL;
    bool at_once = mailimap_has_extension(client->imap, "SASL-IR");
    if (mailimap_send_current_tag(client->imap) == MAILIMAP_NO_ERROR) {
        GString *whole = g_string_new(command);
        if (at_once)
            g_string_append_printf(whole, " %s", encoded);
        line = say_line(client, whole->str);
        wipe(whole);
    }
    if (!at_once && is_challenge(line))
        line = say_line(client, encoded);
    explicit_bzero(encoded, strlen(encoded));
    g_free(encoded);
    wipe(message);
    return line != NULL && read_verdict(client, line, answer, ret_accepted);
}

/* What a quoted string can hold (RFC 3501 9): libetpan would send the rest, and
 * a line's end in it begins another command. */
static bool
can_be_quoted(const char *text)
{
    for (; *text != '\0'; text++)
        if (!g_ascii_isprint(*text))
            return false;
    return true;
}

static bool
log_in_by_name(ImapClient *client, const char *secret, bool *ret_accepted)
{
    client->mechanism = "LOGIN";
    int result = mailimap_login(client->imap, client->account->user, secret);
    *ret_accepted = result == MAILIMAP_NO_ERROR;
    return result == MAILIMAP_NO_ERROR || result == MAILIMAP_ERROR_LOGIN;
}

/* ---- which way ---- */

static bool
knows(const ImapClient *client, const char *mechanism)
{
    return mailimap_has_authentication(client->imap, mechanism);
}

static bool
offers_nothing(const ImapClient *client, const char *wanted, GError **error)
{
    failure_set(error, FAILURE_PERMANENT,
                "account '%s': %s port %u offers no login with %s%s",
                client->account->name, client->account->host,
                (unsigned)client->account->port, wanted,
                stream_is_private(client->stream)
                    ? ""
                    : "; it may do so with TLS only");
    return false;
}

/* True: ret_accepted is its verdict. False: it said nothing that is one. */
static bool
try_login(ImapClient *client, const char *secret, bool *ret_accepted,
          bool *ret_offered)
{
    const Account *account = client->account;
    *ret_offered = true;
    if (account->login == LOGIN_TOKEN && knows(client, "OAUTHBEARER"))
        return authenticate(client, "OAUTHBEARER",
                            bearer_message(account, secret),
                            "AQ==", ret_accepted);
    if (account->login == LOGIN_TOKEN && knows(client, "XOAUTH2"))
        return authenticate(client, "XOAUTH2", xoauth2_message(account, secret),
                            "", ret_accepted);
    if (account->login == LOGIN_PASSWORD && knows(client, "PLAIN"))
        return authenticate(client, "PLAIN", plain_message(account, secret),
                            "*", ret_accepted);
    if (account->login == LOGIN_PASSWORD && *account->mailbox == '\0' &&
        can_be_quoted(account->user) && can_be_quoted(secret) &&
        !mailimap_has_extension(client->imap, "LOGINDISABLED"))
        return log_in_by_name(client, secret, ret_accepted);
    *ret_offered = false;
    return false;
}

static bool
may_say_secret(const ImapClient *client, GError **error)
{
    if (stream_is_private(client->stream) || client->account->insecure_ok)
        return true;
    failure_set(error, FAILURE_CONFIG,
                "account '%s': the password would go to %s in clear; set tls, "
                "or insecure_ok if you must",
                client->account->name, client->account->host);
    return false;
}

/* ---- what must not be quoted ---- */

static void
hide(GError *error, const char *words)
{
    if (*words == '\0' || strstr(error->message, words) == NULL)
        return;
    g_auto(GStrv) pieces = g_strsplit(error->message, words, -1);
    g_free(error->message);
    error->message = g_strjoinv("[...]", pieces);
}

static void
hide_encoded(GError *error, GString *message)
{
    char *encoded = g_base64_encode((const guchar *)message->str, message->len);
    hide(error, encoded);
    explicit_bzero(encoded, strlen(encoded));
    g_free(encoded);
    wipe(message);
}

/* As LOGIN says it (RFC 3501 9, quoted). */
static void
hide_quoted(GError *error, const char *secret)
{
    GString *quoted = g_string_sized_new(strlen(secret) * 2 + 1);
    for (const char *p = secret; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(quoted, '\\');
        g_string_append_c(quoted, *p);
    }
    hide(error, quoted->str);
    wipe(quoted);
}

/* A server that repeats our command in its refusal would have the secret
 * logged. */
static bool
refused(const ImapClient *client, const char *secret, FailureCode code,
        const char *what, GError **error)
{
    GError *failure = NULL;
    etpan_fail(client, code, what, &failure);
    hide_encoded(failure, plain_message(client->account, secret));
    hide_encoded(failure, bearer_message(client->account, secret));
    hide_encoded(failure, xoauth2_message(client->account, secret));
    hide_quoted(failure, secret);
    hide(failure, secret);
    g_propagate_error(error, failure);
    return false;
}

bool
imap_login(ImapClient *client, const char *secret, GError **error)
{
    bool accepted = false, offered;
    if (!may_say_secret(client, error))
        return false;
    etpan_begin(client, ETPAN_ANSWER_BYTES);
    stream_set_deadline(client->stream,
                        MAX(client->account->timeout_s, LOGIN_MIN_S));
    bool answered = try_login(client, secret, &accepted, &offered);
    if (!offered)
        return offers_nothing(
            client,
            client->account->login == LOGIN_TOKEN ? "a token" : "a password",
            error);
    if (!answered)
        return refused(client, secret, FAILURE_TEMPORARY, "login", error);
    if (!accepted)
        return refused(client, secret, FAILURE_PERMANENT, "login refused",
                       error);
    client->imap->imap_state = MAILIMAP_STATE_AUTHENTICATED;
    return true;
}
