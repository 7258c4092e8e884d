#!/bin/sh
# Whatever the database does under load: nothing is lost, nothing doubled, and
# the desk works again by itself (RELIABILITY F6 to F18).
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/load.sh"

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

# A transaction that keeps everybody else out of table $1, until let_go.
hold_table()
{
    mkfifo "$SERVERS/locker"
    psql -X -q -d desk <"$SERVERS/locker" >"$SERVERS/locker.out" 2>&1 &
    exec 9>"$SERVERS/locker"
    echo "BEGIN; LOCK TABLE $1; SELECT 1;" >&9
    wait_for 10 test -s "$SERVERS/locker.out"
}

let_go()
{
    exec 9>&-
    rm -f "$SERVERS/locker" "$SERVERS/locker.out"
}

somebody_waits()
{
    [ -n "$(backends "wait_event_type = 'Lock'")" ]
}

# A mail goes all the way again within $2 s.
works_again()
{
    works_n=$((${works_n:-0} + 1))
    tap_ok "$1: new mail is taken within $2 s" \
        load_some "again$works_n" 1 --patience "$2"
    tap_ok "$1: and answered" wait_for "$2" has_mail_to "again$works_n-lmtp-1"
}

# --- the server ends, as a whole or one backend of it -------------------------

test_stopped()
{
    load_begin stopped --large-every 20
    sleep 1
    pg_stop immediate
    mark_log
    tap_ok "stopped: the log says so" desk_log 'event=worker\.paused'
    fault_is_refused stopped
    sleep 2
    pg_start
    works_again stopped 30
    load_end stopped
    tap_ok "stopped: some had to come again" \
        [ "$(load_taken stopped in-vain)" -gt 0 ]
}

# In the middle of a transaction, for certain: it waits for a lock of ours.
test_one_backend()
{
    for one_how in terminated killed; do
        hold_table event
        load_some "held-$one_how" 4
        wait_for 10 somebody_waits
        one_victim=$(backends "wait_event_type = 'Lock'" | head -n 1)
        mark_log
        if [ $one_how = killed ]; then
            kill -KILL "$one_victim"
        else
            pg_admin -At -d postgres -c \
                "SELECT pg_terminate_backend($one_victim)" >/dev/null
        fi
        tap_ok "a backend is $one_how in mid-transaction: it is noticed" \
            desk_log 'event=worker\.paused'
        let_go
        works_again "a backend was $one_how" 30
        promises_hold "a backend was $one_how in mid-transaction"
    done
}

test_many_backends()
{
    load_begin terminated --large-every 20
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        for many_pid in $(backends "state <> 'idle'") \
            $(backends | shuf -n 1); do
            pg_admin -At -d postgres -c \
                "SELECT pg_terminate_backend($many_pid)" >/dev/null
        done
        sleep 0.2
    done
    kill -KILL "$(backends | shuf -n 1)"
    sleep 1
    load_end terminated
}

# They do not answer and keep the connection: nothing but our own clock helps.
# Idle ones and one that waits, for who is stopped with a latch of the shared
# memory in hand stops the whole server.
test_stopped_backends()
{
    # Who waits may have waited too long before it is stopped: that counts, too.
    mark_log
    hold_table event
    load_some sleeper 1
    wait_for 10 somebody_waits
    sleeping=$(backends "(state = 'idle' OR wait_event_type = 'Lock')")
    # shellcheck disable=SC2086
    kill -STOP $sleeping
    let_go
    load_begin sleeping
    tap_ok "stopped backends are left within the time allowed" \
        desk_log 'no answer within the time allowed' 15
    works_again "stopped backends" 30
    # shellcheck disable=SC2086
    kill -CONT $sleeping
    load_end sleeping
    tap_ok "stopped backends: nobody waited more than 30 s" \
        [ "$(load_taken sleeping longest)" -le 30 ]
}

# --- the connection ends, at every step ---------------------------------------

orders=0

order()
{
    orders=$((orders + 1))
    order_action=$1
    shift
    printf '%s %s %s\n' "$order_action" "o$orders" "$*" >"$CONTROL.next"
    chmod 0644 "$CONTROL.next"
    mv -f "$CONTROL.next" "$CONTROL"
}

was_carried_out()
{
    grep -qs " o$orders\( \|\$\)" "$CONTROL.done"
}

# Which flight, and a statement that it has.
flights()
{
    cat <<FLIGHTS
accept   delivery_add
look     delivery_lock_batch
process  outgoing_add
claim    outbox_claim
settle   outbox_settle
FLIGHTS
}

# The state of the newest acknowledgement, and how often the relay has it.
newest_ack()
{
    desk_sql "SELECT state, repeats FROM outgoing
        WHERE kind = 'acknowledgement' ORDER BY id DESC LIMIT 1"
    sent_to "$1" | wc -l
}

test_cuts()
{
    flights >"$SERVERS/flights"
    for cut in cut-before cut-after stall; do
        while read -r what statement <&8; do
            name=$what-$cut
            order "$cut" "$statement"
            load_some "$name" 1
            tap_ok "$cut at $what: it happened" wait_for 20 was_carried_out
            promises_hold "$cut at $what"
            tap_is "$cut at $what: one answer" \
                "$(newest_ack "$name-lmtp-1")" "sent|0
1"
        done 8<"$SERVERS/flights"
    done
}

# Not only where we thought of it.
test_sweep()
{
    for sweep in cut-question:40 cut-answer:60; do
        sweep_n=0
        sweep_missed=0
        while [ $sweep_n -lt "${sweep#*:}" ]; do
            sweep_n=$((sweep_n + 2))
            order "${sweep%:*}" "$sweep_n"
            load_some "${sweep%:*}-$sweep_n" 1 || sweep_missed=1
            wait_for 20 was_carried_out || sweep_missed=1
        done
        tap_is "each of the first ${sweep#*:} messages can be the last one" \
            $sweep_missed 0
        promises_hold "${sweep%:*}"
    done
}

# COMMIT of a transaction that was aborted is answered as if all were well, with
# the tag ROLLBACK.
test_rolled_back()
{
    mark_log
    order abort outgoing_add
    load_some abort 1
    tap_ok "a COMMIT is answered ROLLBACK" wait_for 10 was_carried_out
    tap_ok "which is noticed" desk_log 'ROLLBACK answered instead of COMMIT'
    promises_hold "a COMMIT that was none"
    # A small mail is one flight without COMMIT, a large one has its own.
    mark_log
    order abort delivery_add
    load_some abort-large 1 --large-every 1
    tap_ok "the same for a large mail on its way in" \
        wait_for 10 was_carried_out
    tap_ok "which is noticed, too" \
        desk_log 'event=accept\.repeated.*ROLLBACK answered'
    promises_hold "no COMMIT of a large mail"
}

# --- the server refuses --------------------------------------------------------

# refuse SQLSTATE TIMES TABLE OPERATION [WHEN]: statements on TABLE fail so
# often; a sequence counts, which no rollback sets back.
refuse()
{
    psql -X -q -d desk -v ON_ERROR_STOP=1 <<SQL
CREATE SEQUENCE refusals;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS '
BEGIN
    IF nextval(''refusals'') <= $2 THEN
        RAISE EXCEPTION ''by the test'' USING ERRCODE = ''$1'';
    END IF;
    RETURN NEW;
END';
CREATE CONSTRAINT TRIGGER refuse AFTER $4 ON $3 ${6:-}
    FOR EACH ROW ${5:+WHEN ($5)} EXECUTE FUNCTION refuse();
SQL
}

refuse_no_more()
{
    psql -X -q -d desk -v ON_ERROR_STOP=1 -c "SET lock_timeout = '20s'" \
        -c "SET client_min_messages = warning" \
        -c 'DROP FUNCTION refuse CASCADE' -c 'DROP SEQUENCE refusals'
}

# Where, and on which table.
refusals()
{
    cat <<REFUSALS
accept    delivery  INSERT
process   message   INSERT
deferred  message   INSERT
claim     outgoing  UPDATE  NEW.state='submitting'
settle    outgoing  UPDATE  NEW.state='sent'
REFUSALS
}

test_refusals()
{
    refusals >"$SERVERS/refusals"
    for state in 40001 40P01 53100 57014; do
        while read -r what table operation when <&8; do
            moment=
            if [ "$what" = deferred ]; then
                moment='DEFERRABLE INITIALLY DEFERRED'
            fi
            refuse $state 3 "$table" "$operation" "$when" "$moment"
            load_some "$what-$state" 3
            promises_hold "$state at $what"
            tap_ok "$state at $what: it happened" [ "$(desk_sql \
                'SELECT last_value FROM refusals')" -ge 3 ]
            refuse_no_more
        done 8<"$SERVERS/refusals"
    done
    tap_is "nothing was parked or failed for it" "$(desk_sql "SELECT
        (SELECT count(*) FROM delivery WHERE state = 'parked'),
        (SELECT count(*) FROM outgoing WHERE state = 'failed')")" "0|0"
    # Until the claim is committed nothing is sent, and a settlement is repeated.
    tap_is "no acknowledgement is unsure" "$(desk_sql "SELECT count(*) FROM outgoing
        WHERE state = 'unsure'")" 0
}

# --- no room -------------------------------------------------------------------

fill_up()
{
    # Cannot be compressed; ends when somebody says 4yz.
    fill_n=0
    while [ $fill_n -lt 60 ]; do
        fill_n=$((fill_n + 1))
        load_some "$1-$fill_n" 1 --octets 900000 --patience 0 || return 0
    done
    return 1
}

room_is_back()
{
    works_again "$1" 30
    promises_hold "$1"
}

# Of what PostgreSQL writes from now on.
file_size()
{
    servers_as "$PG_USER" prlimit --fsize="$1:unlimited" \
        --pid "$(head -n 1 "$PG_DATA/postmaster.pid")"
}

# As any user: files of PostgreSQL may not grow beyond a limit.
test_file_size()
{
    command -v prlimit >/dev/null || tap_needs "prlimit (package util-linux)"
    # More than a segment of WAL, which must not fail: that is a PANIC.
    file_size 20000000
    cut_all
    mark_log
    tap_ok "files may not grow: in the end a mail is not taken" fill_up nofile
    tap_ok "files may not grow: the log says why" \
        desk_log 'event=accept\.failed.*could not extend file'
    fault_is_refused "files may not grow"
    tap_is "files may not grow: what is there can be read" \
        "$(desk delivery raw 1 | head -n 1 | cut -d: -f1)" From
    file_size unlimited
    cut_all
    room_is_back "files may grow again"
}

# As root: a tablespace that is full, and says 53100.
test_tablespace()
{
    if [ "$(id -u)" != 0 ]; then
        tap_skip "a full tablespace" "only root may mount one"
        return
    fi
    SMALL=$SERVERS/small
    servers_mkdir "$SMALL" 0700 "$PG_USER"
    if ! mount -t tmpfs -o "size=60m,mode=0700,uid=$(id -u "$PG_USER")" \
        postern-test "$SMALL" 2>/dev/null; then
        SMALL=
        tap_skip "a full tablespace" "we may not mount one here"
        return
    fi
    pg_admin -d desk -c "CREATE TABLESPACE small LOCATION '$SMALL'" \
        -c 'ALTER TABLE raw_mail SET TABLESPACE small'
    dd if=/dev/zero of="$SMALL/ballast" bs=1M 2>"$SERVERS/dd.out"
    mark_log
    load_begin full
    tap_ok "a full tablespace: the log says so" \
        desk_log 'event=accept\.failed.*SQLSTATE 53100'
    sleep 2
    fault_is_refused "a full tablespace"
    rm -f "$SMALL/ballast"
    works_again "a tablespace with room again" 30
    load_end full
    pg_admin -d desk -c 'ALTER TABLE raw_mail SET TABLESPACE pg_default' \
        -c 'DROP TABLESPACE small'
    umount "$SMALL"
    SMALL=
}

# --- nobody may come in ----------------------------------------------------------

# Out for a while: NAME, what the log says, how to shut out, how to let in.
shut_out()
{
    load_begin "$1"
    sleep 0.5
    mark_log
    $3
    cut_all
    tap_ok "$1: the log says why" desk_log "event=worker\.paused.*$2"
    fault_is_refused "$1"
    sleep 3
    tap_ok "$1: it is slow to try again" [ "$(tail -n "+$((desk_mark + 1))" \
        "$DESK_LOG" | grep -c 'event=worker.paused')" -lt 40 ]
    $4
    works_again "$1" 30
    load_end "$1"
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

# Sessions that were there before, so that it is the statement that is refused.
test_read_only_session()
{
    mark_log
    read_only
    sleep 0.2
    fault_is_refused "a session that turned read-only"
    tap_ok "a session that turned read-only: the log says so" \
        desk_log 'SQLSTATE 25006|read-only'
    read_write
    works_again "a session that may write again" 30
}

# --- another schema ---------------------------------------------------------------

test_schema()
{
    load_begin schema
    sleep 0.5
    mark_log
    desk_sql "INSERT INTO schema_migration (version, name, digest)
        VALUES (9999, '9999_future.sql', 'none')" >/dev/null
    tap_ok "another schema: it is noticed" \
        desk_log 'schema version 9999.*upgrade postern' 30
    tap_ok "another schema: nothing is accepted any more" \
        wait_for 30 is_refused_now
    fault_is_refused "another schema"
    desk_sql 'DELETE FROM schema_migration WHERE version = 9999' >/dev/null
    works_again "our schema again" 60
    load_end schema
}

is_refused_now()
{
    schema_before=$(wc -l <"$LEDGER")
    sleep 1
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
        if [ "${POSTERN_CI:-0}" = 1 ]; then
            tap_fail "libfaketime is installed"
        else
            tap_skip "the clock steps" "needs libfaketime (Debian package)"
        fi
        return
    fi
    desk_stop
    mark_log
    clock_is '+0'
    export FAKETIME_TIMESTAMP_FILE="$SERVERS/clock" FAKETIME_NO_CACHE=1 \
        FAKETIME_DONT_FAKE_MONOTONIC=1
    server_run posternd env LD_PRELOAD="$faketime" "$DESK_BIN/posternd" \
        -c "$DESK_CONF"
    wait_for 20 desk_is_up
    sink_say 'rcpt=later * reply 450 4.2.0 not yet'
    load_some later 1
    load_begin clock
    for clock_step in +10y -1d +0 -1d; do
        clock_is "$clock_step"
        works_again "the clock steps by $clock_step" 20
        if [ "$clock_step" = +10y ]; then
            tap_unlike "the clock is wrong for them" "$(mail_field \
                "$(sent_to "again$works_n-lmtp-1")" Date)" " $(date +%Y) "
        fi
    done
    sink_say
    load_end clock
    tap_is "nothing has expired" "$(desk_sql "SELECT count(*) FROM outgoing
        WHERE state = 'failed'")" 0
    tap_ok "there was no storm of retries" [ "$(desk_sql "SELECT max(attempts)
        FROM outgoing")" -lt 40 ]
    # Last, for the oracle expects first mails. The ids that we sign are not bound to a time that may step back.
    mail_answer answer "again$works_n-lmtp-1@customers.test" \
        "$(sent_to "again$works_n-lmtp-1")"
    lmtp_send answer "again$works_n-lmtp-1@customers.test" support@desk.test \
        >/dev/null
    wait_for 10 is_joined
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

standby_ctl()
{
    (cd / && servers_as "$PG_USER" "$PG_BIN/pg_ctl" -D "$SERVERS/standby/data" \
        -s -w -t 60 -l "$SERVERS/standby/server.log" "$@")
}

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

# The name leads to another server from now on.
endpoint_is()
{
    ln -sfn "$1" "$SERVERS/endpoint"
}

test_failover()
{
    tap_ok "a standby is made" standby_start
    load_begin failover
    sleep 1
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
    works_again "the standby rises" 30
    load_end failover
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

faults_wanted
servers_need pg sink
servers_dir || exit 1
servers_mkdir "$SERVERS/proxy" 0777 "$SERVERS_USER"
CONTROL=$SERVERS/proxy/control
load_prepare || exit 1
trap leave EXIT
endpoint_is "$PGHOST"
cp "$servers_support/pg_proxy.py" "$SERVERS/"
chmod 0644 "$SERVERS/pg_proxy.py"
server_run proxy "$PYTHON" "$SERVERS/pg_proxy.py" --listen "$SERVERS/proxy" \
    --server "$SERVERS/endpoint" --control "$CONTROL"
wait_for 10 test -S "$SERVERS/proxy/.s.PGSQL.5432"
DESK_CONNINFO="host=$SERVERS/proxy user=postern dbname=desk"
DESK_CONNINFO="$DESK_CONNINFO passfile=$SERVERS/pgpass"
DESK_PATIENCE=2s
load_settings
desk_start || exit 1
for part in ${DATABASE_PARTS:-stopped one_backend many_backends \
    stopped_backends cuts sweep rolled_back refusals file_size tablespace \
    password too_many read_only_session schema failover clock}; do
    case $part in
    too_many)
        shut_out too-many 'too many connections' no_connections any_connections
        ;;
    *) "test_$part" ;;
    esac
done
desk_unharmed
tap_done
