#!/bin/sh
# What Prometheus is told is well-formed, is what the database says, and is told
# whatever clients and database do.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"

METRICS_PY=${srcdir:-.}/tests/support/metrics.py

# metric SERIES: its value, without the "postern_" in front.
metric()
{
    "$PYTHON" "$METRICS_PY" get "$METRICS_URL" "postern_$1"
}

metric_is()
{
    [ "$(metric "$1")" = "$2" ]
}

# agree NAME SERIES SQL: at the latest when the clock has asked again.
agree()
{
    wait_for 60 agrees "$2" "$3"
    tap_is "$1" "$agree_metric" "$agree_sql"
}

agrees()
{
    agree_sql=$(desk_sql "$2")
    agree_metric=$(metric "$1")
    [ "$agree_metric" = "$agree_sql" ]
}

start()
{
    METRICS_PORT=$(port_reserve)
    METRICS_URL=http://127.0.0.1:$METRICS_PORT/metrics
    METRICS="metrics = { host = \"127.0.0.1\"; port = $METRICS_PORT; };
        outbox = { first_retry = \"1s\"; };
        limits = { poll = \"1s\"; };"
    desk_settings "$METRICS"
    desk_start
}

first_mail()
{
    mail_write "$1" "$1@customers.test" 'It does not work'
    lmtp_send "$1" "$1@customers.test" support@desk.test >/dev/null
}

# New, repeated, answered, parked, refused; sent, deferred, failed.
run()
{
    sink_say 'rcpt 1 reply 450 4.2.0 later'
    first_mail deferred
    desk_settled 1 && desk_sent 1
    sink_say 'rcpt 1 reply 550 5.1.1 nobody'
    first_mail failed
    desk_settled 2
    wait_for 60 is_in_state failed
    sink_say
    for n in 1 2 3 4 5; do
        first_mail "first$n"
    done
    first_mail first5
    lmtp_send first1 first1@customers.test nobody@desk.test >/dev/null
    printf 'Received: from a by b; Sat, 21 Nov 2026 10:00:00 +0000\n%.0s' \
        $(seq 60) >"$MAILS/hops.eml"
    cat "$MAILS/first1.eml" >>"$MAILS/hops.eml"
    lmtp_send hops first1@customers.test support@desk.test >/dev/null
    desk_settled 8 && desk_sent 6
    mail_answer answer first2@customers.test "$(sent_to first2)"
    lmtp_send answer first2@customers.test support@desk.test >/dev/null
    desk_settled 9
    wait_for 60 all_rest
}

is_in_state()
{
    [ "$(desk_sql "SELECT count(*) FROM outgoing WHERE state = '$1'")" -gt 0 ]
}

all_rest()
{
    [ "$(desk_sql "SELECT count(*) FROM outgoing
        WHERE state IN ('queued', 'submitting')")" = 0 ]
}

test_agreement()
{
    agree "accepted: one for each hand-over that is new" \
        'accepted_total{how="new"}' 'SELECT count(*) FROM delivery'
    agree "repeats are counted" 'accepted_total{how="duplicate"}' \
        'SELECT sum(duplicates) FROM delivery'
    tap_is "one was refused" "$(metric 'refused_total{reason="address"}')" 1
    agree "new tickets" 'processed_total{verdict="new"}' \
        'SELECT count(*) FROM ticket'
    tap_is "one answer" "$(metric 'processed_total{verdict="join"}')" 1
    agree "what was parked" 'processed_total{verdict="park"}' \
        "SELECT count(*) FROM delivery WHERE state = 'parked'"
    agree "each has a time to accept" accept_seconds_count \
        'SELECT count(*) + sum(duplicates) FROM delivery'
    agree "and one to its ticket" process_wait_seconds_count \
        'SELECT count(*) FROM delivery'
    agree "batches add up" process_batch_mails_sum \
        'SELECT count(*) FROM delivery'
    agree "recipients that were sent to" 'recipients_total{state="sent"}' \
        "SELECT count(*) FROM outgoing_recipient WHERE state = 'sent'"
    agree "that failed" 'recipients_total{state="failed"}' \
        "SELECT count(*) FROM outgoing_recipient WHERE state = 'failed'"
    agree "that had to wait" 'recipients_total{state="deferred"}' \
        'SELECT sum(attempts) FROM outgoing'
    agree "each sent mail has a time" send_wait_seconds_count \
        "SELECT count(*) FROM outgoing WHERE state = 'sent'"
    agree "content began to leave" begun_total \
        "SELECT count(*) FROM outgoing WHERE state = 'sent'"
    agree "claims add up" claim_batch_mails_sum \
        'SELECT count(*) + sum(attempts) FROM outgoing'
    agree "claimed, each attempt" claimed_total \
        'SELECT count(*) + sum(attempts) FROM outgoing'
    agree "what needs a person" deliveries_parked \
        "SELECT count(*) FROM delivery WHERE state = 'parked' AND NOT is_rubbish"
    agree "what needs nobody" deliveries_parked_rubbish \
        "SELECT count(*) FROM delivery WHERE state = 'parked' AND is_rubbish"
    agree "what failed today" outgoing_failed_1day \
        "SELECT count(*) FROM outgoing
            WHERE state = 'failed' AND kind <> 'acknowledgement'"
    agree "and of acknowledgements" acknowledgements_failed_1day \
        "SELECT count(*) FROM outgoing
            WHERE state = 'failed' AND kind = 'acknowledgement'"
    agree "tickets" tickets_unfinished 'SELECT count(*) FROM ticket'
    tap_ok "the time they are of is now" \
        [ $(($(date +%s) - $(metric figures_timestamp_seconds))) -le 60 ]
}

test_workers()
{
    for role in lmtp:4 processor:2 sender:2 clock:1 metrics:1; do
        tap_is "workers that run: ${role%:*}" \
            "$(metric "workers{role=\"${role%:*}\"}")" "${role#*:}"
    done
    kill -9 "$(desk_workers clock)"
    tap_ok "one that died is counted" \
        wait_for 60 metric_is 'worker_restarts_total{role="clock"}' 1
    tap_ok "they say what memory they use" \
        [ "$(metric 'worker_memory_bytes{role="lmtp"}' | awk '
            { print ($1 > 1000000) }')" = 1 ]
    if [ "$(id -u)" = 0 ]; then
        tap_ok "the metrics worker holds one socket, and no secret" \
            wait_for 60 has_metrics_sockets 1
    else
        tap_skip "the metrics worker holds one socket" "only root may look"
    fi
}

# Those of clients who have left are closed soon.
has_metrics_sockets()
{
    [ "$(metrics_sockets)" = "$1" ]
}

# Sockets and secrets among the descriptors of the metrics worker.
metrics_sockets()
{
    find "/proc/$(desk_workers metrics)/fd" -lname 'socket:*' \
        -o -lname '*relay-password*' 2>/dev/null | wc -l
}

status_of()
{
    curl -s -o /dev/null -w '%{http_code}' "$@"
}

test_http()
{
    tap_is "another page is not there" "$(status_of "${METRICS_URL%metrics}")" 404
    tap_is "nothing can be written" \
        "$(status_of -X POST -d a=b "$METRICS_URL")" 405
    tap_is "a head of 100 kB is refused" "$(status_of -H "X-Long: $(
        printf '%0100000d' 0)" "$METRICS_URL")" 431
    "$PYTHON" "$METRICS_PY" slow 127.0.0.1 "$METRICS_PORT" 20 \
        >"$SERVERS/slow.out" 2>&1 &
    slow=$!
    wait_for 60 grep -q ready "$SERVERS/slow.out"
    # They would have five seconds.
    tap_ok "clients that dawdle do not keep others out" \
        env METRICS_TIMEOUT=4 "$PYTHON" "$METRICS_PY" check "$METRICS_URL"
    kill "$slow"
    "$PYTHON" "$METRICS_PY" slow 127.0.0.1 "$METRICS_PORT" 60 \
        >"$SERVERS/slow.out" 2>&1 &
    slow=$!
    wait_for 60 grep -q ready "$SERVERS/slow.out"
    # Twenty times four seconds, at most.
    tap_ok "nor, for long, do too many of them" wait_for 1 env \
        METRICS_TIMEOUT=4 "$PYTHON" "$METRICS_PY" get "$METRICS_URL" \
        postern_strikes_total
    kill "$slow"
    victim=$(desk_workers metrics)
    kill -9 "$victim"
    tap_ok "a metrics worker that died is replaced" wait_for 60 "$PYTHON" \
        "$METRICS_PY" get "$METRICS_URL" postern_strikes_total
}

test_no_database()
{
    pg_stop immediate
    first_mail unlucky
    tap_ok "without a database there are figures all the same" \
        "$PYTHON" "$METRICS_PY" check "$METRICS_URL"
    tap_is "and they say what it cost" \
        "$(metric 'refused_total{reason="database"}')" 1
    pg_start
}

test_refusals()
{
    for host in 0.0.0.0 192.0.2.1 localhost; do
        desk_settings "metrics = { host = \"$host\"; };"
        tap_is "metrics at $host are refused" \
            "$(exit_of servers_as "$SERVERS_USER" "$DESK_BIN/posternd" \
                -c "$DESK_CONF" -t)" 78
    done
    desk_settings
    desk_restart
    tap_is "without the setting there is no such worker" \
        "$(desk_workers metrics)" ""
}

command -v curl >/dev/null || tap_needs curl
servers_need pg sink
desk_prepare && start || exit 1
tap_ok "the first page is well-formed" \
    "$PYTHON" "$METRICS_PY" check "$METRICS_URL"
run
tap_ok "so is one with figures in it" \
    "$PYTHON" "$METRICS_PY" check "$METRICS_URL"
test_agreement
test_workers
test_http
test_no_database
test_refusals
desk_sane
tap_done
