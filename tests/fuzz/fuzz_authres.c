/* Authentication-Results: whatever a field says, a pass is for one domain. */
#include <string.h>

#include "fuzz.h"
#include "mail/authres.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GPtrArray) defects = g_ptr_array_new();
    g_autoptr(Header) header = header_read(
        (const char *)data, size, &mail_limits_default, NULL, NULL, defects);
    g_autoptr(Authres) authres = authres_read(header, "mx.example.net", 1);
    g_autofree char *confirmed = g_strdup_printf("a@%s", authres->dmarc_domain);
    if (*authres->dmarc_domain != '\0' && authres->dmarc == AUTHRES_PASS &&
        strchr(authres->dmarc_domain, '@') == NULL)
        g_assert(authres_confirms(authres, confirmed));
    g_assert(!authres_confirms(authres, "a@other.example.net.invalid") ||
             strcmp(authres->dmarc_domain, "other.example.net.invalid") == 0);
    return 0;
}
