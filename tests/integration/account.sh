#!/bin/sh
# What "postern account check" says of a mailbox on a real Dovecot: what is
# right, and of each thing that is wrong what it is and what to do about it.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
servers_need dovecot sink
command -v openssl >/dev/null || tap_needs "openssl (Debian package openssl)"
servers_dir
conf=$SERVERS/postern.conf
password=$SERVERS/password

# write_settings FOLDERS [LINES]: an account by TLS; LINES are within its block.
write_settings()
{
    cat >"$conf.new" <<CONF
database = { conninfo = "host=/nonexistent dbname=none"; };
spool_directory = "$SERVERS";
queues = (
    { name = "support"; addresses = [ "support@desk.test" ]; },
    { name = "sales"; addresses = [ "sales@desk.test" ]; }
);
relay = { host = "127.0.0.1"; port = ${RELAY_PORT:-$SINK_PORT}; };
accounts = ( { name = "office"; user = "anna"; timeout = "10s";
    ${HOST:-host = \"localhost\"; port = $DOVECOT_TLS_PORT;}
    ${SECRET:-password_file = \"$password\";}
    ca_file = "${CA:-$TLS_CA}"; ${2:-}
    folders = ( $1 ); } );
CONF
    chmod 0600 "$conf.new"
    mv -f "$conf.new" "$conf"
}

inbox='{ folder = "INBOX"; queue = "support"; }'

# check [OPTION...] NAME: what it says, and its exit status in the last line
check()
{
    timeout 100 "${abs_top_builddir:-.}/postern" -c "$conf" account check "$@" \
        2>&1
    echo "exit $?"
}

# find the mails that the relay took, and put them into a folder of anna's
carry()
{
    sink_wait "$1" && for carried in $(sink_mails); do
        dovecot_put "$2" "$carried"
    done
}

test_good()
{
    write_settings "$inbox, { folder = \"Запит\"; queue = \"sales\";
        after = \"move\"; move_to = \"Done\"; }"
    said=$(check office)
    for wanted in "^ok    secret: a password from $password\$" \
        '^ok    resolve: localhost$' \
        "^ok    connect: (127.0.0.1|::1).* port $DOVECOT_TLS_PORT\$" \
        '^ok    tls: TLS1\.[23]' \
        '^ok    capabilities: IDLE MOVE UIDPLUS are there$' \
        '^ok    login: PLAIN as anna$' \
        '^ok    folder INBOX: 2 mails, for queue support, after = "seen"$' \
        '^ok    folder Запит: 0 mails, for queue sales, after = "move"$' \
        '^ok    folder Done: takes what comes out of Запит$' \
        '^exit 0$'; do
        tap_like "it says: $wanted" "$said" "$wanted"
    done
    tap_like "of a certificate for two days it warns" "$said" \
        '^WARN  certificate: CN=localhost for .*localhost.* issued by CN=Test CA, until 20.*\([012] days\)'
    tap_unlike "nothing of it is read" "$(dovecot_adm fetch -u anna flags \
        mailbox INBOX)" Seen
    tap_like "so it is by STARTTLS" "$(HOST="host = \"127.0.0.1\"; port =
        $DOVECOT_PORT; tls = \"starttls\";"
    write_settings "$inbox"
    check office)" '^exit 0$'
}

test_json()
{
    write_settings "$inbox"
    check --json office | sed '/^exit/d' >"$SERVERS/said.json"
    tap_is "scripts get the same" "$("$PYTHON" -c '
import json, sys
said = json.load(open(sys.argv[1]))
print(said["account"], said["good"], *[step["step"] for step in said["steps"]
      if step["result"] == "ok"], sep="/")' "$SERVERS/said.json")" \
        "office/True/secret/resolve/connect/tls/login/capabilities/folder INBOX"
    write_settings '{ folder = "Inbix"; queue = "support"; }'
    check --json office | sed '/^exit/d' >"$SERVERS/said.json"
    tap_is "and what is wrong" "$("$PYTHON" -c '
import json, sys
said = json.load(open(sys.argv[1]))
step = said["steps"][-1]
print(said["good"], step["step"], step["result"],
      "INBOX" in step["advice"], sep="/")' "$SERVERS/said.json")" \
        "False/folder Inbix/fail/True"
}

# wrong NAME STATUS ERE...: it is refused, with that status and these lines
wrong()
{
    wrong_name=$1
    wrong_status=$2
    shift 2
    said=$(check office)
    tap_like "$wrong_name: exit status" "$said" "^exit $wrong_status\$"
    for wanted in "$@"; do
        tap_like "$wrong_name: it says $wanted" "$said" "$wanted"
    done
    tap_unlike "$wrong_name: no secret is shown" "$said" 'secret[^:]|WRONG'
}

test_secrets()
{
    SECRET="password_file = \"$SERVERS/none\";" write_settings "$inbox"
    wrong "a password file that is not there" 78 \
        "^FAIL  secret: password_file: .*/none: No such file"
    echo WRONG >"$SERVERS/wrong"
    chmod 0600 "$SERVERS/wrong"
    SECRET="password_file = \"$SERVERS/wrong\";" write_settings "$inbox"
    wrong "a wrong password" 69 \
        '^FAIL  login: .*login refused: .*AUTHENTICATIONFAILED' \
        '^      are user and password right'
    SECRET='token_command = [ "/bin/sh", "-c", "echo WRONG; exit 75" ];' \
        write_settings "$inbox"
    wrong "a token that is not to be had now" 75 \
        "^FAIL  secret: token_command: '/bin/sh' failed with status 75"
    SECRET='token_command = [ "/bin/sh", "-c", "echo WRONG; echo 3600" ];' \
        write_settings "$inbox"
    wrong "a server that wants no token" 69 \
        '^ok    secret: a token from /bin/sh, good for 3600 s$' \
        '^FAIL  login: .*offers no login with a token'
}

# "postern check" asks for secrets, but no server.
test_check()
{
    HOST='host = "nowhere.invalid";' write_settings "$inbox"
    tap_like "postern check names an account" \
        "$("$abs_top_builddir/postern" -c "$conf" check)" \
        '^ok    account office: password \(no server was asked'
    SECRET='token_command = [ "/bin/sh", "-c", "echo WRONG; exit 1" ];' \
        write_settings "$inbox"
    said=$("$abs_top_builddir/postern" -c "$conf" check)
    tap_is "and that its token is not to be had" "$?" 78
    tap_like "with the reason" "$said" \
        "^      account 'office': token_command: '/bin/sh' failed with status 1"
}

# As the service's user, who may not read what root may.
test_closed_file()
{
    if [ "$(id -u)" != 0 ]; then
        tap_skip "a password that only root may read" "we are not root"
        return
    fi
    cp "${abs_top_builddir:-.}/postern" "$SERVERS/postern"
    chmod 0755 "$SERVERS/postern"
    write_settings "$inbox"
    chown "$SERVERS_USER" "$conf"
    said=$(servers_as "$SERVERS_USER" "$SERVERS/postern" -c "$conf" \
        account check office 2>&1)
    tap_like "a password that only root may read is no password for others" \
        "$said" '^FAIL  secret: password_file: .*Permission denied'
    tap_like "which may be right for the daemon" "$said" \
        '^      posternd reads it before it gives up root'
}

test_servers()
{
    free=$(port_reserve)
    HOST='host = "nowhere.invalid";' write_settings "$inbox"
    wrong "a host that is none" 75 \
        "^FAIL  resolve: cannot find host 'nowhere.invalid'" \
        '^      is host right'
    HOST="host = \"localhost\"; port = $free;" write_settings "$inbox"
    wrong "a port where nobody listens" 75 \
        "^FAIL  connect: cannot connect to localhost port $free: Connection" \
        '^      are host and port right'
    HOST="host = \"localhost\"; port = $DOVECOT_PORT;" write_settings "$inbox"
    wrong "a port without TLS" 75 '^FAIL  tls: TLS with localhost failed' \
        '^      does port .* speak TLS from the first byte\? write tls = "starttls"'
    HOST="host = \"localhost\"; port = $SINK_PORT; tls = \"starttls\";" \
        write_settings "$inbox"
    wrong "a server that speaks SMTP" 75 '^FAIL  greeting: ' \
        '^      is that an IMAP server\?'
    CA=/etc/ssl/certs/ca-certificates.crt write_settings "$inbox"
    wrong "a CA that nobody knows" 69 \
        '^FAIL  tls: certificate of localhost refused: .*issuer is unknown' \
        'issued by CN=Test CA' 'the certificate of your own CA as ca_file'
}

test_folders()
{
    write_settings '{ folder = "Zapit"; queue = "support"; },
        { folder = "Dome"; queue = "support"; }'
    wrong "folders that are not there" 78 "^FAIL  folder Zapit: .*" \
        "^FAIL  folder Dome: .*doesn't exist" \
        "^      did you mean 'Done'\? these are there:" '^        INBOX$' \
        '^        Запит$'
    write_settings '{ folder = "INBOX"; queue = "support"; after = "move";
        move_to = "Archive"; }'
    wrong "a target that is not there" 78 '^ok    folder INBOX' \
        '^FAIL  folder Archive: '
    write_settings '{ folder = "Shared"; queue = "support"; after = "move";
        move_to = "Done"; }'
    wrong "a folder that can be read only" 78 \
        '^FAIL  folder Shared: Shared can be read only, and after = "move"' \
        '^      write after = "keep"'
    write_settings '{ folder = "Shared"; queue = "support"; after = "keep"; }'
    tap_like "which will do where nothing is changed" "$(check office)" \
        '^ok    folder Shared: 0 mails'
    write_settings "$inbox"
    tap_like "another account is none" "$(check home)" \
        "^postern: no account 'home' in .*; there is office$"
    tap_like "which has a status of its own" "$(check home)" '^exit 1$'
}

test_mail()
{
    write_settings "$inbox"
    carry 1 anna >/dev/null &
    carrier=$!
    said=$(check --send --wait 60 office)
    wait $carrier
    tap_like "a mail is sent" "$said" \
        '^ok    test mail to support@desk.test: 127.0.0.1 port .* has taken <check\.'
    tap_like "and comes back" "$said" \
        '^ok    test mail to support@desk.test: it is in INBOX after [0-9.]+ s'
    tap_like "so all is good" "$said" '^exit 0$'
    sent=$(sink_mails)
    tap_like "nobody answers it" "$(cat "$sent")" \
        '^Auto-Submitted: auto-generated'
    tap_like "nor hears of it if it is lost" "$(cat "${sent%eml}envelope")" \
        '^MAIL FROM:<>'
    tap_unlike "it is not read" "$(dovecot_adm fetch -u anna flags \
        mailbox INBOX)" Seen
    # Meanwhile another mail arrives.
    { sink_wait 2 && dovecot_put anna "$SERVERS/mail"; } >/dev/null 2>&1 &
    carrier=$!
    said=$(check --send --wait 3 office)
    wait $carrier
    tap_like "one that does not come back is missed" "$said" \
        '^FAIL  test mail to support@desk.test: it was not there within 3 s$'
    tap_like "that may heal" "$said" '^exit 75$'
    sink_say 'rcpt * reply 550 5.1.1 nobody'
    said=$(check --send office)
    sink_say
    tap_like "one that the relay refuses is said to be" "$said" \
        '^FAIL  test mail .*the relay does not take it: 550 5.1.1 nobody$'
    tap_like "that does not heal" "$said" '^exit 69$'
}

# A daemon that is faster than we are has moved it away.
test_moved_mail()
{
    write_settings '{ folder = "INBOX"; queue = "support"; after = "move";
        move_to = "Done"; }'
    taken=$(sink_count)
    (
        sink_wait $((taken + 1)) &&
            dovecot_put anna/.Done "$(sink_mails | xargs ls -t | head -n 1)"
    ) >/dev/null 2>&1 &
    carrier=$!
    said=$(check --send --wait 60 office)
    wait $carrier
    tap_like "a mail that was taken meanwhile is found where it went" "$said" \
        '^ok    test mail to support@desk.test: it is in Done after'
}

# dovecot_again SETTINGS [NAMES]: another Dovecot, perhaps another certificate
dovecot_again()
{
    again_settings=$1
    shift
    dovecot_stop
    { [ $# -eq 0 ] || tls_make "$@"; } && dovecot_start "$again_settings"
}

test_disabled_login()
{
    tap_ok "a server that wants TLS before a login starts" dovecot_again \
        'listen = 127.0.0.1, 127.0.0.2
disable_plaintext_auth = yes'
    # Who comes from the address that he goes to is as safe as with TLS.
    HOST="host = \"127.0.0.2\"; port = $DOVECOT_PORT; tls = \"off\";" \
        write_settings "$inbox"
    wrong "LOGINDISABLED" 69 '^FAIL  login: .*offers no login with a password' \
        '^      .*write tls = '
}

test_bare()
{
    tap_ok "a server without extensions starts" dovecot_again \
        'imap_capability = IMAP4rev1'
    write_settings '{ folder = "INBOX"; queue = "support"; after = "delete"; }'
    said=$(check office)
    tap_like "it does" "$said" '^exit 0$'
    tap_like "polling is named" "$said" '^WARN  capabilities: no IDLE'
    tap_like "and what stays" "$said" '^WARN  capabilities: no UIDPLUS'
}

test_certificates()
{
    tap_ok "a server with another name starts" dovecot_again '' mail.example
    write_settings "$inbox"
    wrong "the name is wrong" 69 \
        '^FAIL  tls: certificate of localhost refused: .*name in the cert' \
        '^      it is for .*mail.example' '^      write one of these names'
    sign_for 30
    tap_ok "one with a certificate for 30 days starts" dovecot_start
    write_settings "$inbox"
    tap_like "that is nothing to warn of" "$(check office)" \
        '^ok    certificate: .*\((29|30) days\)$'
    sign_for -1
    tap_ok "one whose certificate has expired starts" dovecot_start
    write_settings "$inbox"
    wrong "it has expired" 69 '^FAIL  tls: .*expired' \
        '^      it ended on 20.*: who runs the server must renew it$'
}

# sign_for DAYS: another certificate, for a server that does not run
sign_for()
{
    dovecot_stop
    tls_make && openssl x509 -req -days "$1" -in "$TLS_DIR/request.pem" \
        -CA "$TLS_CA" -CAkey "$TLS_DIR/ca-key.pem" -CAcreateserial \
        -extfile "$TLS_DIR/names" -out "$TLS_CERT" 2>"$SERVERS/openssl.out"
}

sink_start || exit 1
dovecot_start 'mail_plugins = acl
plugin {
  acl = vfile
}' || tap_fail "Dovecot starts"
echo secret >"$password"
chmod 0600 "$password"
dovecot_folder anna Done
dovecot_folder anna '&BBcEMAQ,BDgEQg-'
dovecot_folder anna Shared
echo 'owner lr' >"$DOVECOT_MAIL/anna/.Shared/dovecot-acl"
chmod 0644 "$DOVECOT_MAIL/anna/.Shared/dovecot-acl"
printf 'Subject: 1\r\n\r\nhello\r\n' >"$SERVERS/mail"
dovecot_put anna "$SERVERS/mail"
dovecot_put anna "$SERVERS/mail"
test_good
test_json
test_secrets
test_check
test_closed_file
test_servers
test_folders
test_mail
test_moved_mail
test_disabled_login
test_bare
test_certificates
dovecot_stop
tap_done
