/* What is listed is what one gets: each attachment of a mail, extracted. */
#include <gmime/gmime.h>
#include <string.h>

#include "fuzz.h"
#include "mail/mail.h"

enum { EXTRACTED_MAX = 8 };

static void
collect(void *context, const void *bytes, size_t length)
{
    g_checksum_update(context, bytes, (gssize)length);
}

static void
assert_same(GBytes *raw, const Mail *mail, guint index)
{
    const Attachment *attachment = mail->attachments->pdata[index];
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autoptr(GPtrArray) list =
        mail_attachment(raw, &mail_limits_default, index, collect, checksum);
    g_assert(list->len == mail->attachments->len);
    uint8_t digest[ATTACHMENT_DIGEST_BYTES];
    gsize length = sizeof digest;
    g_checksum_get_digest(checksum, digest, &length);
    g_assert(memcmp(digest, attachment->digest, length) == 0);
    g_assert(strchr(attachment->name, '\n') == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static gsize once = 0;
    if (g_once_init_enter(&once)) {
        g_mime_init();
        g_once_init_leave(&once, 1);
    }
    g_autoptr(GBytes) raw = g_bytes_new_static(data, size);
    g_autoptr(Mail) mail = mail_parse(raw, NULL, &mail_limits_default);
    for (guint i = 0; i < MIN(mail->attachments->len, EXTRACTED_MAX); i++)
        assert_same(raw, mail, i);
    return 0;
}
