#include "transport/smtp.h"

#include <string.h>

#include "mail/address.h"
#include "smtp_chat.h"
#include "smtp_client.h"
#include "smtp_content.h"

#define DOT_S 600   /* RFC 5321 4.5.3.2.6 */
#define BLOCK_S 180 /* 4.5.3.2.5, one piece of content */
#define FLIGHT 50   /* RCPTs in one flight: their replies must find room */

void
smtp_outcome_free(SmtpOutcome *outcome)
{
    if (outcome == NULL)
        return;
    for (size_t i = 0; i < outcome->n; i++)
        smtp_reply_clear(&outcome->replies[i]);
    g_free(outcome->replies);
    g_free(outcome);
}

static bool
lost(SmtpClient *client, FailureCode failure, const char *command,
     const char *why, GError **error)
{
    client->over = true;
    failure_set(error, failure, "%s port %u, %s: %s", client->relay->host,
                (unsigned)client->relay->port, command, why);
    return false;
}

/* The envelope */

/* Settle every recipient that is still open by this reply. */
static void
settle_open(SmtpOutcome *outcome, const SmtpReply *reply)
{
    for (size_t i = 0; i < outcome->n; i++)
        if (outcome->replies[i].code == 0)
            smtp_reply_set(&outcome->replies[i], reply->code, reply->enhanced,
                           reply->text);
}

/* Our own word about the whole mail; code 0 if it may go out. */
static SmtpReply
judge_mail(const SmtpClient *client, const Outgoing *outgoing,
           SmtpContentKind kind)
{
    const char *sender = outgoing->envelope_sender;
    SmtpReply reply = {0, NULL, NULL};
    if (*sender != '\0' && !address_is_sendable(sender))
        smtp_reply_set(&reply, 553, "5.1.7", "the sender is no address");
    else if (!address_is_ascii(sender) && !client->smtputf8)
        smtp_reply_set(&reply, 553, "5.6.7",
                       "the sender needs SMTPUTF8, the relay has none");
    else if (kind == SMTP_CONTENT_UNCLEAN)
        smtp_reply_set(&reply, 554, "5.6.0",
                       "content with NUL, a bare CR or LF, or an endless line");
    else if (kind == SMTP_CONTENT_8BIT && !client->eightbit)
        smtp_reply_set(&reply, 554, "5.6.3",
                       "content needs 8BITMIME, the relay has none");
    else if (client->size_bytes > 0 &&
             g_bytes_get_size(outgoing->content) > (gsize)client->size_bytes)
        smtp_reply_set(&reply, 552, "5.3.4",
                       "the mail is larger than the relay takes");
    return reply;
}

static void
judge_recipients(const SmtpClient *client, const Outgoing *outgoing,
                 SmtpOutcome *outcome)
{
    for (size_t i = 0; i < outcome->n; i++) {
        const char *recipient = outgoing->recipients->pdata[i];
        if (!address_is_sendable(recipient))
            smtp_reply_set(&outcome->replies[i], 553, "5.1.3",
                           "the recipient is no address");
        else if (!address_is_ascii(recipient) && !client->smtputf8)
            smtp_reply_set(&outcome->replies[i], 553, "5.6.7",
                           "the recipient needs SMTPUTF8, the relay has none");
    }
}

static bool
needs_utf8(const Outgoing *outgoing)
{
    bool ascii = address_is_ascii(outgoing->envelope_sender);
    for (guint i = 0; i < outgoing->recipients->len; i++)
        ascii = ascii && address_is_ascii(outgoing->recipients->pdata[i]);
    return !ascii;
}

static void
say_mail(SmtpClient *client, const Outgoing *outgoing, SmtpContentKind kind)
{
    smtp_chat_say(client->stream, "MAIL FROM:<%s>", outgoing->envelope_sender);
    if (client->size_bytes > 0)
        smtp_chat_say(client->stream, " SIZE=%zu",
                      g_bytes_get_size(outgoing->content));
    if (kind == SMTP_CONTENT_8BIT)
        smtp_chat_say(client->stream, " BODY=8BITMIME");
    if (client->smtputf8 && needs_utf8(outgoing))
        smtp_chat_say(client->stream, " SMTPUTF8");
    smtp_chat_say(client->stream, "\r\n");
}

/* Say RCPT for asked[from..to). */
static void
say_recipients(SmtpClient *client, const Outgoing *outgoing,
               const size_t *asked, size_t from, size_t to)
{
    for (size_t k = from; k < to; k++)
        smtp_chat_say(client->stream, "RCPT TO:<%s>\r\n",
                      (const char *)outgoing->recipients->pdata[asked[k]]);
}

/* An accepted recipient stays open; a 421 settles all, for it is the end. */
static void
take_recipient(const SmtpClient *client, SmtpOutcome *outcome, SmtpReply *reply)
{
    if (reply->code / 100 == 2) {
        outcome->accepted++;
        smtp_reply_clear(reply);
    } else if (client->over) {
        settle_open(outcome, reply);
        outcome->accepted = 0;
    }
}

/* A reply to MAIL. */
static void
take_mail(SmtpClient *client, SmtpOutcome *outcome, const SmtpReply *reply)
{
    client->needs_reset = reply->code / 100 == 2;
    if (!client->needs_reset)
        settle_open(outcome, reply);
}

/*
 * The replies to MAIL and to the RCPTs of `asked`; `said` of these are on
 * their way already. Where MAIL was refused, their replies mean nothing.
 */
static bool
read_envelope(SmtpClient *client, const Outgoing *outgoing, const size_t *asked,
              size_t n, size_t said, SmtpOutcome *outcome, GError **error)
{
    int64_t timeout_s = client->relay->timeout_s;
    SmtpReply reply = {0, NULL, NULL};
    bool good = smtp_client_ask(client, "MAIL", timeout_s, &reply,
                                FAILURE_TEMPORARY, error);
    if (good)
        take_mail(client, outcome, &reply);
    bool refused = !client->needs_reset;
    for (size_t k = 0; good && !client->over && k < (refused ? said : n); k++) {
        if (k == said) {
            said = MIN(n, k + (client->pipelining ? FLIGHT : 1));
            say_recipients(client, outgoing, asked, k, said);
        }
        SmtpReply *place = refused ? &reply : &outcome->replies[asked[k]];
        good = smtp_client_ask(client, "RCPT", timeout_s, place,
                               FAILURE_TEMPORARY, error);
        if (good && !refused)
            take_recipient(client, outcome, place);
    }
    smtp_reply_clear(&reply);
    return good;
}

/*
 * Say MAIL and RCPT to `asked`, in one flight where the relay allows it. What a
 * kept connection says of its own accord ("421 idle for too long") must not be
 * taken for the answer.
 */
static bool
run_envelope(SmtpClient *client, const Outgoing *outgoing, SmtpContentKind kind,
             const size_t *asked, size_t n, SmtpOutcome *outcome,
             GError **error)
{
    if (!smtp_is_alive(client))
        return lost(client, FAILURE_TEMPORARY, "MAIL",
                    "the relay has taken its leave", error);
    size_t said = client->pipelining ? MIN(n, FLIGHT) : 0;
    bool reset = client->needs_reset;
    if (reset)
        smtp_chat_say(client->stream, "RSET\r\n");
    if (reset && !client->pipelining &&
        !smtp_client_demand(client, "RSET", 2, error))
        return false;
    say_mail(client, outgoing, kind);
    say_recipients(client, outgoing, asked, 0, said);
    if (reset && client->pipelining &&
        !smtp_client_demand(client, "RSET", 2, error))
        return false;
    client->needs_reset = false;
    return read_envelope(client, outgoing, asked, n, said, outcome, error);
}

SmtpOutcome *
smtp_begin(SmtpClient *client, const Outgoing *outgoing, GError **error)
{
    SmtpOutcome *outcome = g_new0(SmtpOutcome, 1);
    outcome->n = outgoing->recipients->len;
    outcome->replies = g_new0(SmtpReply, outcome->n);
    SmtpContentKind kind = smtp_content_check(outgoing->content);
    SmtpReply ours = judge_mail(client, outgoing, kind);
    if (ours.code != 0)
        settle_open(outcome, &ours);
    else
        judge_recipients(client, outgoing, outcome);
    smtp_reply_clear(&ours);

    g_autofree size_t *asked = g_new(size_t, outcome->n);
    size_t n = 0;
    for (size_t i = 0; i < outcome->n; i++)
        if (outcome->replies[i].code == 0)
            asked[n++] = i;
    if (n == 0 ||
        run_envelope(client, outgoing, kind, asked, n, outcome, error))
        return outcome;
    smtp_outcome_free(outcome);
    return NULL;
}

/* The content */

/* DATA. True: the relay waits for the content, or `outcome` is settled. */
static bool
say_data(SmtpClient *client, SmtpOutcome *outcome, GError **error)
{
    SmtpReply reply = {0, NULL, NULL};
    smtp_chat_say(client->stream, "DATA\r\n");
    bool good = smtp_client_ask(client, "DATA", client->relay->timeout_s,
                                &reply, FAILURE_TEMPORARY, error);
    if (good && reply.code / 100 == 2)
        good = lost(client, FAILURE_TEMPORARY, "DATA", "it was not understood",
                    error);
    else if (good && reply.code / 100 != 3)
        settle_open(outcome, &reply);
    smtp_reply_clear(&reply);
    return good;
}

/* True if a recipient waits for its reply. */
static bool
is_open(const SmtpOutcome *outcome)
{
    for (size_t i = 0; i < outcome->n; i++)
        if (outcome->replies[i].code == 0)
            return true;
    return false;
}

bool
smtp_content(SmtpClient *client, const Outgoing *outgoing, SmtpOutcome *outcome,
             GError **error)
{
    if (!say_data(client, outcome, error))
        return false;
    if (!is_open(outcome))
        return true;
    int64_t block_s = MAX(client->relay->timeout_s, BLOCK_S);
    if (!smtp_content_write(client->stream, outgoing->content, block_s))
        return lost(client, FAILURE_TEMPORARY, "content",
                    stream_error(client->stream), error);
    SmtpReply reply = {0, NULL, NULL};
    int64_t dot_s = MAX(client->relay->timeout_s, DOT_S);
    bool good = smtp_client_ask(client, "final dot", dot_s, &reply,
                                FAILURE_UNCERTAIN, error);
    if (good && reply.code / 100 == 3)
        good = lost(client, FAILURE_UNCERTAIN, "final dot", "no final reply",
                    error);
    if (good)
        settle_open(outcome, &reply);
    client->needs_reset = false;
    smtp_reply_clear(&reply);
    return good;
}

bool
smtp_reset(SmtpClient *client, GError **error)
{
    smtp_chat_say(client->stream, "RSET\r\n");
    client->needs_reset = false;
    return smtp_client_demand(client, "RSET", 2, error);
}
