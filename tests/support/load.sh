# shellcheck shell=sh
# Mail that goes on and on while something breaks, and the judgement afterwards.
# Source it after desk.sh; support/mta.py hands over, support/oracle.py judges.
#
#   load_prepare           the desk, with budgets that stop no acknowledgement
#                          and outbox settings that do not let a test wait
#   load_settings [TEXT]   desk_settings with these; $LOAD_LIMITS is added to
#                          limits, $LOAD_LEASE is outbox.lease
#   load_begin NAME [ARGS...]   mails NAME-... from now on, by LMTP and by pipe,
#                          ARGS for mta.py
#   load_flows             until the first of them have been taken
#   load_has_ended         all mails of it have been taken; $LOAD_STOP ends it
#   load_end NAME          stop; TAP points: nobody was told "never", none lost
#   load_some NAME N [ARGS...]  N mails by LMTP, until they are taken
#   goes_through NAME      TAP points: a mail goes in, and its answer out
#   load_taken NAME WHAT   the figure after "taken", "in-vain" or "longest"
#   promises_hold NAME     a TAP point: all comes to rest, and the oracle finds
#                          nothing wrong; $LOAD_REST is how long that may take
#   fault_is_refused NAME  TAP points: LMTP says 451 and postern-deliver 75

LOAD_STOP=
LOAD_LIMITS=
LOAD_LEASE=
LOAD_REST=
LOAD_ROADS="lmtp pipe"

load_prepare()
{
    desk_prepare || return 1
    LOAD_STOP=$SERVERS/load.stop
    : >"$LEDGER"
    cp "$servers_support/mta.py" "$SERVERS/mta.py"
    chmod 0644 "$SERVERS/mta.py"
    load_settings
}

load_settings()
{
    desk_settings 'outbox = { first_retry = "1s"; longest_retry = "2s";
        lease = "'"${LOAD_LEASE:-10s}"'"; };
    budgets = { per_sender_10min = 1000; per_sender_day = 10000;
        breaker = 1000000; };
    limits = { poll = "1s"; '"$LOAD_LIMITS"' };'"$*"
}

# load_client ROAD NAME ARGS...
load_client()
{
    client_road=$1
    client_name=$2
    shift 2
    if [ "$client_road" = pipe ]; then
        set -- --deliver "$DESK_BIN/postern-deliver" "$@"
    fi
    "$PYTHON" "$SERVERS/mta.py" --socket "$DESK_SOCKET" --ledger "$LEDGER" \
        --name "$client_name-$client_road" "$@" \
        >"$SERVERS/$client_name-$client_road.load" 2>&1
}

load_begin()
{
    load_name=$1
    shift
    rm -f "$LOAD_STOP"
    load_before=$(wc -l <"$LEDGER")
    load_pids=
    for load_road in $LOAD_ROADS; do
        load_client "$load_road" "$load_name" --until "$LOAD_STOP" --at-once 2 \
            --pause 0.1 "$@" &
        load_pids="$load_pids $!"
    done
}

load_flows()
{
    wait_for 60 load_has_taken 10
}

load_has_taken()
{
    [ "$(wc -l <"$LEDGER")" -ge $((load_before + $1)) ]
}

load_has_ended()
{
    for load_pid in $load_pids; do
        [ -z "$(process_start "$load_pid")" ] || return 1
    done
}

load_end()
{
    : >"$LOAD_STOP"
    load_never=0
    for load_pid in $load_pids; do
        wait "$load_pid" || load_never=1
    done
    tap_is "$1: nobody was told \"never\"" "$load_never$(
        grep -h -v '^taken' "$SERVERS/$1"-*.load)" 0
    promises_hold "$1"
}

load_some()
{
    some_name=$1
    some_count=$2
    shift 2
    load_client lmtp "$some_name" --count "$some_count" "$@"
}

goes_through()
{
    through=$((${through:-0} + 1))
    tap_ok "$1: mail goes in" load_some "through$through" 1 --patience 30
    tap_ok "$1: and out" wait_for 60 has_mail_to "through$through-lmtp-1"
}

load_taken()
{
    sed -n "s/.*$2 \([0-9]*\).*/\1/p" "$SERVERS/$1"-*.load |
        awk -v most="$2" '{ if (most != "longest") n += $1
            else if ($1 > n) n = $1 } END { print n + 0 }'
}

load_is_calm()
{
    desk_has_settled "$(wc -l <"$LEDGER")" && desk_has_sent 0
}

promises_hold()
{
    wait_for "${LOAD_REST:-120}" load_is_calm ||
        tap_fail "$1: everything comes to rest" "$(desk_sql "SELECT kind,
            state, lease_until, last_error FROM outgoing
            WHERE state NOT IN ('sent', 'unsure') LIMIT 10"
            desk_sql 'SELECT state, reason, count(*) FROM delivery
                GROUP BY 1, 2'
            wc -l <"$LEDGER")"
    if "$PYTHON" "$servers_support/oracle.py" --ledger "$LEDGER" \
        --sink "$SINK_DIR" >"$SERVERS/oracle.out" 2>&1; then
        tap_pass "$1: all promises are kept"
    else
        tap_fail "$1: all promises are kept"
    fi
    tap_diag "$(head -n 40 "$SERVERS/oracle.out")"
}

fault_is_refused()
{
    mail_write refused refused@customers.test 'While something is broken'
    # So large that it needs room of its own.
    head -c 300000 /dev/urandom | base64 -w 76 >>"$MAILS/refused.eml"
    smtp_send --socket "$DESK_SOCKET" --lmtp --from refused@customers.test \
        --to support@desk.test "$MAILS/refused.eml" >"$SERVERS/send.out" 2>&1
    tap_like "$1: LMTP says 451" "$(cat "$SERVERS/send.out")" \
        '^S: 451 4\.3\.0 '
    tap_is "$1: postern-deliver says 75" "$(exit_of deliver \
        -f refused@customers.test support@desk.test <"$MAILS/refused.eml")" 75
}
