/*
 * The inside of an SmtpClient, shared by smtp_open.c (up to the login, and the
 * end) and smtp.c (the mails). Private to transport.
 */
#ifndef TRANSPORT_SMTP_CLIENT_H
#define TRANSPORT_SMTP_CLIENT_H

#include "base/failure.h"
#include "smtp_login.h"
#include "transport/smtp.h"
#include "transport/stream.h"

struct SmtpClient {
    Stream *stream;
    const Relay *relay; /* borrowed */
    bool pipelining;    /* what EHLO offered */
    bool starttls;
    bool smtputf8;
    bool eightbit;
    int64_t size_bytes; /* largest mail; 0: not said */
    SmtpMechanisms mechanisms;
    bool over;        /* a 421, or no SMTP: no more use */
    bool needs_reset; /* a transaction was left open */
};

/*
 * Send what was said and read the next reply, for `command` in messages. False:
 * there was none; the client is of no more use and `error` (with `failure`)
 * says why. A 421 is a reply, but also the end.
 */
bool smtp_client_ask(SmtpClient *client, const char *command, int64_t timeout_s,
                     SmtpReply *ret_reply, FailureCode failure, GError **error);

/* The same where only a reply of this class (2, 3) will do: else it is the end,
 * and FAILURE_TEMPORARY. */
bool smtp_client_demand(SmtpClient *client, const char *command, int class,
                        GError **error);

#endif
