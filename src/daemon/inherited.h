/*
 * LMTP sockets that a service manager bound before we were there, and keeps
 * while we are not: sd_listen_fds(3) without libsystemd.
 */
#ifndef DAEMON_INHERITED_H
#define DAEMON_INHERITED_H

#include <stdbool.h>

#include "settings/settings.h"

typedef struct {
    int fd;
    char *name;  /* the service manager's, "postern.socket" */
    char *where; /* a path, or "127.0.0.1:24" */
} InheritedSocket;

/*
 * Take what $LISTEN_FDS hands over to this process; the variables are gone
 * afterwards. FAILURE_CONFIG if one is no listening stream socket, or could be
 * reached from another machine.
 * Returns: InheritedSockets, none where there is no such service manager.
 */
GPtrArray *inherited_take(GError **error);

/* Where a listener of the settings listens, written the same way; g_free(). */
char *inherited_where(const Listener *listener);

#endif
