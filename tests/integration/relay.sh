#!/bin/sh
# Whatever the relay does to a mail, at every step: what it took is not sent again,
# what it did not take is, at the time that was promised (tests/README F35 to F39).
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/load.sh"
. "${srcdir:-.}/tests/support/relay.sh"

# --- one mail ---------------------------------------------------------------

# What the relay does; what becomes of an acknowledgement; copies; and of a
# reply; copies. The words of a rule are joined by "_". Mails as small as these
# are on the wire whole, with their dot, when the relay sees the first byte.
steps()
{
    cat <<'STEPS'
mail_*_drop                      queued|1|0|3000 0  queued|1|0|3000 0
mail_*_reset                     queued|1|0|3000 0  queued|1|0|3000 0
mail_*_cut_250                   queued|1|0|3000 0  queued|1|0|3000 0
mail_*_stall_8                   queued|1|0|3000 0  queued|1|0|3000 0
mail_*_reply_421_4.3.2_bye       queued|1|0|3000 0  queued|1|0|3000 0
mail_*_reply_451_4.3.0_later     queued|1|0|3000 0  queued|1|0|3000 0
mail_*_reply_334_who             queued|1|0|3000 0  queued|1|0|3000 0
mail_*_garbage                   queued|1|0|3000 0  queued|1|0|3000 0
mail_*_flood_200000              sent|0|0|-      1  sent|0|0|-      1
mail_*_flood_2000000             queued|1|0|3000 0  queued|1|0|3000 0
mail_*_reply_552_5.3.4_large     failed|0|0|-    0  failed|0|0|-    0
rcpt_*_drop                      queued|1|0|3000 0  queued|1|0|3000 0
rcpt_*_reset                     queued|1|0|3000 0  queued|1|0|3000 0
rcpt_*_cut_250                   queued|1|0|3000 0  queued|1|0|3000 0
rcpt_*_stall_8                   queued|1|0|3000 0  queued|1|0|3000 0
rcpt_*_reply_421_4.3.2_bye       queued|1|0|3000 0  queued|1|0|3000 0
rcpt_*_reply_450_4.2.0_désolé    queued|1|0|3000 0  queued|1|0|3000 0
rcpt_*_reply_452_4.5.3_too_many  queued|1|0|3000 0  queued|1|0|3000 0
rcpt_*_garbage                   queued|1|0|3000 0  queued|1|0|3000 0
rcpt_*_reply_550_5.1.1_unknown   failed|0|0|-    0  failed|0|0|-    0
data_*_drop                      queued|1|0|3000 0  queued|1|0|3000 0
data_*_reset                     queued|1|0|3000 0  queued|1|0|3000 0
data_*_cut_354                   queued|1|0|3000 0  queued|1|0|3000 0
data_*_stall_8                   queued|1|0|3000 0  queued|1|0|3000 0
data_*_reply_421_4.3.2_bye       queued|1|0|3000 0  queued|1|0|3000 0
data_*_reply_451_4.3.0_later     queued|1|0|3000 0  queued|1|0|3000 0
data_*_garbage                   queued|1|0|3000 0  queued|1|0|3000 0
data_*_reply_554_5.6.0_no        failed|0|0|-    0  failed|0|0|-    0
body_*_drop                      unsure|1|0|-    0  queued|1|1|3000 0
body_*_reset                     unsure|1|0|-    0  queued|1|1|3000 0
dot_*_drop                       unsure|1|0|-    0  queued|1|1|3000 0
dot_*_keep-drop                  unsure|1|0|-    1  queued|1|1|3000 1
dot_*_reset                      unsure|1|0|-    0  queued|1|1|3000 0
dot_*_keep-cut_250               unsure|1|0|-    1  queued|1|1|3000 1
dot_*_keep-cut_250-still         unsure|1|0|-    1  queued|1|1|3000 1
dot_*_garbage                    unsure|1|0|-    1  queued|1|1|3000 1
dot_*_flood_200000               sent|0|0|-      1  sent|0|0|-      1
dot_*_keep-stall_3               sent|0|0|-      1  sent|0|0|-      1
dot_*_reply_421_4.3.2_bye        queued|1|0|3000 0  queued|1|0|3000 0
dot_*_reply_451_4.3.0_later      queued|1|0|3000 0  queued|1|0|3000 0
dot_*_reply_552_5.3.4_large      failed|0|0|-    0  failed|0|0|-    0
STEPS
}

# The n-th is done to step-lmtp-n and nobody else, so that all can be at once.
rules()
{
    awk '{ sub("_", "=step-lmtp-" NR "@ ", $1); gsub("_", " ", $1); print $1 }' \
        "$SERVERS/steps"
}

# look KIND NAME: each one's number, row and id are in NAME.rows; whom the relay has
# a mail for, a line each time, in NAME.copies.
look()
{
    desk_sql "SELECT split_part(split_part(a.acknowledged, '@', 1), '-', 3),
            $OUTGOING_ROW, o.id
        FROM outgoing o JOIN outgoing a USING (ticket_id)
        WHERE o.kind = '$1' AND a.acknowledged LIKE 'step-%'" \
        >"$SERVERS/$2.rows"
    find "$SINK_DIR" -name '*.envelope' -exec cat {} + | sed -n \
        's/^RCPT TO:<step-lmtp-\([0-9]*\)@.*/\1/p' >"$SERVERS/$2.copies"
}

row_of()
{
    sed -n "s/^$1|\(.*\)|[0-9]*\$/\1/p" "$SERVERS/$2.rows"
}

copies_of()
{
    grep -cx "$1" "$SERVERS/$2.copies"
}

all_are()
{
    [ "$(desk_sql "SELECT count(*) FROM outgoing
        WHERE kind = '$1' AND ($2)")" = "$steps_n" ]
}

# Begin with the step's number in $step_n and its words in $rule, $ack, ...
for_each_step()
{
    step_n=0
    while read -r rule ack ack_copies reply reply_copies <&8; do
        rule=$(echo "$rule" | tr _ ' ')
        step_n=$((step_n + 1))
        "$@"
    done 8<"$SERVERS/steps"
}

first_attempt()
{
    case $1 in
    acknowledgement) wanted="$ack $ack_copies" ;;
    reply) wanted="$reply $(($(copies_of $step_n before) + reply_copies))" ;;
    esac
    tap_is "$rule, $1: its row and the relay" \
        "$(row_of $step_n first) $(copies_of $step_n first)" "$wanted"
}

# By hand, but for who has it perhaps.
second_attempt()
{
    case $(row_of $step_n first) in
    queued* | failed*)
        tap_is "$rule, $1: it leaves at last" "$(copies_of $step_n second)" \
            $(($(copies_of $step_n first) + 1))
        ;;
    esac
}

# steps_of KIND: all of them are there, with the rules; then without.
steps_of()
{
    wait_for 120 all_are "$1" "$WAS_TRIED" ||
        tap_fail "$1: all are tried" "$(newest "$1")"
    look "$1" first
    for_each_step first_attempt "$1"
    sink_say
    for retry_id in $(sed -n 's/^[0-9]*|\(queued\|failed\).*|//p' \
        "$SERVERS/first.rows"); do
        desk outbox retry "$retry_id" >/dev/null
    done
    wait_for 120 all_are "$1" "state IN ('sent', 'unsure')" ||
        tap_fail "$1: all leave at last"
    look "$1" second
    for_each_step second_attempt "$1"
}

test_steps()
{
    steps >"$SERVERS/steps"
    steps_n=$(wc -l <"$SERVERS/steps")
    # Those that stall hold up no other.
    desk_settings "$PATIENT workers = { sender = 8; };"
    desk_renew sender 8
    sink_say "$(rules)"
    load_some step "$steps_n" --at-once 2
    steps_of acknowledgement
    cp "$SERVERS/second.copies" "$SERVERS/before.copies"
    sink_say "$(rules)"
    for step_ticket in $(desk_sql 'SELECT id FROM ticket'); do
        echo 'We have mended it.' |
            desk ticket reply -a Anna "$step_ticket" >/dev/null
    done
    steps_of reply
    tap_like "what a relay says is shown as it is" \
        "$(desk_sql "SELECT DISTINCT detail FROM event
            WHERE name LIKE 'send-%'")" 'this never fits|550 5\.1\.1 unknown'
    promises_hold "every step"
    written=$steps_n
    desk_settings "$PATIENT"
    desk_renew sender 2
}

# --- several recipients -------------------------------------------------------------

several_settings()
{
    DESK_SUPPORT=$1
    desk_settings "$PATIENT"
    desk_reload
}

recipient_states()
{
    desk_sql "SELECT addr_spec, r.state, code FROM outgoing_recipient r
        JOIN outgoing o ON o.id = outgoing_id WHERE kind = 'notice'
        AND o.id = (SELECT max(id) FROM outgoing WHERE kind = 'notice')
        ORDER BY 1"
}

test_one_of_three()
{
    several_settings 'notify = [ "ida@staff.test", "jan@staff.test",
        "kim@staff.test" ];'
    new_connection
    sink_say 'rcpt=jan * reply 550 5.1.1 has left' \
        'rcpt=kim * reply 452 4.5.3 too many recipients'
    write_first three
    wait_for 60 was_tried notice
    tap_is "one of three is refused, one put off: one by one" \
        "$(recipient_states)" "ida@staff.test|sent|250
jan@staff.test|failed|550
kim@staff.test|waiting|452"
    tap_is "the mail waits for who was put off" "$(newest notice)" \
        "queued|1|0|3000"
    sink_say 'rcpt=kim * drop'
    desk outbox retry "$(newest_id notice)" >/dev/null
    wait_for 60 is_tried_twice
    sink_say
    desk outbox retry "$(newest_id notice)" >/dev/null
    wait_for 60 is_sent "$(newest_id notice)"
    tap_is "nobody has it twice" "$(copies ida) $(copies kim)" "1 1"
    several_settings ''
}

is_tried_twice()
{
    [ "$(newest notice | cut -d'|' -f2)" -ge 2 ]
}

# --- six days ------------------------------------------------------------------------------

has_failed()
{
    [ "$(desk_sql "SELECT state FROM outgoing WHERE id = $1")" = failed ]
}

figure()
{
    desk_sql "SELECT $1 FROM pg_stat_user_tables WHERE relname = 'outgoing'"
}

# PostgreSQL tells of it a second later, of reads and updates together: each of the
# six was claimed and settled.
six_are_told()
{
    [ $(($(figure n_tup_upd) - updates)) -ge 12 ]
}

test_six_days()
{
    sink_stop
    write_first old
    write_first young
    old=$(desk_sql "SELECT id FROM outgoing WHERE acknowledged = 'old@customers.test'")
    desk_sql "UPDATE outgoing SET retry_since = now() - interval '6 days'
        WHERE id = $old" >/dev/null
    # A long tail that is not due: the table's rows are enough for a plan.
    desk_sql "INSERT INTO outgoing (kind, envelope_sender, message_id, due_at,
            created_at, content)
        SELECT 'notice', '', 'tail-' || n, now() + interval '1 day',
               now() - interval '1 day', 'x'
          FROM generate_series(1, 100000) n" >/dev/null
    desk_sql 'ANALYZE outgoing' >/dev/null
    # The clock, begun anew, looks at once.
    kill -9 "$(desk_workers clock)"
    tap_ok "after five days it has failed" wait_for 60 has_failed "$old"
    tap_like "its ticket says so" "$(desk ticket show "$(desk_sql "SELECT
        ticket_id FROM outgoing WHERE id = $old")")" send-expired
    tap_is "and only that one has" "$(desk_sql "SELECT count(*) FROM outgoing
        WHERE state = 'failed' AND acknowledged = 'young@customers.test'")" 0
    sink_start
    scans=$(figure seq_tup_read)
    updates=$(figure n_tup_upd)
    tap_ok "the young one leaves past 100,000 that wait" \
        wait_for 60 has_mail_to young
    for n in 1 2 3 4 5; do
        write_first "past$n"
        wait_for 60 has_mail_to "past$n" || tap_fail "past$n leaves"
    done
    wait_for 60 six_are_told
    tap_ok "and no look-up read them all" \
        [ $(($(figure seq_tup_read) - scans)) -lt 100000 ]
}

faults_wanted
servers_need pg sink
relay_prepare
relay_test steps one_of_three six_days
tap_done
