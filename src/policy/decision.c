#include "policy/decision.h"

const char *
verdict_name(Verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_NEW] = "new",     [VERDICT_JOIN] = "join",
        [VERDICT_KNOWN] = "known", [VERDICT_COMPLETE] = "complete",
        [VERDICT_PARK] = "park",
    };
    return names[verdict];
}

static void
effect_free(Effect *effect)
{
    g_free(effect->text);
    g_free(effect->name);
    g_free(effect);
}

Decision *
decision_new(const Queue *queue)
{
    Decision *decision = g_new0(Decision, 1);
    decision->reason = "";
    decision->acknowledge_reason = "";
    decision->effects =
        g_ptr_array_new_with_free_func((GDestroyNotify)effect_free);
    decision->notify = g_ptr_array_new_with_free_func(g_free);
    decision->considered = g_ptr_array_new_with_free_func(g_free);
    decision->queue = queue;
    return decision;
}

Effect *
decision_add_effect(Decision *decision, EffectKind kind, const char *text,
                    const char *name)
{
    Effect *effect = g_new0(Effect, 1);
    effect->kind = kind;
    effect->text = g_strdup(text);
    effect->name = g_strdup(name);
    g_ptr_array_add(decision->effects, effect);
    return effect;
}

void
decision_free(Decision *decision)
{
    if (decision == NULL)
        return;
    g_ptr_array_unref(decision->effects);
    ticket_free(decision->ticket);
    g_free(decision->acknowledge_to);
    g_ptr_array_unref(decision->notify);
    g_ptr_array_unref(decision->considered);
    g_free(decision);
}
