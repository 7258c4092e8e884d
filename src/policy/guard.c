#include "policy/guard.h"

#include <string.h>

#include "mail/address.h"

/* Nobody reads these: RFC 2142 roles of machines, and what peers learned. */
static bool
is_machine(const char *addr_spec)
{
    static const char *const exact[] = {"mailer-daemon", "postmaster", "abuse",
                                        "root",          "daemon",     "nobody",
                                        "bounce",        "bounces"};
    static const char *const prefixes[] = {
        "noreply",      "no-reply",     "no_reply",      "donotreply",
        "do-not-reply", "do_not_reply", "mailer-daemon", "bounce-",
        "bounces-",     "bounce+",      "bounces+"};
    g_autofree char *key = address_key(addr_spec);
    char *at = strrchr(key, '@');
    if (at != NULL)
        *at = '\0';
    for (size_t i = 0; i < G_N_ELEMENTS(exact); i++)
        if (strcmp(key, exact[i]) == 0)
            return true;
    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
        if (g_str_has_prefix(key, prefixes[i]))
            return true;
    return false;
}

static const char *
guard_address(const Mail *mail, const char *sender, const Rules *rules)
{
    if (*sender == '\0')
        return "null-sender";
    g_autofree char *ascii = address_to_ascii(sender);
    if (ascii == NULL)
        return "address-not-sendable";
    if (is_machine(sender))
        return "address-of-a-machine";
    if (rules_is_ours(rules, sender))
        return "own-address";
    if (mail->originator != NULL &&
        (rules_is_ours(rules, mail->originator->addr_spec) ||
         is_machine(mail->originator->addr_spec)))
        return "from-a-machine";
    return NULL;
}

static const char *
guard_budget(const Context *context, const Budgets *budgets)
{
    if (context->sender_10min >= budgets->per_sender_10min)
        return "sender-10min";
    if (context->sender_day >= budgets->per_sender_day)
        return "sender-day";
    if (context->all_in_window >= budgets->breaker)
        return "breaker";
    return NULL;
}

const char *
guard_acknowledge(const Mail *mail, const Delivery *delivery,
                  const Lookup *lookup, const Context *context,
                  const Rules *rules, bool *ret_alarm)
{
    *ret_alarm = false;
    if (!lookup->queue->acknowledge)
        return "queue-says-no";
    if (mail->automatic.class != AUTOMATIC_NONE)
        return automatic_class_name(mail->automatic.class);
    if (mail->automatic.suppress_acknowledgement)
        return "suppressed-by-sender";
    const char *why = guard_address(mail, delivery->envelope_sender, rules);
    if (why != NULL)
        return why;
    why = guard_budget(context, rules->budgets);
    *ret_alarm = why != NULL;
    return why;
}

char *
guard_budget_key(const char *addr_spec)
{
    g_autofree char *ascii = address_to_ascii(addr_spec);
    g_autofree char *key = address_key(ascii != NULL ? ascii : addr_spec);
    return address_without_detail(key, '+', NULL);
}
