/*
 * One connection to an IMAP server (RFC 3501) as a client that takes mail away
 * and does no more: libetpan's commands on our own stream. What the server says
 * is bounded: every answer has a deadline and a budget of bytes, and libetpan,
 * whose parser is not made for strangers, reads of it only what is asked for
 * here, rewritten.
 *
 * Errors: FAILURE_TEMPORARY, the connection is dead or the server said NO for
 * now; FAILURE_PERMANENT, the server refused (login, folder): asking again soon
 * would only lock the account; FAILURE_CONFIG, the settings forbid it, or there
 * is no room for a mail in spool_directory. Messages
 * quote what the server said and never a secret. After any error but a refused
 * folder the connection is to be closed.
 */
#ifndef TRANSPORT_IMAP_H
#define TRANSPORT_IMAP_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "settings/settings.h"
#include "transport/stream.h"

typedef struct ImapClient ImapClient;

/* What it can do besides RFC 3501. */
typedef struct {
    bool idle;      /* RFC 2177 */
    bool move;      /* RFC 6851 */
    bool uidplus;   /* RFC 4315 */
    bool condstore; /* RFC 7162 */
} ImapAbilities;

typedef struct {
    uint32_t uid_validity;
    uint32_t uid_next; /* 0 if the server did not say */
    uint32_t exists;
    uint64_t highest_modseq; /* RFC 7162 3.1.2; 0: it counts no changes */
    bool read_only;
    bool new_keywords; /* the server keeps flags of our own */
} ImapFolder;

typedef struct {
    uint32_t uid;
    uint32_t size; /* bytes, as the server has it */
} ImapMessage;

/* How far it came; a failure happened in the stage that is named. */
typedef enum {
    IMAP_STAGE_RESOLVE,
    IMAP_STAGE_CONNECT,
    IMAP_STAGE_TLS,
    IMAP_STAGE_GREETING, /* greeting, capabilities, asking for STARTTLS */
    IMAP_STAGE_LOGIN,
    IMAP_STAGE_DONE /* logged in */
} ImapStage;

/* "resolve", "connect", "tls", "greeting", "login", "done". */
const char *imap_stage_name(ImapStage stage);

/*
 * A connection as shown to people; nothing in it is secret, and what a server
 * wrote is text for one line. NULL is what it did not come to.
 */
typedef struct {
    ImapStage stage;
    StreamReport stream;   /* address, TLS, certificate */
    char *capabilities;    /* as announced last: "IMAP4rev1 IDLE AUTH=PLAIN" */
    const char *mechanism; /* "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2" */
} ImapReport;

/* Free what it holds, and empty it. */
void imap_report_clear(ImapReport *report);

/*
 * Connect, verify the certificate, log in. `secret` is the account's password
 * or token. `account` is borrowed for the client's life. `ret_report` (may be
 * NULL) is filled as far as it came, also on failure; clear it.
 */
ImapClient *imap_open(const Account *account, const char *secret,
                      ImapReport *ret_report, GError **error);

/* `idle` turns false when a server refuses what it offered. */
ImapAbilities imap_abilities(const ImapClient *client);

/* True while nothing has failed. */
bool imap_is_alive(const ImapClient *client);

/* Folders that can be selected, as UTF-8 (char*). */
GPtrArray *imap_list(ImapClient *client, GError **error);

/*
 * Open `folder` (UTF-8). Read-only if that is asked or all the server allows.
 * FAILURE_PERMANENT: there is none, or it is not ours to read.
 */
bool imap_select(ImapClient *client, const char *folder, bool writable,
                 ImapFolder *ret_folder, GError **error);

/*
 * The highest MODSEQ that the server has told of since the folder was opened:
 * when it was, with the sizes of mails, and for flags of ours. It never goes
 * back but in a folder that was put back to what it was. 0:
 * the folder counts no changes.
 */
uint64_t imap_highest_modseq(const ImapClient *client);

/*
 * UIDs from `first` on, ascending; with `since_s` (Unix seconds, 0: all) only
 * of mail that the server received on that day or later. Never one below
 * `first`, whatever "n:*" gives. Returns: uint32_t each. A mail that comes
 * while it searches may be missing: imap_wait() then has news at once.
 */
GArray *imap_search(ImapClient *client, uint32_t first, int64_t since_s,
                    GError **error);

/* The highest UID that is there ("*"); 0: there is no mail. */
bool imap_highest(ImapClient *client, uint32_t *ret_uid, GError **error);

/*
 * From here on: no UID is used, and no answer believed, once the server has
 * announced another UIDVALIDITY than imap_select() gave: FAILURE_TEMPORARY. No
 * UIDs at all (n == 0) is nothing to do.
 */

/* Sizes of up to IMAP_BATCH of these; who is gone is left out. ImapMessage. */
GArray *imap_sizes(ImapClient *client, const uint32_t *uids, size_t n,
                   GError **error);

enum { IMAP_BATCH = 100 };

/* A mail that has arrived whole. False ends the fetching, as an error does. */
typedef bool (*ImapMail)(void *context, uint32_t uid, GBytes *raw);

/*
 * Fetch these (with their sizes, by which the budget is set), \Seen untouched.
 * Bodies are spooled in spool_directory above memory_bytes. Mails come in any
 * order; who is gone does not come. A server that sends nothing for the
 * account's timeout, or is slower than 4 KiB/s, is given up. True: the server
 * has said that it is done, and only then do those count that came.
 */
bool imap_fetch(ImapClient *client, const ImapMessage *messages, size_t n,
                const char *spool_directory, size_t memory_bytes, ImapMail mail,
                void *context, GError **error);

/* Call `progress` now and then while a mail comes in, which may take long;
 * NULL: no more. It must not use the client. False: give the connection up. */
void imap_on_progress(ImapClient *client, bool (*progress)(void *context),
                      void *context);

/* Add a flag: "\\Seen", or a keyword (an atom, else FAILURE_CONFIG). Who is
 * gone is no error. */
bool imap_mark(ImapClient *client, const uint32_t *uids, size_t n,
               const char *flag, GError **error);

/*
 * Move to another folder (UTF-8): MOVE; else COPY, \Deleted and UID EXPUNGE;
 * without UIDPLUS they stay, marked \Deleted: EXPUNGE would take other people's
 * mail along. FAILURE_PERMANENT: the folder does not take them, or there is
 * none; what the server says is in the message.
 * ret_moved: how many of these are there now (COPYUID, RFC 4315), or -1: the
 * server did not say. Who was gone before is no error, but not counted; OK
 * alone means nothing, for servers say it of UIDs that are gone, too.
 */
bool imap_move(ImapClient *client, const uint32_t *uids, size_t n,
               const char *folder, int64_t *ret_moved, GError **error);

/* \Deleted, and UID EXPUNGE where there is UIDPLUS. */
bool imap_delete(ImapClient *client, const uint32_t *uids, size_t n,
                 GError **error);

/*
 * Wait until the server tells of mail, `fd` (-1: none) can be read, or
 * `timeout_s` is over. ret_news: there may be mail since the last
 * imap_search(): search again. What the server told by the way since then
 * counts, too; it is told once.
 *
 * With IDLE (RFC 2177) it is left going on: the next imap_wait() goes on
 * waiting, any other command ends it first, and after 25 minutes it is begun
 * anew. Without IDLE nothing is asked, and hardly a server tells by itself:
 * call imap_search() when your poll interval is over.
 */
bool imap_wait(ImapClient *client, int fd, int64_t timeout_s, bool *ret_news,
               GError **error);

/* LOGOUT if it is alive, and close. */
void imap_close(ImapClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImapClient, imap_close)

#endif
