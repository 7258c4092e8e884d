#!/bin/sh
# Everything the store does, through a transaction pooler: without prepared
# statements, and with nothing that outlives a transaction.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/store.sh"

servers_need pooler
store_prepare
export STORE_TEST_PREPARED=0
bouncer_start
STORE_TEST_POOL="host=$SERVERS/bouncer port=6432 user=$PGUSER dbname=desk"
export STORE_TEST_POOL
pass_on pooled
tap_done
