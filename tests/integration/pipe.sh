#!/bin/sh
# Postfix hands mail over by pipe(8), as contrib/postfix says it.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/journey.sh"

# Between pipe(8) and us, to know what it handed over.
write_keeper()
{
    servers_mkdir "$SERVERS/handed" 0755 "$SERVERS_USER"
    cat >"$DESK_BIN/keep" <<KEEP
#!/bin/sh
cat >"$SERVERS/handed/\$\$.eml"
exec "\$@" <"$SERVERS/handed/\$\$.eml"
KEEP
    chmod 0755 "$DESK_BIN/keep"
}

write_service()
{
    write_keeper
    postfix_service "postern unix - n n - - pipe
  flags=q user=$SERVERS_USER null_sender=
  argv=$DESK_BIN/keep $DESK_BIN/postern-deliver -s $DESK_SOCKET
  -f \${sender} -i \${queue_id} -- \${recipient}"
    postfix_set postern_destination_recipient_limit=1
}

digests_of_handed()
{
    for handed in "$SERVERS"/handed/*.eml; do
        sha256sum <"$handed" | cut -d' ' -f1
    done | sort
}

test_bytes()
{
    tap_is "what is stored is what pipe(8) gave, byte for byte" \
        "$(desk_sql "SELECT encode(sha256(bytes), 'hex') FROM raw_mail
            ORDER BY 1")" "$(digests_of_handed)"
    tap_like "and comes back so" "$(digests_of_handed)" \
        "^$(desk delivery raw 1 | sha256sum | cut -d' ' -f1)\$"
    tap_like "the queue id of Postfix is known" \
        "$(desk_sql 'SELECT DISTINCT transport, mta_queue_id FROM delivery')" \
        '^pipe\|[0-9A-Za-z]{6,}$'
}

test_two_recipients()
{
    mail_write both carla@customers.test 'Bill and trouble'
    tap_ok "a mail to two queues is taken" customer_sends both \
        carla@customers.test support@desk.test billing@desk.test
    tap_ok "it is handed over twice" desk_settled 5
    tap_is "it is one message, known to both queues" \
        "$(desk_sql "SELECT count(*), count(DISTINCT message_id_no),
            string_agg(DISTINCT transport, ',') FROM delivery
            WHERE envelope_sender = 'carla@customers.test'")" "2|1|pipe"
    tap_ok "one acknowledgement comes" customer_has 1 carla
}

test_null_sender()
{
    mail_write bounce mailer-daemon@far.test 'Undelivered mail'
    tap_ok "a bounce is taken" customer_sends bounce ''
    tap_ok "it arrives" desk_settled 6
    tap_is "with the null sender, not as MAILER-DAEMON" \
        "$(desk_sql "SELECT envelope_sender = '' FROM delivery
            ORDER BY id DESC LIMIT 1")" t
}

test_refusals()
{
    mail_write lost bob@customers.test 'Who is there?'
    customer_sends lost bob@customers.test nobody@desk.test >/dev/null
    tap_ok "mail to an unknown address bounces" customer_has 1 bob
    tap_like "with 5.1.1" "$(cat "$(customer_mail 1 bob)")" \
        '^Status: 5\.1\.1$'
    mail_write large dora@customers.test 'All my pictures'
    head -c 60000 /dev/zero | tr '\0' 'x' | fold -w 70 >>"$MAILS/large.eml"
    customer_sends large dora@customers.test >/dev/null
    tap_ok "mail that is too large bounces" customer_has 1 dora
    tap_like "with 5.3.4" "$(cat "$(customer_mail 1 dora)")" \
        '^Status: 5\.3\.4$'
    tap_is "none of it is stored" \
        "$(desk_sql "SELECT count(*) FROM delivery WHERE envelope_sender
            IN ('bob@customers.test', 'dora@customers.test')")" 0
}

test_daemon_away()
{
    desk_stop
    mail_write patient emil@customers.test 'While nobody was in'
    customer_sends patient emil@customers.test >/dev/null
    tap_ok "without a daemon Postfix keeps the mail" \
        wait_for 60 grep -q 'status=deferred.*postern-deliver' "$POSTFIX_LOG"
    desk_start
    tap_ok "and gives it when the daemon is back" desk_settled 7
    tap_ok "then the answer comes" customer_has 1 emil
}

journey_prepare postern: 'limits = { mail_size = "50KiB"; };' || exit 1
write_service
tap_ok "Postfix and the desk start" journey_start
journey
test_bytes
test_two_recipients
test_null_sender
test_refusals
test_daemon_away
tap_ok "Postfix has nothing left" wait_for 60 postfix_idle
desk_unharmed
tap_done
