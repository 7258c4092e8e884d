# shellcheck shell=sh
# What the tests of a database in trouble share; they read this file after
# load.sh.
#
#   database_prepare       a desk under no load yet, whose database is reached
#                          through a proxy at a name that can be moved
#   database_test PART...  test_PART of each, or of $DATABASE_PARTS only; what is
#                          left at the end is looked through

# --- tools ------------------------------------------------------------------

# Process ids of the desk's backends; $1 restricts them further.
backends()
{
    pg_admin -At -d postgres -c "SELECT pid FROM pg_stat_activity
        WHERE usename = 'postern' AND application_name ~ ':[0-9]'
        AND ${1:-true}"
}

cut_all()
{
    pg_admin -At -d postgres -c "SELECT count(pg_terminate_backend(pid))
        FROM pg_stat_activity WHERE usename = 'postern'" >/dev/null
}

somebody_waits()
{
    [ -n "$(backends "wait_event_type = 'Lock'")" ]
}

# A mail goes all the way again within $2 s; the longest pause of a worker is a
# minute.
works_again()
{
    works_n=$((${works_n:-0} + 1))
    tap_ok "$1: new mail is taken within $2 s" \
        load_some "again$works_n" 1 --patience "$2"
    tap_ok "$1: and answered" wait_for "$2" has_mail_to "again$works_n-lmtp-1"
}

# --- where the database is --------------------------------------------------

# The name leads to another server from now on.
endpoint_is()
{
    ln -sfn "$1" "$SERVERS/endpoint"
}

standby_ctl()
{
    (cd / && servers_as "$PG_USER" "$PG_BIN/pg_ctl" -D "$SERVERS/standby/data" \
        -s -w -t 60 -l "$SERVERS/standby/server.log" "$@")
}

leave()
{
    leave_status=$?
    if [ -n "${SMALL:-}" ]; then
        umount -l "$SMALL" 2>/dev/null
    fi
    if [ -e "$SERVERS/standby/data/postmaster.pid" ]; then
        server_stop posternd
        standby_ctl -m immediate stop
    fi
    (exit $leave_status)
    servers_leave
}

database_prepare()
{
    load_prepare || exit 1
    trap leave EXIT
    endpoint_is "$PGHOST"
    pg_proxy_start "$SERVERS/endpoint" || exit 1
    DESK_CONNINFO="host=$PG_PROXY user=postern dbname=desk"
    DESK_CONNINFO="$DESK_CONNINFO passfile=$SERVERS/pgpass"
    DESK_PATIENCE=2s
    load_settings
    desk_start || exit 1
}

database_test()
{
    tap_parts "${DATABASE_PARTS:-}" "$@"
    desk_unharmed
}
