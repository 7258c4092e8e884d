#include "lmtp_command.h"

#include <string.h>

/* NOOP, RSET and the like that a session may say between two mails. */
#define IDLE_COMMANDS 100

#define QUEUE_ID_BYTES 100
#define QUEUE_NAME_BYTES 64

static void
protocol_error(LmtpSession *session, GString *out, int code,
               const char *enhanced, const char *text)
{
    lmtp_reply(out, code, enhanced, text);
    session->errors++;
}

static char *
span_dup(LmtpSpan span)
{
    return span.length == 0 ? g_strdup("") : g_strndup(span.start, span.length);
}

static void
run_lhlo(LmtpSession *session, LmtpSpan argument, GString *out)
{
    if (argument.length == 0) {
        protocol_error(session, out, 501, "5.5.4", "LHLO who?");
        return;
    }
    lmtp_session_reset(session);
    session->greeted = true;
    g_string_append_printf(out,
                           "250-%s\r\n250-PIPELINING\r\n"
                           "250-SIZE %" G_GINT64_FORMAT "\r\n"
                           "250-8BITMIME\r\n250-SMTPUTF8\r\n"
                           "250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n"
                           "250-BINARYMIME\r\n250 XFORWARD IDENT PROTO\r\n",
                           session->host_name, session->limits->mail_bytes);
}

static void
run_helo(LmtpSession *session, LmtpSpan argument G_GNUC_UNUSED, GString *out)
{
    /* RFC 2033 4.1: not to be taken for an SMTP server */
    protocol_error(session, out, 500, "5.5.1", "this is LMTP, say LHLO");
}

/* One parameter of MAIL. False when it was refused; strangers are ignored. */
static bool
mail_parameter(LmtpSession *session, LmtpSpan name, LmtpSpan value,
               GString *out)
{
    if (lmtp_span_is(name, "SIZE")) {
        int64_t bytes = 0;
        bool digits = value.length > 0;
        for (size_t i = 0; i < value.length; i++)
            digits = digits && g_ascii_isdigit(value.start[i]);
        if (!digits) {
            protocol_error(session, out, 501, "5.5.4", "SIZE is no number");
            return false;
        }
        if (!lmtp_span_number(value, &bytes) ||
            bytes > session->limits->mail_bytes) {
            lmtp_reply(out, 552, "5.3.4", "mail is too large");
            return false;
        }
    } else if (lmtp_span_is(name, "BODY")) {
        session->binary = lmtp_span_is(value, "BINARYMIME");
        if (!session->binary && !lmtp_span_is(value, "7BIT") &&
            !lmtp_span_is(value, "8BITMIME")) {
            protocol_error(session, out, 501, "5.5.4", "unknown BODY");
            return false;
        }
    } else if (lmtp_span_is(name, "SMTPUTF8") && value.start != NULL) {
        protocol_error(session, out, 501, "5.5.4", "SMTPUTF8 has no value");
        return false;
    }
    return true;
}

static void
run_mail(LmtpSession *session, LmtpSpan argument, GString *out)
{
    LmtpSpan address;
    LmtpSpan name;
    LmtpSpan value;
    if (session->open) {
        protocol_error(session, out, 503, "5.5.1", "one MAIL at a time");
        return;
    }
    switch (lmtp_path_parse(&argument, "FROM:", &address)) {
    case LMTP_PATH_SYNTAX:
        protocol_error(session, out, 501, "5.5.4", "say MAIL FROM:<address>");
        return;
    case LMTP_PATH_ADDRESS:
        protocol_error(session, out, 553, "5.1.7",
                       "no address looks like that");
        return;
    case LMTP_PATH_OK:
        break;
    }
    session->binary = false;
    while (lmtp_parameter_next(&argument, &name, &value))
        if (!mail_parameter(session, name, value, out))
            return;
    g_free(session->envelope.envelope_sender);
    session->envelope.envelope_sender = span_dup(address);
    session->open = true;
    lmtp_reply(out, 250, "2.1.0", "sender ok");
}

static bool
is_queue_name(LmtpSpan name)
{
    for (size_t i = 0; i < name.length; i++)
        if (!g_ascii_isalnum(name.start[i]) &&
            strchr("-_.", name.start[i]) == NULL)
            return false;
    return name.length > 0 && name.length <= QUEUE_NAME_BYTES;
}

/* The parameters of RCPT: XQUEUE is ours; ORCPT, NOTIFY and others' are not
 * needed. False when one was refused. */
static bool
recipient_parameters(LmtpSession *session, LmtpSpan rest, LmtpSpan *ret_queue,
                     GString *out)
{
    LmtpSpan name;
    LmtpSpan value;
    while (lmtp_parameter_next(&rest, &name, &value)) {
        if (!lmtp_span_is(name, "XQUEUE"))
            continue;
        if (!is_queue_name(value)) {
            protocol_error(session, out, 501, "5.5.4", "XQUEUE is no name");
            return false;
        }
        *ret_queue = value;
    }
    return true;
}

static void
ask_for_recipient(LmtpSession *session, LmtpSpan address, LmtpSpan queue,
                  GString *out)
{
    LmtpRecipient *recipient = g_new0(LmtpRecipient, 1);
    recipient->addr_spec = span_dup(address);
    recipient->queue = span_dup(queue);
    LmtpReply reply = {451, "4.3.0", "internal error, try again"};
    session->handlers->recipient(session->context, recipient, &reply);
    lmtp_reply(out, reply.code, reply.enhanced, reply.text);
    if (reply.code / 100 == 2) {
        g_ptr_array_add(session->envelope.recipients, recipient);
        return;
    }
    g_free(recipient->addr_spec);
    g_free(recipient->queue);
    g_free(recipient);
}

static void
run_rcpt(LmtpSession *session, LmtpSpan argument, GString *out)
{
    LmtpSpan address = {NULL, 0};
    LmtpSpan queue = {NULL, 0};
    if (!session->open || session->chunked) {
        protocol_error(session, out, 503, "5.5.1",
                       session->open ? "content has begun" : "say MAIL first");
        return;
    }
    LmtpPathResult result = lmtp_path_parse(&argument, "TO:", &address);
    if (result == LMTP_PATH_SYNTAX) {
        protocol_error(session, out, 501, "5.5.4", "say RCPT TO:<address>");
        return;
    }
    if (result == LMTP_PATH_ADDRESS || address.length == 0) {
        protocol_error(session, out, 553, "5.1.3",
                       "no address looks like that");
        return;
    }
    if (!recipient_parameters(session, argument, &queue, out))
        return;
    if (session->recipients_tried >= session->limits->recipients) {
        lmtp_reply(out, 452, "4.5.3", "too many recipients");
        return;
    }
    session->recipients_tried++;
    ask_for_recipient(session, address, queue, out);
}

static void
run_data(LmtpSession *session, LmtpSpan argument, GString *out)
{
    const char *why = NULL;
    if (!session->open)
        why = "say MAIL first";
    else if (session->chunked || session->binary)
        why = "this mail comes by BDAT";
    else if (session->envelope.recipients->len == 0)
        why = "no recipient was accepted"; /* RFC 2033 4.2 asks for 503 */
    if (why != NULL) {
        protocol_error(session, out, 503, "5.5.1", why);
        return;
    }
    if (argument.length > 0) {
        protocol_error(session, out, 501, "5.5.4", "DATA stands alone");
        return;
    }
    session->mode = LMTP_MODE_DATA;
    session->data_state = LMTP_DATA_LINE_START;
    lmtp_reply(out, 354, NULL, "end with <CR><LF>.<CR><LF>");
}

static void
run_bdat(LmtpSession *session, LmtpSpan argument, GString *out)
{
    LmtpSpan size;
    LmtpSpan last;
    LmtpSpan none;
    int64_t bytes = 0;
    bool ok = lmtp_parameter_next(&argument, &size, &none) &&
              none.start == NULL && lmtp_span_number(size, &bytes);
    bool is_last = lmtp_parameter_next(&argument, &last, &none);
    if (!ok || (is_last && !lmtp_span_is(last, "LAST")) ||
        lmtp_parameter_next(&argument, &last, &none)) {
        /* How much content follows is anybody's guess, and content must never
         * be read as commands: close. */
        lmtp_reply(out, 501, "5.5.4", "say BDAT size [LAST]");
        lmtp_session_bye(session, "4.7.0", "cannot find the end of this", out);
        return;
    }
    lmtp_session_begin_chunk(session, bytes, is_last, out);
}

static void
run_rset(LmtpSession *session, LmtpSpan argument G_GNUC_UNUSED, GString *out)
{
    lmtp_session_reset(session);
    lmtp_reply(out, 250, "2.0.0", "ok");
}

static void
run_noop(LmtpSession *session G_GNUC_UNUSED, LmtpSpan argument G_GNUC_UNUSED,
         GString *out)
{
    lmtp_reply(out, 250, "2.0.0", "ok");
}

static void
run_vrfy(LmtpSession *session G_GNUC_UNUSED, LmtpSpan argument G_GNUC_UNUSED,
         GString *out)
{
    lmtp_reply(out, 252, "2.1.5", "try RCPT");
}

static void
run_quit(LmtpSession *session, LmtpSpan argument G_GNUC_UNUSED, GString *out)
{
    lmtp_session_reset(session);
    lmtp_reply(out, 221, "2.0.0", "bye");
    session->mode = LMTP_MODE_CLOSED;
}

static void
forward_ident(LmtpSession *session, LmtpSpan value)
{
    char *id = lmtp_span_xtext(value, QUEUE_ID_BYTES);
    if (id == NULL || strcmp(id, "[UNAVAILABLE]") == 0) {
        g_free(id);
        id = g_strdup("");
    }
    g_free(session->envelope.mta_queue_id);
    session->envelope.mta_queue_id = id;
}

/* Postfix's XFORWARD: what its logs call this mail. Good until the mail ends.
 */
static void
run_xforward(LmtpSession *session, LmtpSpan argument, GString *out)
{
    LmtpSpan name;
    LmtpSpan value;
    if (session->open) {
        protocol_error(session, out, 503, "5.5.1", "a mail has begun");
        return;
    }
    while (lmtp_parameter_next(&argument, &name, &value)) {
        if (value.start == NULL) {
            protocol_error(session, out, 501, "5.5.4",
                           "say XFORWARD name=value");
            return;
        }
        if (lmtp_span_is(name, "IDENT"))
            forward_ident(session, value);
        else if (lmtp_span_is(name, "PROTO"))
            session->envelope.from_pipe = lmtp_span_is(value, "pipe");
    }
    lmtp_reply(out, 250, "2.0.0", "ok");
}

typedef struct {
    const char *verb;
    void (*run)(LmtpSession *session, LmtpSpan argument, GString *out);
    bool needs_lhlo;
    bool is_idle; /* brings no mail nearer */
} Command;

static const Command commands[] = {
    {"RCPT", run_rcpt, true, false},
    {"MAIL", run_mail, true, false},
    {"DATA", run_data, true, false},
    {"BDAT", run_bdat, false, false}, /* its chunk must be read anyway */
    {"LHLO", run_lhlo, false, true},
    {"XFORWARD", run_xforward, true, true},
    {"RSET", run_rset, false, true},
    {"NOOP", run_noop, false, true},
    {"VRFY", run_vrfy, false, true},
    {"QUIT", run_quit, false, false},
    {"HELO", run_helo, false, true},
    {"EHLO", run_helo, false, true},
};

void
lmtp_command_run(LmtpSession *session, LmtpSpan line, GString *out)
{
    LmtpSpan verb = {NULL, 0};
    LmtpSpan argument = line;
    while (argument.length > 0 &&
           argument.start[argument.length - 1] == ' ') /* forgiven */
        argument.length--;
    const char *blank = memchr(argument.start, ' ', argument.length);
    verb.start = argument.start;
    verb.length =
        blank == NULL ? argument.length : (size_t)(blank - argument.start);
    argument.start += verb.length + (blank != NULL);
    argument.length -= verb.length + (blank != NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        const Command *command = &commands[i];
        if (!lmtp_span_is(verb, command->verb))
            continue;
        if (command->is_idle && ++session->idle_commands > IDLE_COMMANDS)
            session->errors++;
        if (command->needs_lhlo && !session->greeted)
            protocol_error(session, out, 503, "5.5.1", "say LHLO first");
        else
            command->run(session, argument, out);
        return;
    }
    protocol_error(session, out, 500, "5.5.1", "no such command");
}
