/*
 * What a worker leaves when it dies: it stands in its slot of the status page
 * and is settled by its successor there. Where there will be none (the settings
 * want fewer workers, or the whole daemon was killed), it goes to a list of the
 * page, and the clock settles it.
 */
#ifndef DAEMON_DEBT_H
#define DAEMON_DEBT_H

#include "daemon/status.h"
#include "gateway/desk.h"

/* Is anything owed? */
bool debt_is_owed(const Debt *debt);

/* Outgoing mail `id` is so far; id 0 takes all marks away. */
void debt_mark(Debt *debt, int64_t id, Mark mark);

/* Move it to the list of the page, if anything is owed; `debt` is clear then.
 * What is in no list any more waits for the end of its lease. */
void debt_leave(Debt *debt, StatusPage *page);

/* Move everything that an older page says: its daemon is dead. */
void debt_take_over(const StatusPage *old, StatusPage *page);

/* Count the strike, settle the claim by its marks; `debt` is clear then. */
bool debt_settle(Debt *debt, Desk *desk, GError **error);

#endif
