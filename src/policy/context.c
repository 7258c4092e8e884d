#include "policy/context.h"

const char *
evidence_name(Evidence evidence)
{
    static const char *const names[] = {
        [EVIDENCE_OURS] = "own-message-id",
        [EVIDENCE_STORED] = "message-id",
        [EVIDENCE_SEEN] = "shared-ancestor",
        [EVIDENCE_TAG] = "subject-tag",
    };
    return names[evidence];
}

void
candidate_free(Candidate *candidate)
{
    if (candidate == NULL)
        return;
    ticket_free(candidate->ticket);
    g_free(candidate->id);
    g_free(candidate);
}

Context *
context_new(void)
{
    Context *context = g_new0(Context, 1);
    context->candidates =
        g_ptr_array_new_with_free_func((GDestroyNotify)candidate_free);
    return context;
}

void
context_free(Context *context)
{
    if (context == NULL)
        return;
    g_ptr_array_unref(context->candidates);
    ticket_free(context->known);
    g_free(context);
}
