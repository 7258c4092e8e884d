/* What a relay says, with our own Stream replaced by the bytes at hand. */
#include <libetpan/mailstream.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/transport/smtp_chat.h"
#include "base/text.h"
#include "fuzz.h"

struct Stream {
    mailstream *mail;
    const char *next;
    size_t left;
};

static ssize_t
low_read(mailstream_low *low, void *buffer, size_t count)
{
    Stream *stream = low->data;
    size_t n = MIN(count, stream->left);
    if (n == 0)
        return -1;
    memcpy(buffer, stream->next, n);
    stream->next += n;
    stream->left -= n;
    return (ssize_t)n;
}

static ssize_t
low_write(mailstream_low *low, const void *buffer, size_t count)
{
    (void)low;
    (void)buffer;
    return (ssize_t)count;
}

static int
low_close(mailstream_low *low)
{
    (void)low;
    return 0;
}

static int
low_get_fd(mailstream_low *low)
{
    (void)low;
    return -1;
}

static void
low_free(mailstream_low *low)
{
    free(low);
}

static mailstream_low_driver driver = {.mailstream_read = low_read,
                                       .mailstream_write = low_write,
                                       .mailstream_close = low_close,
                                       .mailstream_get_fd = low_get_fd,
                                       .mailstream_free = low_free};

void *
stream_mailstream(Stream *stream)
{
    return stream->mail;
}

bool
stream_is_dead(const Stream *stream)
{
    return stream->left == 0;
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
    Stream stream = {NULL, (const char *)data, size};
    stream.mail = mailstream_new(mailstream_low_new(&stream, &driver), 256);
    SmtpReply reply = {0, NULL, NULL};
    while (smtp_chat_reply(&stream, 1, &reply, NULL, NULL)) {
        g_assert(reply.code >= 200 && reply.code <= 599);
        g_assert(text_is_valid(reply.text, strlen(reply.text)));
        g_assert(strpbrk(reply.text, "\r\n") == NULL);
    }
    smtp_reply_clear(&reply);
    mailstream_close(stream.mail);
    return 0;
}
