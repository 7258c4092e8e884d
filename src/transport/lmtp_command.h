/*
 * The inside of an LMTP session, shared by its two halves: lmtp_session.c
 * (bytes to lines and content) and lmtp_command.c (lines to replies).
 * Private to transport.
 */
#ifndef TRANSPORT_LMTP_COMMAND_H
#define TRANSPORT_LMTP_COMMAND_H

#include "lmtp_path.h"
#include "transport/lmtp_session.h"

/* What the next byte is. */
typedef enum {
    LMTP_MODE_COMMAND,
    LMTP_MODE_SKIP_LINE, /* the rest of a command line that was too long */
    LMTP_MODE_DATA,      /* until CR LF "." CR LF */
    LMTP_MODE_CHUNK,     /* `chunk_left` bytes of a BDAT */
    LMTP_MODE_CLOSED
} LmtpMode;

/* Where in DATA we are; the names say what was seen last. */
typedef enum {
    LMTP_DATA_LINE_START,
    LMTP_DATA_TEXT,
    LMTP_DATA_CR,
    LMTP_DATA_DOT,   /* at the start of a line; held back */
    LMTP_DATA_DOT_CR /* both held back */
} LmtpDataState;

/* What becomes of the content that comes in. */
typedef enum {
    LMTP_CONTENT_KEPT,
    LMTP_CONTENT_TOO_LARGE, /* 552 5.3.4 */
    LMTP_CONTENT_LOST,      /* the handler could not keep it: 452 4.3.1 */
    LMTP_CONTENT_UNWANTED   /* BDAT without a recipient: 503 */
} LmtpContent;

struct LmtpSession {
    const char *host_name; /* borrowed, as the next three are */
    const LmtpLimits *limits;
    const LmtpHandlers *handlers;
    void *context;

    LmtpMode mode;
    GString *line; /* the command line so far */
    bool greeted;  /* LHLO was said */
    bool open;     /* MAIL was accepted */
    bool binary;   /* BODY=BINARYMIME: BDAT only */
    LmtpEnvelope envelope;
    int64_t recipients_tried;

    LmtpDataState data_state;
    bool chunked; /* a BDAT came since MAIL */
    bool chunk_last;
    int64_t chunk_left;
    LmtpContent content;
    int64_t content_bytes; /* of this mail, kept so far */

    int64_t errors;
    int64_t idle_commands; /* since the last mail */
    int64_t discarded_bytes;
};

/* Append one reply line; `enhanced` may be NULL. */
void lmtp_reply(GString *out, int code, const char *enhanced, const char *text);

/* Do what `line` (without CR LF) says, and append the replies. */
void lmtp_command_run(LmtpSession *session, LmtpSpan line, GString *out);

/* Forget the mail in hand and what it said about itself. */
void lmtp_session_reset(LmtpSession *session);

/* A BDAT of `bytes` was announced: is its content wanted? */
void lmtp_session_begin_chunk(LmtpSession *session, int64_t bytes, bool last,
                              GString *out);

#endif
