/* What is done with every mail outside of the sandbox, and the pre-scan. */
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "mail/entity.h"
#include "mail/identity.h"
#include "mail/mail_form.h"
#include "mail/prescan.h"

static void
count(void *context, const char *bytes, size_t length)
{
    (void)bytes;
    *(size_t *)context += length;
}

static void
scan_entities(const char *bytes, size_t size)
{
    g_autoptr(GPtrArray) defects = g_ptr_array_new();
    g_autoptr(GPtrArray) entities =
        entity_scan(bytes, size, &mail_limits_default, defects);
    g_assert(entities->len > 0);
    g_assert(entities->len <= mail_limits_default.parts + 1);
    for (guint i = 0; i < entities->len; i++) {
        const Entity *entity = entities->pdata[i];
        g_assert(entity->body >= bytes);
        g_assert(entity->body + entity->length <= bytes + size);
        g_assert(entity->depth <= mail_limits_default.depth);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    size_t fed = 0;
    g_assert(identity_source_offset(bytes, size) <= size);
    identity_content_feed(bytes, size, count, &fed);
    scan_entities(bytes, size);
    g_autoptr(GBytes) raw = g_bytes_new_static(bytes, size);
    g_autoptr(Mail) mail = prescan(raw, &mail_limits_default);
    g_assert(text_is_valid(mail->text, strlen(mail->text)));
    g_autoptr(GByteArray) form = mail_form_write(mail);
    g_autoptr(Mail) again =
        mail_form_read(form->data, form->len, raw, &mail_limits_default);
    g_assert(again != NULL);
    return 0;
}
