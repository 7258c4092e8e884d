#!/bin/sh
# Everything the store does, against a private PostgreSQL: with prepared
# statements, and as behind a transaction pooler without.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"

test_store=${abs_top_builddir:-.}/test_store

# The program's own TAP goes on counting where we are; its plan is ours.
pass_on()
{
    "$test_store" >"$SERVERS/tap" 2>"$SERVERS/errors"
    store_status=$?
    while IFS= read -r store_line; do
        case $store_line in
        "ok "*)
            store_name=${store_line%: Passed}
            tap_pass "$1: ${store_name#*:}"
            ;;
        "not ok "*) tap_fail "$1: ${store_line#*- }" ;;
        1..*) ;;
        *) tap_diag "$store_line" ;;
        esac
    done <"$SERVERS/tap"
    tap_is "$1: the program ends well" "$store_status" 0
    tap_is "$1: and has nothing to complain of" "$(cat "$SERVERS/errors")" ""
}

if [ ! -x "$test_store" ]; then
    tap_needs "the unit test library check (Debian package check)"
fi
servers_need pg sink
pg_start && pg_createdb desk || exit 1
servers_python
servers_mkdir "$SERVERS/proxy" 0777 "$SERVERS_USER"
server_run proxy "$PYTHON" "${srcdir:-.}/tests/support/pg_proxy.py" \
    --listen "$SERVERS/proxy" --server "$PGHOST" \
    --control "$SERVERS/proxy/control"

STORE_TEST_CONNINFO="host=$PGHOST user=$PGUSER dbname=desk"
STORE_TEST_ADMIN="host=$PGHOST user=postgres dbname=postgres"
STORE_TEST_PROXY="host=$SERVERS/proxy user=$PGUSER dbname=desk"
STORE_TEST_CONTROL=$SERVERS/proxy/control
export STORE_TEST_CONNINFO STORE_TEST_ADMIN STORE_TEST_PROXY STORE_TEST_CONTROL

STORE_TEST_PREPARED=1
export STORE_TEST_PREPARED
pass_on prepared
STORE_TEST_PREPARED=0
pass_on pooled
tap_done
