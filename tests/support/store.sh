# shellcheck shell=sh
# What the scripts that run test_store share; they read this file after servers.sh.
#
#   store_prepare          a private PostgreSQL, and a proxy before it
#   pass_on NAME           TAP points: everything the store does
#   bouncer_start          a transaction pooler

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

# Nothing of a session outlives a transaction here.
bouncer_start()
{
    servers_mkdir "$SERVERS/bouncer" 0755 "$SERVERS_USER"
    cat >"$SERVERS/bouncer/ini" <<SETTINGS
[databases]
desk = host=$PGHOST dbname=desk user=$PGUSER
[pgbouncer]
unix_socket_dir = $SERVERS/bouncer
unix_socket_mode = 0777
listen_addr =
auth_type = any
pool_mode = transaction
SETTINGS
    server_run bouncer /usr/sbin/pgbouncer "$SERVERS/bouncer/ini"
    wait_for 60 test -S "$SERVERS/bouncer/.s.PGSQL.6432"
}

store_prepare()
{
    if [ ! -x "$test_store" ]; then
        tap_needs "the unit test library check (Debian package check)"
    fi
    servers_need pg sink
    pg_start && pg_createdb desk || exit 1
    pg_proxy_start "$PGHOST" || exit 1

    STORE_TEST_CONNINFO="host=$PGHOST user=$PGUSER dbname=desk"
    STORE_TEST_ADMIN="host=$PGHOST user=postgres dbname=postgres"
    STORE_TEST_PROXY="host=$PG_PROXY user=$PGUSER dbname=desk"
    STORE_TEST_CONTROL=$PG_PROXY_CONTROL
    export STORE_TEST_CONNINFO STORE_TEST_ADMIN STORE_TEST_PROXY STORE_TEST_CONTROL
}
