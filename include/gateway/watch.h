/*
 * WATCH: the mail of an IMAP folder to the database, and only then a flag or
 * another folder. One Watch is one folder of one account: its lease, its
 * connection, its position. Knows nothing of MIME; no mail can break it.
 *
 * What a folder cannot get into the database - a mail above limits.mail_size,
 * one on which a worker died or the connection broke FOLDER_STRIKES_MAX times -
 * stays where it is, is noted in left_mail, and stops no other mail. While
 * limits.backlog mails wait to be processed, all of them stay for now.
 *
 * Errors are of two kinds. Of the database: FAILURE_TEMPORARY and the like, as
 * everywhere. Of the IMAP server: they are noted with the folder, the lease is
 * given back so that another machine may have more luck, and watch_pause_s()
 * says how long to wait: minutes where the server refused us, for who asks
 * again soon is locked out.
 */
#ifndef GATEWAY_WATCH_H
#define GATEWAY_WATCH_H

#include "gateway/desk.h"
#include "gateway/diary.h"

typedef struct Watch Watch;

typedef struct {
    Desk *desk;
    const Account *account;
    const WatchedFolder *folder;
    const char *lease;    /* a UUID, the same as long as this daemon lives */
    const char *password; /* NULL: there is a token_command */
    Fetching hand;        /* what the one before had when it died */
    const Diary *diary;
} WatchOptions;

/* Everything in `options` is borrowed. Does not connect yet. */
Watch *watch_new(const WatchOptions *options);

typedef struct {
    size_t accepted; /* deliveries that now wait to be processed */
    bool more;       /* look again at once */
    int64_t rest_s;  /* do not look before: another daemon reads it, a login was
                        refused, so much waits already (limits.backlog), or
                        news were none; 0 */
} Watched;

/* Keep the lease, see what is new, and take one batch of it. */
bool watch_look(Watch *watch, Watched *ret_watched, GError **error);

/* Wait until there may be something new, `fd` can be read, or the lease wants
 * to be kept. */
bool watch_wait(Watch *watch, int fd, GError **error);

/* After a failure of watch_look() or watch_wait(): how long to wait; 0: as
 * after any other failure. */
int64_t watch_pause_s(const Watch *watch);

/* Closes the connection and gives the lease back. */
void watch_free(Watch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Watch, watch_free)

#endif
