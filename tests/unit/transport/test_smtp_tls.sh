#!/bin/sh
# TLS to the relay is verified or there is none (tests/README F40), and
# the login goes through it; against a server with certificates good and bad.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
servers_need sink
command -v openssl >/dev/null || tap_needs "openssl (Debian package openssl)"

probe=${abs_top_builddir:-.}/smtp_probe

# probe ARGUMENTS...: what becomes of one mail
probe()
{
    "$probe" "$@" b@customers.example 2>&1
}

sink_with()
{
    sink_start --cert "$TLS_CERT" --key "$TLS_KEY" "$@"
}

# The sink again, now with what tls_make has made.
certificate_for()
{
    tls_make "$@" && sink_with --tls tls
}

test_good()
{
    tap_ok "a CA and a certificate are made" tls_make
    tap_ok "a relay with STARTTLS starts" sink_with --tls starttls
    tap_is "a mail goes through STARTTLS" \
        "$(probe -t starttls -c "$TLS_CA" localhost "$SINK_PORT")" 250/2.0.0
    tap_is "two more go through the same connection" \
        "$(probe -n 2 -t starttls -c "$TLS_CA" localhost "$SINK_PORT")" \
        "250/2.0.0
250/2.0.0"
    tap_is "a large one too" \
        "$(probe -s 3000000 -t starttls -c "$TLS_CA" localhost "$SINK_PORT")" \
        250/2.0.0
    tap_is "all are there" "$(sink_count)" 4
    tap_is "the address will do where the certificate names it" \
        "$(probe -t starttls -c "$TLS_CA" 127.0.0.1 "$SINK_PORT")" 250/2.0.0
    tap_ok "a relay with TLS from the start starts" sink_with --tls tls
    tap_is "a mail goes through it" \
        "$(probe -t tls -c "$TLS_CA" localhost "$SINK_PORT")" 250/2.0.0
}

test_login()
{
    tap_ok "a relay that wants a login starts" \
        sink_with --tls starttls --login anna:secret
    tap_is "the login is accepted" \
        "$(probe -t starttls -c "$TLS_CA" -u anna -p secret localhost \
            "$SINK_PORT")" 250/2.0.0
    tap_is "a wrong one is temporary and shows no password" \
        "$(probe -t starttls -c "$TLS_CA" -u anna -p wrong localhost \
            "$SINK_PORT")" \
        "temporary: localhost port $SINK_PORT: login as 'anna' refused: 535 no"
    tap_is "without one the relay's word counts" \
        "$(probe -t starttls -c "$TLS_CA" localhost "$SINK_PORT")" 530/5.7.0
    tap_unlike "no password is in the log of what was said in clear" \
        "$(grep -v AUTH "$SERVERS/sink.log")" "secret|YW5uYQ"
}

test_stripped()
{
    tap_ok "a relay without STARTTLS starts" \
        sink_with --tls starttls --without STARTTLS --login anna:secret
    tap_like "it gets no mail" \
        "$(probe -t starttls -c "$TLS_CA" -u anna -p secret localhost \
            "$SINK_PORT")" "^temporary: .* offers no STARTTLS"
    tap_ok "a relay that refuses STARTTLS starts" sink_with --tls starttls
    sink_say 'starttls * reply 454 4.7.0 not today'
    tap_like "nor does this one" \
        "$(probe -t starttls -c "$TLS_CA" localhost "$SINK_PORT")" \
        "^temporary: .* STARTTLS: 454 not today"
    sink_say 'starttls * garbage'
    tap_like "nor one that answers nonsense" \
        "$(probe -t starttls -c "$TLS_CA" localhost "$SINK_PORT")" \
        "^temporary: .* is no reply"
    sink_say 'starttls * drop'
    tap_like "nor one that hangs up" \
        "$(probe -t starttls -c "$TLS_CA" localhost "$SINK_PORT")" \
        "^temporary: .* the peer has closed the connection"
    sink_say
    tap_ok "a relay in clear starts" sink_with --tls off
    tap_like "where TLS is wanted from the start it gets nothing" \
        "$(probe -t tls -c "$TLS_CA" localhost "$SINK_PORT")" \
        "^temporary: TLS with localhost failed: "
}

test_bad_certificates()
{
    tap_ok "a relay whose CA nobody knows starts" certificate_for
    tap_like "it is refused by the system's trust store" \
        "$(probe -t tls localhost "$SINK_PORT")" \
        "^temporary: certificate of localhost refused: .*issuer is unknown"
    old_ca=$SERVERS/old-ca.pem
    cp "$TLS_CA" "$old_ca"
    tap_ok "a relay with a new CA starts" certificate_for
    tap_like "it is refused by the old one" \
        "$(probe -t tls -c "$old_ca" localhost "$SINK_PORT")" \
        "^temporary: certificate of localhost refused: "
    tap_like "a CA file that is not there is an error" \
        "$(probe -t tls -c /nonexistent localhost "$SINK_PORT")" \
        "^temporary: no certificates in /nonexistent"

    tap_ok "a relay with another name starts" certificate_for mail.example
    tap_like "it is refused" \
        "$(probe -t tls -c "$TLS_CA" localhost "$SINK_PORT")" \
        "^temporary: certificate of localhost refused: .*name in the cert"
    tap_like "its address is refused too" \
        "$(probe -t tls -c "$TLS_CA" 127.0.0.1 "$SINK_PORT")" \
        "^temporary: certificate of 127.0.0.1 refused: "

    tap_ok "a certificate that has expired is made" expired_certificate
    tap_like "it is refused" \
        "$(probe -t tls -c "$TLS_CA" localhost "$SINK_PORT")" \
        "^temporary: certificate of localhost refused: .*expired"
    sent=$(sink_count)
    tap_is "none of them got a mail" "$sent" "$accepted"
}

expired_certificate()
{
    tls_make && openssl x509 -req -days -1 -in "$TLS_DIR/request.pem" \
        -CA "$TLS_CA" -CAkey "$TLS_DIR/ca-key.pem" -CAcreateserial \
        -extfile "$TLS_DIR/names" -out "$TLS_CERT" && sink_with --tls tls
}

test_silence()
{
    tap_ok "a relay that says nothing is found out in time" silent_relay
}

# Something that listens and never answers a handshake.
silent_relay()
{
    port=$(port_reserve)
    server_run silent "$PYTHON" -c "
import socket
s = socket.create_server(('127.0.0.1', $port))
c, _ = s.accept()
while c.recv(4096):
    pass"
    wait_for 60 grep -qi ":$(printf %04x "$port") 00000000:0000 0A" /proc/net/tcp
    output=$(probe -w 2 -t tls -c "$TLS_CA" 127.0.0.1 "$port")
    echo "$output"
    server_stop silent
    echo "$output" |
        grep -q "^temporary: TLS with 127.0.0.1 failed: no answer in time"
}

test_good
test_login
accepted=$(sink_count)
test_stripped
test_bad_certificates
test_silence
tap_done
