/* SMTP AUTH (RFC 4954), written by us on the stream. Private to transport. */
#ifndef TRANSPORT_SMTP_LOGIN_H
#define TRANSPORT_SMTP_LOGIN_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "transport/stream.h"

/* What the relay offers of what we speak. */
typedef struct {
    bool plain; /* RFC 4616 */
    bool login; /* never written down, but everywhere */
} SmtpMechanisms;

/* Note what an "AUTH ..." line of the EHLO reply offers. */
void smtp_login_note(SmtpMechanisms *mechanisms, const char *words);

/*
 * Log in. Nothing is sent unless the stream is private: FAILURE_CONFIG then,
 * because only an operator can change that. A refusal is FAILURE_TEMPORARY: the
 * password may be put right on either side.
 */
bool smtp_login(Stream *stream, SmtpMechanisms mechanisms, const char *user,
                const char *password, int64_t timeout_s, GError **error);

#endif
