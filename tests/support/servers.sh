# shellcheck shell=sh
# Private servers for tests and for the demo: PostgreSQL, Postfix and an SMTP
# sink, each below one short directory of its own, none known to the system.
#
#   . "$srcdir/tests/support/tap.sh"
#   . "$srcdir/tests/support/servers.sh"
#   servers_need pg sink
#   pg_start && pg_createdb desk
#   sink_start
#   tap_is "it is empty" "$(psql -At -d desk -c 'SELECT 1 WHERE false')" ""
#   tap_done
#
# Everything ends when the script does, by the process ids it saved. Nothing
# runs as root but Postfix's own master; as root PostgreSQL runs as `postgres`,
# the rest as $SERVERS_USER. As an ordinary user everything runs as that user,
# and there is no Postfix.
#
#   servers_need [pg] [sink] [postfix]   skip the test when one is not installed
#   servers_dir            make $SERVERS, ended with the script (others call it)
#   servers_attach DIR     use DIR, now or in a later script, and end nothing
#   servers_stop           end what runs below $SERVERS
#   server_run NAME COMMAND...   start a program as $SERVERS_USER; its output is
#                          in $SERVERS/NAME.log. It must stay in the foreground.
#   server_pid NAME, server_alive NAME
#   server_stop NAME [SIGNAL [SECONDS]]   TERM, 30 s; then KILL. Fails if it had
#                          to be killed. SIGNAL KILL is how tests pull the plug.
#   servers_as USER COMMAND...   as root: become USER; otherwise just run it
#   wait_for SECONDS COMMAND...   until it succeeds, polling; fails when time is up
#   free_port              a TCP port of 127.0.0.1 that is free right now
#
#   pg_start               PGHOST, PGUSER (postern, owner of the databases) are
#                          exported for psql and libpq; PGDATABASE is yours
#   pg_createdb NAME [TEMPLATE]
#   pg_admin ARGS...       psql as the superuser
#   pg_stop [fast|immediate], pg_restart
#
#   sink_start [ARGS...]   SMTP server that keeps what it gets: $SINK_PORT,
#                          $SINK_DIR, $SINK_LEDGER; see smtp_sink.py --help
#   sink_say RULE...       how it answers from now on; no rule: accepts all
#   sink_mails             the files it keeps, oldest first
#   sink_count             how many they are
#   sink_wait N [SECONDS]  until it keeps at least N
#   sink_stop
#
#   postfix_prepare        write $POSTFIX_CONFIG without starting
#   postfix_set KEY=VALUE...        main.cf
#   postfix_service LINE...         add to master.cf, one argument a line
#   postfix_start, postfix_stop, postfix_reload
#                          SMTP on 127.0.0.1:$POSTFIX_PORT, log in $POSTFIX_LOG.
#                          Every address at $POSTFIX_CUSTOMERS has a mailbox
#                          (postfix_mails); $POSTFIX_DESK is a local domain, its
#                          aliases are in $POSTFIX_CONFIG/aliases.
#                          A socket the chrooted lmtp client can reach goes to
#                          $POSTFIX_SOCKETS, for Postfix unix:postern/NAME.
#   postfix_sendmail ARGS...        sendmail(1) of this instance, mail on stdin
#   postfix_mails LOCAL-PART        that customer's mails, oldest first
#   postfix_idle           succeeds when nothing is queued

SERVERS_USER=$(id -un)
if [ "$(id -u)" = 0 ]; then
    SERVERS_USER=nobody
fi
export SERVERS_USER
servers_support=${srcdir:-.}/tests/support

# --- one directory, and what runs in it -----------------------------------

servers_dir()
{
    if [ -n "${SERVERS:-}" ]; then
        return 0
    fi
    # Short, for a UNIX socket path has 107 bytes; open, for every account
    # that a server runs as must get in.
    SERVERS=$(mktemp -d "${POSTERN_TEST_TMP:-/tmp}/postern.XXXXXX") || return 1
    chmod 0755 "$SERVERS"
    trap servers_leave EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

servers_attach()
{
    SERVERS=$1
    mkdir -p "$SERVERS"
    chmod 0755 "$SERVERS"
    pg_names
    sink_names
    postfix_names
}

servers_leave()
{
    servers_status=$?
    trap - EXIT
    # A second signal must not cut the cleaning short.
    trap '' HUP INT TERM
    if [ "$servers_status" != 0 ]; then
        servers_show_logs >&2
    fi
    servers_stop
    if [ "${KEEP_SERVERS:-0}" = 1 ]; then
        echo "# kept: $SERVERS" >&2
    else
        rm -rf "$SERVERS"
    fi
    exit "$servers_status"
}

servers_show_logs()
{
    for servers_log in "$SERVERS"/*.log "$SERVERS"/postfix/*.log; do
        if [ -s "$servers_log" ]; then
            echo "# --- end of $servers_log"
            tail -n 30 "$servers_log" | sed 's/^/#   /'
        fi
    done
}

# Everything that was started, whoever started it; what depends on others first.
servers_stop()
{
    for servers_pid in "$SERVERS"/*.pid; do
        if [ -e "$servers_pid" ]; then
            servers_name=${servers_pid##*/}
            server_stop "${servers_name%.pid}" || :
        fi
    done
    if [ -d "$SERVERS/postfix" ]; then
        postfix_stop || :
    fi
    if [ -d "$SERVERS/pg" ]; then
        pg_stop fast || pg_stop immediate || :
    fi
}

servers_need()
{
    for servers_what in "$@"; do
        case $servers_what in
        pg)
            pg_find || servers_lack "PostgreSQL's server programs" \
                postgresql
            ;;
        sink)
            servers_python || servers_lack "Python 3" python3
            ;;
        postfix)
            if [ "$(id -u)" != 0 ]; then
                tap_not_here "Postfix starts as root only"
            fi
            [ -x /usr/sbin/postfix ] || servers_lack Postfix postfix
            ;;
        esac
    done
}

servers_lack()
{
    tap_needs "$1 (Debian package $2)"
}

servers_python()
{
    PYTHON=$(command -v python3)
    if [ -x /usr/bin/python3 ]; then
        PYTHON=/usr/bin/python3
    fi
    [ -n "$PYTHON" ]
}

# setpriv executes: unlike su and runuser it leaves no parent to signal.
servers_as()
{
    servers_account=$1
    shift
    if [ "$(id -u)" = 0 ] && [ "$servers_account" != root ]; then
        setpriv --reuid "$servers_account" \
            --regid "$(id -g "$servers_account")" --init-groups -- "$@"
    else
        "$@"
    fi
}

# A directory below $SERVERS for one account.
servers_mkdir()
{
    mkdir -p "$1"
    chmod "$2" "$1"
    if [ "$(id -u)" = 0 ]; then
        chown "$3" "$1"
    fi
}

wait_for()
{
    wait_left=$(($1 * 20))
    shift
    until "$@"; do
        wait_left=$((wait_left - 1))
        if [ "$wait_left" -le 0 ]; then
            return 1
        fi
        sleep 0.05
    done
}

free_port()
{
    servers_python
    "$PYTHON" -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# --- one process ----------------------------------------------------------

# When it began, in clock ticks: with the process id an identity that a later
# process cannot have. Empty when it is gone or a zombie.
process_start()
{
    process_stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    # The name in parentheses may hold anything.
    # shellcheck disable=SC2086
    set -- ${process_stat##*) }
    if [ "$1" != Z ] && [ "$1" != X ]; then
        echo "${20}"
    fi
}

server_run()
{
    server_name=$1
    shift
    servers_dir || return 1
    : >>"$SERVERS/$server_name.log"
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid "$SERVERS_USER" --regid "$(id -g "$SERVERS_USER")" \
            --init-groups -- "$@" \
            >>"$SERVERS/$server_name.log" 2>&1 </dev/null &
    else
        "$@" >>"$SERVERS/$server_name.log" 2>&1 </dev/null &
    fi
    server_remember "$server_name" $!
}

server_remember()
{
    echo "$2 $(process_start "$2")" >"$SERVERS/$1.pid"
}

server_pid()
{
    read -r server_id server_began <"$SERVERS/$1.pid" || return 1
    echo "$server_id"
}

server_alive()
{
    [ -e "$SERVERS/$1.pid" ] || return 1
    read -r server_id server_began <"$SERVERS/$1.pid" || return 1
    [ -n "$server_began" ] &&
        [ "$(process_start "$server_id")" = "$server_began" ]
}

server_gone()
{
    ! server_alive "$1"
}

server_stop()
{
    server_result=0
    if server_alive "$1"; then
        kill "-${2:-TERM}" "$server_id" 2>/dev/null || :
        if ! wait_for "${3:-30}" server_gone "$1"; then
            echo "# $1 did not leave and is killed" >&2
            kill -KILL "$server_id" 2>/dev/null || :
            wait_for 10 server_gone "$1" || :
            server_result=1
        fi
        # Our own child would stay a zombie.
        wait "$server_id" 2>/dev/null || :
    fi
    rm -f "$SERVERS/$1.pid"
    return "$server_result"
}

# --- PostgreSQL -----------------------------------------------------------

pg_find()
{
    if [ -n "${PG_BIN:-}" ] && [ -x "$PG_BIN/initdb" ]; then
        return 0
    fi
    # Debian keeps them out of PATH; the newest wins.
    for pg_candidate in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null |
        sort -t/ -k5,5n -r) $(pg_config --bindir 2>/dev/null); do
        if [ -x "$pg_candidate/initdb" ] && [ -x "$pg_candidate/postgres" ]
        then
            PG_BIN=$pg_candidate
            return 0
        fi
    done
    return 1
}

pg_names()
{
    PG_USER=$(id -un)
    if [ "$(id -u)" = 0 ]; then
        PG_USER=postgres
    fi
    PG_DATA=$SERVERS/pg/data
    PGHOST=$SERVERS/pg
    PGUSER=postern
    export PGHOST PGUSER
    unset PGPORT PGSERVICE PGOPTIONS
}

pg_ctl()
{
    (cd / && servers_as "$PG_USER" "$PG_BIN/pg_ctl" -D "$PG_DATA" -s "$@")
}

# Peer authentication: these accounts may be these roles, other people on this
# machine are nobody.
pg_write_access()
{
    echo "local all all peer map=tests" >"$1/pg_hba.conf"
    for pg_account in root "$PG_USER" "$SERVERS_USER"; do
        echo "tests $pg_account postgres"
        echo "tests $pg_account postern"
    done | sort -u >"$1/pg_ident.conf"
}

pg_write_settings()
{
    cat >>"$1/postgresql.conf" <<SETTINGS
listen_addresses = ''
unix_socket_directories = '$SERVERS/pg'
unix_socket_permissions = 0777
fsync = on
shared_buffers = 64MB
max_connections = 60
dynamic_shared_memory_type = mmap
log_line_prefix = '%m [%p] %u@%d '
timezone = 'UTC'
log_timezone = 'UTC'
SETTINGS
}

pg_init()
{
    servers_mkdir "$SERVERS/pg" 0755 "$PG_USER"
    (cd / && servers_as "$PG_USER" "$PG_BIN/initdb" -D "$PG_DATA" \
        -U postgres -E UTF8 --locale=C --no-sync --auth=peer) \
        >"$SERVERS/initdb.log" 2>&1 || return 1
    pg_write_access "$PG_DATA"
    pg_write_settings "$PG_DATA"
}

pg_start()
{
    servers_dir && pg_find || return 1
    pg_names
    if [ ! -e "$PG_DATA/PG_VERSION" ]; then
        pg_init || return 1
        pg_new=1
    else
        pg_new=0
    fi
    # A crash of the machine may have left it; pg_ctl looks whether it lives.
    if pg_ctl status >/dev/null 2>&1; then
        return 0
    fi
    servers_mkdir "$SERVERS/pg" 0755 "$PG_USER"
    pg_ctl -w -t 60 -l "$SERVERS/pg/server.log" start || {
        tail -n 20 "$SERVERS/pg/server.log" | sed 's/^/# /' >&2
        return 1
    }
    if [ "$pg_new" = 1 ]; then
        pg_admin -d postgres -c 'CREATE ROLE postern LOGIN'
    fi
}

pg_admin()
{
    "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -U postgres "$@"
}

pg_createdb()
{
    pg_admin -d postgres \
        -c "CREATE DATABASE \"$1\" OWNER postern TEMPLATE \"${2:-template1}\""
}

pg_stop()
{
    pg_find || return 0
    pg_names
    if [ -e "$PG_DATA/postmaster.pid" ]; then
        pg_ctl -w -t 60 -m "${1:-fast}" stop
    fi
}

pg_restart()
{
    pg_stop "${1:-fast}" && pg_start
}

# --- the SMTP sink --------------------------------------------------------

sink_names()
{
    SINK_DIR=$SERVERS/sink
    SINK_LEDGER=$SINK_DIR/ledger
    SINK_PORT=$(cat "$SINK_DIR/port" 2>/dev/null) || SINK_PORT=
}

sink_start()
{
    servers_dir && servers_python || return 1
    sink_names
    servers_mkdir "$SINK_DIR" 0755 "$SERVERS_USER"
    if server_alive sink; then
        return 0
    fi
    # Started again it keeps its port, as a relay does.
    sink_port=${SINK_PORT:-0}
    rm -f "$SINK_DIR/port"
    # A copy: the checkout may be closed to $SERVERS_USER.
    cp "$servers_support/smtp_sink.py" "$SERVERS/smtp_sink.py"
    chmod 0644 "$SERVERS/smtp_sink.py"
    server_run sink "$PYTHON" "$SERVERS/smtp_sink.py" --dir "$SINK_DIR" \
        --port "$sink_port" "$@"
    wait_for 20 test -s "$SINK_DIR/port" || return 1
    sink_names
}

sink_say()
{
    for sink_rule in "$@"; do
        printf '%s\n' "$sink_rule"
    done >"$SINK_DIR/control.new"
    chmod 0644 "$SINK_DIR/control.new"
    mv -f "$SINK_DIR/control.new" "$SINK_DIR/control"
}

sink_mails()
{
    find "$SINK_DIR" -name '*.eml' | sort
}

sink_count()
{
    sink_mails | wc -l
}

sink_has()
{
    [ "$(sink_count)" -ge "$1" ]
}

sink_wait()
{
    wait_for "${2:-20}" sink_has "$1"
}

sink_stop()
{
    server_stop sink "$@"
}

# --- Postfix --------------------------------------------------------------

postfix_names()
{
    POSTFIX_CONFIG=$SERVERS/postfix/etc
    POSTFIX_QUEUE=$SERVERS/postfix/queue
    POSTFIX_LOG=$SERVERS/postfix/mail.log
    POSTFIX_MAIL=$SERVERS/postfix/mail
    POSTFIX_SOCKETS=$POSTFIX_QUEUE/postern
    POSTFIX_DESK=desk.test
    POSTFIX_CUSTOMERS=customers.test
    POSTFIX_PORT=$(cat "$SERVERS/postfix/port" 2>/dev/null) || POSTFIX_PORT=
}

# Debian's stock master.cf, chroots included; only the port is ours.
postfix_write_master()
{
    sed "s/^smtp  *inet /127.0.0.1:$POSTFIX_PORT inet /" \
        /usr/share/postfix/master.cf.dist >"$POSTFIX_CONFIG/master.cf"
}

postfix_write_main()
{
    cat >"$POSTFIX_CONFIG/main.cf" <<MAIN
compatibility_level = 3.6
queue_directory = $POSTFIX_QUEUE
data_directory = $SERVERS/postfix/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = $POSTFIX_LOG
# Without it a log outside of /var makes the start fail and say nothing.
maillog_file_prefixes = $SERVERS
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.$POSTFIX_DESK
mynetworks = 127.0.0.0/8
mydestination = $POSTFIX_DESK
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
biff = no
alias_maps = texthash:$POSTFIX_CONFIG/aliases
alias_database =
local_recipient_maps =
recipient_delimiter = +
virtual_mailbox_domains = $POSTFIX_CUSTOMERS
virtual_mailbox_base = $POSTFIX_MAIL
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:$(id -u "$SERVERS_USER")
virtual_gid_maps = static:$(id -g "$SERVERS_USER")
# A test never leaves the machine, nor asks a name server.
disable_dns_lookups = yes
default_transport = error:5.1.2 a test reaches no other host
relay_transport = error:5.1.2 a test reaches no other host
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
MAIN
    : >"$POSTFIX_CONFIG/aliases"
}

# What Debian's start script copies for the chrooted services.
postfix_fill_chroot()
{
    mkdir -p "$POSTFIX_QUEUE/etc"
    for postfix_file in services hosts localtime nsswitch.conf resolv.conf; do
        if [ -e "/etc/$postfix_file" ]; then
            cp -L "/etc/$postfix_file" "$POSTFIX_QUEUE/etc/"
        fi
    done
}

postfix_prepare()
{
    servers_dir || return 1
    postfix_names
    if [ -e "$POSTFIX_CONFIG/main.cf" ]; then
        return 0
    fi
    mkdir -p "$POSTFIX_CONFIG"
    POSTFIX_PORT=$(free_port) || return 1
    echo "$POSTFIX_PORT" >"$SERVERS/postfix/port"
    servers_mkdir "$POSTFIX_QUEUE" 0755 root
    servers_mkdir "$SERVERS/postfix/data" 0755 postfix
    servers_mkdir "$POSTFIX_MAIL" 0755 "$SERVERS_USER"
    servers_mkdir "$POSTFIX_SOCKETS" 0755 "$SERVERS_USER"
    postfix_write_main
    postfix_write_master
    for postfix_file in dynamicmaps.cf postfix-files; do
        if [ -e "/etc/postfix/$postfix_file" ]; then
            cp "/etc/postfix/$postfix_file" "$POSTFIX_CONFIG/"
        fi
    done
    postfix_fill_chroot
}

postfix_set()
{
    postconf -c "$POSTFIX_CONFIG" -e "$@"
}

postfix_service()
{
    for postfix_line in "$@"; do
        printf '%s\n' "$postfix_line"
    done >>"$POSTFIX_CONFIG/master.cf"
}

postfix_answers()
{
    "$PYTHON" -c 'import smtplib, sys
smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=5).quit()' \
        "$POSTFIX_PORT" 2>/dev/null
}

postfix_start()
{
    postfix_prepare && servers_python || return 1
    postfix -c "$POSTFIX_CONFIG" start >>"$SERVERS/postfix/start.log" 2>&1 ||
        return 1
    wait_for 20 postfix_answers
}

postfix_reload()
{
    postfix -c "$POSTFIX_CONFIG" reload >>"$SERVERS/postfix/start.log" 2>&1
}

postfix_stop()
{
    postfix_names
    # "status" knows by the lock of the master's pid file.
    if postfix -c "$POSTFIX_CONFIG" status >/dev/null 2>&1; then
        postfix -c "$POSTFIX_CONFIG" stop \
            >>"$SERVERS/postfix/start.log" 2>&1
    fi
}

postfix_sendmail()
{
    /usr/sbin/sendmail -C "$POSTFIX_CONFIG" -i "$@"
}

# One Maildir for all, for virtual(8) takes no part of an address into a path.
postfix_mails()
{
    find "$POSTFIX_MAIL/all/new" -type f -printf '%T@ %p\n' 2>/dev/null |
        sort -n | cut -d' ' -f2- | while read -r postfix_mail; do
        if grep -q "^Delivered-To: $1[+@]" "$postfix_mail"; then
            echo "$postfix_mail"
        fi
    done
}

postfix_idle()
{
    postqueue -c "$POSTFIX_CONFIG" -p | grep -q 'queue is empty'
}
