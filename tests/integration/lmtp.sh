#!/bin/sh
# Postfix hands mail over by LMTP, with Debian's chrooted lmtp client.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/journey.sh"

test_chroot()
{
    tap_like "the lmtp client is chrooted" \
        "$(postconf -c "$POSTFIX_CONFIG" -M lmtp/unix)" \
        '^lmtp +unix +- +- +y '
    tap_is "who may write to the socket is as the settings say" \
        "$(stat -c '%U %a' "$DESK_SOCKET")" "$SERVERS_USER 666"
}

test_bytes()
{
    desk delivery raw 1 >"$SERVERS/raw.eml"
    tap_like "what is stored has CRLF, as it came" \
        "$(tr -d '\n' <"$SERVERS/raw.eml" | tr '\r' '\n' | tail -n 1)" \
        '^This is first, and it does not work\.$'
    tap_is "nothing was added before what Postfix adds" \
        "$(head -c 9 "$SERVERS/raw.eml")" "Received:"
}

# Larger than limits.memory_size: by way of a file, and into the database by COPY.
test_large()
{
    mail_write large gerd@customers.test 'A picture'
    head -c 2500000 /dev/urandom | base64 -w 76 >>"$MAILS/large.eml"
    tap_ok "a mail of 3 MB is taken" customer_sends large gerd@customers.test
    tap_ok "and arrives" desk_settled 4
    tap_is "whole" "$(desk delivery raw 4 | tail -n 30000 | sha256sum)" \
        "$(sed 's/$/\r/' "$MAILS/large.eml" | tail -n 30000 | sha256sum)"
    tap_ok "and is answered" customer_has 1 gerd
}

test_two_recipients()
{
    mail_write both carla@customers.test 'Bill and trouble'
    tap_ok "a mail to two queues is taken" customer_sends both \
        carla@customers.test support@desk.test billing@desk.test
    tap_ok "it is two hand-overs" desk_settled 6
    tap_is "of one message" "$(desk_sql "SELECT count(DISTINCT ticket_id),
            count(DISTINCT message_id_no), count(DISTINCT raw_digest),
            string_agg(transport, ',') FROM delivery
            WHERE envelope_sender = 'carla@customers.test'")" "1|1|1|lmtp,lmtp"
    tap_is "that both queues know" "$(desk_sql 'SELECT queue FROM ticket
            WHERE id = 3 UNION SELECT queue FROM ticket_queue
            WHERE ticket_id = 3 ORDER BY 1')" "billing
support"
    tap_ok "an acknowledgement comes" customer_has 1 carla
    tap_is "and only one" "$(desk_sql "SELECT count(*) FROM outgoing
            WHERE acknowledged = 'carla@customers.test'")" 1
}

test_no_acknowledgement()
{
    mail_write null emil@customers.test 'Delivery failed'
    mail_write robot emil@customers.test 'Backup report' \
        'Auto-Submitted: auto-generated'
    mail_write list emil@customers.test 'News' 'List-Id: <news.far.test>'
    mail_write person emil@customers.test 'Hello' 'Auto-Submitted: no'
    customer_sends null '' >/dev/null
    customer_sends robot emil@customers.test >/dev/null
    customer_sends list emil@customers.test >/dev/null
    tap_ok "automatic mail arrives" desk_settled 9
    tap_is "each is a ticket, and none is acknowledged" \
        "$(desk_sql "SELECT DISTINCT m.message_id, m.class, e.name
            FROM message m JOIN event e USING (ticket_id)
            WHERE m.id > (SELECT id FROM message
                WHERE message_id = 'both@mua.test') AND e.name LIKE '%ackn%'
            ORDER BY 1")" \
        "list@mua.test|list|not-acknowledged
null@mua.test|bounce|not-acknowledged
robot@mua.test|auto|not-acknowledged"
    customer_sends person emil@customers.test >/dev/null
    tap_ok "who says \"Auto-Submitted: no\" is a person" customer_has 1 emil
}

test_refusals()
{
    mail_write lost bob@customers.test 'Who is there?'
    customer_sends lost bob@customers.test nobody@desk.test help@desk.test \
        >/dev/null
    tap_ok "mail to an unknown address bounces" customer_has 2 bob
    tap_like "with our reply" "$(cat "$(customer_mail 1 bob)" \
        "$(customer_mail 2 bob)")" '550 5\.1\.1 no such address'
    tap_ok "the good recipient has it all the same" desk_settled 11
    head -c 5000000 /dev/zero | tr '\0' 'x' | fold -w 70 >>"$MAILS/large.eml"
    customer_sends large dora@customers.test >/dev/null
    tap_ok "mail that is too large bounces" customer_has 1 dora
    # Postfix knows our SIZE and need not ask.
    tap_like "with 5.3.4" "$(cat "$(customer_mail 1 dora)")" \
        '^Status: 5\.3\.4$'
}

test_database_away()
{
    pg_stop
    mail_write patient frida@customers.test 'While the database slept'
    customer_sends patient frida@customers.test >/dev/null
    tap_ok "without a database we say 451 and Postfix keeps the mail" \
        wait_for 60 grep -q 'status=deferred.* 451 4\.3\.0' "$POSTFIX_LOG"
    pg_start
    tap_ok "and gives it when the database is back" desk_settled 12
    tap_ok "then the answer comes" customer_has 1 frida
}

servers_dir && postfix_names
DESK_SOCKET=$POSTFIX_SOCKETS/lmtp
journey_prepare lmtp:unix:postern/lmtp 'limits = { mail_size = "5MiB"; };' ||
    exit 1
tap_ok "Postfix and the desk start" journey_start
test_chroot
journey
test_bytes
test_large
test_two_recipients
test_no_acknowledgement
test_refusals
test_database_away
tap_ok "Postfix has nothing left" wait_for 60 postfix_idle
desk_unharmed
tap_done
