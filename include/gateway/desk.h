/* All that a worker of the desk needs at hand. */
#ifndef GATEWAY_DESK_H
#define GATEWAY_DESK_H

#include "policy/notice.h"
#include "sandbox/parser.h"
#include "store/store.h"

typedef struct Readings Readings; /* see src/gateway/reading.h */

typedef struct {
    const Settings *settings; /* borrowed */
    Store *store;
    TemplateSet *templates; /* NULL until desk_load() */
    GPtrArray *keys;        /* TokenKeys; NULL until desk_load() */
    Rules rules;            /* keys only after desk_load() */
    Parser *parser;         /* NULL: mail is read in this process */
    Readings *readings;     /* of a processor: mails that it read last */
} Desk;

/* `who` shows in pg_stat_activity. Does not connect yet. */
Desk *desk_new(const Settings *settings, const char *who);

/* Read templates and signing keys. FAILURE_CONFIG for a bad template. */
bool desk_load(Desk *desk, GError **error);
/* The two halves of it, for who needs only one. */
bool desk_load_templates(Desk *desk, GError **error);
bool desk_load_keys(Desk *desk, GError **error);

/* From now on mail is read by a confined child (sandbox/parser.h), which is
 * started now. FAILURE_CONFIG: the kernel cannot confine it, and the settings
 * demand that it does. */
bool desk_start_parser(Desk *desk, GError **error);

/* What texts are made with, at this time. */
Press desk_press(const Desk *desk);

void desk_free(Desk *desk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Desk, desk_free)

#endif
