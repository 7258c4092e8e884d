# shellcheck shell=sh
# What the tests of a relay in trouble share; they read this file after load.sh.
#
#   relay_prepare          a desk with long retry times, so that the first one can
#                          be looked at, however late; a test that has seen it has
#                          the mail tried again by hand, or moves the time
#   relay_test PART...     test_PART of each, or of $RELAY_PARTS only
#   write_first NAME       a first mail is there and decided
#   newest KIND, newest_id KIND   the row of the newest mail of a kind
#   was_tried KIND         a sender has it no more, and it was tried
#   is_sent ID
#   copies NAME            mails in the sink to NAME
#   time_passes            what would be due in a while, is
#   new_connection         each test begins with a connection of its own, which is
#                          the relay's to break

PATIENT='outbox = { first_retry = "3000s"; longest_retry = "4000s"; };
    limits = { poll = "1s"; };'
QUICK_RELAY="timeout = \"5s\";"

# A sender has it no more, and it was tried.
WAS_TRIED="state IN ('sent', 'failed', 'unsure') OR
    state = 'queued' AND (attempts > 0 OR last_error <> '')"
# State, failed attempts, repeats, and in how many seconds it is due ("-" when it is
# not queued): 3000, if that were 2005 to 3005, for some pass before we look.
OUTGOING_ROW="o.state, o.attempts, o.repeats, CASE WHEN o.state = 'queued' THEN
    (ceil((extract(epoch FROM o.due_at - now()) - 5) / 1000) * 1000)::int::text
    ELSE '-' END"

written=0

write_first()
{
    mail_write "$1" "$1@customers.test" 'It does not work'
    lmtp_send "$1" "$1@customers.test" support@desk.test \
        >>"$SERVERS/clients.out" 2>&1
    written=$((written + 1))
    desk_settled "$written" || tap_fail "mail $1 is processed"
}

newest()
{
    desk_sql "SELECT $OUTGOING_ROW FROM outgoing o
        WHERE kind = '$1' ORDER BY id DESC LIMIT 1"
}

newest_id()
{
    desk_sql "SELECT max(id) FROM outgoing WHERE kind = '$1'"
}

was_tried()
{
    [ "$(desk_sql "SELECT $WAS_TRIED FROM outgoing WHERE kind = '$1'
        ORDER BY id DESC LIMIT 1")" = t ]
}

is_sent()
{
    [ "$(desk_sql "SELECT state FROM outgoing WHERE id = $1")" = sent ]
}

copies()
{
    sent_to "$1" | wc -l
}

time_passes()
{
    desk_sql "UPDATE outgoing SET due_at = now() WHERE state = 'queued'" \
        >/dev/null
}

new_connection()
{
    sink_say
    sink_stop
    sink_start
}

relay_prepare()
{
    load_prepare || exit 1
    DESK_RELAY="host = \"127.0.0.1\"; port = $SINK_PORT; $QUICK_RELAY"
    desk_settings "$PATIENT"
    desk_start || exit 1
}

relay_test()
{
    tap_parts "${RELAY_PARTS:-}" "$@"
    desk_sane
}
