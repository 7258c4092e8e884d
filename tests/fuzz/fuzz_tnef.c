/* winmail.dat. Checksums are set right first: they would keep all but the first
 * mistake out, and an attacker can compute them, too. */
#include <string.h>

#include "fuzz.h"
#include "mail/tnef.h"

enum { HEAD_BYTES = 6, ATTRIBUTE_BYTES = 9, CHECKSUM_BYTES = 2 };

static void
mend_checksums(uint8_t *bytes, size_t length)
{
    size_t at = HEAD_BYTES;
    while (at + ATTRIBUTE_BYTES + CHECKSUM_BYTES <= length) {
        uint32_t data;
        memcpy(&data, bytes + at + ATTRIBUTE_BYTES - sizeof data, sizeof data);
        data = GUINT32_FROM_LE(data);
        at += ATTRIBUTE_BYTES;
        if (data > length - at - CHECKSUM_BYTES)
            return;
        uint16_t sum = 0;
        for (uint32_t i = 0; i < data; i++)
            sum = (uint16_t)(sum + bytes[at + i]);
        sum = GUINT16_TO_LE(sum);
        memcpy(bytes + at + data, &sum, sizeof sum);
        at += data + CHECKSUM_BYTES;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree uint8_t *bytes = g_malloc(size + 1);
    memcpy(bytes, data, size);
    mend_checksums(bytes, size);
    g_autoptr(Tnef) tnef = tnef_read(bytes, size, &mail_limits_default);
    if (tnef == NULL)
        return 0;
    g_assert(g_utf8_validate(tnef->text, -1, NULL));
    g_assert(g_utf8_validate(tnef->html, -1, NULL));
    for (guint i = 0; i < tnef->files->len; i++) {
        const TnefFile *file = tnef->files->pdata[i];
        g_assert(g_utf8_validate(file->name, -1, NULL));
        g_assert(g_utf8_validate(file->type, -1, NULL));
        g_assert(g_utf8_validate(file->content_id, -1, NULL));
        g_assert(file->length == 0 ||
                 (file->content >= bytes &&
                  file->content + file->length <= bytes + size));
    }
    return 0;
}
