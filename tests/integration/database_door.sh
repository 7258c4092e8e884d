#!/bin/sh
# Nobody may come in, the schema is another, the clock is wrong, the database is
# elsewhere: nothing is lost, nothing doubled, and the desk works again by itself
# (tests/README F14 to F18).
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/load.sh"
. "${srcdir:-.}/tests/support/database.sh"

# --- nobody may come in ----------------------------------------------------------

# Out for a while: NAME, what the log says, how to shut out, how to let in.
shut_out()
{
    load_begin "$1"
    load_flows
    mark_log
    $3
    cut_all
    tap_ok "$1: the log says why" desk_log "event=worker\.paused.*$2"
    fault_is_refused "$1"
    shut_pauses=$(pauses)
    sleep 3 # in which one who does not pause would try a hundred times
    tap_ok "$1: it is slow to try again" \
        [ $(($(pauses) - shut_pauses)) -lt 40 ]
    $4
    works_again "$1" 60
    load_end "$1"
}

pauses()
{
    grep -c 'event=worker.paused' "$DESK_LOG"
}

ask_for_password()
{
    echo 'local desk postern scram-sha-256' | cat - "$PG_DATA/pg_hba.conf" \
        >"$SERVERS/hba"
    cp "$PG_DATA/pg_hba.conf" "$SERVERS/hba.before"
    cat "$SERVERS/hba" >"$PG_DATA/pg_hba.conf"
    pg_ctl reload
}

ask_for_none()
{
    cat "$SERVERS/hba.before" >"$PG_DATA/pg_hba.conf"
    pg_ctl reload
}

test_password()
{
    pg_admin -d postgres -c "ALTER ROLE postern PASSWORD 'right'"
    echo '*:*:*:*:wrong' >"$SERVERS/pgpass"
    chmod 0600 "$SERVERS/pgpass"
    if [ "$(id -u)" = 0 ]; then
        chown "$SERVERS_USER" "$SERVERS/pgpass"
    fi
    shut_out password 'password authentication failed' \
        ask_for_password ask_for_none
    tap_unlike "no password is in the log" "$(cat "$DESK_LOG")" wrong
}

no_connections()
{
    pg_admin -d postgres -c 'ALTER ROLE postern CONNECTION LIMIT 0'
}

any_connections()
{
    pg_admin -d postgres -c 'ALTER ROLE postern CONNECTION LIMIT -1'
}

read_only()
{
    pg_admin -d postgres -c \
        'ALTER SYSTEM SET default_transaction_read_only = on'
    pg_ctl reload
}

read_write()
{
    PGOPTIONS='-c default_transaction_read_only=off' pg_admin -d postgres -c \
        'ALTER SYSTEM RESET default_transaction_read_only'
    pg_ctl reload
}

new_sessions_read_only()
{
    [ "$(desk_sql 'SHOW default_transaction_read_only')" = on ]
}

# Sessions that were there before, so that it is the statement that is refused.
test_read_only_session()
{
    mark_log
    read_only
    # Whoever is there has been told before anybody new is let in.
    wait_for 60 new_sessions_read_only
    fault_is_refused "a session that turned read-only"
    tap_ok "a session that turned read-only: the log says so" \
        desk_log 'SQLSTATE 25006|read-only'
    read_write
    works_again "a session that may write again" 60
}

# --- another schema ---------------------------------------------------------------

test_schema()
{
    load_begin schema
    load_flows
    mark_log
    desk_sql "INSERT INTO schema_migration (version, name, digest)
        VALUES (9999, '9999_future.sql', 'none')" >/dev/null
    tap_ok "another schema: it is noticed" \
        desk_log 'schema version 9999.*upgrade postern'
    tap_ok "another schema: nothing is accepted any more" \
        wait_for 60 is_refused_now
    fault_is_refused "another schema"
    desk_sql 'DELETE FROM schema_migration WHERE version = 9999' >/dev/null
    works_again "our schema again" 60
    load_end schema
}

is_refused_now()
{
    schema_before=$(wc -l <"$LEDGER")
    sleep 1 # in which each client would try five times
    [ "$(wc -l <"$LEDGER")" = "$schema_before" ]
}

# --- the clock ----------------------------------------------------------------------

# Our processes only: the database has a clock of its own, as on another machine.
test_clock()
{
    faketime=$(ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null | head -n 1)
    case ${POSTERN_BUILD:-} in
    *sanitize*)
        tap_skip "the clock steps" "the sanitizer must be loaded first"
        return
        ;;
    esac
    if [ -z "$faketime" ]; then
        tap_lacks "the clock steps" "libfaketime (Debian package libfaketime)"
        return
    fi
    desk_stop
    mark_log
    clock_began=$(date +%s)
    clock_is '+0'
    export FAKETIME_TIMESTAMP_FILE="$SERVERS/clock" FAKETIME_NO_CACHE=1 \
        FAKETIME_DONT_FAKE_MONOTONIC=1
    server_run posternd env LD_PRELOAD="$faketime" "$DESK_BIN/posternd" \
        -c "$DESK_CONF"
    wait_for 60 desk_is_up
    sink_say 'rcpt=later * reply 450 4.2.0 not yet'
    load_some later 1
    load_begin clock
    for clock_step in +10y -1d +0 -1d; do
        clock_is "$clock_step"
        works_again "the clock steps by $clock_step" 60
        if [ "$clock_step" = +10y ]; then
            tap_unlike "the clock is wrong for them" "$(mail_field \
                "$(sent_to "again$works_n-lmtp-1")" Date)" " $(date +%Y) "
        fi
    done
    sink_say
    load_end clock
    tap_is "nothing has expired" "$(desk_sql "SELECT count(*) FROM outgoing
        WHERE state = 'failed'")" 0
    # One a second, with what the steps make due.
    tap_ok "there was no storm of retries" [ "$(desk_sql "SELECT max(attempts)
        FROM outgoing")" -lt $((40 + $(date +%s) - clock_began)) ]
    # Last, for the oracle expects first mails. The ids that we sign are not bound to a time that may step back.
    mail_answer answer "again$works_n-lmtp-1@customers.test" \
        "$(sent_to "again$works_n-lmtp-1")"
    lmtp_send answer "again$works_n-lmtp-1@customers.test" support@desk.test \
        >/dev/null
    wait_for 60 is_joined
    tap_is "an answer finds its ticket by the id that was signed before" \
        "$(desk_sql "SELECT count(*) FROM message WHERE ticket_id = (SELECT
            ticket_id FROM message WHERE message_id = 'answer@mua.test')")" 2
}

is_joined()
{
    [ -n "$(desk_sql "SELECT 1 FROM message
        WHERE message_id = 'answer@mua.test'")" ]
}

clock_is()
{
    printf '%s\n' "$1" >"$SERVERS/clock.new"
    chmod 0644 "$SERVERS/clock.new"
    mv -f "$SERVERS/clock.new" "$SERVERS/clock"
}

# --- failover -------------------------------------------------------------------------

standby_start()
{
    servers_mkdir "$SERVERS/standby" 0755 "$PG_USER"
    echo 'local replication postgres peer map=tests' >>"$PG_DATA/pg_hba.conf"
    pg_ctl reload
    (cd / && servers_as "$PG_USER" "$PG_BIN/pg_basebackup" -h "$PGHOST" \
        -U postgres -D "$SERVERS/standby/data" -R -X stream -c fast) \
        >"$SERVERS/standby/backup.out" 2>&1 || return 1
    echo "unix_socket_directories = '$SERVERS/standby'" \
        >>"$SERVERS/standby/data/postgresql.conf"
    standby_ctl start
}

test_failover()
{
    tap_ok "a standby is made" standby_start
    load_begin failover
    load_flows
    mark_log
    # In order, so that the standby has everything: an asynchronous one that has
    # not may lose mail, as README says.
    pg_stop fast
    endpoint_is "$SERVERS/standby"
    tap_ok "a standby that only reads: the log says so" \
        desk_log 'event=worker\.paused.*(read-only|starting up)'
    fault_is_refused "a standby that only reads"
    PGHOST=$SERVERS/standby
    standby_ctl promote
    works_again "the standby rises" 60
    load_end failover
}

test_too_many()
{
    shut_out too-many 'too many connections' no_connections any_connections
}

faults_wanted
servers_need pg sink
database_prepare
database_test password too_many read_only_session schema failover clock
tap_done
