#include "mail/dsn.h"

void
dsn_recipient_free(DsnRecipient *recipient)
{
    if (recipient == NULL)
        return;
    g_free(recipient->addr_spec);
    g_free(recipient->status);
    g_free(recipient);
}
