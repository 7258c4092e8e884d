/* How it goes with the folders that the settings want to be watched. */
#ifndef GATEWAY_FOLDERS_H
#define GATEWAY_FOLDERS_H

#include "gateway/desk.h"
#include "store/inspect.h"

typedef struct {
    int64_t watched;
    int64_t silent;   /* nobody could look for longer than folder_silence */
    int64_t waiting;  /* mails that are not accepted yet */
    int64_t parked;   /* mails that could not be taken and need a person */
    GString *reasons; /* a line for each that is silent: which, and why */
    GString *left;    /* a line for each with parked mails */
} FolderFigures;

/* The row of that folder in the table of INSPECT_FOLDERS; -1: nobody has
 * watched it yet. */
int folders_row(const InspectTable *table, const Account *account,
                const WatchedFolder *folder);

/*
 * How it goes with the folder of that row, in a word: "watching"; "behind",
 * mails wait; "failing", the last attempt did; "unwatched", nobody has it;
 * "silent", for too long; "refused", nobody tries before its time; "never",
 * there is no row.
 */
const char *folders_state(const InspectTable *table, int row,
                          int64_t silence_s);

/* Ask and count; folders that no settings name any more do not count. */
bool folders_figures(Txn *txn, const Settings *settings,
                     FolderFigures *ret_figures, GError **error);
void folders_figures_clear(FolderFigures *figures);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FolderFigures, folders_figures_clear)

#endif
