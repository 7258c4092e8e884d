/* A delivery report in plain words. */
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "mail/dsn.h"
#include "mail/dsn_text.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *repaired = text_repair((const char *)data, size);
    g_autofree char *text = text_many_lines(repaired);
    size_t length = dsn_text_report_length(text);
    g_assert(length <= strlen(text));
    g_autoptr(GPtrArray) own = g_ptr_array_new();
    g_ptr_array_add(own, (gpointer)(uintptr_t) "mailer-daemon@example.org");
    g_autoptr(GPtrArray) failed =
        g_ptr_array_new_with_free_func((GDestroyNotify)dsn_recipient_free);
    dsn_text_recipients(text, length, own, failed);
    g_assert(failed->len <= DSN_RECIPIENTS_MAX);
    for (guint i = 0; i < failed->len; i++) {
        const DsnRecipient *recipient = failed->pdata[i];
        g_assert(strchr(recipient->addr_spec, '@') != NULL);
        g_assert(strpbrk(recipient->addr_spec, "\r\n ") == NULL);
    }
    return 0;
}
