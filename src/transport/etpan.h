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
#include "imap_guard.h"
#include "transport/imap.h"
#include "transport/stream.h"

struct ImapClient {
    const Account *account;
    Stream *stream;
    mailimap *imap;
    ImapGuard guard;
    ImapAbilities abilities;
    bool (*progress)(void *context); /* or NULL */
    void *progress_context;
    const char *mechanism;   /* of the login; NULL: none was tried */
    uint32_t uid_validity;   /* of the folder that is open */
    uint64_t highest_modseq; /* imap_highest_modseq() */
    bool idling;             /* "DONE" is owed before anything else is said */
    int64_t idle_since_ms;   /* CLOCK_MONOTONIC */
};

/* Before each command: its deadline, and how many bytes may answer it. Ends
 * IDLE. */
void etpan_begin(ImapClient *client, size_t budget_bytes);

/* The same, with IDLE going on. */
void etpan_allow(ImapClient *client, size_t budget_bytes);

/* "DONE", if it is owed, within `timeout_s`. A failure is the stream's. In
 * imap_wait.c. */
void imap_end_idle(ImapClient *client, int64_t timeout_s);

/* Forget that the server has told of new mail. In imap_wait.c. */
void imap_forget_news(ImapClient *client);

enum {
    ETPAN_ANSWER_BYTES = 64 * 1024,    /* of most commands */
    ETPAN_LIST_BYTES = 6 * 1024 * 1024 /* of those that list: 500,000 UIDs */
};

/*
 * Set `error`: account, server, the command in words, and why: what the stream
 * met, or what the server said. `code` is for a server that answered; a dead
 * stream is always FAILURE_TEMPORARY, and so is a server that says that it is
 * its own trouble (RFC 5530). Returns false.
 */
bool etpan_fail(const ImapClient *client, FailureCode code, const char *what,
                GError **error);

/* Send `text`, which ends with its line. False: the stream is dead. */
bool etpan_say(ImapClient *client, const char *text);

/*
 * True if a command of libetpan's succeeded. Where it had no memory for it the
 * stream is given up, so that etpan_fail() says so.
 */
bool etpan_good(ImapClient *client, int result);

/* The server's last line without its tag, to be shown; g_free() it. */
char *etpan_said(const ImapClient *client);

/*
 * False, with FAILURE_TEMPORARY: the server has announced another UIDVALIDITY
 * since the folder was opened, so that our UIDs may be other mails'.
 */
bool etpan_same_folder(const ImapClient *client, GError **error);

/* Answers to FETCH (struct mailimap_msg_att, or NULL) may tell a MODSEQ. In
 * imap_modseq.c. */
void imap_note_modseq(ImapClient *client, const clist *answers);

/*
 * A set of UIDs for a command, to be freed with etpan_set_free(). NULL: there
 * was no memory, and the stream is given up.
 */
struct mailimap_set *etpan_set(ImapClient *client, const uint32_t *uids,
                               size_t n);
void etpan_set_free(struct mailimap_set *set); /* takes NULL */

/* A folder's name on the wire (RFC 3501 5.1.3); g_free() it. NULL: it has no
 * form there. */
char *etpan_folder(const char *folder);

#endif
