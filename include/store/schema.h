/* The schema: applied, checked; the server: is it one we can promise on? */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "store/store.h"

/*
 * Apply what is missing of sql/migrations, one transaction each; `applied` is
 * told each name. FAILURE_CONFIG if the database has a newer or an altered
 * version.
 */
bool schema_apply(Store *store,
                  void (*applied)(void *context, const char *name),
                  void *context, GError **error);

/* FAILURE_CONFIG unless the database has exactly our version. */
bool schema_check(Store *store, GError **error);

/*
 * FAILURE_CONFIG if the server cannot keep promise 1: fsync or full_page_writes
 * off, synchronous_commit off (or local where standbys are named), encoding not
 * UTF8, read-only.
 */
bool schema_check_server(Store *store, GError **error);

/* FAILURE_CONFIG if the server has not so many connections for us, even if
 * nobody else has any. */
bool schema_check_connections(Store *store, int64_t wanted, GError **error);

/* Retention, a bounded piece at a time; ret_count: rows touched. */
bool schema_purge(Store *store, const Retention *retention, int64_t *ret_count,
                  GError **error);

#endif
