# shellcheck shell=sh
# A private Dovecot for tests; servers.sh reads this file. All of it runs as
# $SERVERS_USER.
#
#   dovecot_start [SETTINGS]   IMAP on 127.0.0.1:$DOVECOT_PORT (with STARTTLS)
#                          and $DOVECOT_TLS_PORT; certificate by tls_make. Any
#                          user may log in with password "secret"; their mail is
#                          in $DOVECOT_MAIL/USER as Maildir. Log: $DOVECOT_LOG.
#   dovecot_stop [SIGNAL], dovecot_run   the same once more; nobody stays logged in
#   dovecot_folder USER NAME   a folder, by its name on the wire
#   dovecot_put USER FILE [FLAGS]   a mail arrives in INBOX, USER/.NAME for
#                          another folder; with Maildir flags (S: seen) it was
#                          there before
#   dovecot_adm ARGS...    doveadm(1) of this instance
#   dovecot_tokens         a key, and $SERVERS/oauth2.conf for a passdb of driver
#                          oauth2 that lets in who has a jwt
#   jwt USER SECONDS       a token (RFC 7519) by that key, good for so long from
#                          now on

dovecot_names()
{
    DOVECOT_HOME=$SERVERS/dovecot
    DOVECOT_MAIL=$DOVECOT_HOME/mail
    DOVECOT_LOG=$DOVECOT_HOME/dovecot.log
}

dovecot_write()
{
    cat >"$DOVECOT_HOME/dovecot.conf" <<CONF
base_dir = $DOVECOT_HOME/run
state_dir = $DOVECOT_HOME/state
log_path = $DOVECOT_LOG
instance_name = postern-test
protocols = imap
listen = 127.0.0.1
default_internal_user = $SERVERS_USER
default_login_user = $SERVERS_USER
default_internal_group = $(id -gn "$SERVERS_USER")
service imap-login {
  chroot =
  inet_listener imap {
    port = $DOVECOT_PORT
  }
  inet_listener imaps {
    port = $DOVECOT_TLS_PORT
    ssl = yes
  }
}
# Who fails to log in is told so at once, and the next one does not wait either.
auth_failure_delay = 0
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
ssl = yes
ssl_cert = <$TLS_CERT
ssl_key = <$TLS_KEY
disable_plaintext_auth = no
auth_mechanisms = plain login
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=$(id -u "$SERVERS_USER") gid=$(id -g "$SERVERS_USER") home=$DOVECOT_MAIL/%u
}
first_valid_uid = 1
mail_location = maildir:$DOVECOT_MAIL/%u
namespace inbox {
  inbox = yes
  separator = /
}
$*
CONF
}

dovecot_start()
{
    servers_dir && servers_python || return 1
    dovecot_names
    DOVECOT_PORT=$(port_reserve) && DOVECOT_TLS_PORT=$(port_reserve) ||
        return 1
    [ -n "${TLS_CERT:-}" ] || tls_make || return 1
    servers_mkdir "$DOVECOT_HOME" 0755 "$SERVERS_USER"
    servers_mkdir "$DOVECOT_MAIL" 0755 "$SERVERS_USER"
    dovecot_write "$@"
    dovecot_run
}

dovecot_run()
{
    server_run dovecot /usr/sbin/dovecot -F -c "$DOVECOT_HOME/dovecot.conf"
    wait_for 60 dovecot_is_up || {
        tap_show "$SERVERS/dovecot.log"
        tap_show "$DOVECOT_LOG"
        return 1
    }
}

dovecot_is_up()
{
    "$PYTHON" -c "import socket
socket.create_connection(('127.0.0.1', $DOVECOT_PORT), 1)" 2>/dev/null
}

# A Maildir: the mail is whole before it is seen.
dovecot_maildir()
{
    for dovecot_part in tmp new cur; do
        servers_mkdir "$1/$dovecot_part" 0700 "$SERVERS_USER"
    done
}

dovecot_folder()
{
    servers_mkdir "$DOVECOT_MAIL/$1" 0700 "$SERVERS_USER"
    dovecot_maildir "$DOVECOT_MAIL/$1"
    servers_mkdir "$DOVECOT_MAIL/$1/.$2" 0700 "$SERVERS_USER"
    dovecot_maildir "$DOVECOT_MAIL/$1/.$2"
    : >"$DOVECOT_MAIL/$1/.$2/maildirfolder"
}

dovecot_put()
{
    dovecot_n=$((${dovecot_n:-0} + 1))
    dovecot_name=$(date +%s).$$_$dovecot_n.test
    cp "$2" "$DOVECOT_MAIL/$1/tmp/$dovecot_name"
    if [ "$(id -u)" = 0 ]; then
        chown "$SERVERS_USER" "$DOVECOT_MAIL/$1/tmp/$dovecot_name"
    fi
    if [ -n "${3:-}" ]; then
        mv "$DOVECOT_MAIL/$1/tmp/$dovecot_name" \
            "$DOVECOT_MAIL/$1/cur/$dovecot_name:2,$3"
    else
        mv "$DOVECOT_MAIL/$1/tmp/$dovecot_name" "$DOVECOT_MAIL/$1/new/"
    fi
}

dovecot_adm()
{
    doveadm -c "$DOVECOT_HOME/dovecot.conf" "$@" 2>>"$DOVECOT_LOG"
}

# With all who are logged in, as systemd ends it: left alone their processes look
# for a master each ten seconds only.
dovecot_stop()
{
    dovecot_sessions=0
    if server_alive dovecot; then
        for dovecot_session in $(pgrep -P "$(server_pid dovecot)" -x imap); do
            dovecot_sessions=$((dovecot_sessions + 1))
            server_remember "dovecot-session-$dovecot_sessions" \
                "$dovecot_session"
        done
    fi
    server_stop dovecot "$@" || return 1
    while [ $dovecot_sessions -gt 0 ]; do
        server_stop "dovecot-session-$dovecot_sessions" "$@"
        dovecot_sessions=$((dovecot_sessions - 1))
    done
}

# --- tokens ---------------------------------------------------------------

# It looks for the key in AZP/ALGORITHM/ID.
dovecot_tokens()
{
    mkdir -p "$SERVERS/keys/default/RS256" &&
        openssl genrsa -out "$SERVERS/jwt.pem" 2048 2>/dev/null &&
        openssl rsa -in "$SERVERS/jwt.pem" -pubout \
            -out "$SERVERS/keys/default/RS256/default" 2>/dev/null || return 1
    cat >"$SERVERS/oauth2.conf" <<CONF
introspection_mode = local
local_validation_key_dict = fs:posix:prefix=$SERVERS/keys/
username_attribute = sub
CONF
    chmod 0644 "$SERVERS/oauth2.conf"
}

base64url()
{
    openssl base64 -A | tr '+/' '-_' | tr -d '='
}

jwt()
{
    jwt_now=$(date +%s)
    jwt_body=$(printf '{"alg":"RS256","typ":"JWT"}' | base64url).$(printf \
        '{"sub":"%s","iat":%d,"nbf":%d,"exp":%d}' "$1" $((jwt_now - 100)) \
        $((jwt_now - 100)) $((jwt_now + $2)) | base64url)
    echo "$jwt_body.$(printf %s "$jwt_body" |
        openssl dgst -sha256 -sign "$SERVERS/jwt.pem" | base64url)"
}
