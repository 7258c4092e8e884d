/* The sockets around lmtp_session: listen, and serve one client. */
#ifndef TRANSPORT_LMTP_SERVER_H
#define TRANSPORT_LMTP_SERVER_H

#include <glib.h>

#include "settings/settings.h"
#include "transport/lmtp_session.h"

/*
 * Bind and listen. A stale socket file is replaced; one that answers is not,
 * nor is anything that is no socket. Owner, group and mode are set before the
 * first client can connect; an owner or group of "" is left as it is, so who
 * binds as root fills them in. Root does not bind in a folder of the service's
 * user, or below one: that user does, and root gives away what it made. TCP is
 * refused unless the address is loopback; port 0 lets the system choose.
 * Returns: a non-blocking, close-on-exec descriptor, or -1 with FAILURE_CONFIG.
 */
int lmtp_server_listen(const Listener *listener, GError **error);

/* Remove the socket file of one that was; false with errno. */
bool lmtp_server_remove(const char *path);

typedef struct {
    /* RCPT TO: 250, or why not. */
    void (*recipient)(void *context, const LmtpRecipient *recipient,
                      LmtpReply *ret_reply);
    /* A whole mail; `raw` is in memory or a mapped, unlinked spool file. Fill
     * one reply per recipient; 250 only after COMMIT. */
    void (*mail)(void *context, const LmtpEnvelope *envelope, GBytes *raw,
                 LmtpReply *ret_replies);
    /* Asked at least once a second while waiting for the client. */
    bool (*stopping)(void *context); /* finish: 421 between mails */
    bool (*stressed)(void *context); /* short time-outs are in force */
} LmtpServerHandlers;

/*
 * Serve one connected client to its end; closes `fd`. All waiting is bounded: a
 * command line or the next piece of content must come within limits->idle_s
 * (stress_idle_s while stressed), and content at no less than 1 KiB/s on
 * average after the first minute; 16 KiB/s after 5 s while stressed. When
 * stopping, a mail in hand has 20 s more.
 *
 * Content above limits->memory_bytes goes to an unlinked file in
 * `spool_directory`; where that fails, the recipients get 452 4.3.1. A client
 * that leaves before the end of its content has handed over nothing.
 */
void lmtp_server_serve(int fd, const char *host_name, const Limits *limits,
                       const char *spool_directory,
                       const LmtpServerHandlers *handlers, void *context);

/* Answer "421 4.3.2 too many connections" and close: no worker is free, or none
 * for this one. */
void lmtp_server_refuse(int fd, const char *host_name);

#endif
