/* Bytes in a charset: its name is the first line. And transfer encodings, one
 * by the first byte. */
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "mail/charset.h"
#include "mail/transfer.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *bytes = (const char *)data;
    const char *newline = memchr(bytes, '\n', size);
    size_t name_length = newline != NULL ? (size_t)(newline - bytes) : 0;
    g_autofree char *name = g_strndup(bytes, name_length);
    bool repaired;
    g_autofree char *text = charset_to_utf8(
        bytes + name_length, size - name_length, name, &repaired);
    g_assert(text_is_valid(text, strlen(text)));
    g_autofree char *header = charset_header_to_utf8(bytes, size);
    g_assert(text_is_valid(header, strlen(header)));
    TransferEncoding encoding = (TransferEncoding)(data[0] % 4);
    g_autoptr(GByteArray) decoded =
        transfer_decode(encoding, bytes + 1, size - 1, SIZE_MAX / 4);
    g_assert(decoded->len <= size);
    return 0;
}
