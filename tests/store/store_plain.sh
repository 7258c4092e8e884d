#!/bin/sh
# Everything the store does, against a private PostgreSQL: without prepared
# statements, and through a transaction pooler if there is one.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/store.sh"

store_prepare
export STORE_TEST_PREPARED=0
pass_on plain
if bouncer_start; then
    STORE_TEST_POOL="host=$SERVERS/bouncer port=6432 user=$PGUSER dbname=desk"
    export STORE_TEST_POOL
    pass_on pooled
else
    tap_lacks "pooled" "pgbouncer (Debian package pgbouncer)"
fi
tap_done
