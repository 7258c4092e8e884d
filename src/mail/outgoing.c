#include "mail/outgoing.h"

#include <string.h>

static const struct {
    const char *name;
    bool is_once;
} kinds[] = {
    [OUTGOING_ACKNOWLEDGEMENT] = {"acknowledgement", true},
    [OUTGOING_REPLY] = {"reply", false},
    [OUTGOING_NOTICE] = {"notice", false},
    [OUTGOING_ADMIN] = {"admin", false},
};

const char *
outgoing_kind_name(OutgoingKind kind)
{
    return kinds[kind].name;
}

bool
outgoing_kind_parse(const char *name, OutgoingKind *ret_kind)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            *ret_kind = (OutgoingKind)i;
            return true;
        }
    }
    return false;
}

bool
outgoing_kind_is_once(OutgoingKind kind)
{
    return kinds[kind].is_once;
}

void
outgoing_free(Outgoing *outgoing)
{
    if (outgoing == NULL)
        return;
    g_free(outgoing->envelope_sender);
    g_clear_pointer(&outgoing->recipients, g_ptr_array_unref);
    g_free(outgoing->message_id);
    g_clear_pointer(&outgoing->content, g_bytes_unref);
    g_free(outgoing);
}
