#!/bin/sh
# An alias runs postern-deliver, which learns from its environment who writes to
# whom; local(8) runs it as nobody.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/journey.sh"

write_aliases()
{
    cat >"$POSTFIX_CONFIG/aliases" <<ALIASES
support: "|$DESK_BIN/postern-deliver -s $DESK_SOCKET"
accounts: "|$DESK_BIN/postern-deliver -s $DESK_SOCKET --queue billing"
info: support
ghost: "|$DESK_BIN/postern-deliver -s $DESK_SOCKET"
ALIASES
    # As /etc/aliases is kept: newaliases(1) makes a table of it.
    postfix_set "alias_maps = hash:$POSTFIX_CONFIG/aliases" \
        "myorigin = $POSTFIX_DESK" &&
        postalias -c "$POSTFIX_CONFIG" "hash:$POSTFIX_CONFIG/aliases"
}

# local(8) says so when postern-deliver has ended, and Postfix writes its log
# later still.
has_run()
{
    [ "$(grep -c 'relay=local.*delivered to command' "$POSTFIX_LOG")" = "$1" ]
}

# queue, sender, recipient of the last hand-over
last_delivery()
{
    desk_sql 'SELECT queue, envelope_sender, envelope_recipient
        FROM delivery ORDER BY id DESC LIMIT 1'
}

test_ways_in()
{
    mail_write named bob@customers.test 'My bill'
    customer_sends named bob@customers.test accounts@desk.test >/dev/null
    tap_ok "an alias that names a queue works" desk_settled 4
    tap_is "the queue is that" "$(last_delivery)" \
        "billing|bob@customers.test|accounts@desk.test"
    tap_is "the ticket is there" "$(desk_sql "SELECT queue FROM ticket
            WHERE requester = 'bob@customers.test'")" billing

    mail_write chained carla@customers.test 'A question'
    customer_sends chained carla@customers.test info@desk.test >/dev/null
    tap_ok "an alias of an alias works" desk_settled 5
    tap_is "by what it leads to" "$(last_delivery)" \
        "|carla@customers.test|support@desk.test"

    mail_write detail dora@customers.test 'With a detail'
    customer_sends detail dora@customers.test support+vip@desk.test >/dev/null
    tap_ok "an address with a detail works" desk_settled 6
    tap_like "and is kept" "$(last_delivery)" 'support\+vip@desk\.test$'

    mail_write bounce mailer-daemon@far.test 'Undelivered'
    customer_sends bounce '' >/dev/null
    tap_ok "a bounce arrives" desk_settled 7
    tap_is "with the null sender" "$(last_delivery)" "||support@desk.test"
}

test_refusal()
{
    mail_write lost emil@customers.test 'Anybody there?'
    customer_sends lost emil@customers.test ghost@desk.test >/dev/null
    tap_ok "an alias without a queue bounces" customer_has 1 emil
    tap_like "with 5.1.1" "$(cat "$(customer_mail 1 emil)")" \
        '^Status: 5\.1\.1$'
}

journey_prepare '' '' || exit 1
write_aliases
tap_ok "Postfix and the desk start" journey_start
journey
tap_ok "postern-deliver ran from local(8)" wait_for 60 has_run 3
test_ways_in
test_refusal
tap_ok "Postfix has nothing left" wait_for 60 postfix_idle
desk_unharmed
tap_done
