/*
 * Commands and replies of RFC 5321 4.2 on a Stream: libetpan's line buffer, our
 * own reading of it. Its mailsmtp_* calls take a garbled line for a code, cut
 * commands at 512 bytes and cannot pipeline, and what
 * a relay may answer to is said in one place here. Private to transport.
 */
#ifndef TRANSPORT_SMTP_CHAT_H
#define TRANSPORT_SMTP_CHAT_H

#include <glib.h>
#include <stdbool.h>

#include "transport/smtp.h"
#include "transport/stream.h"

/* Add to the flight of commands; sent by the next smtp_chat_flush(). */
void smtp_chat_say(Stream *stream, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Send what was said. False: the stream is dead. */
bool smtp_chat_flush(Stream *stream);

/* One write, as far as that is possible. False: the stream is dead. */
bool smtp_chat_write(Stream *stream, const char *bytes, size_t length);

/* Called with the text of each line of a reply, without code and line end. */
typedef void (*SmtpChatLine)(void *context, const char *text);

/*
 * The next reply, waiting at most `timeout_s`; `ret_reply` is overwritten, what
 * it holds is the caller's. The texts of all lines are joined. `line` may be
 * NULL. False: the stream is dead, or what came is no reply; stream_error() or
 * `ret_reply->text` says why.
 */
bool smtp_chat_reply(Stream *stream, int64_t timeout_s, SmtpReply *ret_reply,
                     SmtpChatLine line, void *context);

/* A reply of our own making, or a copy of one. */
void smtp_reply_set(SmtpReply *reply, int code, const char *enhanced,
                    const char *text);

#endif
