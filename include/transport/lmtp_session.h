/*
 * LMTP (RFC 2033) as a state machine without a socket: bytes in; replies,
 * content and finished mails out. Also RFC 2920 PIPELINING, 6152 8BITMIME,
 * 6531 SMTPUTF8, 1870 SIZE, 2034 ENHANCEDSTATUSCODES, 3030 CHUNKING and
 * BINARYMIME, and Postfix's XFORWARD (IDENT and PROTO only).
 *
 * Only CR LF "." CR LF ends DATA; bare CR and LF are content.
 * BDAT content is taken byte for byte.
 */
#ifndef TRANSPORT_LMTP_SESSION_H
#define TRANSPORT_LMTP_SESSION_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * One reply: 250 "2.1.5" "text"; `enhanced` may be NULL. Both texts are
 * borrowed until the handler's next call: static ones, or kept in `context`.
 * What is not printable ASCII is shown as "?".
 */
typedef struct {
    int code;
    const char *enhanced;
    const char *text;
} LmtpReply;

typedef struct {
    char *addr_spec; /* as given, without <>; "postmaster" may lack a domain */
    char *queue;     /* XQUEUE=name on RCPT, from postern-deliver; "" none */
} LmtpRecipient;

typedef struct {
    char *envelope_sender; /* "" is the null reverse-path */
    GPtrArray *recipients; /* LmtpRecipient*, those that were accepted */
    char *mta_queue_id;    /* XFORWARD IDENT; "" if none */
    bool from_pipe;        /* XFORWARD PROTO=pipe: postern-deliver */
} LmtpEnvelope;

typedef struct {
    int64_t mail_bytes;         /* announced as SIZE; above it 552 5.3.4 */
    int64_t recipients;         /* RCPTs of one mail; above it 452 4.5.3 */
    int64_t command_line_bytes; /* with CR LF; above it 500 5.5.2 */
    int64_t errors;             /* of the session; at that many 421 */
} LmtpLimits;

/*
 * Whom the session asks; `context` is handed through. A reply that is left
 * alone (code 0) is sent as 451 4.3.0.
 */
typedef struct {
    /* RCPT: fill ret_reply with 250, or with why not. */
    void (*recipient)(void *context, const LmtpRecipient *recipient,
                      LmtpReply *ret_reply);
    /* A piece of content, in order. False: it cannot be kept (disk full); the
     * rest is read and thrown away and each recipient gets 452 4.3.1. */
    bool (*content)(void *context, const char *bytes, size_t length);
    /* The mail is whole. Fill one reply per recipient of the envelope. */
    void (*mail)(void *context, const LmtpEnvelope *envelope,
                 LmtpReply *ret_replies);
    /* The content given so far is void (RSET, a new MAIL, oversize). */
    void (*discard)(void *context);
} LmtpHandlers;

typedef struct LmtpSession LmtpSession;

/* `host_name` is shown in the greeting; all arguments are borrowed. */
LmtpSession *lmtp_session_new(const char *host_name, const LmtpLimits *limits,
                              const LmtpHandlers *handlers, void *context);

/*
 * Take bytes from the client. Replies are appended to `out`, in order.
 * Returns: false when the connection is to be closed once `out` is written.
 */
bool lmtp_session_feed(LmtpSession *session, const char *bytes, size_t length,
                       GString *out);

/* Append the 220 greeting. */
void lmtp_session_greet(LmtpSession *session, GString *out);

/*
 * Append "421 enhanced text" and take nothing more: 4.3.2 when shutting down,
 * 4.4.2 when the client is too slow.
 */
void lmtp_session_bye(LmtpSession *session, const char *enhanced,
                      const char *text, GString *out);

/* True in the middle of a mail: between MAIL and the replies to its content. */
bool lmtp_session_in_mail(const LmtpSession *session);

/* True while content is due: behind DATA, or between the first BDAT and LAST.
 */
bool lmtp_session_in_content(const LmtpSession *session);

void lmtp_session_free(LmtpSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LmtpSession, lmtp_session_free)

#endif
