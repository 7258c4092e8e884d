/*
 * Submitting one Outgoing to the relay: RFC 5321 on our own stream. What the
 * relay says is data (SmtpReply), never an error; errors are about the
 * connection. Judge a reply by the first digit of its code: 2 accepted, 5
 * never, anything else again later. Many mails may go through one SmtpClient,
 * one after the other.
 */
#ifndef TRANSPORT_SMTP_H
#define TRANSPORT_SMTP_H

#include <glib.h>
#include <stdbool.h>

#include "mail/outgoing.h"
#include "settings/settings.h"

typedef struct {
    int code;       /* 250, 550, ...; 0: no reply yet, the texts are NULL */
    char *enhanced; /* "5.1.1"; "" if none, or not of the code's class */
    char *text;     /* one line, valid UTF-8, at most 500 bytes */
} SmtpReply;

void smtp_reply_clear(SmtpReply *reply);

/* What became of one mail: a reply per recipient, in Outgoing's order. */
typedef struct {
    size_t n;
    SmtpReply *replies; /* the one that settled it: MAIL's, RCPT's or the dot's;
                           code 0 between smtp_begin() and smtp_content() for
                           those that were accepted */
    size_t accepted;    /* recipients the relay took at RCPT */
} SmtpOutcome;

void smtp_outcome_free(SmtpOutcome *outcome);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmtpOutcome, smtp_outcome_free)

typedef struct SmtpClient SmtpClient;

/*
 * Connect, greet, EHLO, STARTTLS or TLS with verified certificate, login.
 * `password` may be NULL (no login). `relay` is borrowed for the client's life.
 * FAILURE_TEMPORARY for everything that may heal, certificates included; the
 * message names host, port and reason. FAILURE_CONFIG if a login is wanted
 * where the password would go over a network in clear.
 */
SmtpClient *smtp_open(const Relay *relay, const char *password, GError **error);

/*
 * False once the connection is of no more use: it failed, the relay said 421,
 * or it was closed while it was kept. Does not wait. smtp_begin() asks as well.
 */
bool smtp_is_alive(SmtpClient *client);

/*
 * MAIL and RCPTs. Returns: the outcome so far; recipients that were refused
 * are settled. When `accepted` is 0 there is nothing to send, and the next
 * smtp_begin() resets what is to be reset. A 421 settles all that were not
 * refused before. NULL: FAILURE_TEMPORARY, the connection is dead.
 *
 * What must not go out is answered by us and nothing of it is sent: an address
 * that is not sendable 553 5.1.3 (of the sender 553 5.1.7), one beyond ASCII
 * without SMTPUTF8 553 5.6.7; content with NUL, bare CR or LF or a line above
 * 998 bytes 554 5.6.0, beyond ASCII without 8BITMIME 554 5.6.3, larger than the
 * relay's SIZE 552 5.3.4.
 */
SmtpOutcome *smtp_begin(SmtpClient *client, const Outgoing *outgoing,
                        GError **error);

/*
 * DATA, the content, the dot; settles the accepted recipients in `outcome`,
 * which must have some. The final reply has at least 600 s (RFC 5321
 * 4.5.3.2.6). Returns: true when the relay answered (whatever it said). False:
 * the connection is dead; FAILURE_TEMPORARY if it was lost before the final dot
 * was written, so that the relay cannot have taken the mail, FAILURE_UNCERTAIN
 * after.
 */
bool smtp_content(SmtpClient *client, const Outgoing *outgoing,
                  SmtpOutcome *outcome, GError **error);

/*
 * RSET now: nothing is to be sent after all. False: FAILURE_TEMPORARY, the
 * connection is dead.
 */
bool smtp_reset(SmtpClient *client, GError **error);

/* QUIT if it is still alive, and close. */
void smtp_close(SmtpClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmtpClient, smtp_close)

#endif
