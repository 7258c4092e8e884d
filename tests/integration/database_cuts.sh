#!/bin/sh
# The connection to the database ends at any step, or an answer is not what it
# seems: nothing is lost, nothing doubled, and the desk works again by itself
# (tests/README F9, F11).
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/load.sh"
. "${srcdir:-.}/tests/support/database.sh"

# --- the connection ends, at every step ---------------------------------------

orders=0

order()
{
    orders=$((orders + 1))
    order_action=$1
    shift
    printf '%s %s %s\n' "$order_action" "o$orders" "$*" >"$PG_PROXY_CONTROL.next"
    chmod 0644 "$PG_PROXY_CONTROL.next"
    mv -f "$PG_PROXY_CONTROL.next" "$PG_PROXY_CONTROL"
}

was_carried_out()
{
    grep -qs " o$orders\( \|\$\)" "$PG_PROXY_CONTROL.done"
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
            tap_ok "$cut at $what: it happened" wait_for 60 was_carried_out
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
            wait_for 60 was_carried_out || sweep_missed=1
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
    tap_ok "a COMMIT is answered ROLLBACK" wait_for 60 was_carried_out
    tap_ok "which is noticed" desk_log 'ROLLBACK answered instead of COMMIT'
    promises_hold "a COMMIT that was none"
    # A small mail is one flight without COMMIT, a large one has its own.
    mark_log
    order abort delivery_add
    load_some abort-large 1 --large-every 1
    tap_ok "the same for a large mail on its way in" \
        wait_for 60 was_carried_out
    tap_ok "which is noticed, too" \
        desk_log 'event=accept\.repeated.*ROLLBACK answered'
    promises_hold "no COMMIT of a large mail"
}

faults_wanted
servers_need pg sink
database_prepare
database_test cuts sweep rolled_back
tap_done
