/* A whole mail: whatever it says, the result is one that the other side of the
 * sandbox believes, which demands all that a Mail promises. */
#include <gmime/gmime.h>

#include "fuzz.h"
#include "mail/mail_form.h"

static const MailLimits narrow = {.header_field_bytes = 200,
                                  .header_bytes = 1000,
                                  .header_fields = 20,
                                  .depth = 3,
                                  .parts = 8,
                                  .addresses = 3,
                                  .text_bytes = 500,
                                  .hops = 5};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static gsize once = 0;
    if (g_once_init_enter(&once)) {
        g_mime_init();
        g_once_init_leave(&once, 1);
    }
    const MailLimits *limits = size % 4 == 0 ? &narrow : &mail_limits_default;
    g_autoptr(GBytes) raw = g_bytes_new_static(data, size);
    g_autoptr(Mail) mail = mail_parse(raw, NULL, limits);
    g_autoptr(GByteArray) form = mail_form_write(mail);
    g_assert(form->len <= mail_form_max_bytes(limits));
    g_autoptr(Mail) again = mail_form_read(form->data, form->len, raw, limits);
    g_assert(again != NULL);
    g_assert_cmpstr(again->reply, ==, mail->reply);
    return 0;
}
