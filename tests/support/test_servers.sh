#!/bin/sh
# The servers that other tests stand on do what servers.sh says of them.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"

test_mail()
{
    printf 'From: Anna <anna@%s>\nTo: support@%s\nSubject: %s\n\n' \
        "$POSTFIX_CUSTOMERS" "$POSTFIX_DESK" "$1"
    printf 'Hello\n.\n..two dots\nend\n'
}

ask()
{
    psql -X -At -d desk -c "$1" 2>&1
}

test_postgresql()
{
    tap_ok "PostgreSQL starts" pg_start
    tap_ok "a database is made" pg_createdb desk
    tap_is "it belongs to the ordinary role" \
        "$(ask 'SELECT current_user, rolsuper FROM pg_roles
                 WHERE rolname = current_user')" "postern|f"
    tap_is "it is UTF8, locale C, synced, without TCP" \
        "$(ask "SELECT current_setting('server_encoding'), datcollate,
                       current_setting('fsync'),
                       current_setting('listen_addresses') = ''
                  FROM pg_database WHERE datname = current_database()")" \
        "UTF8|C|on|t"
    tap_is "a table can be made" \
        "$(ask 'CREATE TABLE fact (n integer); INSERT INTO fact VALUES (7)')" \
        "CREATE TABLE
INSERT 0 1"
    tap_ok "a database is copied from it" pg_createdb copy desk
    tap_is "with what was in it" \
        "$(psql -X -At -d copy -c 'SELECT n FROM fact')" 7
    tap_ok "it is stopped the hard way" pg_stop immediate
    tap_like "and then is not there" "$(ask 'SELECT 1')" "No such file"
    tap_ok "it starts again" pg_start
    tap_is "nothing is lost" "$(ask 'SELECT n FROM fact')" 7
    tap_is "it does not run as root" \
        "$(stat -c %U "$PG_DATA")" "$PG_USER"
}

# try_port CALL: what became of it at $test_port: "good", or the error's name.
try_port()
{
    "$PYTHON" -c '
import errno, socket, sys
here = ("127.0.0.1", int(sys.argv[1]))
try:
    if sys.argv[2] == "connect":
        socket.create_connection(here, 5).close()
    elif sys.argv[2] == "take":
        socket.socket().bind(here)
    else:
        socket.create_server(here).close()
    print("good")
except OSError as error:
    print(errno.errorcode[error.errno])' "$test_port" "$1"
}

test_ports()
{
    test_port=$(port_reserve)
    tap_like "a port is reserved" "$test_port" '^[0-9]+$'
    tap_unlike "another one is another" "$(port_reserve)" "^$test_port\$"
    tap_is "nobody listens there" "$(try_port connect)" ECONNREFUSED
    tap_is "who happens upon it does not get it" "$(try_port take)" EADDRINUSE
    tap_is "a server that was told listens there" "$(try_port serve)" good
    tap_is "and once more" "$(try_port serve)" good
    tap_is "it stays reserved all the while" "$(try_port take)" EADDRINUSE
    for test_file in "$SERVERS"/port-*.pid; do
        test_file=${test_file##*/}
        test_file=${test_file%.pid}
        tap_ok "until its keeper ends" server_stop "$test_file"
        tap_ok "which it does" server_gone "$test_file"
    done
}

test_sink()
{
    tap_ok "the sink starts" sink_start
    test_mail one >"$SERVERS/one.eml"
    tap_ok "it takes a mail" smtp_send --port "$SINK_PORT" --to a@x --to b@x \
        --from '' --ledger "$SERVERS/sent" "$SERVERS/one.eml"
    tap_is "it keeps one file" "$(sink_count)" 1
    tap_is "byte for byte, with CRLF and dots" \
        "$(sed 's/$/\r/' "$SERVERS/one.eml" | sha256sum)" \
        "$(sha256sum <"$(sink_mails)")"
    tap_is "the ledgers agree" "$(cut -f2,5 "$SINK_LEDGER")" \
        "$(cut -f1 "$SERVERS/sent" | uniq)	a@x,b@x"

    sink_say 'rcpt=b@x 1 reply 550 5.1.1 nobody' 'dot 1 reply 451 4.3.0 later' \
        'dot 1 drop' 'dot 1 keep-drop' 'connect 0 drop'
    tap_is "a rule refuses one recipient" \
        "$(status smtp_send --port "$SINK_PORT" --to b@x "$SERVERS/one.eml")" 65
    tap_is "a rule puts off a mail" \
        "$(status smtp_send --port "$SINK_PORT" --to b@x "$SERVERS/one.eml")" 75
    tap_is "a rule closes after the dot" \
        "$(status smtp_send --port "$SINK_PORT" --to b@x "$SERVERS/one.eml")" 75
    tap_is "none of them was kept" "$(sink_count)" 1
    tap_is "a rule keeps and says nothing" \
        "$(status smtp_send --port "$SINK_PORT" --to b@x "$SERVERS/one.eml")" 75
    tap_is "that one was kept" "$(sink_count)" 2
    tap_is "used up rules do not count" \
        "$(status smtp_send --port "$SINK_PORT" --to b@x "$SERVERS/one.eml")" 0
    tap_is "the ledger knows all contents" "$(cut -f1,3 "$SINK_LEDGER")" \
        "000001	250
-	451
-	closed
000002	closed
000003	250"
    sink_say 'ehlo * garbage'
    tap_is "it can talk nonsense" \
        "$(status smtp_send --port "$SINK_PORT" --to b@x "$SERVERS/one.eml")" 1
    sink_say
    sink_port_before=$SINK_PORT
    tap_ok "it stops" sink_stop
    tap_ok "it starts again" sink_start
    tap_is "on the same port" "$SINK_PORT" "$sink_port_before"
}

test_tls()
{
    tap_ok "a certificate is made" tls_make relay.test 127.0.0.1
    for mode in starttls tls; do
        tap_ok "the sink starts with $mode" sink_start --tls "$mode" \
            --cert "$TLS_CERT" --key "$TLS_KEY" --login anna:secret
        option=
        if [ "$mode" = starttls ]; then
            option='-starttls smtp'
        fi
        # shellcheck disable=SC2086
        tap_like "and a client may trust it" "$(printf 'QUIT\r\n' |
            openssl s_client $option -connect "127.0.0.1:$SINK_PORT" -crlf \
                -CAfile "$TLS_CA" -verify_hostname relay.test \
                -verify_return_error 2>&1)" \
            '^New, TLSv1.*Cipher is [A-Z]+_'
        tap_ok "it stops" sink_stop
    done
}

test_postfix()
{
    if [ "$(id -u)" != 0 ]; then
        tap_skip "Postfix" "needs root"
        return
    fi
    tap_ok "Postfix is prepared" postfix_prepare
    tap_ok "a setting is made" postfix_set "transport_maps=inline:{sink@$POSTFIX_DESK=smtp:[127.0.0.1]:$SINK_PORT}"
    tap_ok "Postfix starts" postfix_start
    test_mail two >"$SERVERS/two.eml"
    tap_ok "it takes a mail by SMTP" smtp_send --port "$POSTFIX_PORT" \
        --from "agent@$POSTFIX_DESK" --to "anna@$POSTFIX_CUSTOMERS" \
        "$SERVERS/two.eml"
    tap_ok "the customer has it" wait_for 60 has_mail anna
    tap_like "it is that mail" "$(cat "$(postfix_mails anna)")" \
        '^Subject: two$'
    postfix_sendmail "bob+tag@$POSTFIX_CUSTOMERS" <"$SERVERS/two.eml"
    tap_ok "sendmail works, and so do extensions" wait_for 60 has_mail bob
    sink_before=$(sink_count)
    postfix_sendmail "sink@$POSTFIX_DESK" <"$SERVERS/two.eml"
    tap_ok "it relays into the sink" sink_wait $((sink_before + 1))
    tap_ok "its queue is empty" wait_for 60 postfix_idle
    tap_ok "it stops" postfix_stop
}

has_mail()
{
    [ -n "$(postfix_mails "$1")" ]
}

status()
{
    "$@" >/dev/null 2>&1
    echo $?
}

# What the demo does: one script starts, another one ends.
attached()
{
    sh -c '. "${srcdir:-.}/tests/support/servers.sh"
        servers_attach "$0" && eval "$1"' "$SERVERS/kept" "$1"
}

test_attaching()
{
    tap_ok "servers can be started to stay" attached 'pg_start && sink_start'
    tap_like "another script finds them" \
        "$(attached 'psql -Atd postgres -c "SELECT 6 * 7"; cat $SINK_DIR/port
            server_alive sink && echo alive' 2>&1 | tr '\n' ' ')" \
        '^42 [0-9]+ alive $'
    tap_ok "starting them again changes nothing" \
        attached 'pg_start && sink_start'
    tap_ok "and stops them" attached servers_stop
    tap_like "they are gone" "$(attached 'pg_ctl status
        server_alive sink || echo no sink' 2>&1 | tr '\n' ' ')" \
        'no server running.*no sink'
}

test_cleaning()
{
    test_pids=$(cat "$SERVERS"/*.pid | cut -d' ' -f1
        head -n 1 "$PG_DATA/postmaster.pid")
    tap_ok "everything is stopped at once" servers_stop
    for test_pid in $test_pids; do
        tap_is "process $test_pid is gone" "$(process_start "$test_pid")" ""
    done
}

servers_need pg sink
servers_dir
postfix_names
test_ports
test_postgresql
test_sink
test_tls
sink_start
test_postfix
test_attaching
test_cleaning
tap_done
