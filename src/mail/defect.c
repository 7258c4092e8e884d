#include "mail/defect.h"

#include <stdint.h>
#include <string.h>

void
defect_add(GPtrArray *defects, const char *slug)
{
    for (guint i = 0; i < defects->len; i++)
        if (strcmp(defects->pdata[i], slug) == 0)
            return;
    g_ptr_array_add(defects, (gpointer)(uintptr_t)slug);
}
