/*
 * What libetpan's IMAP says, in our words. Private to transport.
 */
#ifndef TRANSPORT_ETPAN_H
#define TRANSPORT_ETPAN_H

#include <glib.h>
#include <libetpan/libetpan.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"
#include "transport/imap.h"
#include "transport/stream.h"

struct ImapClient {
    const Account *account;
    Stream *stream;
    mailimap *imap;
    ImapAbilities abilities;
    void (*progress)(void *context); /* or NULL */
    void *progress_context;
};

/* Before each command: its deadline, and how many bytes may answer it. */
void etpan_begin(ImapClient *client, size_t budget_bytes);

enum {
    ETPAN_ANSWER_BYTES = 64 * 1024,     /* of most commands */
    ETPAN_LIST_BYTES = 16 * 1024 * 1024 /* of those that list */
};

/*
 * Set `error`: account, server, the command in words, and why: what the stream
 * met, or what the server said. `code` is for a server that answered; a dead
 * stream is always FAILURE_TEMPORARY. Returns false.
 */
bool etpan_fail(const ImapClient *client, FailureCode code, const char *what,
                GError **error);

/* A set of UIDs for a command; the caller's. */
struct mailimap_set *etpan_set(const uint32_t *uids, size_t n);

/* A folder's name on the wire (RFC 3501 5.1.3); g_free() it. NULL: it has no
 * form there. */
char *etpan_folder(const char *folder);

#endif
