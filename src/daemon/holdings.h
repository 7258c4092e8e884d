/*
 * What a running daemon holds: the lock of its run directory, the status page,
 * doorbells, listening sockets, the relay's password, and the settings as they
 * were checked.
 */
#ifndef DAEMON_HOLDINGS_H
#define DAEMON_HOLDINGS_H

#include "settings/settings.h"
#include "status_page.h"

typedef struct {
    int lock;
    StatusPage *page;
    int page_fd;
    int bell_processor;
    int bell_sender;
    int settings;       /* as they were checked: what workers load; sealed.h */
    int password;       /* the relay's, sealed too; empty: no login */
    GArray *accounts;   /* int: the same for the account of each folder that
                           is watched; -1: it has a token_command */
    GArray *listeners;  /* int */
    int metrics;        /* where Prometheus asks; -1: nowhere */
    GPtrArray *sockets; /* char*: paths that go with the daemon */
} Holdings;

/*
 * Take everything for `settings`. FAILURE_TEMPORARY if another daemon has the
 * run directory; nothing else is touched then.
 */
bool holdings_take(Holdings *holdings, const Settings *settings,
                   GError **error);

/* On reload: the passwords and the settings anew. */
bool holdings_renew(Holdings *holdings, const Settings *settings,
                    GError **error);

/* Let go, remove the socket files. */
void holdings_drop(Holdings *holdings);

#endif
