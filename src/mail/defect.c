#include "mail/defect.h"

#include <stdint.h>
#include <string.h>

static const char *const slugs[] = {
    DEFECT_EMPTY,          DEFECT_NO_HEADER,      DEFECT_BARE_CR,
    DEFECT_HEADER_GARBAGE, DEFECT_HEADER_UNENDED, DEFECT_HEADER_FIELD_LONG,
    DEFECT_HEADER_LONG,    DEFECT_HEADER_FIELDS,  DEFECT_DUPLICATE_FIELD,
    DEFECT_NO_FROM,        DEFECT_MANY_FROM,      DEFECT_ADDRESSES,
    DEFECT_BAD_DATE,       DEFECT_NO_BOUNDARY,    DEFECT_NO_PARTS,
    DEFECT_UNCLOSED,       DEFECT_DEPTH,          DEFECT_PARTS,
    DEFECT_TEXT_LONG,      DEFECT_CHARSET,        DEFECT_HOPS,
    DEFECT_NO_TEXT,        DEFECT_PRESCANNED,     DEFECT_TNEF_BROKEN,
    DEFECT_TNEF_LARGE,
};

void
defect_add(GPtrArray *defects, const char *slug)
{
    for (guint i = 0; i < defects->len; i++)
        if (strcmp(defects->pdata[i], slug) == 0)
            return;
    g_ptr_array_add(defects, (gpointer)(uintptr_t)slug);
}

const char *
defect_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(slugs); i++)
        if (strcmp(slugs[i], name) == 0)
            return slugs[i];
    return NULL;
}
