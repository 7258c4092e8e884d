# shellcheck shell=sh
# What a customer lives through when Postfix stands between them and the desk;
# the same whichever way Postfix hands mail over. Source it after desk.sh.
#
#   journey_prepare MAP TEXT   desk and Postfix; MAP is the right side of
#                          transport_maps for desk.test ("" for none), TEXT goes
#                          to desk_settings
#   journey_start          both are started
#   customer_sends NAME FROM [TO...]   $MAILS/NAME.eml by SMTP; TO is support@
#   customer_has N WHO     waits until WHO has N mails
#   customer_mail N WHO    the file of the N-th, counted from 1
#   journey                mail, acknowledgement, answer, reply, answer: TAP points

journey_prepare()
{
    servers_need pg sink postfix
    servers_dir && postfix_prepare || return 1
    if [ -n "$1" ]; then
        postfix_set "transport_maps = inline:{$POSTFIX_DESK=$1}" || return 1
    fi
    DESK_RELAY="host = \"127.0.0.1\"; port = $POSTFIX_PORT;"
    desk_prepare && desk_settings "$2"
}

journey_start()
{
    postfix_start && desk_start
}

customer_sends()
{
    customer_file=$MAILS/$1.eml
    customer_from=$2
    shift 2
    if [ $# -eq 0 ]; then
        set -- "support@$POSTFIX_DESK"
    fi
    for customer_to in "$@"; do
        set -- "$@" --to "$customer_to"
        shift
    done
    smtp_send --port "$POSTFIX_PORT" --from "$customer_from" "$@" \
        "$customer_file"
}

customer_counts()
{
    [ "$(postfix_mails "$2" | wc -l)" -ge "$1" ]
}

customer_has()
{
    wait_for 60 customer_counts "$@"
}

customer_mail()
{
    postfix_mails "$2" | sed -n "$1p"
}

journey_acknowledgement()
{
    tap_ok "the customer has an answer at once" customer_has 1 anna
    journey_ack=$(customer_mail 1 anna)
    tap_is "it names the ticket, in our words" \
        "$(mail_field "$journey_ack" Subject)" \
        "[#1] We have received your message"
    tap_is "it comes from the desk" "$(mail_field "$journey_ack" From)" \
        "Acme Support <support@desk.test>"
    tap_is "its envelope sender is null" \
        "$(mail_field "$journey_ack" Return-Path)" "<>"
    tap_is "it says that a machine wrote it" \
        "$(mail_field "$journey_ack" Auto-Submitted)" auto-replied
    tap_is "it answers that mail" \
        "$(mail_field "$journey_ack" In-Reply-To)" "<first@mua.test>"
}

journey_reply()
{
    echo 'We have mended it.' |
        desk ticket reply -a Anna 1 >"$SERVERS/reply.out" 2>&1
    tap_is "an agent replies" "$?" 0
    tap_ok "the customer has that reply" customer_has 2 anna
    journey_mail=$(customer_mail 2 anna)
    tap_is "from a person at the desk" "$(mail_field "$journey_mail" From)" \
        "Anna via Acme Support <support@desk.test>"
    tap_is "under the same subject" "$(mail_field "$journey_mail" Subject)" \
        "Re: [#1] It does not work"
    tap_is "as an answer to what the customer wrote last" \
        "$(mail_field "$journey_mail" In-Reply-To)" "<second@mua.test>"
    tap_like "with the agent's words" "$(cat "$journey_mail")" \
        '^We have mended it\.$'
    tap_unlike "and nothing of a machine" "$(cat "$journey_mail")" \
        '^(Auto-Submitted|Precedence|X-Auto)'
}

journey()
{
    mail_write first anna@customers.test 'It does not work'
    tap_ok "Postfix takes a customer's mail" \
        customer_sends first anna@customers.test
    tap_ok "it arrives" desk_settled 1
    tap_is "it is a ticket of that customer" \
        "$(desk_sql 'SELECT id, queue, status, requester, subject FROM ticket')" \
        "1|support|open|anna@customers.test|It does not work"
    journey_acknowledgement
    mail_answer second anna@customers.test "$journey_ack"
    tap_ok "the customer answers the acknowledgement" \
        customer_sends second anna@customers.test
    tap_ok "that arrives" desk_settled 2
    journey_reply
    mail_answer third anna@customers.test "$journey_mail"
    tap_ok "the customer answers the agent" \
        customer_sends third anna@customers.test
    tap_ok "that arrives, too" desk_settled 3
    tap_is "all of it is one conversation" \
        "$(desk_sql 'SELECT ticket_id, kind, message_id, threaded_by
            FROM message ORDER BY id')" \
        "1|mail|first@mua.test|no-evidence
1|mail|second@mua.test|own-message-id
1|reply||command
1|mail|third@mua.test|own-message-id"
    desk_sent 2
    tap_is "with one acknowledgement in all" \
        "$(desk_sql "SELECT kind, state, count(*) FROM outgoing
            GROUP BY 1, 2 ORDER BY 1")" "acknowledgement|sent|1
reply|sent|1"
}
