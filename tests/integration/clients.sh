#!/bin/sh
# Clients without manners, more work than can be done, and workers that sleep
# through it: who can be served is served, and nothing is lost (tests/README F3,
# F4, F31 to F33, F46).
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/load.sh"

rude()
{
    "$PYTHON" "$servers_support/lmtp_rude.py" "$DESK_SOCKET" "$@"
}

# Memory of their own of all workers and the supervisor, in KiB. Who is not root
# may not see more of them.
memory_kib()
{
    for memory_pid in $(server_pid posternd) $(desk_workers); do
        cat "/proc/$memory_pid/status" 2>/dev/null
    done | awk '/^RssAnon:/ { sum += $2 } END { print sum + 0 }'
}

# --- clients ----------------------------------------------------------------

stored_of_rude()
{
    desk_sql "SELECT count(*), coalesce(sum(duplicates), 0) FROM delivery
        WHERE envelope_sender = 'rude@customers.test'"
}

test_who_leaves()
{
    mail_write rude rude@customers.test 'Never mind'
    rude half "$MAILS/rude.eml"
    goes_through "a client left in the middle of a mail"
    tap_is "nothing of that mail is stored" "$(stored_of_rude)" "0|0"
    rude unread "$MAILS/rude.eml"
    tap_ok "a client left behind the dot: the mail is there" \
        wait_for 60 is_stored
    # The MTA does not know and comes again.
    lmtp_send rude rude@customers.test support@desk.test \
        >>"$SERVERS/clients.out"
    tap_is "and once, when it comes again" "$(stored_of_rude)" "1|1"
    rude deaf "$MAILS/rude.eml"
    goes_through "clients that close the door on our replies"
    tap_is "each time it was the same mail" "$(stored_of_rude | cut -d'|' -f1)" 1
    promises_hold "clients that leave"
}

is_stored()
{
    [ "$(stored_of_rude)" = "1|0" ]
}

test_nonsense()
{
    nonsense_before=$(memory_kib)
    timeout 120 "$PYTHON" "$servers_support/lmtp_rude.py" "$DESK_SOCKET" \
        nonsense >"$SERVERS/nonsense.out" 2>&1
    tap_like "a line of 64 kB is refused" "$(cat "$SERVERS/nonsense.out")" \
        '^line: .*500 5\.5'
    tap_like "so is a NUL" "$(cat "$SERVERS/nonsense.out")" '^nul: .*50[01] 5'
    tap_like "10,000 recipients are too many for now" \
        "$(cat "$SERVERS/nonsense.out")" '^recipients: .*45[12] 4\.5\.3'
    tap_like "garbage is sent away" "$(cat "$SERVERS/nonsense.out")" \
        '^garbage: .*(421|500)'
    goes_through "after all that"
    case ${POSTERN_BUILD:-} in
    *sanitize*) tap_skip "it cost no memory" "a sanitizer keeps it all" ;;
    *)
        tap_ok "it cost no memory" \
            [ $(($(memory_kib) - nonsense_before)) -lt 8192 ]
        ;;
    esac
}

# 200 connections that say a byte and no more; four workers. They stay until they
# are told to go, and with a short time-out of 2 s they have to: all others are
# served before.
test_slowloris()
{
    slow_begin drip
    load_some polite-drip 10 --at-once 2 --patience 60
    slow_end drip 150
    # Those who come back each time leave no room, but are not for ever.
    slow_begin insist
    load_some polite-insist 10 --at-once 2 --patience 600 &
    polite=$!
    slow_end insist 300
    wait $polite
    for slow in drip insist; do
        tap_is "slow clients ($slow): all others are served" \
            "$(load_taken "polite-$slow" taken)" 10
        tap_diag "$(cat "$SERVERS/polite-$slow-lmtp.load")"
    done
    promises_hold "slow clients"
}

slow_begin()
{
    rm -f "$SERVERS/slow.stop"
    timeout 900 "$PYTHON" "$servers_support/lmtp_rude.py" "$DESK_SOCKET" \
        "$1" 200 "$SERVERS/slow.stop" >"$SERVERS/$1.out" 2>&1 &
    slow_pid=$!
    wait_for 60 all_are_busy
}

# slow_end KIND N: not before so many were sent away.
slow_end()
{
    tap_ok "slow clients ($1): they are sent away" \
        wait_for 120 were_sent_away "$1" "$2"
    : >"$SERVERS/slow.stop"
    wait $slow_pid
}

were_sent_away()
{
    [ "$(tail -n 1 "$SERVERS/$1.out" | tr -cd 0-9)" -ge "$2" ]
}

all_are_busy()
{
    [ "$(desk status | grep -c '^lmtp.* busy')" -ge 4 ]
}

# --- too much ----------------------------------------------------------------------

# Forty clients that never pause, one worker of each kind, and in the middle of
# it a database that does nothing for a while.
test_overload()
{
    desk_stop
    DESK_PATIENCE=5s # less than the database is away
    load_settings 'workers = { lmtp = 1; lmtp_max = 1; processor = 1;
        sender = 1; };'
    desk_start
    load_some warm 20 --octets 20000
    promises_hold "before the flood"
    before_kib=$(memory_kib)
    rm -f "$LOAD_STOP"
    mark_log
    load_client lmtp flood --until "$LOAD_STOP" --at-once 40 --octets 20000 \
        --fresh &
    flood=$!
    most_kib=0
    for flood_s in 1 2 3 4 5 6 7 8 9 10 11 12; do
        if [ "$flood_s" = 3 ]; then
            psql -X -q -c 'BEGIN' -c 'LOCK TABLE delivery' \
                -c 'SELECT pg_sleep(6)' >/dev/null 2>&1 & # half of the flood
            idle=$!
        fi
        sleep 1 # each second of the flood
        now_kib=$(memory_kib)
        if [ "$now_kib" -gt "$most_kib" ]; then
            most_kib=$now_kib
        fi
    done
    wait $idle
    backlog=$(desk_sql "SELECT
        (SELECT count(*) FROM delivery WHERE state = 'waiting') +
        (SELECT count(*) FROM outgoing WHERE state = 'queued')")
    : >"$LOAD_STOP"
    tap_ok "overload: nobody is told \"never\"" wait $flood
    cp "$SERVERS/flood-lmtp.load" "$SERVERS/flood.out"
    tap_diag "$(cat "$SERVERS/flood.out"); backlog $backlog"
    tap_diag "memory $before_kib KiB before, $most_kib KiB at most"
    tap_ok "overload: some are told to come again" \
        [ "$(load_taken flood in-vain)" -gt 0 ]
    tap_like "overload: and the log says why" \
        "$(tail -n "+$((desk_mark + 1))" "$DESK_LOG")" 'event=lmtp\.refused'
    case ${POSTERN_BUILD:-} in
    *sanitize*)
        tap_skip "overload: memory stays what it was" "a sanitizer keeps it all"
        ;;
    *)
        tap_ok "overload: memory stays what it was" \
            [ $((most_kib - before_kib)) -lt 12288 ]
        ;;
    esac
    LOAD_REST=300
    promises_hold "overload: the backlog drains, and"
    LOAD_REST=
    DESK_PATIENCE=
    load_settings
    desk_restart
}

# --- a worker that sleeps --------------------------------------------------------

newest_ack()
{
    desk_sql "SELECT state, repeats FROM outgoing
        WHERE kind = 'acknowledgement' ORDER BY id DESC LIMIT 1"
}

# What comes behind this command is not asked for any more.
is_behind_fence()
{
    [ "$(sink_commands DATA)" -gt "$data_before" ]
}

is_unsure()
{
    newest_ack | grep -q '^unsure'
}

# A sender sleeps through its lease behind the fence, wakes and goes on; its row
# is another's by then.
test_sleeper()
{
    sink_say 'data 1 stall 5'
    data_before=$(sink_commands DATA)
    load_some sleeper 1
    wait_for 60 is_behind_fence
    sleepers=$(desk_workers sender)
    # shellcheck disable=SC2086
    kill -STOP $sleepers
    desk_sql "UPDATE outgoing SET lease_until = now() - interval '1 second'
        WHERE state = 'submitting'" >/dev/null
    # The clock, begun anew, looks at once.
    kill -9 "$(desk_workers clock)"
    tap_ok "a sender sleeps through its lease: its mail is unsure" \
        wait_for 60 is_unsure
    # shellcheck disable=SC2086
    kill -CONT $sleepers
    wait_for 60 has_mail_to sleeper-lmtp-1
    promises_hold "a sender slept through its lease"
    tap_is "it went out once, and stays unsure" \
        "$(newest_ack) $(sent_to sleeper-lmtp-1 | wc -l)" "unsure|0 1"
    sink_say
}

# All that accept and all that process sleep for a while: the clients wait.
test_all_sleep()
{
    load_begin nap
    load_flows
    for role in lmtp processor sender; do
        nappers=$(desk_workers $role)
        # shellcheck disable=SC2086
        kill -STOP $nappers
        sleep 2 # so long they nap
        # shellcheck disable=SC2086
        kill -CONT $nappers
    done
    load_end nap
}

# Everybody at work, and the supervisor dies.
test_supervisor()
{
    load_begin orphan
    load_flows
    orphans=$(desk_workers)
    kill -9 "$(server_pid posternd)"
    tap_ok "the supervisor is killed under load: its workers are gone in 2 s" \
        wait_for 2 all_gone "$orphans"
    server_stop posternd
    desk_start
    load_before=$(wc -l <"$LEDGER")
    load_flows
    load_end orphan
}

all_gone()
{
    for gone_pid in $1; do
        [ -z "$(process_start "$gone_pid")" ] || return 1
    done
}

faults_wanted
servers_need pg sink
LOAD_LIMITS='stress_idle = "2s";'
load_prepare || exit 1
desk_start || exit 1
tap_parts "${CLIENTS_PARTS:-}" who_leaves nonsense slowloris sleeper all_sleep \
    supervisor overload
desk_sane
tap_done
