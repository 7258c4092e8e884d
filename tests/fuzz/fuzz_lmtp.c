/* A client of the LMTP engine. The first byte says in pieces of what size its
 * bytes come; whatever they are, the replies are the same. */
#include <string.h>

#include "fuzz.h"
#include "transport/lmtp_session.h"

static const LmtpLimits limits = {.mail_bytes = 2000,
                                  .recipients = 3,
                                  .command_line_bytes = 512,
                                  .errors = 5};

typedef struct {
    size_t content_bytes; /* of the mail in hand */
    size_t mails;
} Seen;

static void
on_recipient(void *context, const LmtpRecipient *recipient, LmtpReply *reply)
{
    (void)context;
    bool ours = strstr(recipient->addr_spec, "support") != NULL;
    *reply = ours ? (LmtpReply){250, "2.1.5", "ok"}
                  : (LmtpReply){550, "5.1.1", "unknown"};
}

static bool
on_content(void *context, const char *bytes, size_t length)
{
    Seen *seen = context;
    (void)bytes;
    seen->content_bytes += length;
    g_assert(seen->content_bytes <= (size_t)limits.mail_bytes);
    return true;
}

static void
on_mail(void *context, const LmtpEnvelope *envelope, LmtpReply *replies)
{
    Seen *seen = context;
    g_assert(envelope->recipients->len > 0);
    g_assert(envelope->recipients->len <= (guint)limits.recipients);
    for (guint i = 0; i < envelope->recipients->len; i++)
        replies[i] = (LmtpReply){250, "2.0.0", "stored"};
    seen->content_bytes = 0;
    seen->mails++;
}

static void
on_discard(void *context)
{
    ((Seen *)context)->content_bytes = 0;
}

static const LmtpHandlers handlers = {on_recipient, on_content, on_mail,
                                      on_discard};

static GString *
converse(const char *bytes, size_t size, size_t piece)
{
    Seen seen = {0, 0};
    GString *out = g_string_new(NULL);
    g_autoptr(LmtpSession) session =
        lmtp_session_new("mx.example.org", &limits, &handlers, &seen);
    lmtp_session_greet(session, out);
    bool open = true;
    for (size_t at = 0; open && at < size; at += piece)
        open =
            lmtp_session_feed(session, bytes + at, MIN(piece, size - at), out);
    g_string_append_printf(out, "%" G_GSIZE_FORMAT " mails", seen.mails);
    return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *bytes = (const char *)data + 1;
    g_autoptr(GString) whole = converse(bytes, size - 1, size);
    g_autoptr(GString) pieces =
        converse(bytes, size - 1, (size_t)data[0] % 64 + 1);
    g_assert(g_string_equal(whole, pieces));
    return 0;
}
