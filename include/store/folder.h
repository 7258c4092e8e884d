/*
 * IMAP folders that are watched: who reads them, how far they were read, and
 * what was left in them. Tables `folder` and `left_mail`.
 *
 * A folder is read by whoever holds its lease; each commit of a batch asks
 * whether that is still so, so that of two daemons that both think they have it
 * only one moves on. The position is UIDVALIDITY and UID (RFC 3501 2.3.1.1),
 * never a flag.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include "mail/delivery.h"
#include "store/delivery.h"
#include "store/store.h"

enum {
    FOLDER_LEASE_S = 45,   /* unheard of for so long: another may take it */
    FOLDER_RENEW_S = 15,   /* how often its holder must be heard of */
    FOLDER_STRIKES_MAX = 3 /* then a mail is parked in its folder */
};

/* How far a folder was read. */
typedef struct {
    int64_t id;
    uint32_t uid_validity;  /* 0: never opened */
    uint32_t generation;    /* it was another folder before so often */
    uint32_t last_uid;      /* all up to it are dealt with */
    uint32_t resync_until;  /* up to it: compare with what is known */
    uint32_t acted_uid;     /* up to it accepted ones are flagged or moved */
    int64_t highest_modseq; /* as the server counts changes; 0: it does not */
    int64_t try_in_s;       /* a login was refused: not before */
} FolderPosition;

/* Take or keep a folder under `lease` (a UUID); `holder` is for people. True
 * and ret_held false: another has it. */
bool folder_hold(Store *store, const char *account, const char *name,
                 const char *lease, const char *holder,
                 FolderPosition *ret_position, bool *ret_held, GError **error);

/* Let others have it at once. */
bool folder_release(Store *store, int64_t id, const char *lease,
                    GError **error);

typedef struct {
    const char *trouble; /* what this attempt met; "": nothing */
    int64_t waiting;     /* mails that are not accepted yet */
    int64_t next_try_s;  /* nobody tries before; 0: at any time */
    uint32_t acted_uid;
    int64_t highest_modseq;
} FolderReport;

/* Say how it goes; that keeps the lease, too. ret_held as above; ret_left_due:
 * a mail that was left is to be tried again now. */
bool folder_report(Store *store, int64_t id, const char *lease,
                   const FolderReport *report, bool *ret_held,
                   bool *ret_left_due, GError **error);

/* A folder as it is first seen. */
typedef struct {
    uint32_t uid_validity;
    uint32_t resync_until;
    int64_t highest_modseq;
} FolderBeginning;

/*
 * The server's folder is not the one that was read: read it from its beginning,
 * comparing up to `resync_until`. It is the next generation of it, be it under
 * the same `uid_validity` or under one that it had before. `position` is as
 * that leaves it.
 */
bool folder_begin(Store *store, const char *lease,
                  const FolderBeginning *beginning, FolderPosition *position,
                  bool *ret_held, GError **error);

/* A mail that could not be taken. */
typedef struct {
    uint32_t uid;
    int64_t octets;
    bool struck;        /* a strike; else it is parked at once */
    const char *reason; /* borrowed */
    int strikes;        /* so far, once it is stored */
    bool parked;        /* likewise: it needs an operator */
} LeftMail;

/* What one commit takes from a folder. */
typedef struct {
    const GPtrArray *deliveries; /* Delivery*, with raw and raw_digest */
    const bool *compared;  /* one for each: is the mail known, under another
                              number or name? Of mails with a Message-ID the
                              processor knows more */
    uint32_t last_uid;     /* the position behind it */
    GArray *left;          /* LeftMail */
    const GArray *cleared; /* uint32_t: left before, but not any more */
} FolderBatch;

/*
 * Accept: mails, what was left, and the position, in one commit, or nothing.
 * Each delivery gets its id, but a mail that is known has none: id 0 and
 * ADDED_DUPLICATE. ret_added: one for each delivery. `position` moves on. True
 * and ret_held false: the folder is another's; nothing was committed.
 */
bool folder_accept(Store *store, const char *lease, FolderBatch *batch,
                   FolderPosition *position, Added *ret_added, bool *ret_held,
                   GError **error);

/* Which of these source keys (char*) are accepted: a bool each. */
bool folder_accepted(Store *store, const GPtrArray *keys, bool *ret_accepted,
                     GError **error);

/* UIDs (uint32_t) that were left and are to be tried again, first those that a
 * limit kept out which is higher now. */
GArray *folder_left_due(Store *store, const FolderPosition *position,
                        int64_t mail_bytes, GError **error);

/* An operator wants those of an account tried again; ret_count: how many. */
bool folder_left_retry(Txn *txn, const char *account, int64_t *ret_count,
                       GError **error);

#endif
