#!/bin/sh
# A relay that cannot be reached or trusted: nothing is lost, no attempt is counted
# and no password said, and all leaves as soon as that is over (tests/README F35,
# F40, F48).
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/load.sh"
. "${srcdir:-.}/tests/support/relay.sh"

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
        sink_say
        time_passes
        tap_ok "$rule: it leaves when that is over" \
            wait_for 60 is_sent "$(newest_id acknowledgement)"
        tap_is "$rule: once" "$(copies "connection$connections_n")" 1
    done 8<"$SERVERS/connections"
    promises_hold "every connection"
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
    time_passes
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
    time_passes
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
time.sleep(300)  # until it is stopped"
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
    time_passes
    tap_ok "and leaves when that is over" wait_for 60 has_mail_to unnamed
}

faults_wanted
servers_need pg sink
command -v openssl >/dev/null || tap_needs "openssl (Debian package openssl)"
relay_prepare
relay_test connections tls names black_hole
tap_done
