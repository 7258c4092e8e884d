#!/bin/sh
# The lines of contrib/postfix do what its README says, with a domain of the
# desk's own: by pipe(8) first, then by LMTP.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/journey.sh"

# As an administrator would change them: domain, folders, account.
snippet()
{
    sed -e "s|help\.example\.org|$POSTFIX_DESK|g" \
        -e "s|/etc/postfix|$POSTFIX_CONFIG|g" \
        -e "s|/usr/local/bin/postern-deliver|& -s $DESK_RUN/pipe|" \
        -e "s|/usr/local/bin|$DESK_BIN|g" \
        -e "s|user=postern|user=$SERVERS_USER|" \
        "$srcdir/contrib/postfix/$1"
}

write_snippets()
{
    postfix_set mydestination= || return 1
    # What postfix.sh has said is said again here.
    postconf -c "$POSTFIX_CONFIG" -X recipient_delimiter || return 1
    snippet main.cf >>"$POSTFIX_CONFIG/main.cf"
    snippet master.cf >>"$POSTFIX_CONFIG/master.cf"
    desk settings --postfix-map >"$POSTFIX_CONFIG/postern-recipients" || return
    snippet postern-transport >"$POSTFIX_CONFIG/postern-transport"
    table postern-recipients && table postern-transport
}

table()
{
    postmap -c "$POSTFIX_CONFIG" "hash:$POSTFIX_CONFIG/$1"
}

by_lmtp()
{
    sed -i -e '/postern:$/d' -e 's/^#\(.*lmtp:unix:\)/\1/' \
        "$POSTFIX_CONFIG/postern-transport"
    table postern-transport
    # Postfix looks for changed tables when a process begins.
    postfix_reload
}

# Single addresses of a domain that Postfix delivers itself.
by_address()
{
    postfix_set relay_domains= "mydestination = $POSTFIX_DESK" \
        "local_recipient_maps = proxy:unix:passwd.byname \$alias_maps \
hash:$POSTFIX_CONFIG/postern-recipients" || return 1
    desk settings --postfix-map |
        awk '!/^#/ { print $1, "lmtp:unix:postern/lmtp" }' \
            >"$POSTFIX_CONFIG/postern-transport"
    table postern-transport && postfix_reload
}

transports()
{
    desk_sql "SELECT envelope_sender, transport, envelope_recipient
        FROM delivery ORDER BY id DESC LIMIT 1"
}

set_limit()
{
    postconf -c "$POSTFIX_CONFIG" -h message_size_limit
}

servers_dir && postfix_names
# Read by desk.sh.
# shellcheck disable=SC2034
DESK_SOCKET=$POSTFIX_SOCKETS/lmtp
journey_prepare '' '' || exit 1
sed -i "s|^listeners = ( |&{ socket = \"$DESK_RUN/pipe\"; }, |" "$DESK_CONF"
tap_ok "the lines are taken" write_snippets
tap_is "and without a complaint" \
    "$(postfix -c "$POSTFIX_CONFIG" check 2>&1)" ""
tap_is "nothing is said twice" \
    "$(postconf -c "$POSTFIX_CONFIG" -n 2>&1 >/dev/null)" ""
tap_ok "Postfix and the desk start" journey_start
tap_ok "Postfix takes no larger mail than the desk" \
    test "$(set_limit)" -lt $((25 * 1024 * 1024))

mail_write one anna@customers.test 'By pipe'
tap_ok "mail goes by pipe(8)" customer_sends one anna@customers.test \
    support+vip@desk.test
tap_ok "and arrives" desk_settled 1
tap_is "with what was said of it" "$(transports)" \
    "anna@customers.test|pipe|support+vip@desk.test"
tap_ok "an answer comes back" customer_has 1 anna
mail_write null mailer-daemon@far.test 'A bounce'
tap_ok "so does a bounce" customer_sends null ''
tap_ok "and arrives" desk_settled 2
tap_is "with the null sender" "$(transports)" "|pipe|support@desk.test"
tap_is "who is unknown is refused at the door" \
    "$(exit_of customer_sends one anna@customers.test stranger@desk.test)" 65

by_lmtp
mail_write two bob@customers.test 'By LMTP'
tap_ok "mail goes by LMTP" customer_sends two bob@customers.test \
    support+vip@desk.test
tap_ok "and arrives" desk_settled 3
tap_is "with what was said of it" "$(transports)" \
    "bob@customers.test|lmtp|support+vip@desk.test"
tap_ok "an answer comes back" customer_has 1 bob

tap_ok "addresses of a common domain are chosen one by one" by_address
mail_write three carla@customers.test 'By address'
tap_ok "mail to one of them is taken" customer_sends three \
    carla@customers.test help+me@desk.test
tap_ok "and arrives" desk_settled 4
tap_is "with what was said of it" "$(transports)" \
    "carla@customers.test|lmtp|help+me@desk.test"
tap_is "a neighbour that nobody knows is refused" \
    "$(exit_of customer_sends one anna@customers.test stranger@desk.test)" 65
tap_ok "Postfix has nothing left" wait_for 60 postfix_idle
tap_done
