/* Proving who we are: SASL by our own hand, because libetpan looks for plug-ins
 * and waits for ever at a challenge. Private to transport. */
#ifndef TRANSPORT_IMAP_LOGIN_H
#define TRANSPORT_IMAP_LOGIN_H

#include "etpan.h"

/*
 * Log in with the best that both sides know: for a password AUTHENTICATE PLAIN
 * (RFC 4616), else LOGIN unless LOGINDISABLED; for a token OAUTHBEARER (RFC
 * 7628), else XOAUTH2. Never over a network in clear, unless that is allowed.
 */
bool imap_login(ImapClient *client, const char *secret, GError **error);

#endif
