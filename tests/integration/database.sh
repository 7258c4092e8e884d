#!/bin/sh
# Whatever the database does under load, it ends, hangs, refuses or is full:
# nothing is lost, nothing doubled, and the desk works again by itself
# (tests/README F6 to F8, F10, F12, F13).
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/load.sh"
. "${srcdir:-.}/tests/support/database.sh"

# --- the server ends, as a whole or one backend of it -------------------------

test_stopped()
{
    load_begin stopped --large-every 20
    load_flows
    mark_log
    pg_stop immediate
    tap_ok "stopped: the log says so" desk_log 'event=worker\.paused'
    fault_is_refused stopped
    desk_log 'event=worker\.paused.*seconds=2'
    pg_start
    works_again stopped 60
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
        wait_for 60 one_waits
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
        works_again "a backend was $one_how" 60
        promises_hold "a backend was $one_how in mid-transaction"
    done
}

# Nobody waits for long: who does is kept in the same look.
one_waits()
{
    one_victim=$(backends "wait_event_type = 'Lock'" | head -n 1)
    [ -n "$one_victim" ]
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
        sleep 0.2 # in which others have begun something
    done
    kill -KILL "$(backends | shuf -n 1)"
    load_before=$(wc -l <"$LEDGER")
    load_flows
    load_end terminated
}

# They do not answer and keep the connection: nothing but our own clock helps.
# Idle ones and one that waits, for who is stopped with a latch of the shared
# memory in hand stops the whole server.
stop_backends()
{
    hold_table event
    load_some "sleeper$1" 1
    wait_for 60 somebody_waits
    sleeping=$(backends "(state = 'idle' OR wait_event_type = 'Lock')")
    # shellcheck disable=SC2086
    kill -STOP $sleeping
    let_go
}

test_stopped_backends()
{
    # Who waits may have waited too long before it is stopped: that counts, too.
    mark_log
    stop_backends 1
    load_begin sleeping
    # Those that were idle may be nobody's any more: then others are stopped.
    for stop_again in 2 3; do
        desk_log 'no answer within the time allowed' 15 && break
        # shellcheck disable=SC2086
        kill -CONT $sleeping
        stop_backends $stop_again
    done
    tap_ok "stopped backends are left within the time allowed" \
        desk_log 'no answer within the time allowed'
    works_again "stopped backends" 60
    : >"$LOAD_STOP"
    tap_ok "stopped backends: nobody waits until they wake" \
        wait_for 60 load_has_ended
    # shellcheck disable=SC2086
    kill -CONT $sleeping
    load_end sleeping
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

unsure()
{
    desk_sql "SELECT count(*) FROM outgoing WHERE state = 'unsure'"
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
    # Three pauses before a settlement is repeated, on a busy machine: longer than
    # the lease that the other parts want to see lapse.
    # Nor is a slow commit of a claim to be one without an answer.
    LOAD_LEASE=2min
    DESK_PATIENCE=30s
    load_settings
    desk_reload
    # A claim that a stopped backend committed when nobody waited for it any more
    # is unsure already, and may be.
    unsure_before=$(unsure)
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
    tap_is "no acknowledgement is unsure for it" "$(unsure)" "$unsure_before"
    LOAD_LEASE=
    DESK_PATIENCE=2s
    load_settings
    desk_reload
}

# One mail of a batch is refused for ever: it is parked, the others go on, and the
# admin is told. When the reason has gone, an operator has it tried again.
test_for_ever()
{
    refuse 22023 1000 message INSERT "NEW.author LIKE 'poison%'"
    load_some poison 1
    load_some healthy 5
    tap_ok "a mail that is refused for ever is parked" wait_for 60 one_is_parked
    tap_like "with what the database said" "$(desk_sql "SELECT reason
        FROM delivery WHERE state = 'parked'")" 'by the test'
    tap_ok "the mails around it are answered" \
        wait_for 60 has_mail_to healthy-lmtp-5
    refuse_no_more
    desk delivery retry --all >/dev/null
    promises_hold "a mail that was refused for ever"
}

one_is_parked()
{
    [ "$(desk_sql "SELECT count(*) FROM delivery WHERE state = 'parked'")" = 1 ]
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
    works_again "$1" 60
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
    # Room in files that are there would do as well.
    desk_sql 'ALTER TABLE raw_mail SET (autovacuum_enabled = off,
        toast.autovacuum_enabled = off)' >/dev/null
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

is_full_for_many()
{
    [ "$(tail -n "+$((desk_mark + 1))" "$DESK_LOG" |
        grep -c 'SQLSTATE 53100')" -ge 10 ]
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
    wait_for 60 is_full_for_many
    fault_is_refused "a full tablespace"
    rm -f "$SMALL/ballast"
    works_again "a tablespace with room again" 60
    load_end full
    pg_admin -d desk -c 'ALTER TABLE raw_mail SET TABLESPACE pg_default' \
        -c 'DROP TABLESPACE small'
    umount "$SMALL"
    SMALL=
}

faults_wanted
servers_need pg sink
database_prepare
database_test stopped one_backend many_backends stopped_backends refusals \
    for_ever file_size tablespace
tap_done
