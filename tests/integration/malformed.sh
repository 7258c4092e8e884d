#!/bin/sh
# Mail as nobody should write it (support/malformed.c: tests/README M1 to M62,
# A15 to A41): all of it is taken, kept byte for byte and becomes a ticket with
# something to read, no process dies of it, and an honest mail behind all of it
# is answered before ten seconds have been computed for it (T9).
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"

# hand_in FILE: as a pipe does, with nothing changed.
hand_in()
{
    deliver -f "someone@customers.test" -i "Q$1" support@desk.test <"$2"
}

hand_in_all()
{
    n=0
    for mail in "$MAILS"/malformed/*.eml; do
        n=$((n + 1))
        hand_in "$n" "$mail" || {
            tap_diag "$mail: exit $?"
            return 1
        }
    done
    n_mails=$n
}

honest()
{
    mail_write honest honest@customers.test 'It does not work'
    lmtp_send honest honest@customers.test support@desk.test
}

# How many seconds our processes, and those who read mail for them, have computed.
computed()
{
    for computed_pid in $(server_pid posternd) $(desk_workers) $(desk_parsers)
    do
        sed 's/.*) //' "/proc/$computed_pid/stat" 2>/dev/null
    done | awk -v ticks="$(getconf CLK_TCK)" \
        '{ sum += $12 + $13 + $14 + $15 } END { printf "%.1f\n", sum / ticks }'
}

# Digests of what was handed in, and of what is kept, in order.
handed_in()
{
    sha256sum "$MAILS"/malformed/*.eml | cut -c 1-64 | sort
}

kept()
{
    desk_sql "SELECT encode(sha256(r.bytes), 'hex') FROM raw_mail r
        JOIN delivery d ON d.raw_digest = r.digest
        WHERE d.transport = 'pipe'" | sort
}

# One of them, through the front door and back.
comes_back()
{
    comes_back_id=$(desk_sql "SELECT id FROM delivery
        WHERE mta_queue_id = 'Q$1'")
    desk delivery raw "$comes_back_id" >"$SERVERS/raw" &&
        cmp "$SERVERS/raw" "$2"
}

servers_need pg sink
[ -x "${abs_top_builddir:-.}/malformed_mails" ] ||
    tap_not_here "needs the program malformed_mails (make check builds it)"
desk_prepare || exit 1
: >"$LEDGER"
mkdir -p "$MAILS/malformed"
"${abs_top_builddir:-.}/malformed_mails" "$MAILS/malformed" || exit 1
# More than one mail of the list is larger than a desk would take.
DESK_SETTINGS='limits = { mail_size = "100MiB"; };'
desk_settings "$DESK_SETTINGS"
desk_start || exit 1

n_mails=0
tap_ok "each is taken" hand_in_all
tap_ok "and an honest mail behind them" honest
computed_before=$(computed)
tap_ok "which is answered" wait_for 120 has_mail_to honest
computed_s=$(echo "$(computed) $computed_before" | awk '{ print $1 - $2 }')
tap_ok "before 10 s have been computed" [ "${computed_s%.*}" -lt 10 ]
tap_diag "it was, after $computed_s s of that; $n_mails mails before it"
tap_ok "all are settled" desk_settled $((n_mails + 1)) 60
tap_is "each is kept, byte for byte" "$(kept)" "$(handed_in)"
first=$(ls "$MAILS"/malformed/*.eml | sed -n 6p)
tap_ok "and comes back so" comes_back 6 "$first"
tap_is "none is parked, but one that has gone in circles" \
    "$(desk_sql "SELECT count(*) FROM delivery WHERE state = 'parked'
        AND reason <> 'too-many-hops'")" 0
tap_is "none has a strike" \
    "$(desk_sql 'SELECT max(strikes) FROM delivery')" 0
tap_is "each that is not parked is a message" "$(desk_sql "SELECT count(*)
    FROM delivery WHERE state = 'settled' AND message_id_no IS NULL")" 0
tap_unlike "no parser died" "$(cat "$DESK_LOG")" 'event=parser\.died'
desk_unharmed
tap_done
