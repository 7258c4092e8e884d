#!/bin/sh
# Everything the store does, against a private PostgreSQL: without prepared
# statements.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/store.sh"

store_prepare
export STORE_TEST_PREPARED=0
pass_on plain
tap_done
