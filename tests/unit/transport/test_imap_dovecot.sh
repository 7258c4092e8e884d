#!/bin/sh
# The IMAP client against a real Dovecot, in clear and by TLS with certificates
# good and bad, with all its abilities and with none.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
servers_need dovecot
command -v openssl >/dev/null || tap_needs "openssl (Debian package openssl)"

# probe ARGUMENTS...
probe()
{
    timeout 60 "${abs_top_builddir:-.}/imap_probe" "$@" 2>&1
}

# In clear, to this Dovecot.
clear()
{
    probe 127.0.0.1 "$DOVECOT_PORT" "$@"
}

# write_mail NUMBER [OCTETS]: prints its file
write_mail()
{
    {
        printf 'From: a@example.org\r\nSubject: %s\r\n\r\nhello\r\n' "$1"
        head -c "${2:-0}" /dev/zero | tr '\0' 'x' | fold -w 76 |
            sed 's/$/\r/'
    } >"$SERVERS/mail.$1"
    echo "$SERVERS/mail.$1"
}

# Digests of what is in INBOX, as fetched.
fetched()
{
    clear fetch INBOX | sed -n 's/^[0-9]* [0-9]* //p' | sort
}

digests()
{
    sha256sum "$@" | cut -c 1-64 | sort
}

test_mails()
{
    for n in 1 2 3; do
        dovecot_put anna "$(write_mail $n)"
    done
    dovecot_put anna "$(write_mail 4 3000000)"
    tap_is "it can what a good server can" "$(clear abilities)" \
        "idle move uidplus"
    tap_is "the folders" "$(clear list | LC_ALL=C sort | tr '\n' ' ')" \
        "Done Gelöscht INBOX "
    tap_is "each mail comes byte for byte, a large one too" "$(fetched)" \
        "$(digests "$SERVERS"/mail.[1-4])"
    tap_is "none is seen for it" \
        "$(dovecot_adm fetch -u anna flags mailbox INBOX | grep -c Seen)" 0
    tap_is "of later days there are none" \
        "$(clear fetch INBOX $(($(date +%s) + 172800)))" "0 mails"
    tap_is "they are marked" "$(clear mark INBOX '\Seen')" ""
    tap_is "all of them" \
        "$(dovecot_adm fetch -u anna flags mailbox INBOX | grep -c Seen)" 4
    tap_is "with a word of our own, too" "$(clear mark INBOX PosternDone)" ""
    tap_is "which all have" "$(dovecot_adm fetch -u anna flags \
        mailbox INBOX | grep -c PosternDone)" 4
    tap_is "they are moved, all of them" "$(clear move INBOX Gelöscht)" "4 moved"
    tap_is "and gone here" "$(clear fetch INBOX)" "0 mails"
    tap_is "and there" "$(clear fetch Gelöscht | tail -n 1)" "4 mails"
    tap_is "they are deleted" "$(clear delete Gelöscht)" ""
    tap_is "and gone" "$(clear fetch Gelöscht)" "0 mails"
    tap_like "a folder that is not there is refused for good" \
        "$(clear fetch Nowhere)" "^permanent: .*Mailbox doesn't exist"
    dovecot_put anna "$(write_mail 5)"
    tap_like "to move there, too" "$(clear move INBOX Nowhere)" \
        "^permanent: .*TRYCREATE.*Mailbox doesn't exist"
    tap_is "and the mail stays" "$(clear fetch INBOX | tail -n 1)" "1 mails"
    clear delete INBOX
}

waiting()
{
    grep -qs waiting "$SERVERS/waited"
}

test_idle()
{
    rm -f "$SERVERS/waited"
    clear wait INBOX 20 >"$SERVERS/waited" &
    waiter=$!
    wait_for 60 waiting
    dovecot_put anna "$(write_mail 5)"
    wait $waiter
    tap_like "IDLE tells of a mail" "$(cat "$SERVERS/waited")" '^news'
    tap_diag "after $(sed -n "s/news //p" "$SERVERS/waited") ms"
    tap_like "and of none" "$(clear wait INBOX 1)" '^quiet'
    rm -f "$SERVERS/waited"
    probe -t tls -c "$TLS_CA" localhost "$DOVECOT_TLS_PORT" wait INBOX 20 \
        >"$SERVERS/waited" &
    waiter=$!
    wait_for 60 waiting
    dovecot_put anna "$(write_mail 6)"
    wait $waiter
    tap_like "by TLS as well" "$(cat "$SERVERS/waited")" '^news'
}

test_logins()
{
    tap_like "a wrong password is refused for good, and not shown" \
        "$(probe -p WRONG 127.0.0.1 "$DOVECOT_PORT" list)" \
        '^permanent: .*login refused: .*AUTHENTICATIONFAILED'
    tap_unlike "so it is not in what is said" \
        "$(probe -p WRONG 127.0.0.1 "$DOVECOT_PORT" list)" WRONG
    tap_like "a token that it does not take" \
        "$(probe -k TOKEN 127.0.0.1 "$DOVECOT_PORT" list)" \
        '^permanent: .*offers no login with a token'
}

test_tls()
{
    tap_like "TLS from the start" "$(probe -t tls -c "$TLS_CA" localhost \
        "$DOVECOT_TLS_PORT" list)" INBOX
    tap_like "STARTTLS" "$(probe -t starttls -c "$TLS_CA" 127.0.0.1 \
        "$DOVECOT_PORT" list)" INBOX
    tap_like "a CA that nobody knows" \
        "$(probe -t tls localhost "$DOVECOT_TLS_PORT" list)" \
        "^temporary: .*certificate of localhost refused: .*issuer is unknown"
    tap_like "where TLS is wanted from the start, clear text is none" \
        "$(probe -t tls -c "$TLS_CA" localhost "$DOVECOT_PORT" list)" \
        "^temporary: .*TLS with localhost"
}

# --- a server played by hand, in TLS ---

played()
{
    grep -aqs "^$1" "$SERVERS/played"
}

# play AWAITED LINE...: lines that are sent when that command has come
play()
{
    wait_for 60 played "$1" || tap_diag "the server never heard: $1"
    shift
    printf '%s\n' "$@" >&6
}

# play_start PROBE...: the first lines of every server
play_start()
{
    play_port=$(port_reserve)
    rm -f "$SERVERS/played" "$SERVERS/probed"
    mkfifo "$SERVERS/lines"
    openssl s_server -accept "$play_port" -cert "$TLS_CERT" -key "$TLS_KEY" \
        -crlf <"$SERVERS/lines" >"$SERVERS/played" 2>&1 &
    play_server=$!
    exec 6>"$SERVERS/lines"
    wait_for 60 played ACCEPT
    probe -t tls -c "$TLS_CA" localhost "$play_port" "$@" >"$SERVERS/probed" &
    play_client=$!
    play 'CIPHER is' '* OK hello'
    play '1 CAPABILITY' '* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR' '1 OK done'
    play '2 AUTHENTICATE' '2 OK welcome'
    play '3 CAPABILITY' '* CAPABILITY IMAP4rev1 IDLE' '3 OK done'
    play '4 ' '* 1 EXISTS' '* OK [UIDVALIDITY 7] ok' '4 OK done'
    play '5 UID SEARCH' '* SEARCH 10' '5 OK done'
}

play_end()
{
    kill -KILL "$play_server"
    exec 6>&-
    wait "$play_client"
    rm -f "$SERVERS/lines"
}

probed()
{
    [ -s "$SERVERS/probed" ]
}

test_tls_itself()
{
    play_start wait INBOX 2
    play '6 IDLE' '+ idling'
    wait_for 60 probed
    # New keys: bytes for TLS, and none for us.
    printf 'K\n' >&6
    play 'DONE' '6 OK done'
    play_end
    tap_like "what TLS says to itself is no news" "$(cat "$SERVERS/probed")" \
        '^quiet ([2-9]|[0-9]{2,})...$'
    play_start fetch INBOX
    play '6 UID FETCH' '* 1 FETCH (UID 10 RFC822.SIZE 300)' '6 OK done'
    play '7 UID FETCH' '* 1 FETCH (UID 10 BODY[] {300}' 'half a mail'
    play_end
    tap_like "an end inside of a mail is found" "$(cat "$SERVERS/probed")" \
        '^temporary: .*UID FETCH: '
    tap_unlike "without waiting for more" "$(cat "$SERVERS/probed")" 'in time'
    tap_unlike "and no mail has come" "$(cat "$SERVERS/probed")" '^10 '
}

# What "account check" shows of the connection, whatever it came to.
test_report()
{
    report=$(probe -t tls -c "$TLS_CA" localhost "$DOVECOT_TLS_PORT" report)
    for line in 'stage: done' 'address: (127.0.0.1|::1)' 'tls: TLS1.3, AES' \
        'subject: CN=localhost' 'issuer: CN=Test CA' 'days: 1' \
        'names: localhost, 127.0.0.1' 'capabilities: IMAP4rev1 .*IDLE' \
        'mechanism: PLAIN'; do
        tap_like "the report has ${line%%:*}" "$report" "^$line"
    done
    report=$(probe -p WRONG -t starttls -c "$TLS_CA" 127.0.0.1 \
        "$DOVECOT_PORT" report)
    tap_like "a refused login is where it ended" "$report" '^stage: login'
    tap_like "and the certificate is known" "$report" '^subject: CN=localhost'
    tap_like "and the way in that was tried" "$report" '^mechanism: PLAIN'
    tap_unlike "and nothing secret" "$report" 'WRONG'
    report=$(probe -t tls localhost "$DOVECOT_TLS_PORT" report)
    tap_like "a refused certificate is where it ended" "$report" '^stage: tls'
    tap_like "and shown" "$report" '^issuer: CN=Test CA'
    report=$(probe 127.0.0.1 "$(port_reserve)" report)
    tap_like "nobody there is where it ended" "$report" '^stage: connect'
    report=$(probe 256.256.256.256 143 report)
    tap_like "so is a name that nobody has" "$report" '^stage: resolve'
}

# dovecot_again [NAMES]: with another certificate, and $DOVECOT_MORE
dovecot_again()
{
    dovecot_stop
    tls_make "$@" && dovecot_start "${DOVECOT_MORE:-}"
}

test_bad_certificates()
{
    tap_ok "a server with another name starts" dovecot_again mail.example
    tap_like "it is refused" \
        "$(probe -t tls -c "$TLS_CA" localhost "$DOVECOT_TLS_PORT" list)" \
        "^temporary: .*certificate of localhost refused: .*name in the cert"
    tap_like "by STARTTLS as well" \
        "$(probe -t starttls -c "$TLS_CA" localhost "$DOVECOT_PORT" list)" \
        "^temporary: .*certificate of localhost refused: .*name in the cert"
    dovecot_stop
    tls_make && openssl x509 -req -days -1 -in "$TLS_DIR/request.pem" \
        -CA "$TLS_CA" -CAkey "$TLS_DIR/ca-key.pem" -CAcreateserial \
        -extfile "$TLS_DIR/names" -out "$TLS_CERT" 2>"$SERVERS/openssl.out"
    tap_ok "one whose certificate has expired starts" dovecot_start
    tap_like "it is refused" \
        "$(probe -t tls -c "$TLS_CA" localhost "$DOVECOT_TLS_PORT" list)" \
        "^temporary: .*certificate of localhost refused: .*expired"
}

# A server of the year 1996.
test_bare()
{
    DOVECOT_MORE='imap_capability = IMAP4rev1'
    tap_ok "a server without extensions starts" dovecot_again
    dovecot_put anna "$(write_mail 6)"
    dovecot_put anna "$(write_mail 7)"
    tap_is "it can nothing more" "$(clear abilities)" ""
    tap_like "mails come" "$(clear fetch INBOX)" "[1-9] mails"
    tap_like "news are asked for" "$(clear wait INBOX 1)" '^quiet'
    tap_like "mails are moved" "$(clear move INBOX Done)" "moved"
    tap_is "but nothing is expunged: that would take others' mail along" \
        "$(dovecot_adm fetch -u anna flags mailbox INBOX | grep -c Deleted)" \
        "$(clear fetch Done | sed -n 's/ mails//p')"
}

dovecot_start || tap_fail "Dovecot starts"
dovecot_folder anna Done
dovecot_folder anna 'Gel&APY-scht'
test_mails
test_idle
test_logins
test_tls
test_report
test_tls_itself
test_bad_certificates
test_bare
dovecot_stop
tap_done
