#!/bin/sh
# Processes die at every hand-over, and nothing is lost, doubled or answered
# twice; support/oracle.py says so, which knows none of our code.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"

POINTS_SHOWN=

# --- death by appointment --------------------------------------------------

# The next process that comes to POINT kills itself there.
arm()
{
    POINTS_SHOWN="$POINTS_SHOWN $1"
    : >"$POSTERN_FAILPOINTS/$1"
    if [ "$(id -u)" = 0 ]; then
        chown "$SERVERS_USER" "$POSTERN_FAILPOINTS/$1"
    fi
}

is_dead()
{
    [ ! -e "$POSTERN_FAILPOINTS/$1" ]
}

died()
{
    wait_for 60 is_dead "$1"
}

# --- clients that try again, as an MTA does --------------------------------

sent=0

# try_again COMMAND...: for half a minute at most.
try_again()
{
    for try_n in $(seq 300); do
        "$@" >>"$SERVERS/clients.out" 2>&1 && return 0
        sleep 0.1 # as an MTA has its retry time
    done
    tap_fail "$1 $2 is taken in the end" "not after $try_n attempts"
}

lmtp_until_taken()
{
    mail_write "$1" "$1@customers.test" 'It does not work'
    try_again lmtp_send "$1" "$1@customers.test" support@desk.test
}

deliver_file()
{
    deliver -f "$1@customers.test" -i "Q$1" support@desk.test \
        <"$MAILS/$1.eml"
}

pipe_until_taken()
{
    mail_write "$1" "$1@customers.test" 'It does not work'
    try_again deliver_file "$1"
    printf '%s\tsupport@desk.test\n' \
        "$(sha256sum <"$MAILS/$1.eml" | cut -d' ' -f1)" >>"$LEDGER"
}

# taken CLIENT NAME...
taken()
{
    taken_by=$1
    shift
    for taken_name in "$@"; do
        "${taken_by}_until_taken" "$taken_name"
        sent=$((sent + 1))
    done
}

# Nothing waits and nothing is on its way.
is_calm()
{
    desk_has_settled "$sent" && desk_has_sent 0
}

promises_hold()
{
    wait_for 60 is_calm || tap_fail "$1: everything comes to rest" \
        "$(desk_sql 'SELECT kind, state, lease_until, last_error FROM outgoing
            WHERE state NOT IN ('"'sent', 'unsure'"')')"
    tap_ok "$1: all promises are kept" "$PYTHON" \
        "$servers_support/oracle.py" --ledger "$LEDGER" --sink "$SINK_DIR"
}

# Of those to customers: the admin hears of workers that die again and again.
state_of_newest()
{
    desk_sql "SELECT kind, state, repeats FROM outgoing
        WHERE kind <> 'admin' ORDER BY id DESC LIMIT 1"
}

# --- accept ----------------------------------------------------------------

test_accept()
{
    for client in lmtp pipe; do
        for point in accept.received accept.committed; do
            arm $point
            taken $client "$client-$point"
            tap_ok "$point, by $client: a process died there" died $point
            promises_hold "$point, by $client"
        done
    done
    tap_is "what was committed and not answered came again" \
        "$(desk_sql 'SELECT duplicates, count(*) FROM delivery GROUP BY 1
            ORDER BY 1')" "0|2
1|2"
}

# --- process ---------------------------------------------------------------

test_process()
{
    for point in process.locked process.parsed process.recorded \
        process.committed; do
        arm $point
        taken lmtp "one-$point" "two-$point" "three-$point"
        tap_ok "$point: a process died there" died $point
        promises_hold $point
    done
    # One, or none: another processor may have settled it before the strike.
    tap_ok "only who was parsed just then has a strike" [ "$(desk_sql \
        'SELECT coalesce(sum(strikes), 0) FROM delivery')" -le 1 ]
}

# --- send ------------------------------------------------------------------

# What becomes of an acknowledgement, and of a reply: state, repeats, copies at
# the relay.
send_rows()
{
    cat <<ROWS
send.claimed        sent|0   1   sent|0   1
send.begun          sent|0   1   sent|0   1
send.fenced         unsure|0 0   sent|1   1
send.submitted      unsure|0 1   sent|1   2
send.before-settle  sent|0   1   sent|0   1
ROWS
}

copies_of_newest()
{
    desk_kind "$1" | xargs grep -l "^Message-ID: <$(desk_sql "SELECT message_id
        FROM outgoing WHERE kind <> 'admin'
        ORDER BY id DESC LIMIT 1")>" 2>/dev/null | wc -l
}

test_send()
{
    send_rows >"$SERVERS/rows"
    while read -r point ack ack_copies reply reply_copies <&8; do
        # Who dies five times in a row is told to the admin, and that mail would
        # die here in place of ours.
        desk_restart
        arm "$point"
        taken lmtp "$point"
        tap_ok "$point, acknowledgement: a process died there" died "$point"
        promises_hold "$point, acknowledgement"
        tap_is "$point: what became of the acknowledgement" \
            "$(state_of_newest) $(copies_of_newest ack)" \
            "acknowledgement|$ack $ack_copies"
        arm "$point"
        echo 'We have mended it.' | desk ticket reply -a Anna \
            "$(desk_sql 'SELECT max(id) FROM ticket')" >/dev/null
        tap_ok "$point, reply: a process died there" died "$point"
        promises_hold "$point, reply"
        tap_is "$point: what became of the reply" \
            "$(state_of_newest) $(copies_of_newest reply)" \
            "reply|$reply $reply_copies"
    done 8<"$SERVERS/rows"
}

# Those of folders are imap_crash.sh's.
test_all_points()
{
    tap_is "every failpoint there is has been shown" \
        "$(printf '%s\n' $POINTS_SHOWN | sort -u)" \
        "$(sed -n 's/.*FAILPOINT("\(.*\)").*/\1/p' \
            "${srcdir:-.}"/src/*/*.c | grep -v '^watch\.' | sort -u)"
}

# --- three strikes ---------------------------------------------------------

test_strikes()
{
    desk_settings 'workers = { processor = 1; };'
    desk_reload
    for strike in 1 2 3 4; do
        arm process.parsed
        if [ $strike = 1 ]; then
            taken lmtp poison
        fi
        died process.parsed || tap_fail "strike $strike falls"
    done
    tap_ok "after three strikes, and one more, a mail is parked" \
        wait_for 60 is_parked
    tap_like "with the reason" "$(desk delivery list --state parked)" \
        'workers died or overstayed on it, .* even on the pre-scan'
    tap_ok "the admin is told" wait_for 60 has_mail_to boss
    tap_is "monitoring sees it" "$(exit_of desk status)" 1
    taken lmtp behind
    tap_ok "the mail behind it is processed" wait_for 60 has_mail_to behind
    desk delivery retry \
        "$(desk_sql "SELECT id FROM delivery WHERE state = 'parked'")" \
        >/dev/null
    promises_hold "an operator has it tried again"
    tap_is "it is a ticket now" "$(desk_sql "SELECT count(*) FROM message
            WHERE message_id = 'poison@mua.test'")" 1
}

is_parked()
{
    [ "$(desk_sql "SELECT count(*) FROM delivery
        WHERE state = 'parked'")" = 1 ]
}

# --- leases ----------------------------------------------------------------

is_submitting()
{
    [ "$(state_of_newest | cut -d'|' -f2)" = submitting ]
}

# The relay has the newest one of this kind, whatever we know of it.
is_kept()
{
    [ "$(copies_of_newest "$1")" = 1 ]
}

# What comes behind this command is not asked for any more.
is_behind_fence()
{
    [ "$(sink_commands DATA)" -gt "$data_before" ]
}

# The whole daemon dies while a reply is on the wire and others wait behind it.
# The next one reads in the old status page how far it was: it waits for no
# lease, and only what was on the wire goes twice.
test_killed_while_sending()
{
    desk_settings 'outbox = { lease = "30min"; };'
    desk_reload
    taken lmtp leased
    promises_hold "before the daemon is killed"
    sink_say 'dot=mended 1 keep-stall 60'
    echo 'We have mended it.' | desk ticket reply -a Anna \
        "$(desk_sql 'SELECT max(id) FROM ticket')" >/dev/null
    wait_for 60 is_kept reply
    server_stop posternd KILL
    desk_start
    promises_hold "the daemon was killed while it sent"
    tap_is "the reply went twice" \
        "$(state_of_newest) $(copies_of_newest reply)" "reply|sent|1 2"
    # Killed with a claim of which nothing was begun.
    sink_say 'rcpt 1 stall 60'
    taken lmtp claimed
    wait_for 60 is_submitting
    server_stop posternd KILL
    sink_say
    desk_start
    promises_hold "the daemon was killed with a claim not begun"
    tap_is "its acknowledgement went all the same, and once" \
        "$(state_of_newest) $(copies_of_newest ack)" \
        "acknowledgement|sent|0 1"
}

# A sender sleeps through its lease, wakes and goes on.
test_sleeper()
{
    sink_say 'data=DATA 1 stall 5'
    data_before=$(sink_commands DATA)
    taken lmtp sleeper
    wait_for 60 is_behind_fence
    sleepers=$(desk_workers sender)
    # The clock, begun anew, looks at once.
    kill -STOP $sleepers
    desk_sql "UPDATE outgoing SET lease_until = now() - interval '1 second'
        WHERE state = 'submitting'" >/dev/null
    kill -9 "$(desk_workers clock)"
    wait_for 60 is_unsure
    kill -CONT $sleepers
    wait_for 60 is_kept ack
    promises_hold "a sender slept through its lease"
    tap_is "its acknowledgement is unsure, and was sent once" \
        "$(state_of_newest) $(copies_of_newest ack)" \
        "acknowledgement|unsure|0 1"
}

is_unsure()
{
    [ "$(state_of_newest | cut -d'|' -f2)" = unsure ]
}

# --- death at random -------------------------------------------------------

storm_clients()
{
    for storm_n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        lmtp_until_taken "storm-$1-$storm_n"
        pipe_until_taken "gale-$1-$storm_n"
    done
}

# One of the workers, by chance.
kill_somebody()
{
    kill -9 "$(desk_workers | shuf -n 1)" 2>/dev/null
}

test_storm()
{
    storm_clients a &
    storm_a=$!
    storm_clients b &
    storm_b=$!
    killed=0
    while kill -0 $storm_a 2>/dev/null || kill -0 $storm_b 2>/dev/null; do
        kill_somebody && killed=$((killed + 1))
        if [ $killed = 4 ]; then
            pg_restart immediate
        fi
        sleep 0.1 # so that mail goes through now and then
    done
    wait $storm_a $storm_b
    sent=$((sent + 60))
    tap_diag "$killed workers were killed, and the database once"
    promises_hold "a storm"
}

servers_need pg sink
grep -q POSTERN_FAILPOINTS "${abs_top_builddir:-.}/posternd" ||
    tap_not_here "needs a build with --enable-failpoints"
desk_prepare || exit 1
POSTERN_FAILPOINTS=$SERVERS/failpoints
export POSTERN_FAILPOINTS
servers_mkdir "$POSTERN_FAILPOINTS" 0755 "$SERVERS_USER"
: >"$LEDGER"
desk_start || exit 1
test_accept
test_process
test_send
test_all_points
test_strikes
test_killed_while_sending
test_sleeper
test_storm
desk_sane
tap_done
