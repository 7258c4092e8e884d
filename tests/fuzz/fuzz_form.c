/* The child's answer: any bytes are a mail or none, and a mail that was read
 * can be written. */
#include "fuzz.h"
#include "mail/mail_form.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) raw = g_bytes_new_static("", 0);
    g_autoptr(Mail) mail =
        mail_form_read(data, size, raw, &mail_limits_default);
    if (mail == NULL)
        return 0;
    g_autoptr(GByteArray) form = mail_form_write(mail);
    g_assert(form->len == size);
    return 0;
}
