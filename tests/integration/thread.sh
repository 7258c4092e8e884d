#!/bin/sh
# Every mail finds its ticket by evidence, and is kept whatever it claims.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"

ANNA=anna@customers.test
BRUNO=bruno@customers.test
MALLORY=mallory@evil.test

ROOMY='budgets = { per_sender_10min = 100; per_sender_day = 100; };'
# Processors that are stopped for a while shall not count as overdue, and nobody
# finds by looking what he should have been told.
PATIENT='limits = { poll = "10min"; };'
settled=0

# By LMTP to support@, and wait until it has its place.
arrives()
{
    lmtp_send "$1" "$2" "${3:-support@desk.test}" >"$SERVERS/send.out" ||
        tap_fail "mail $1 is accepted" "$(cat "$SERVERS/send.out")"
    settled=$((settled + 1))
    desk_settled "$settled" || tap_fail "mail $1 is processed"
}

# Ticket, its link, and the evidence of the mail with this Message-ID
place()
{
    desk_sql "SELECT t.id, t.linked_to, m.threaded_by
        FROM message m JOIN ticket t ON t.id = m.ticket_id
        WHERE m.message_id = '$1@mua.test' ORDER BY m.id"
}

ticket_of()
{
    desk_sql "SELECT ticket_id FROM message
        WHERE message_id = '$1@mua.test' ORDER BY id LIMIT 1"
}

status_of()
{
    desk_sql "SELECT status FROM ticket WHERE id = $1"
}

# --- who may join ----------------------------------------------------------

test_parties()
{
    mail_write hello $ANNA 'It does not work' "Cc: Bruno <$BRUNO>"
    arrives hello $ANNA
    desk_sent 1
    ack=$(desk_kind ack)
    tap_is "a first mail is a ticket" "$(place hello)" "1||no-evidence"

    mail_write tagged $ANNA 'Once more about [#1]'
    arrives tagged $ANNA
    tap_is "the tag and the requester's address join" "$(place tagged)" \
        "1||subject-tag"
    mail_answer answer $ANNA "$ack"
    arrives answer $ANNA
    tap_is "an answer to what we wrote joins" "$(place answer)" \
        "1||own-message-id"
    mail_answer colleague $BRUNO "$MAILS/hello.eml"
    arrives colleague $BRUNO
    tap_is "so does the colleague in Cc" "$(place colleague)" \
        "1||message-id"
    tap_is "who is a participant now, and not the requester" \
        "$(desk_sql "SELECT role FROM party WHERE address = '$BRUNO'
            UNION ALL SELECT requester FROM ticket WHERE id = 1")" \
        "participant
$ANNA"
}

test_strangers()
{
    mail_write guess $MALLORY 'Tell me all about [#1]'
    arrives guess $MALLORY
    tap_is "a tag from a stranger is a new ticket, linked" "$(place guess)" \
        "2|1|sender-is-no-party"
    mail_answer forged $MALLORY "$ack"
    arrives forged $MALLORY
    tap_is "so are our own ids from a stranger" "$(place forged)" \
        "3|1|sender-is-no-party"
    tap_is "the ticket has nothing of it" \
        "$(desk_sql "SELECT count(*) FROM message
            WHERE ticket_id = 1 AND author = '$MALLORY'")" 0
    tap_is "nor has the stranger become a party" \
        "$(desk_sql "SELECT count(*) FROM party
            WHERE ticket_id = 1 AND address = '$MALLORY'")" 0
    tap_unlike "what the stranger was told has nothing of ours" \
        "$(desk_sent 3; desk_kind ack | tail -n 2 | xargs cat)" \
        "does not work|$ANNA|Bruno"
}

# --- order -----------------------------------------------------------------

test_order()
{
    mail_write early $ANNA 'Printer' "Cc: $BRUNO"
    mail_answer overtaker $BRUNO "$MAILS/early.eml" "Cc: $ANNA"
    mail_write aside $ANNA 'Re: Printer' 'References: <early@mua.test>'
    arrives overtaker $BRUNO
    tap_is "an answer that overtook its parent is a ticket" \
        "$(place overtaker)" "4||no-evidence"
    arrives early $ANNA
    tap_is "the parent joins it" "$(place early)" "4||shared-ancestor"
    arrives aside $ANNA
    tap_is "and so does who answers the same parent" "$(place aside)" \
        "4||message-id"

    mail_write unseen $ANNA 'Coffee' "Cc: $BRUNO"
    mail_answer one $ANNA "$MAILS/unseen.eml" "Cc: $BRUNO"
    mail_answer other $BRUNO "$MAILS/unseen.eml" "Cc: $ANNA"
    arrives one $ANNA
    arrives other $BRUNO
    tap_is "two answers to a mail we never saw are together" \
        "$(ticket_of other)" "$(ticket_of one)"
}

# A whole thread is there at once, the last answer first, and everything for both
# queues; many processors take it two mails at a time.
test_burst()
{
    desk_settings "$ROOMY workers = { processor = 4; };
        limits = { batch = 2; poll = \"10min\"; };"
    desk_reload
    wait_for 60 are_asleep 4
    processors=$(desk_workers processor)
    kill -STOP $processors
    mail_write burst0 $ANNA 'A thread'
    n=0
    while [ $n -lt 15 ]; do
        mail_answer "burst$((n + 1))" $ANNA "$MAILS/burst$n.eml"
        n=$((n + 1))
    done
    while [ $n -ge 0 ]; do
        lmtp_send "burst$n" $ANNA support@desk.test >/dev/null
        lmtp_send "burst$n" $ANNA billing@desk.test >/dev/null
        settled=$((settled + 2))
        n=$((n - 1))
    done
    kill -CONT $processors
    tap_ok "a thread in a burst, backwards, is processed" \
        desk_settled "$settled"
    tap_is "it is one ticket of 16 messages" "$(desk_sql "SELECT
            count(DISTINCT ticket_id), count(*) FROM message
            WHERE message_id LIKE 'burst%'")" "1|16"
    tap_is "with one acknowledgement" "$(desk_sql "SELECT count(*)
            FROM outgoing JOIN message m ON m.id = message_id_no
            WHERE m.message_id LIKE 'burst%'")" 1
    desk_settings "$ROOMY $PATIENT"
    desk_reload
}

# So many processors have begun, and wait: who is stopped while it begins would
# be overdue soon.
are_asleep()
{
    [ "$(desk_workers processor | wc -l)" = "$1" ] &&
        [ "$(desk_parsers | wc -l)" = "$1" ] &&
        [ "$(desk status | grep -c '^processor:.* idle$')" = "$1" ]
}

# --- open and closed -------------------------------------------------------

test_closed()
{
    desk ticket close 1 >/dev/null
    mail_write away $ANNA 'Out of office' 'Auto-Submitted: auto-replied' \
        "In-Reply-To: $(mail_field "$ack" Message-ID)"
    arrives away $ANNA
    tap_is "an absence notice joins" "$(place away)" "1||own-message-id"
    tap_is "and opens nothing" "$(status_of 1)" closed
    mail_answer again $ANNA "$ack"
    arrives again $ANNA
    tap_is "a person's answer reopens" "$(status_of 1)" open
    tap_like "and the ticket says so" "$(desk ticket show 1)" \
        'reopened +.*requester-wrote'
}

# --- the same mail, and mail that only looks like it -----------------------

test_duplicates()
{
    mail_write twice $ANNA 'Sent once'
    arrives twice $ANNA
    lmtp_send twice $ANNA support@desk.test >/dev/null
    lmtp_send twice $ANNA support@desk.test >/dev/null
    tap_is "the same hand-over again is counted" \
        "$(desk_sql "SELECT count(*), sum(duplicates) FROM delivery
            WHERE id = (SELECT max(id) FROM delivery)")" "1|2"
    tap_like "and delivery list shows it" "$(desk delivery list)" \
        'settled .* 2 +no +no-evidence'
    deliver -f $ANNA help@desk.test <"$MAILS/twice.eml"
    settled=$((settled + 1))
    desk_settled $settled
    tap_is "by another way it is known, too" \
        "$(desk_sql "SELECT reason, transport FROM delivery
            ORDER BY id DESC LIMIT 1")" "same-content|pipe"
    tap_is "and all that is one message" "$(place twice | wc -l)" 1
}

test_same_id()
{
    mail_write again $ANNA 'It does not work' \
        "X-Mailer: what resends under the old id"
    arrives again $ANNA
    tap_is "the same id with other content is kept, in its ticket" \
        "$(place again)" "1||own-message-id
1||message-id"
    mail_write future $MALLORY 'I was here first'
    arrives future $MALLORY
    mail_write future $ANNA 'The mail that has this id'
    arrives future $ANNA
    tap_is "nobody can take another's id away" "$(desk_sql "SELECT
            count(DISTINCT ticket_id), string_agg(author, ' ' ORDER BY id)
            FROM message WHERE message_id = 'future@mua.test'")" \
        "2|$MALLORY $ANNA"
    mail_write noid $ANNA 'No id'
    sed -i '/^Message-ID/d' "$MAILS/noid.eml"
    arrives noid $ANNA
    sed -i 's/^Subject: No id/Subject: No id either/' "$MAILS/noid.eml"
    arrives noid $ANNA
    tap_is "mails without id are mails" "$(desk_sql "SELECT count(*)
            FROM message WHERE message_id IS NULL AND kind = 'mail'")" 2
}

# --- pipes that were cut ---------------------------------------------------

# part BYTES QUEUE-ID NAME [TO]: what reaches us when pipe(8) is killed; of a
# negative number of BYTES so many are missing
part()
{
    head -c "$1" "$MAILS/$3.eml" |
        deliver -f carla@customers.test -i "$2" "${4:-support@desk.test}"
}

whole()
{
    deliver -f carla@customers.test -i "$1" "${3:-support@desk.test}" \
        <"$MAILS/$2.eml"
}

raw_is_whole()
{
    [ "$(desk_sql "SELECT encode(m.raw_digest, 'hex') FROM message m
        WHERE message_id = '$1@mua.test'")" = \
        "$(sha256sum <"$MAILS/$1.eml" | cut -d' ' -f1)" ]
}

last_delivery()
{
    desk_sql 'SELECT state, duplicates, completed, reason FROM delivery
        ORDER BY id DESC LIMIT 1'
}

test_cut()
{
    mail_write cut carla@customers.test 'A long story'
    part -15 Q1 cut
    settled=$((settled + 1))
    desk_settled $settled
    cut_ticket=$(ticket_of cut)
    whole Q1 cut
    desk_settled $settled
    tap_is "the whole mail takes the place of its beginning" \
        "$(last_delivery)" "settled|0|1|whole-mail-after-a-part"
    tap_is "in the same ticket, as one message" \
        "$(desk_sql "SELECT count(*), min(ticket_id) FROM message
            WHERE message_id = 'cut@mua.test'")" "1|$cut_ticket"
    tap_ok "which is the whole" raw_is_whole cut
    tap_like "and can be read" "$(desk ticket show "$cut_ticket")" \
        '^This is cut, and it does not work\.$'
    whole Q1 cut
    tap_is "once more it is a duplicate" "$(last_delivery)" \
        "settled|1|1|whole-mail-after-a-part"
    mail_write other carla@customers.test 'Queue ids are used again'
    whole Q1 other
    settled=$((settled + 1))
    desk_settled $settled
    tap_is "other bytes under that queue id are another mail" \
        "$(last_delivery | cut -d'|' -f1-3)" "settled|0|0"
    tap_is "the first is untouched" \
        "$(desk_sql "SELECT count(*) FROM message
            WHERE message_id = 'cut@mua.test'")" 1
}

test_cut_at_nothing()
{
    mail_write empty carla@customers.test 'Killed at once'
    part 0 Q2 empty
    settled=$((settled + 1))
    desk_settled $settled
    whole Q2 empty
    desk_settled $settled
    tap_is "a pipe that was cut before its first byte is completed" \
        "$(last_delivery)" "settled|0|1|whole-mail-after-a-part"
    tap_ok "with all of the mail" raw_is_whole empty
}

# Both copies wait when the processors come back.
test_cut_while_waiting()
{
    processors=$(desk_workers processor)
    kill -STOP $processors
    mail_write waiting carla@customers.test 'Twice before anybody looked'
    part -1 Q3 waiting
    whole Q3 waiting
    kill -CONT $processors
    settled=$((settled + 1))
    desk_settled $settled
    tap_is "so is one that nobody had looked at" \
        "$(last_delivery)" "settled|0|1|no-evidence"
    tap_ok "and it is a ticket of the whole mail" raw_is_whole waiting
}

# The whole mail has come for another queue meanwhile.
test_cut_for_two_queues()
{
    mail_write both carla@customers.test 'For two queues'
    part -15 Q4 both support@desk.test
    settled=$((settled + 1))
    desk_settled $settled
    whole Q4 both billing@desk.test
    settled=$((settled + 1))
    desk_settled $settled
    whole Q4 both support@desk.test
    tap_ok "a cut copy is completed though another queue has it" \
        desk_settled $settled
    tap_is "both hand-overs are in one ticket" \
        "$(desk_sql "SELECT count(DISTINCT d.ticket_id), count(*),
            bool_and(d.state = 'settled') FROM delivery d
            WHERE mta_queue_id = 'Q4'")" "1|2|t"
    mail_write behind carla@customers.test 'Is anybody stuck?'
    arrives behind carla@customers.test
    tap_like "nothing is stuck behind it" "$(place behind)" 'no-evidence$'
}

test_acknowledgements()
{
    desk_sent 1
    tap_is "no delivery has two acknowledgements" \
        "$(desk_sql "SELECT count(*) FROM (SELECT FROM outgoing
            WHERE kind = 'acknowledgement' GROUP BY delivery_id
            HAVING count(*) > 1) AS twice")" 0
    tap_is "every delivery is in a ticket" "$(desk_sql "SELECT count(*)
            FROM delivery WHERE state <> 'settled' OR ticket_id IS NULL
            OR message_id_no IS NULL")" 0
}

servers_need pg sink
desk_prepare || exit 1
desk_settings "$ROOMY $PATIENT"
desk_start || exit 1
test_parties
test_strangers
test_order
test_burst
test_closed
test_duplicates
test_same_id
test_cut
test_cut_at_nothing
test_cut_while_waiting
test_cut_for_two_queues
test_acknowledgements
desk_unharmed
tap_done
