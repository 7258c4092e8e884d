# shellcheck shell=sh
# A private Dovecot for tests; servers.sh reads this file. It needs root.
#
#   dovecot_start [SETTINGS]   IMAP on 127.0.0.1:$DOVECOT_PORT (with STARTTLS)
#                          and $DOVECOT_TLS_PORT; certificate by tls_make. Any
#                          user may log in with password "secret"; their mail is
#                          in $DOVECOT_MAIL/USER as Maildir. Log: $DOVECOT_LOG.
#   dovecot_stop
#   dovecot_put USER FILE [FOLDER]   a mail arrives; prints nothing
#   dovecot_count USER [FOLDER]      how many are there
#   dovecot_adm ARGS...    doveadm(1) of this instance

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
service anvil {
  chroot =
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
    dovecot_names
    DOVECOT_PORT=$(free_port)
    DOVECOT_TLS_PORT=$(free_port)
    [ -n "${TLS_CERT:-}" ] || tls_make || return 1
    servers_mkdir "$DOVECOT_HOME" 0755 "$SERVERS_USER"
    servers_mkdir "$DOVECOT_MAIL" 0755 "$SERVERS_USER"
    dovecot_write "$@"
    dovecot -F -c "$DOVECOT_HOME/dovecot.conf" >"$DOVECOT_HOME/out" 2>&1 &
    DOVECOT_PID=$!
    wait_for 10 dovecot_is_up || {
        cat "$DOVECOT_HOME/out" "$DOVECOT_LOG" >&2
        return 1
    }
}

dovecot_is_up()
{
    (exec 3<>"/dev/tcp/127.0.0.1/$DOVECOT_PORT") 2>/dev/null ||
        "${PYTHON:-python3}" -c "import socket
socket.create_connection(('127.0.0.1', $DOVECOT_PORT), 1)" 2>/dev/null
}

dovecot_stop()
{
    kill "$DOVECOT_PID" 2>/dev/null
    wait "$DOVECOT_PID" 2>/dev/null
}
