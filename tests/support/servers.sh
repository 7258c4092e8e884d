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
#   servers_need [pg] [sink] [postfix] [dovecot] [pooler]   skip the test when one
#                          is not installed
#   servers_dir            make $SERVERS, ended with the script (others call it)
#   servers_attach DIR     use DIR, now or in a later script, and end nothing
#   servers_stop           end what runs below $SERVERS
#   server_run NAME COMMAND...   start a program as $SERVERS_USER; its output is
#                          in $SERVERS/NAME.log. It must stay in the foreground.
#   server_pid NAME, server_alive NAME
#   server_stop NAME [SIGNAL [SECONDS]]   TERM, 60 s; then KILL. Fails if it had
#                          to be killed. SIGNAL KILL is how tests pull the plug.
#   servers_as USER COMMAND...   as root: become USER; otherwise just run it
#   wait_for SECONDS COMMAND...   until it succeeds, polling; fails when time is up.
#                          It costs nothing when the thing happens: be generous,
#                          a sanitizer on a busy machine is many times slower.
#                          Looks are counted, not seconds: no bound for a promise
#   port_reserve           prints a TCP port of this machine's loopback addresses,
#                          which nobody but a server of ours gets until servers_stop
#                          (reserve_port.py); after servers_dir
#
#   preload_build NAME     support/NAME.c as $SERVERS/NAME.so, for LD_PRELOAD; fails,
#                          with a skipped point, where this build bears none
#   tls_make [HOST...]     a CA and a certificate it gave to these names (default
#                          localhost and 127.0.0.1): $TLS_CA, $TLS_CERT, $TLS_KEY
#
# PostgreSQL is in pg.sh, the SMTP sink in sink.sh, Postfix in postfix.sh, Dovecot
# in dovecot.sh; this file reads them all.

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
    for servers_log in "$SERVERS"/*.log "$SERVERS"/pg/*.log \
        "$SERVERS"/postfix/*.log; do
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
        pooler)
            [ -x /usr/sbin/pgbouncer ] || servers_lack "a pooler" pgbouncer
            ;;
        dovecot)
            [ -x /usr/sbin/dovecot ] || servers_lack Dovecot dovecot-imapd
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
        sleep 0.05 # the one place where tests poll
    done
}

# The subshell of $(port_reserve) remembers nothing: the pid is in a file.
port_reserve()
{
    servers_python || return 1
    port_log=$(mktemp "$SERVERS/port-XXXXXX.log") || return 1
    port_name=${port_log##*/}
    cp "$servers_support/reserve_port.py" "$SERVERS/"
    chmod 0644 "$SERVERS/reserve_port.py"
    server_run "${port_name%.log}" "$PYTHON" "$SERVERS/reserve_port.py"
    wait_for 60 grep '^[0-9]*$' "$port_log"
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

# In a session of its own: Ctrl-C at a terminal is for the script, which then
# ends its servers in order. setsid and setpriv execute, so $! is the program.
server_run()
{
    server_name=$1
    shift
    servers_dir || return 1
    if [ "$(id -u)" = 0 ]; then
        set -- setpriv --reuid "$SERVERS_USER" \
            --regid "$(id -g "$SERVERS_USER")" --init-groups -- "$@"
    fi
    setsid "$@" >>"$SERVERS/$server_name.log" 2>&1 </dev/null &
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
        if ! wait_for "${3:-60}" server_gone "$1"; then
            echo "# $1 did not leave and is killed" >&2
            kill -KILL "$server_id" 2>/dev/null || :
            wait_for 60 server_gone "$1" || :
            server_result=1
        fi
        # Our own child would stay a zombie.
        wait "$server_id" 2>/dev/null || :
    fi
    rm -f "$SERVERS/$1.pid"
    return "$server_result"
}

# --- what is loaded before a program ---------------------------------------

preload_build()
{
    case ${POSTERN_BUILD:-} in
    *sanitize*)
        tap_skip "$1" "the sanitizer must be loaded first"
        return 1
        ;;
    *coverage*)
        tap_skip "$1" "counting needs memory and files of its own"
        return 1
        ;;
    esac
    servers_dir || return 1
    preload_cc=${CC:-cc}
    if ! command -v "${preload_cc%% *}" >/dev/null; then
        tap_lacks "$1" "a C compiler (Debian package build-essential)"
        return 1
    fi
    # It may be several words.
    # shellcheck disable=SC2086
    if ! $preload_cc -shared -fPIC -O1 -D_GNU_SOURCE -o "$SERVERS/$1.so" \
        "$servers_support/$1.c" 2>"$SERVERS/cc.out"; then
        tap_fail "$1" "$(cat "$SERVERS/cc.out")"
        return 1
    fi
}

# --- certificates ---------------------------------------------------------

tls_sign()
{
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" \
        -keyout "$TLS_KEY" -out "$TLS_DIR/request.pem" &&
        openssl x509 -req -days 2 -in "$TLS_DIR/request.pem" -CA "$TLS_CA" \
            -CAkey "$TLS_DIR/ca-key.pem" -CAcreateserial \
            -extfile "$TLS_DIR/names" -out "$TLS_CERT"
}

tls_make()
{
    servers_dir || return 1
    TLS_DIR=$SERVERS/tls
    TLS_CA=$TLS_DIR/ca.pem
    TLS_CERT=$TLS_DIR/cert.pem
    TLS_KEY=$TLS_DIR/key.pem
    mkdir -p "$TLS_DIR"
    if [ $# -eq 0 ]; then
        set -- localhost 127.0.0.1
    fi
    tls_names=
    for tls_name in "$@"; do
        case $tls_name in
        *[!0-9.]*) tls_names="$tls_names,DNS:$tls_name" ;;
        *) tls_names="$tls_names,IP:$tls_name" ;;
        esac
    done
    echo "subjectAltName=${tls_names#,}" >"$TLS_DIR/names"
    {
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 \
            -subj "/CN=Test CA" -keyout "$TLS_DIR/ca-key.pem" -out "$TLS_CA" &&
            tls_sign "$1"
    } >"$TLS_DIR/openssl.out" 2>&1 || return 1
    # The sink runs as another account.
    chmod 0644 "$TLS_KEY"
}

. "$servers_support/pg.sh"
. "$servers_support/sink.sh"
. "$servers_support/postfix.sh"
. "$servers_support/dovecot.sh"
