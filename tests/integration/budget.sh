#!/bin/sh
# However many mails come in, however they answer ours: few leave.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"

# Mails of one kind that left
count_of()
{
    desk_kind "$1" | wc -l
}

arrive()
{
    for name in "$@"; do
        mail_write "$name" "$name@customers.test" 'It does not work'
        lmtp_send "$name" "$name@customers.test" support@desk.test >/dev/null
    done
}

# --- one sender ------------------------------------------------------------

test_sender()
{
    for n in 1 2 3 4 5; do
        mail_write "storm$n" anna@customers.test "Mail number $n"
        lmtp_send "storm$n" "Anna@Customers.Test" support@desk.test >/dev/null
    done
    tap_ok "five mails of one sender arrive" desk_settled 5
    tap_ok "and what is to be sent leaves" desk_sent 4
    tap_is "three of them are acknowledged" "$(count_of ack)" 3
    tap_is "all five are tickets" \
        "$(desk_sql 'SELECT count(*) FROM ticket')" 5
    tap_is "the others say why not" "$(desk_sql "SELECT name, detail, count(*)
            FROM event WHERE name = 'not-acknowledged' GROUP BY 1, 2")" \
        "not-acknowledged|sender-10min|2"
    tap_is "the admin is told, once" "$(count_of admin)" 1
    tap_like "and what of" "$(cat "$(desk_kind admin)")" sender-10min
    arrive bruno
    desk_settled 6
    desk_sent 5
    tap_is "another sender has an answer" "$(count_of ack)" 4
}

# Ten minutes, and then the day: what was sent is moved into the past.
test_day()
{
    desk_sql "UPDATE outgoing SET created_at = created_at - interval '11 min'" \
        >/dev/null
    mail_write later anna@customers.test 'Eleven minutes later'
    lmtp_send later anna@customers.test support@desk.test >/dev/null
    desk_settled 7
    desk_sent 6
    tap_is "after ten minutes there is an answer again" "$(count_of ack)" 5
    desk_settings 'budgets = { per_sender_day = 4; };'
    desk_reload
    mail_write much anna@customers.test 'One too many for a day'
    lmtp_send much anna@customers.test support@desk.test >/dev/null
    desk_settled 8
    desk_sent 7
    tap_is "but not more than the day allows" \
        "$(desk_sql "SELECT detail FROM event
            WHERE name LIKE '%acknowledged' ORDER BY id DESC LIMIT 1")" \
        sender-day
    tap_is "of which the admin is told" "$(count_of admin)" 2
}

# --- everybody -------------------------------------------------------------

test_breaker()
{
    desk_settings 'workers = { processor = 1; };
        budgets = { breaker = 9; breaker_window = "1h"; };'
    desk_reload
    arrive a b c d e f g h
    tap_ok "a wave of strangers arrives" desk_settled 16
    desk_sent 12
    tap_is "the breaker ends the acknowledgements" "$(count_of ack)" 9
    tap_is "the admin is told once" "$(desk_sql "SELECT times FROM alarm
            WHERE name = 'budget-breaker'"; count_of admin)" "1
3"
    tap_is "every mail is a ticket" \
        "$(desk_sql 'SELECT count(*) FROM ticket')" 16
}

# --- robots ----------------------------------------------------------------

mirror_start()
{
    cp "$servers_support/mirror.py" "$SERVERS/mirror.py"
    chmod 0644 "$SERVERS/mirror.py"
    sink_stop
    rm -f "$SINK_DIR"/*.eml "$SINK_DIR"/*.envelope "$SINK_DIR/mirrored"
    sink_start
    server_run mirror "$PYTHON" "$SERVERS/mirror.py" --sink "$SINK_DIR" \
        --socket "$DESK_SOCKET" "$@"
}

# The mirror has seen everything, and while that was so nothing waited and nothing
# was on its way: then it stays so.
is_over()
{
    over_count=$(sink_count)
    [ "$(cat "$SINK_DIR/mirrored" 2>/dev/null)" = "$over_count" ] &&
        [ "$(desk_sql "SELECT (SELECT count(*) FROM delivery
                WHERE state = 'waiting') + (SELECT count(*) FROM outgoing
                WHERE state IN ('queued', 'submitting'))")" = 0 ] &&
        [ "$(sink_count)" = "$over_count" ]
}

# mirrored NAME MOST [--lose ...]: a mail of NAME, and a robot that answers all
mirrored()
{
    mirror_name=$1
    mirror_most=$2
    shift 2
    mirror_start "$@"
    arrive "$mirror_name"
    tap_ok "the loop with $mirror_name ends" wait_for 60 is_over
    tap_ok "after at most $mirror_most mails of ours" \
        [ "$(sink_count)" -le "$mirror_most" ]
    tap_diag "$(sink_count) mails"
    server_stop mirror
}

test_robots()
{
    desk_settings
    desk_reload
    mirrored polite 1
    tap_is "its answer has joined" \
        "$(desk_sql "SELECT count(*) FROM ticket
            WHERE requester = 'polite@customers.test'")" 1
    mirrored careless 1 --lose references,in-reply-to
    # Three acknowledgements, and the admin is told.
    mirrored deaf 4 --lose references,in-reply-to,subject
}

# Colleagues with a robot each: a notice to one must not become one to the other.
test_robots_of_ours()
{
    DESK_SUPPORT='notify = [ "ida@staff.test", "jan@staff.test" ];'
    desk_settings
    desk_reload
    # An acknowledgement and a notice; each answers it, each is told of the
    # other's answer, and that is all.
    mirrored kurt 4 --only ida@staff.test,jan@staff.test
    mirrored lena 30 --only ida@staff.test,jan@staff.test \
        --lose references,in-reply-to
    desk_sql 'DELETE FROM outgoing_recipient; DELETE FROM outgoing' >/dev/null
    mirrored mona 30 --only ida@staff.test,jan@staff.test \
        --lose references,in-reply-to,subject
}

# A list is told; the robot of a member answers in its own name.
test_robot_behind_list()
{
    DESK_SUPPORT='notify = [ "team@staff.test" ];'
    desk_settings
    desk_reload
    mirrored nina 10 --only team@staff.test,otto@home.test \
        --author otto@home.test
    # One that strips all by which we could know it opens a ticket each time:
    # only the breaker is left, for notices as for acknowledgements.
    desk_settings 'budgets = { breaker = 40; breaker_window = "1h"; };'
    desk_reload
    desk_sql 'DELETE FROM outgoing_recipient; DELETE FROM outgoing' >/dev/null
    mirrored olga 50 --only team@staff.test,otto@home.test \
        --author otto@home.test --lose references,in-reply-to,subject
}

servers_need pg sink
desk_prepare && desk_start || exit 1
test_sender
test_day
test_breaker
test_robots
test_robots_of_ours
test_robot_behind_list
desk_unharmed
tap_done
