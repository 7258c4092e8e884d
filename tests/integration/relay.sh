#!/bin/sh
# Whatever the relay does, at every step: what it took is not sent again, what
# it did not take is, at the time that was promised (RELIABILITY F35 to F41, F48).
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/load.sh"

# Real retry times, so that the first one can be looked at; a test that has seen
# it has the mail tried again by hand.
PATIENT='outbox = { first_retry = "5min"; longest_retry = "4000s"; };
    limits = { poll = "1s"; };'
QUICK_RELAY="timeout = \"3s\";"

written=0

# A first mail by NAME is there and decided; its ticket is $ticket.
write_first()
{
    mail_write "$1" "$1@customers.test" 'It does not work'
    lmtp_send "$1" "$1@customers.test" support@desk.test \
        >>"$SERVERS/clients.out" 2>&1
    written=$((written + 1))
    desk_settled "$written" || tap_fail "mail $1 is processed"
    ticket=$(desk_sql "SELECT max(id) FROM ticket")
}

reply_to()
{
    echo 'We have mended it.' | desk ticket reply -a Anna "$1" >/dev/null
}

# The newest mail of a kind: its state, failed attempts, repeats, and in how many
# seconds it is due ("-" when it is not queued): 300, if that were 205 to 305, for
# some pass before we look.
newest()
{
    desk_sql "SELECT state, attempts, repeats, CASE WHEN state = 'queued' THEN
            (ceil((extract(epoch FROM due_at - now()) - 5) / 100) * 100)::int::text
            ELSE '-' END
        FROM outgoing WHERE kind = '$1' ORDER BY id DESC LIMIT 1"
}

newest_id()
{
    desk_sql "SELECT max(id) FROM outgoing WHERE kind = '$1'"
}

# A sender has it no more, and it was tried.
was_tried()
{
    [ "$(desk_sql "SELECT state IN ('sent', 'failed', 'unsure') OR
            state = 'queued' AND (attempts > 0 OR last_error <> '')
        FROM outgoing WHERE kind = '$1' ORDER BY id DESC LIMIT 1")" = t ]
}

# Mails in the sink to NAME, and how many different ones they are.
copies()
{
    sent_to "$1" | wc -l
}

# Each test begins with a connection of its own, which is the relay's to break.
new_connection()
{
    sink_say
    sink_stop
    sink_start
}

# --- one mail ---------------------------------------------------------------

# What the relay does; what becomes of an acknowledgement; copies; and of a
# reply; copies. The words of a rule are joined by "_". Mails as small as these
# are on the wire whole, with their dot, when the relay sees the first byte.
steps()
{
    cat <<'STEPS'
mail_*_drop                      queued|1|0|300 0  queued|1|0|300 0
mail_*_reset                     queued|1|0|300 0  queued|1|0|300 0
mail_*_cut_250                   queued|1|0|300 0  queued|1|0|300 0
mail_*_stall_8                   queued|1|0|300 0  queued|1|0|300 0
mail_*_reply_421_4.3.2_bye       queued|1|0|300 0  queued|1|0|300 0
mail_*_reply_451_4.3.0_later     queued|1|0|300 0  queued|1|0|300 0
mail_*_reply_334_who             queued|1|0|300 0  queued|1|0|300 0
mail_*_garbage                   queued|1|0|300 0  queued|1|0|300 0
mail_*_flood_200000              sent|0|0|-     1  sent|0|0|-     1
mail_*_flood_2000000             queued|1|0|300 0  queued|1|0|300 0
mail_*_reply_552_5.3.4_large     failed|0|0|-   0  failed|0|0|-   0
rcpt_*_drop                      queued|1|0|300 0  queued|1|0|300 0
rcpt_*_reset                     queued|1|0|300 0  queued|1|0|300 0
rcpt_*_cut_250                   queued|1|0|300 0  queued|1|0|300 0
rcpt_*_stall_8                   queued|1|0|300 0  queued|1|0|300 0
rcpt_*_reply_421_4.3.2_bye       queued|1|0|300 0  queued|1|0|300 0
rcpt_*_reply_450_4.2.0_désolé    queued|1|0|300 0  queued|1|0|300 0
rcpt_*_reply_452_4.5.3_too_many  queued|1|0|300 0  queued|1|0|300 0
rcpt_*_garbage                   queued|1|0|300 0  queued|1|0|300 0
rcpt_*_reply_550_5.1.1_unknown   failed|0|0|-   0  failed|0|0|-   0
data_*_drop                      queued|1|0|300 0  queued|1|0|300 0
data_*_reset                     queued|1|0|300 0  queued|1|0|300 0
data_*_cut_354                   queued|1|0|300 0  queued|1|0|300 0
data_*_stall_8                   queued|1|0|300 0  queued|1|0|300 0
data_*_reply_421_4.3.2_bye       queued|1|0|300 0  queued|1|0|300 0
data_*_reply_451_4.3.0_later     queued|1|0|300 0  queued|1|0|300 0
data_*_garbage                   queued|1|0|300 0  queued|1|0|300 0
data_*_reply_554_5.6.0_no        failed|0|0|-   0  failed|0|0|-   0
body_*_drop                      unsure|1|0|-   0  queued|1|1|300 0
body_*_reset                     unsure|1|0|-   0  queued|1|1|300 0
dot_*_drop                       unsure|1|0|-   0  queued|1|1|300 0
dot_*_keep-drop                  unsure|1|0|-   1  queued|1|1|300 1
dot_*_reset                      unsure|1|0|-   0  queued|1|1|300 0
dot_*_keep-cut_250               unsure|1|0|-   1  queued|1|1|300 1
dot_*_keep-cut_250-still         unsure|1|0|-   1  queued|1|1|300 1
dot_*_garbage                    unsure|1|0|-   1  queued|1|1|300 1
dot_*_flood_200000               sent|0|0|-     1  sent|0|0|-     1
dot_*_keep-stall_3               sent|0|0|-     1  sent|0|0|-     1
dot_*_reply_421_4.3.2_bye        queued|1|0|300 0  queued|1|0|300 0
dot_*_reply_451_4.3.0_later      queued|1|0|300 0  queued|1|0|300 0
dot_*_reply_552_5.3.4_large      failed|0|0|-   0  failed|0|0|-   0
STEPS
}

# one_step KIND NAME RULE WANTED COPIES
one_step()
{
    wait_for 60 was_tried "$1" || :
    tap_is "$3, $1: its row and the relay" "$(newest "$1") $(copies "$2")" \
        "$4 $5"
}

# Tried again by hand it leaves, but for who has it perhaps.
one_more()
{
    more_id=$(newest_id "$1")
    case $(newest "$1") in
    queued* | failed*)
        desk outbox retry "$more_id" >/dev/null
        wait_for 60 is_sent "$more_id" || tap_fail "$3, $1: it leaves at last"
        tap_is "$3, $1: it leaves at last" "$(copies "$2")" $(($4 + 1))
        ;;
    esac
}

is_sent()
{
    [ "$(desk_sql "SELECT state FROM outgoing WHERE id = $1")" = sent ]
}

test_steps()
{
    steps >"$SERVERS/steps"
    while read -r rule ack ack_copies reply reply_copies <&8; do
        steps_n=$((${steps_n:-0} + 1))
        rule=$(echo "$rule" | tr _ ' ')
        sink_say "$rule"
        write_first "step$steps_n"
        one_step acknowledgement "step$steps_n" "$rule" "$ack" "$ack_copies"
        sink_say
        one_more acknowledgement "step$steps_n" "$rule" "$ack_copies"
        first=$(copies "step$steps_n")
        sink_say "$rule"
        reply_to "$ticket"
        one_step reply "step$steps_n" "$rule" "$reply" \
            $((first + reply_copies))
        sink_say
        one_more reply "step$steps_n" "$rule" $((first + reply_copies))
    done 8<"$SERVERS/steps"
    tap_like "what a relay says is shown as it is" \
        "$(desk_sql "SELECT DISTINCT detail FROM event
            WHERE name LIKE 'send-%'")" 'this never fits|550 5\.1\.1 unknown'
    promises_hold "every step"
}

# --- a connection ---------------------------------------------------------------

connections()
{
    cat <<'CONNECTIONS'
connect * drop
connect * reset
connect * cut 220
connect * stall 8
connect * reply 421 4.3.2 bye
connect * reply 554 5.7.1 no
connect * garbage
ehlo * drop
ehlo * cut 250
ehlo * stall 8
ehlo * reply 421 4.3.2 bye
ehlo * garbage
ehlo * flood 2000000
CONNECTIONS
}

# It is nobody's fault: no attempt is counted, and all wait together.
test_connections()
{
    connections >"$SERVERS/connections"
    while read -r rule <&8; do
        connections_n=$((${connections_n:-0} + 1))
        new_connection
        sink_say "$rule"
        mark_log
        write_first "connection$connections_n"
        tap_ok "$rule: the log says so" \
            desk_log 'event=worker\.paused.*sender'
        tap_is "$rule: no attempt is counted" "$(newest acknowledgement |
            cut -d'|' -f2,3)" "0|0"
        # It would be due in 5 s.
        sink_say
        desk outbox retry "$(newest_id acknowledgement)" >/dev/null
        tap_ok "$rule: it leaves when that is over" \
            wait_for 60 is_sent "$(newest_id acknowledgement)"
        tap_is "$rule: once" "$(copies "connection$connections_n")" 1
    done 8<"$SERVERS/connections"
    promises_hold "every connection"
}

# --- several recipients -------------------------------------------------------------

several_settings()
{
    DESK_SUPPORT=$1
    desk_settings "$PATIENT"
    desk_reload
}

recipient_states()
{
    desk_sql "SELECT addr_spec, r.state, code FROM outgoing_recipient r
        JOIN outgoing o ON o.id = outgoing_id WHERE kind = 'notice'
        AND o.id = (SELECT max(id) FROM outgoing WHERE kind = 'notice')
        ORDER BY 1"
}

test_one_of_three()
{
    several_settings 'notify = [ "ida@staff.test", "jan@staff.test",
        "kim@staff.test" ];'
    new_connection
    sink_say 'rcpt=jan * reply 550 5.1.1 has left' \
        'rcpt=kim * reply 452 4.5.3 too many recipients'
    write_first three
    wait_for 60 was_tried notice
    tap_is "one of three is refused, one put off: one by one" \
        "$(recipient_states)" "ida@staff.test|sent|250
jan@staff.test|failed|550
kim@staff.test|waiting|452"
    tap_is "the mail waits for who was put off" "$(newest notice)" \
        "queued|1|0|300"
    sink_say 'rcpt=kim * drop'
    desk outbox retry "$(newest_id notice)" >/dev/null
    wait_for 60 is_tried_twice
    sink_say
    desk outbox retry "$(newest_id notice)" >/dev/null
    wait_for 60 is_sent "$(newest_id notice)"
    tap_is "nobody has it twice" "$(copies ida) $(copies kim)" "1 1"
    several_settings ''
}

is_tried_twice()
{
    [ "$(newest notice | cut -d'|' -f2)" -ge 2 ]
}

# --- in the dark ----------------------------------------------------------------------

relay_with()
{
    DESK_RELAY="host = \"${2:-localhost}\"; port = $SINK_PORT;
        $QUICK_RELAY tls = \"$1\"; ca_file = \"$SERVERS/trusted.pem\";
        user = \"desk\"; password_file = \"$SERVERS/password\";"
    desk_settings "$PATIENT"
    desk_reload
}

sink_with_tls()
{
    sink_stop
    sink_start --tls "$1" --cert "$TLS_CERT" --key "$TLS_KEY" \
        --login desk:open-sesame
}

expire_certificate()
{
    openssl x509 -req -days -1 -in "$TLS_DIR/request.pem" -CA "$TLS_CA" \
        -CAkey "$TLS_DIR/ca-key.pem" -CAcreateserial \
        -extfile "$TLS_DIR/names" -out "$TLS_CERT" >"$SERVERS/x509.out" 2>&1
}

sign_by_itself()
{
    openssl req -x509 -key "$TLS_KEY" -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -out "$TLS_CERT" \
        >"$SERVERS/x509.out" 2>&1
}

# Between two vain attempts, which are not counted.
has_not_left()
{
    [ "$(copies "$1") $(newest acknowledgement | cut -d'|' -f1-3)" = \
        "0 queued|0|0" ]
}

# It must not leave, nor the password; what keeps it is in the log.
stays()
{
    dark=$((${dark:-0} + 1))
    before=$(grep -c 'C: AUTH' "$SERVERS/sink.log")
    mark_log
    write_first "dark$dark"
    tap_ok "$1: it stays" \
        desk_log "event=worker\.paused.*sender.*$2"
    tap_ok "$1: nothing was sent, no attempt counted" \
        wait_for 60 has_not_left "dark$dark"
    tap_is "$1: no login was tried" \
        "$(grep -c 'C: AUTH' "$SERVERS/sink.log")" "$before"
}

test_tls()
{
    printf 'open-sesame\n' >"$SERVERS/password"
    chmod 0600 "$SERVERS/password"
    if [ "$(id -u)" = 0 ]; then
        chown "$SERVERS_USER" "$SERVERS/password"
    fi
    sink_say
    tls_make localhost
    cp "$TLS_CA" "$SERVERS/trusted.pem"
    chmod 0644 "$SERVERS/trusted.pem"
    sink_stop
    sink_start --tls off
    relay_with starttls
    stays "STARTTLS is stripped" STARTTLS
    expire_certificate
    sink_with_tls starttls
    stays "the certificate has expired" expired
    sign_by_itself
    sink_with_tls starttls
    stays "the certificate is signed by itself" certificate
    tls_make another.test
    cp "$TLS_CA" "$SERVERS/trusted.pem"
    sink_with_tls starttls
    stays "the certificate is another host's" certificate
    tls_make localhost
    cp "$TLS_CA" "$SERVERS/trusted.pem"
    sink_with_tls starttls
    for n in 1 2 3 4; do
        tap_ok "with the right certificate it leaves ($n)" \
            wait_for 60 has_mail_to "dark$n"
    done
    DESK_RELAY="host = \"127.0.0.1\"; port = $SINK_PORT; $QUICK_RELAY"
    sink_stop
    sink_start --tls off
    desk_settings "$PATIENT"
    desk_reload
    promises_hold "in the dark"
}

# --- nobody there -----------------------------------------------------------------------

test_names()
{
    DESK_RELAY="host = \"nowhere.invalid\"; port = 25; $QUICK_RELAY
        tls = \"off\";"
    desk_settings "$PATIENT"
    mark_log
    desk_reload
    write_first nowhere
    tap_ok "a name that is not there: it waits" \
        desk_log "event=worker\.paused.*cannot find host 'nowhere.invalid'"
    tap_ok "and no attempt is counted" wait_for 60 has_not_left nowhere
    DESK_RELAY="host = \"127.0.0.1\"; port = $SINK_PORT; $QUICK_RELAY"
    desk_settings "$PATIENT"
    desk_reload
    tap_ok "the right name: it leaves" wait_for 60 has_mail_to nowhere
}

# The daemon in a world of its own: two.test has two addresses, of which the first
# swallows what comes (getaddrinfo(3) puts the source's own address first), and
# the only name server says nothing.
in_own_world()
{
    printf '127.0.0.1 localhost\n127.0.0.1 two.test\n127.0.0.2 two.test\n' \
        >"$SERVERS/hosts"
    printf 'nameserver 127.0.0.2\noptions timeout:1 attempts:2\n' \
        >"$SERVERS/resolv.conf"
    printf 'hosts: files dns\npasswd: files\ngroup: files\n' \
        >"$SERVERS/nsswitch.conf"
    chmod 0644 "$SERVERS/hosts" "$SERVERS/resolv.conf" \
        "$SERVERS/nsswitch.conf"
    own_user=$SERVERS_USER
    SERVERS_USER=root
    mark_log
    server_run posternd unshare -m sh -c 'mount --make-rprivate / &&
        for file in hosts resolv.conf nsswitch.conf; do
            mount --bind "$1/$file" "/etc/$file" || exit 1
        done
        shift
        exec "$@"' sh "$SERVERS" setpriv --reuid "$own_user" \
        --regid "$(id -g "$own_user")" --init-groups -- \
        "$DESK_BIN/posternd" -c "$DESK_CONF"
    SERVERS_USER=$own_user
    wait_for 60 desk_is_up
}

hole_start()
{
    server_run hole "$PYTHON" -c "
import socket, time
hole = socket.socket()
hole.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
hole.bind(('127.0.0.1', $SINK_PORT))
hole.listen(0)
crowd = [socket.socket() for _ in range(8)]
for one in crowd:
    one.setblocking(False)
    one.connect_ex(('127.0.0.1', $SINK_PORT))
print('full', flush=True)
time.sleep(300)"
    wait_for 60 grep -q full "$SERVERS/hole.log"
}

test_black_hole()
{
    if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
        tap_skip "a black hole" "only root may give a process other hosts"
        return
    fi
    desk_stop
    sink_stop
    sink_start --address 127.0.0.2
    hole_start
    DESK_RELAY="host = \"two.test\"; port = $SINK_PORT; tls = \"off\";
        timeout = \"4s\";"
    desk_settings "$PATIENT"
    tap_ok "the daemon starts in a world of its own" in_own_world
    tap_is "the first address swallows everything" "$("$PYTHON" -c "
import socket
try:
    socket.create_connection(('127.0.0.1', $SINK_PORT), 1)
except TimeoutError:
    print('no answer')")" "no answer"
    write_first hole
    tap_ok "the next one is tried within the time allowed" \
        wait_for 60 has_mail_to hole
    DESK_RELAY="host = \"slow.test\"; port = 25; tls = \"off\";
        $QUICK_RELAY"
    desk_settings "$PATIENT"
    mark_log
    desk_reload
    write_first unnamed
    tap_ok "a name server that says nothing: it waits" \
        desk_log "event=worker\.paused.*cannot find host 'slow.test'"
    DESK_RELAY="host = \"127.0.0.1\"; port = $SINK_PORT; $QUICK_RELAY"
    desk_settings "$PATIENT"
    server_stop hole
    sink_stop
    sink_start
    desk_restart
    tap_ok "and leaves when that is over" wait_for 60 has_mail_to unnamed
}

# --- six days ------------------------------------------------------------------------------

has_failed()
{
    [ "$(desk_sql "SELECT state FROM outgoing WHERE id = $1")" = failed ]
}

test_six_days()
{
    sink_stop
    write_first old
    write_first young
    old=$(desk_sql "SELECT id FROM outgoing WHERE acknowledged = 'old@customers.test'")
    desk_sql "UPDATE outgoing SET retry_since = now() - interval '6 days'
        WHERE id = $old" >/dev/null
    # A long tail that is not due: the table's rows are enough for a plan.
    desk_sql "INSERT INTO outgoing (kind, envelope_sender, message_id, due_at,
            created_at, content)
        SELECT 'notice', '', 'tail-' || n, now() + interval '1 day',
               now() - interval '1 day', 'x'
          FROM generate_series(1, 100000) n" >/dev/null
    desk_sql 'ANALYZE outgoing' >/dev/null
    # The clock, begun anew, looks at once.
    kill -9 "$(desk_workers clock)"
    tap_ok "after five days it has failed" wait_for 60 has_failed "$old"
    tap_like "its ticket says so" "$(desk ticket show "$(desk_sql "SELECT
        ticket_id FROM outgoing WHERE id = $old")")" send-expired
    tap_is "and only that one has" "$(desk_sql "SELECT count(*) FROM outgoing
        WHERE state = 'failed' AND acknowledged = 'young@customers.test'")" 0
    sink_start
    scans=$(desk_sql "SELECT seq_tup_read FROM pg_stat_user_tables
        WHERE relname = 'outgoing'")
    tap_ok "the young one leaves past 100,000 that wait" \
        wait_for 60 has_mail_to young
    for n in 1 2 3 4 5; do
        write_first "past$n"
        wait_for 60 has_mail_to "past$n" || tap_fail "past$n leaves"
    done
    sleep 1
    tap_ok "and no look-up read them all" [ "$(desk_sql "SELECT
        seq_tup_read - $scans FROM pg_stat_user_tables
        WHERE relname = 'outgoing'")" -lt 100000 ]
}

faults_wanted
servers_need pg sink
command -v openssl >/dev/null || tap_needs "openssl (Debian package openssl)"
load_prepare || exit 1
DESK_RELAY="host = \"127.0.0.1\"; port = $SINK_PORT; $QUICK_RELAY"
desk_settings "$PATIENT"
desk_start || exit 1
for part in ${RELAY_PARTS:-steps connections one_of_three tls names black_hole \
    six_days}; do
    "test_$part"
done
desk_sane
tap_done
