#!/bin/sh
# Whatever the relay does: what must be sent is sent, what must not be repeated
# is not, and what failed can be seen.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"

OUTBOX='outbox = { first_retry = "1s"; longest_retry = "2s"; };
    limits = { poll = "1s"; };'
FAST_RELAY="timeout = \"30s\";"

written=0

# A first mail by NAME is there and decided; its ticket is $ticket.
write_first()
{
    mail_write "$1" "$1@customers.test" 'It does not work'
    lmtp_send "$1" "$1@customers.test" support@desk.test >/dev/null
    written=$((written + 1))
    desk_settled "$written" || tap_fail "mail $1 is processed"
    ticket=$(desk_sql "SELECT max(id) FROM ticket")
}

count_to()
{
    sent_to "$1" | wc -l
}

# The newest mail that leaves of one kind
newest()
{
    desk_sql "SELECT state, attempts, repeats FROM outgoing
        WHERE kind = '$1' ORDER BY id DESC LIMIT 1"
}

is_newest()
{
    [ "$(newest "$1" | cut -d'|' -f1)" = "$2" ]
}

becomes()
{
    wait_for 60 is_newest "$1" "$2"
}

# A sender has it no more, and it is due in a while.
is_put_off()
{
    [ "$(desk_sql "SELECT state, last_error <> '' FROM outgoing
        WHERE kind = '$1' ORDER BY id DESC LIMIT 1")" = "queued|t" ]
}

# The while passes.
time_passes()
{
    desk_sql "UPDATE outgoing SET due_at = now() WHERE state = 'queued'" \
        >/dev/null
}

reply_to()
{
    echo 'We have mended it.' | desk ticket reply -a Anna "$1" >/dev/null
}

# --- refused for now -------------------------------------------------------

test_temporary()
{
    for stage in mail rcpt data dot; do
        sink_say "$stage 1 reply 451 4.3.0 not just now"
        write_first "wait-$stage"
        tap_ok "451 at $stage: it is sent later" becomes acknowledgement sent
        tap_is "451 at $stage: after one failed attempt" \
            "$(newest acknowledgement)" "sent|1|0"
        tap_is "451 at $stage: once" "$(count_to "wait-$stage")" 1
    done
    tap_is "the dot that was refused is in the relay's ledger" \
        "$(cut -f1,3 "$SINK_LEDGER" | grep -c '^-.451$')" 1
}

test_lost_before_the_dot()
{
    for stage in connect ehlo mail rcpt data; do
        desk_forget_connection
        sink_say "$stage 1 drop"
        write_first "lost-$stage"
        case $stage in
        connect | ehlo)
            wait_for 60 is_put_off acknowledgement
            time_passes
            ;;
        esac
        tap_ok "connection lost at $stage: it is sent later" \
            becomes acknowledgement sent
        tap_is "connection lost at $stage: once" \
            "$(count_to "lost-$stage")" 1
    done
}

# So that a rule for "connect" finds its connection.
desk_forget_connection()
{
    sink_say
    sink_stop
    sink_start
}

test_relay_away()
{
    sink_stop
    write_first away
    reply_to "$ticket"
    desk_log 'event=worker.paused.*sender.*cannot connect'
    tap_is "without a relay mail waits" \
        "$(desk_sql "SELECT count(*) FROM outgoing WHERE ticket_id = $ticket
            AND state IN ('queued', 'submitting')")" 2
    wait_for 60 is_put_off reply
    sink_start
    time_passes
    tap_ok "and leaves when it is back" becomes reply sent
    tap_ok "all of it" becomes acknowledgement sent
    tap_is "once each" "$(count_to away)" 2
}

# --- a slow relay and a short lease ------------------------------------------

# slow_claim NAME RULE...: three mails by one sender. They are one claim, for all
# were there when it came back. The clock, who would take what has no lease any
# more, has just looked.
slow_claim()
{
    slow_name=$1
    shift
    sink_say "$@"
    before=$(desk_sql 'SELECT coalesce(max(id), 0) FROM outgoing')
    slow_sender=$(desk_workers sender)
    kill -STOP "$slow_sender"
    for slow_n in one two three; do
        write_first "$slow_name-$slow_n"
    done
    slow_clock=$(desk_workers clock)
    kill "$slow_clock"
    wait_for 60 has_another_clock
    kill -CONT "$slow_sender"
}

has_another_clock()
{
    [ "$(desk_workers clock)" -ne "$slow_clock" ] 2>/dev/null
}

slow_states()
{
    desk_sql "SELECT state, repeats, count(*) FROM outgoing
        WHERE id > $before GROUP BY 1, 2 ORDER BY 1"
}

is_half_sent()
{
    [ "$(slow_states)" = "sent|0|2
submitting|0|1" ]
}

is_all_sent()
{
    [ "$(slow_states)" = "sent|0|3" ]
}

test_slow()
{
    desk_settings 'outbox = { lease = "4s"; first_retry = "1s";
        longest_retry = "2s"; }; limits = { poll = "1s"; };
        workers = { sender = 1; };'
    desk_reload
    wait_for 60 has_senders 1
    slow_claim slow 'dot=slow-two 1 stall 3' 'dot=slow-three 1 stall 3'
    tap_ok "a claim that takes long is settled mail by mail" \
        wait_for 60 is_half_sent
    tap_ok "and goes on" wait_for 60 is_all_sent
    slow_claim late 'dot=late-two 1 keep-stall 6'
    tap_ok "a mail of a claim whose lease ran out is not begun" \
        desk_log 'event=lease\.lost'
    tap_ok "but given back, for nobody has taken it" wait_for 60 is_all_sent
    for slow_n in one two three; do
        tap_is "late-$slow_n went once" "$(count_to "late-$slow_n")" 1
    done
    desk_settings "$OUTBOX"
    desk_reload
}

has_senders()
{
    [ "$(desk_workers sender | wc -l)" = "$1" ]
}

# --- refused for good ------------------------------------------------------

test_permanent()
{
    sink_say 'rcpt=gone 1 reply 550 5.1.1 no such user'
    write_first gone
    tap_ok "550: it has failed" becomes acknowledgement failed
    tap_like "the outbox shows it" "$(desk outbox list)" \
        'failed.*550 5\.1\.1 no such user'
    tap_like "so does the ticket" "$(desk ticket show "$ticket")" \
        'send-failed +.*550 5\.1\.1 no such user'
    desk status >"$SERVERS/status.out"
    tap_is "monitoring does not mind a stranger's address" "$?" 0
    tap_like "which status counts apart" "$(cat "$SERVERS/status.out")" \
        'acknowledgements failed 1day: +1'
    gone=$(desk_sql "SELECT max(id) FROM outgoing")
    desk outbox retry "$gone" >/dev/null
    tap_ok "an operator can have it tried again" \
        becomes acknowledgement sent
    sink_say 'dot=huge 1 reply 554 5.6.0 not with me'
    write_first huge
    tap_ok "554 at the dot: it has failed" becomes acknowledgement failed
    tap_is "and was not sent" "$(count_to huge)" 0
    dropped=$(desk_sql "SELECT max(id) FROM outgoing")
    desk outbox drop "$dropped" >/dev/null
    tap_is "an operator can drop it" "$(newest acknowledgement)" "dropped|0|0"
}

test_one_of_several()
{
    DESK_SUPPORT='notify = [ "ida@staff.test", "jan@staff.test",
        "kim@staff.test" ];'
    desk_settings "$OUTBOX"
    desk_reload
    sink_say 'rcpt=jan 1 reply 550 5.1.1 has left' \
        'rcpt=kim 1 reply 450 4.2.0 greylisted'
    write_first several
    tap_ok "one of three is refused: the mail has failed" \
        becomes notice failed
    tap_is "for that one only" "$(desk_sql "SELECT addr_spec, r.state, code
            FROM outgoing_recipient r JOIN outgoing o ON o.id = outgoing_id
            WHERE kind = 'notice' ORDER BY 1")" \
        "ida@staff.test|sent|250
jan@staff.test|failed|550
kim@staff.test|sent|250"
    tap_is "nobody has it twice" \
        "$(count_to ida) $(count_to jan) $(count_to kim)" "1 0 1"
    DESK_SUPPORT=
    desk_settings "$OUTBOX"
    desk_reload
}

# Whatever is wrong with one mail, those behind it leave.
test_hang_up()
{
    sink_say 'rcpt=victim * drop'
    write_first victim
    write_first behind
    tap_ok "the relay hangs up on one mail: the next one leaves" \
        wait_for 60 has_mail_to behind
    sink_say
    tap_ok "and that one as soon as it may" wait_for 60 has_mail_to victim
}

# --- lost after the dot ----------------------------------------------------

test_lost_after_the_dot()
{
    sink_say 'dot=doubt 1 keep-drop'
    write_first doubt
    tap_ok "no reply to the dot: an acknowledgement is unsure" \
        becomes acknowledgement unsure
    tap_like "the ticket says so" "$(desk ticket show "$ticket")" send-unsure
    reply_to "$ticket"
    becomes reply sent
    tap_is "it is not repeated" \
        "$(sent_to doubt | xargs grep -l '^Message-ID: <ack' | wc -l)" 1

    sink_say 'dot=mended 1 keep-drop'
    write_first twice
    becomes acknowledgement sent
    reply_to "$ticket"
    tap_ok "a reply is sent again" becomes reply sent
    tap_is "which is counted" "$(newest reply | cut -d'|' -f3)" 1
    tap_like "the ticket says so" "$(desk ticket show "$ticket")" \
        send-repeated
    replies=$(sent_to twice | xargs grep -l '^Message-ID: <reply')
    tap_is "the relay had it twice, byte for byte the same" \
        "$(printf '%s\n' "$replies" | wc -l) $(printf '%s\n' "$replies" |
            xargs sha256sum | cut -d' ' -f1 | uniq | wc -l)" "2 1"

    sink_say 'dot=never 1 drop'
    write_first never
    becomes acknowledgement unsure
    unsure=$(desk_sql "SELECT max(id) FROM outgoing")
    desk outbox retry "$unsure" >/dev/null
    tap_ok "an operator who knows better can send what is unsure" \
        wait_for 60 has_mail_to never
}

# --- in the dark -----------------------------------------------------------

# relay_with TLS-MODE MORE: the desk talks to the sink so
relay_with()
{
    DESK_RELAY="host = \"localhost\"; port = $SINK_PORT; $FAST_RELAY $2
        tls = \"$1\"; ca_file = \"$TLS_CA\";"
    desk_settings "$OUTBOX"
    desk_reload
}

tls_sink()
{
    sink_start --tls "$1" --cert "$TLS_CERT" --key "$TLS_KEY" \
        --login desk:open-sesame
}

# It must not leave; what keeps it is in the log.
stays()
{
    write_first "$1"
    tap_ok "$2: it stays" desk_log "event=worker.paused.*sender.*$3"
    tap_is "$2: nothing was sent" "$(count_to "$1")" 0
}

test_tls()
{
    printf 'open-sesame\n' >"$SERVERS/password"
    chmod 0600 "$SERVERS/password"
    if [ "$(id -u)" = 0 ]; then
        chown "$SERVERS_USER" "$SERVERS/password"
    fi
    login="user = \"desk\"; password_file = \"$SERVERS/password\";"

    tls_make another.test
    tls_sink starttls
    relay_with starttls "$login"
    stays wronghost "a certificate for another host" 'certificate'
    sink_stop
    sink_start --tls off
    stays stripped "a relay that has lost STARTTLS" STARTTLS

    tls_make localhost
    tls_sink starttls
    relay_with starttls "$login"
    time_passes
    tap_ok "with the right certificate it leaves" \
        wait_for 60 has_mail_to wronghost
    tap_ok "and the other one" wait_for 60 has_mail_to stripped
    tls_sink tls
    relay_with tls "$login"
    write_first tls
    tap_ok "TLS from the first byte will do, too" wait_for 60 has_mail_to tls
    tap_unlike "the password is in no log" "$(cat "$DESK_LOG")" open-sesame
}

servers_need pg sink
desk_prepare || exit 1
DESK_RELAY="host = \"127.0.0.1\"; port = $SINK_PORT; $FAST_RELAY"
desk_settings "$OUTBOX"
desk_start || exit 1
test_temporary
test_lost_before_the_dot
test_slow
test_permanent
test_one_of_several
test_hang_up
test_lost_after_the_dot
test_relay_away
test_tls
desk_unharmed
tap_done
