/*
 * Who does what, and back by when: a page in the run directory that supervisor,
 * workers and `postern status` share. A worker writes its own slot only; what
 * it noted outlives it, so that its successor can answer for it.
 */
#ifndef DAEMON_STATUS_PAGE_H
#define DAEMON_STATUS_PAGE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/status.h"

/* Create RUN_DIRECTORY/status, as the service's user if that directory is not
 * root's alone; ret_fd is close-on-exec. The lock of the run
 * directory is ours: what stands there is of a daemon that is dead, and its
 * debts are taken over. */
StatusPage *status_page_create(const char *run_directory, int *ret_fd,
                               GError **error);

/* Map the page that a parent handed over. */
StatusPage *status_page_map(int fd, GError **error);

/* A worker's notes about itself, in its own slot. */
void status_slot_busy(StatusSlot *slot, int64_t delivery_id, int64_t back_in_s);
void status_slot_idle(StatusSlot *slot);
/* Idle too, but it will say so again within that time: one that was stopped
 * from outside is overdue, though it had nothing in hand. */
void status_slot_asleep(StatusSlot *slot, int64_t back_in_s);

/* These mails of a folder are in hand. */
void status_slot_fetching(StatusSlot *slot, const Fetching *fetching);

/* True if the worker has overstayed the time it announced. */
bool status_slot_is_overdue(const StatusSlot *slot, int64_t now_us);

/* True if it dies again and again, and did so within the last minute. */
bool status_slot_is_looping(const StatusSlot *slot, int64_t now_us);

/* How many slots of that role are busy, and how many there are. */
void status_page_count(const StatusPage *page, WorkerRole role,
                       size_t *ret_busy, size_t *ret_all);

#endif
