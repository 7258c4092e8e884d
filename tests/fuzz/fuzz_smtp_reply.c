/* What a relay says, with our own Stream replaced by the bytes at hand. */
#include <string.h>

#include "../../src/transport/smtp_chat.h"
#include "base/text.h"
#include "fuzz.h"
#include "served.h"

struct Stream {
    mailstream *mail;
    Served server;
};

void *
stream_mailstream(Stream *stream)
{
    return stream->mail;
}

bool
stream_is_dead(const Stream *stream)
{
    return stream->server.left == 0;
}

void
stream_give_up(Stream *stream, const char *why)
{
    (void)stream;
    (void)why;
}

void
stream_set_deadline(Stream *stream, int64_t timeout_s)
{
    (void)stream;
    (void)timeout_s;
}

void
stream_set_budget(Stream *stream, size_t bytes)
{
    (void)stream;
    (void)bytes;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Stream stream = {.server = {.next = (const char *)data, .left = size}};
    stream.mail = served_open(&stream.server);
    SmtpReply reply = {0, NULL, NULL};
    while (smtp_chat_reply(&stream, 1, &reply, NULL, NULL)) {
        g_assert(reply.code >= 200 && reply.code <= 599);
        g_assert(text_is_valid(reply.text, strlen(reply.text)));
        g_assert(strpbrk(reply.text, "\r\n") == NULL);
    }
    smtp_reply_clear(&reply);
    mailstream_close(stream.mail);
    served_clear(&stream.server);
    return 0;
}
