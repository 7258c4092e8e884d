#!/bin/sh
# What strangers send can neither redden the status nor fill the admin's mailbox:
# rubbish is parked, dropped by hand or in time, and told of once a day.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"

# rubbish FIRST LAST: mails that went in circles, each by a sender of its own.
rubbish()
{
    for n in $(seq "$1" "$2"); do
        mail_write "mail$n" "stray$n@customers.test" 'Round and round'
        {
            printf 'Received: from a by b; Sat, 21 Nov 2026 10:00:00 +0000\n%.0s' \
                $(seq 60)
            cat "$MAILS/mail$n.eml"
        } >"$MAILS/stray$n.eml"
        lmtp_send "stray$n" "stray$n@customers.test" support@desk.test >/dev/null
        desk_taken=$((desk_taken + 1))
    done
    desk_settled "$desk_taken"
}

# A mail whose queue has left the settings meanwhile: the processor finds it when
# it looks by itself (limits.poll).
orphan()
{
    desk_sql "INSERT INTO delivery (source_key, transport, envelope_sender,
        envelope_recipient, raw_digest) SELECT '$1', 'lmtp', '$1@customers.test',
        'gone@desk.test', digest FROM raw_mail LIMIT 1" >/dev/null
    desk_taken=$((desk_taken + 1))
    desk_settled "$desk_taken"
}

id_of()
{
    desk_sql "SELECT id FROM delivery WHERE envelope_sender = '$1@customers.test'"
}

state_of()
{
    desk_sql "SELECT state FROM delivery
        WHERE envelope_sender = '$1@customers.test'"
}

count_in_state()
{
    desk_sql "SELECT count(*) FROM delivery WHERE state = '$1'"
}

# The mails that the admin has had so far, when no other is on its way.
admin_mails()
{
    wait_for 60 none_is_queued
    desk_kind admin | wc -l
}

none_is_queued()
{
    [ "$(desk_sql "SELECT count(*) FROM outgoing
        WHERE state IN ('queued', 'submitting')")" = 0 ]
}

status_is()
{
    desk status >"$SERVERS/status.out" 2>&1
    tap_is "$1" "$?" "$2"
}

test_rubbish()
{
    rubbish 1 1
    status_is "a mail that went in circles is no reason to get up" 0
    tap_like "the status has it, apart" "$(cat "$SERVERS/status.out")" \
        'parked rubbish: +1'
    tap_like "so it has for scripts" "$(desk status --json)" \
        '"parked_rubbish": ?1'
    tap_like "and the list" "$(desk delivery list --json)" '"rubbish": ?true'
    tap_is "the admin is told" "$(admin_mails)" 1
    rubbish 2 40
    tap_is "of forty no more than once" "$(admin_mails)" 1
}

test_operator()
{
    orphan lost
    tap_is "a mail without a queue is parked" "$(state_of lost)" parked
    status_is "that one is a warning" 1
    tap_like "of which there is one" "$(cat "$SERVERS/status.out")" \
        '1 parked: postern delivery list'
    tap_is "no rubbish keeps the admin from being told" "$(admin_mails)" 2
    tap_like "it is not called rubbish" \
        "$(desk delivery show "$(id_of lost)" --json)" '"rubbish": ?false'
}

test_retry()
{
    mark_log
    desk delivery retry "$(id_of stray1)" >/dev/null
    tap_ok "what travelled too far is tried again" \
        desk_log 'event=mail\.decided .*verdict=park'
    tap_is "and parked again" "$(desk_sql "SELECT state, reason, is_rubbish
        FROM delivery WHERE envelope_sender = 'stray1@customers.test'")" \
        'parked|too-many-hops|t'
    tap_like "the command says what would help" \
        "$(desk delivery retry --help)" 'limits\.hops'
}

test_drop()
{
    desk delivery drop "$(id_of lost)" "$(id_of stray1)" >"$SERVERS/drop.out"
    tap_is "two are dropped by hand" "$?" 0
    tap_is "they are" "$(state_of lost) $(state_of stray1)" 'dropped dropped'
    tap_like "their list says who did it" \
        "$(desk delivery list --state dropped)" 'too-many-hops; dropped by [a-z]'
    status_is "they are gone from the status" 0
    tap_like "others are there" "$(cat "$SERVERS/status.out")" \
        'parked rubbish: +39'
    tap_is "what is not parked cannot be dropped" \
        "$(exit_of desk delivery drop "$(id_of lost)")" 1
    tap_is "nor nothing" "$(exit_of desk delivery drop)" 64
    mark_log
    desk delivery retry "$(id_of lost)" >/dev/null
    desk_log 'event=mail\.decided .*verdict=park'
    tap_is "what was dropped may still be tried again" "$(state_of lost)" parked
    desk delivery drop --rubbish >/dev/null
    tap_is "all rubbish is dropped at once, and nothing else" \
        "$(count_in_state parked) $(state_of lost)" '1 parked'
    desk delivery drop --all >/dev/null
    tap_is "then all" "$(count_in_state parked)" 0
}

# The clock looks when it starts.
test_expiry()
{
    rubbish 41 80
    orphan old
    admin_before=$(admin_mails)
    desk_sql "UPDATE delivery SET settled_at = now() - interval '31 days'
        WHERE state = 'parked' AND envelope_sender <> 'stray80@customers.test'" \
        >/dev/null
    desk_restart
    tap_ok "rubbish of last month is dropped" \
        desk_log 'event=retention\.dropped .*count=39'
    tap_is "younger one stays, and what an operator must look at" \
        "$(count_in_state parked) $(state_of stray80) $(state_of old)" \
        '2 parked parked'
    tap_is "the admin is told, once" "$(admin_mails)" $((admin_before + 1))
    told=$(find "$SINK_DIR" -name '*.eml' -exec grep -l '39 parked' {} +)
    tap_like "of how many" "$(cat "$told")" '39 parked mails'
    tap_like "of whom and why" "$(cat "$told")" \
        '[0-9]+  <stray4[0-9]@customers.test>  too-many-hops'
    tap_like "and where to look" "$(cat "$told")" \
        'postern delivery list --state dropped'
    desk_sql "UPDATE delivery SET settled_at = now() - interval '31 days'
        WHERE state = 'parked'" >/dev/null
    desk_restart
    orphan after # the clock has looked before a processor does by itself
    tap_is "on the same day nothing more is dropped, for it would not be told" \
        "$(state_of stray80)" parked
    desk_sql "UPDATE alarm SET raised_at = raised_at - interval '1 day'" \
        >/dev/null
    desk_works kept
    desk_sql "UPDATE delivery SET settled_at = now() - interval '10 years'
        WHERE state = 'settled';
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN RAISE EXCEPTION ''not now''; END';
        CREATE TRIGGER refuse BEFORE DELETE ON delivery FOR EACH ROW
        EXECUTE FUNCTION refuse()" >/dev/null
    desk_restart
    tap_ok "but on the next" desk_log 'event=retention\.dropped .*count=1'
    tap_ok "although the database does not do another work of the clock's" \
        desk_log 'not now'
    desk_sql 'DROP TRIGGER refuse ON delivery; DROP FUNCTION refuse' >/dev/null
    tap_ok "which is done as soon as it does" wait_for 120 is_purged
}

is_purged()
{
    [ "$(count_in_state settled)" = 0 ]
}

# Whom a stranger's mail names as its sender, we cannot choose.
test_acknowledgements()
{
    desk delivery drop --all >/dev/null
    sink_say 'rcpt 1 reply 550 5.1.1 nobody'
    desk_takes forger
    wait_for 60 has_failed 1
    status_is "an acknowledgement that is refused is no failure of ours" 0
    tap_like "the status has it, apart" "$(cat "$SERVERS/status.out")" \
        'acknowledgements failed 1day: +1'
    tap_like "so it has for scripts" "$(desk status --json)" \
        '"acknowledgements_failed_1day": ?1'
    sink_say 'rcpt 1 reply 550 5.1.1 nobody'
    echo 'Try it now.' | desk ticket reply -a Anna \
        "$(desk_sql 'SELECT max(id) FROM ticket')" >/dev/null
    wait_for 60 has_failed 2
    status_is "a person's answer is" 1
    tap_like "of which there is one" "$(cat "$SERVERS/status.out")" \
        '1 failed since yesterday'
}

has_failed()
{
    [ "$(desk_sql "SELECT count(*) FROM outgoing WHERE state = 'failed'")" = "$1" ]
}

servers_need pg sink
desk_prepare || exit 1
desk_settings 'limits = { poll = "1s"; };'
desk_start || exit 1
test_rubbish
test_operator
test_retry
test_drop
test_expiry
test_acknowledgements
desk_unharmed
tap_done
