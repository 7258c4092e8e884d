/*
 * Submitting one Outgoing to the relay: RFC 5321 by libetpan's primitives on
 * our own stream. What the relay says is data (SmtpReply), never an error;
 * errors are about the connection.
 */
#ifndef TRANSPORT_SMTP_H
#define TRANSPORT_SMTP_H

#include <glib.h>
#include <stdbool.h>

#include "mail/outgoing.h"
#include "settings/settings.h"

typedef struct {
    int code;       /* 250, 550, ...; 0: no reply yet */
    char *enhanced; /* "5.1.1"; "" if none */
    char *text;     /* one line, valid UTF-8, at most 500 bytes */
} SmtpReply;

void smtp_reply_clear(SmtpReply *reply);

/* What became of one mail: a reply per recipient, in Outgoing's order. */
typedef struct {
    size_t n;
    SmtpReply *replies; /* the one that settled it: MAIL's, RCPT's or the dot's */
    size_t accepted;    /* recipients the relay took at RCPT */
} SmtpOutcome;

void smtp_outcome_free(SmtpOutcome *outcome);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmtpOutcome, smtp_outcome_free)

typedef struct SmtpClient SmtpClient;

/*
 * Connect, greet, EHLO, STARTTLS or TLS with verified certificate, login.
 * `password` may be NULL (no login). FAILURE_TEMPORARY for everything that may
 * heal, certificates included; the message names host, port and reason.
 */
SmtpClient *smtp_open(const Relay *relay, const char *password, GError **error);

/*
 * MAIL and RCPTs. Returns: the outcome so far; recipients that were refused
 * are settled. When `accepted` is 0 there is nothing to send and the
 * transaction was reset. NULL: FAILURE_TEMPORARY, the connection is dead.
 * An address that is not sendable is answered by us, 553 5.1.3, and nothing of
 * it is sent.
 */
SmtpOutcome *smtp_begin(SmtpClient *client, const Outgoing *outgoing,
                        GError **error);

/*
 * DATA, the content, the dot; settles the accepted recipients in `outcome`.
 * Returns: true when the relay answered (whatever it said). False:
 * FAILURE_TEMPORARY if it was lost before any content was sent,
 * FAILURE_UNCERTAIN after; the connection is dead.
 */
bool smtp_content(SmtpClient *client, const Outgoing *outgoing,
                  SmtpOutcome *outcome, GError **error);

/* RSET: nothing is to be sent after all. False: the connection is dead. */
bool smtp_reset(SmtpClient *client, GError **error);

/* QUIT if it is still alive, and close. */
void smtp_close(SmtpClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmtpClient, smtp_close)

#endif
