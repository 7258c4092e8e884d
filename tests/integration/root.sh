#!/bin/sh
# Started as root, posternd does nothing for the service's user that this user could
# not do itself: whatever it swaps, links or writes, root is not led astray.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"

# --- who is who ------------------------------------------------------------

# Effective user and group of a process.
owner_of()
{
    id -nu "$(awk '/^Uid:/ { print $3 }' "/proc/$1/status")"
}

group_of()
{
    awk '/^Gid:/ { print $3 }' "/proc/$1/status"
}

service()
{
    servers_as "$SERVICE" "$@"
}

# root_settings [TEXT]: settings that are root's, with a user to become
root_settings()
{
    desk_settings "user = \"$SERVICE\";" "$@"
}

# Runs to its end as root: output in $SERVERS/run.out, prints the exit status. A
# daemon that starts although it should not is ended by time.
posternd()
{
    timeout -s TERM 20 "$DESK_BIN/posternd" -c "$DESK_CONF" "$@" \
        >"$SERVERS/run.out" 2>&1
    echo $?
}

# What only root may reach, and what nothing here may touch.
hide()
{
    rm -rf "$SERVERS/roots"
    mkdir -m 0700 "$SERVERS/roots"
    echo precious >"$SERVERS/roots/$1"
    chmod 0640 "$SERVERS/roots/$1"
}

hidden()
{
    stat -c '%U %a' "$SERVERS/roots/$1" 2>&1
    cat "$SERVERS/roots/$1" 2>&1
}

untouched="root 640
precious"

# A folder of the service's user, and one in it.
held()
{
    rm -rf "$SERVERS/held"
    servers_mkdir "$SERVERS/held" 0755 "$SERVICE"
    servers_mkdir "$SERVERS/held/in" 0755 "$SERVICE"
}

# The one in it becomes a way to what is root's.
lead_to_roots()
{
    service mv "$SERVERS/held/in" "$SERVERS/held/out"
    service ln -s "$SERVERS/roots" "$SERVERS/held/in"
}

# --- settings --------------------------------------------------------------

is_replaced()
{
    ! desk_workers "$1" | grep -qx "$2" && desk_has_workers "$1" "$3"
}

test_copy_of_settings()
{
    root_settings
    tap_ok "in a run directory of the service's user it starts" desk_start
    tap_ok "and works" desk_works before
    # It knows what stands there: its workers read the same.
    sed 's/^user = .*/user = "daemon"; group = "shadow";/' "$DESK_CONF" \
        >"$SERVERS/forged"
    chmod 0644 "$SERVERS/forged"
    service cp "$SERVERS/forged" "$DESK_RUN/forged"
    service mv -f "$DESK_RUN/forged" "$DESK_RUN/settings"
    for role in clock:1 sender:2; do
        victim=$(desk_workers "${role%:*}" | head -n 1)
        service kill -9 "$victim"
        tap_ok "a ${role%:*} that the service's user killed is replaced" \
            wait_for 60 is_replaced "${role%:*}" "$victim" "${role#*:}"
    done
    tap_ok "whatever settings it has put there, mail goes on" desk_works after
    tap_is "and all workers are the service's user's" \
        "$(for pid in $(desk_workers); do
            echo "$(owner_of "$pid") $(group_of "$pid")"
        done | sort -u)" "$SERVICE $(id -g "$SERVICE")"
    desk_stop
}

test_settings_of_the_service()
{
    root_settings
    chown "$SERVICE" "$DESK_CONF"
    tap_is "settings that the service's user may change are refused" \
        "$(posternd -t)" 78
    tap_like "with what to do" "$(cat "$SERVERS/run.out")" \
        "chown root $DESK_CONF"
    held
    root_settings
    mv "$DESK_CONF" "$SERVERS/held/in/"
    DESK_CONF=$SERVERS/held/in/postern.conf
    tap_is "so are some that it may replace" "$(posternd -t)" 78
    tap_like "with the folder" "$(cat "$SERVERS/run.out")" \
        "chown root $SERVERS/held;"
    DESK_CONF=$SERVERS/postern.conf
    root_settings
    desk_start
    chown "$SERVICE" "$DESK_CONF"
    desk_hup
    tap_ok "at HUP, too" desk_log "event=settings\.kept .*chown root $DESK_CONF"
    desk_stop
}

# --- sockets ---------------------------------------------------------------

# Somebody was quick: $swapped is how posternd ended.
swapped()
{
    preload_build swap_socket || return
    export SWAP_SOCKET="$DESK_SOCKET" SWAP_TARGET="$SERVERS/roots/victim"
    export LD_PRELOAD="$SERVERS/swap_socket.so"
    swapped=$(posternd)
    unset LD_PRELOAD SWAP_SOCKET SWAP_TARGET
}

test_socket_at_start()
{
    held
    hide victim
    DESK_SOCKET=$SERVERS/held/in/lmtp.sock
    root_settings
    swapped || return
    tap_is "a link that took the place of a socket leads root nowhere" \
        "$(hidden victim)" "$untouched"
    tap_is "it is refused" "$swapped" 78
    tap_like "by name" "$(cat "$SERVERS/run.out")" "$DESK_SOCKET"
}

test_socket_at_end()
{
    held
    hide lmtp.sock
    DESK_SOCKET=$SERVERS/held/in/lmtp.sock
    root_settings
    sed -i 's/mode = "0666"/mode = "0660"; owner = "daemon"; group = "mail"/' \
        "$DESK_CONF"
    desk_start
    tap_is "a socket in a folder of the service's is as the settings say" \
        "$(stat -c '%U %G %a' "$DESK_SOCKET")" "daemon mail 660"
    tap_ok "and served" desk_works held
    desk_stop KILL
    tap_ok "one that nobody removed is replaced, whoever it belongs to" \
        desk_start
    tap_ok "and served again" desk_works again
    lead_to_roots
    desk_stop
    tap_is "what has its name elsewhere stays at the end" \
        "$(hidden lmtp.sock)" "$untouched"

    held
    lead_to_roots
    root_settings
    tap_is "none is made where the service's user cannot" "$(posternd)" 78
    tap_is "nor is anything else" "$(ls "$SERVERS/roots")" lmtp.sock
    DESK_SOCKET=$DESK_RUN/lmtp.sock
}

# As Postfix's private/: neither root's nor the service's user's.
test_socket_of_somebody_else()
{
    hide victim
    servers_mkdir "$SERVERS/private" 0700 daemon
    DESK_SOCKET=$SERVERS/private/lmtp.sock
    root_settings
    sed -i 's/mode = "0666"/mode = "0660"; owner = "daemon"; group = "mail"/' \
        "$DESK_CONF"
    tap_ok "a folder that only somebody else may enter has a socket" desk_start
    tap_is "as the settings say" "$(stat -c '%U %G %a' "$DESK_SOCKET")" \
        "daemon mail 660"
    tap_ok "and served" desk_works private
    desk_stop
    tap_is "which goes with the daemon" "$(ls "$SERVERS/private")" ""
    if swapped; then
        tap_is "a link in its place leads root nowhere, either" \
            "$(hidden victim)" "$untouched"
    fi
    DESK_SOCKET=$DESK_RUN/lmtp.sock
}

# --- the run directory -----------------------------------------------------

test_run_directory()
{
    held
    hide lock
    cp -p "$SERVERS/roots/lock" "$SERVERS/roots/status"
    cp -p "$SERVERS/roots/lock" "$SERVERS/roots/settings"
    DESK_SOCKET=$SERVERS/held/lmtp.sock
    DESK_RUN=$SERVERS/held/in
    root_settings
    lead_to_roots
    tap_is "a run directory that leads elsewhere is refused" "$(posternd)" 78
    for name in lock status settings; do
        tap_is "and its $name is as before" "$(hidden $name)" "$untouched"
    done
    tap_is "nothing is added" "$(ls "$SERVERS/roots" | tr '\n' ' ')" \
        "lock settings status "

    held
    hide victim
    # As where the kernel lets everybody link what is not theirs.
    ln "$SERVERS/roots/victim" "$SERVERS/held/in/lock"
    tap_is "a lock that is another file is refused" "$(posternd)" 78
    tap_like "with its path" "$(cat "$SERVERS/run.out")" "$DESK_RUN/lock"
    tap_is "which is as before" "$(hidden victim)" "$untouched"

    DESK_RUN=$SERVERS/held/made/here
    held
    hide victim
    service ln -s "$SERVERS/roots" "$SERVERS/held/made"
    root_settings
    tap_is "none is made where the service's user cannot" "$(posternd)" 78
    tap_is "nor is there one" "$(ls "$SERVERS/roots")" victim

    DESK_RUN=$SERVERS/own
    DESK_SOCKET=$DESK_RUN/lmtp.sock
    root_settings
    tap_ok "one that is not there is made" desk_start
    tap_is "for root alone to change" "$(stat -c '%U %a' "$DESK_RUN")" \
        "root 755"
    tap_is "with nothing in it to read settings from" \
        "$(ls "$DESK_RUN" | tr '\n' ' ')" "lmtp.sock lock status "
    tap_ok "and it works" desk_works own
    desk_stop
    DESK_RUN=$SERVERS/run
    DESK_SOCKET=$DESK_RUN/lmtp.sock
}

# --- signals ---------------------------------------------------------------

# What contrib/logrotate does after a rotation. Its systemctl knows posternd, as
# systemd does, and notes what it is asked.
rotate()
{
    mkdir -p "$SERVERS/manager"
    cat >"$SERVERS/manager/systemctl" <<MANAGER
#!/bin/sh
echo "\$*" >>"$SERVERS/asked"
case " \$* " in
*' kill '*) kill -USR1 $(server_pid posternd) ;;
esac
MANAGER
    chmod 0755 "$SERVERS/manager/systemctl"
    sed -n '/postrotate/,/endscript/p' "${srcdir:-.}/contrib/logrotate/postern" |
        sed '1d;$d' | (PATH=$SERVERS/manager:$PATH sh -eu)
}

test_rotation()
{
    held
    log=$SERVERS/held/postern.log
    root_settings "log_file = \"$log\";"
    desk_mark=0
    server_run posternd "$DESK_BIN/posternd" -c "$DESK_CONF"
    wait_for 60 grep -qs 'event=daemon\.ready' "$log"
    mv "$log" "$log.1"
    tap_ok "contrib/logrotate has a word with the service manager" rotate
    tap_ok "and the log is opened anew" \
        wait_for 60 grep -qs 'event=log\.reopened' "$log"
    tap_like "by a signal to the supervisor, and to no worker" \
        "$(cat "$SERVERS/asked")" 'kill --kill-who=main .*postern\.service'
    desk_stop
}

# --- files that the settings name ------------------------------------------

test_log()
{
    held
    hide victim
    log=$SERVERS/held/in/postern.log
    ln "$SERVERS/roots/victim" "$log"
    root_settings "log_file = \"$log\";"
    tap_is "a log that is another file is refused" "$(posternd)" 78
    tap_is "and has no line" "$(hidden victim)" "$untouched"
    rm "$log"
    desk_mark=0
    server_run posternd "$DESK_BIN/posternd" -c "$DESK_CONF"
    tap_ok "one of the service's user is written" \
        wait_for 60 grep -qs 'event=daemon\.ready' "$log"
    tap_is "and is that user's" "$(stat -c %U "$log")" "$SERVICE"
    hide postern.log
    lead_to_roots
    kill -USR1 "$(server_pid posternd)"
    tap_ok "USR1: one that leads elsewhere is not opened" wait_for 60 \
        grep -q 'event=log\.kept' "$SERVERS/held/out/postern.log"
    desk_stop
    tap_is "and has no line" "$(hidden postern.log)" "$untouched"
}

test_password_file()
{
    held
    hide password
    chmod 0600 "$SERVERS/roots/password"
    echo guest >"$SERVERS/held/in/password"
    chown "$SERVICE" "$SERVERS/held/in/password"
    chmod 0600 "$SERVERS/held/in/password"
    relay="host = \"localhost\"; port = $SINK_PORT; user = \"desk\";
        tls = \"starttls\";"
    DESK_RELAY="$relay password_file = \"$SERVERS/held/in/password\";"
    root_settings
    tap_ok "a password file of the service's user is read" desk_start
    lead_to_roots
    desk_hup
    tap_ok "one that it made a way to root's is not" \
        desk_log 'event=settings\.kept .*password'
    desk_stop

    command=$SERVERS/held/command
    cat >"$command" <<COMMAND
#!/bin/sh
id -un >"$SERVERS/held/who"
echo "\$HOME" >"$SERVERS/held/home"
echo secret
COMMAND
    chown "$SERVICE" "$command"
    chmod 0755 "$command"
    DESK_RELAY="$relay password_command = [ \"$command\" ];"
    root_settings
    tap_ok "a password_command is run" desk_start
    tap_is "by the service's user" "$(cat "$SERVERS/held/who")" "$SERVICE"
    tap_is "in its own name" "$(cat "$SERVERS/held/home")" \
        "$(getent passwd "$SERVICE" | cut -d: -f6)"
    desk_stop
    "$DESK_BIN/postern" -c "$DESK_CONF" check >/dev/null 2>&1
    tap_is "also for root's postern check" "$(cat "$SERVERS/held/who")" \
        "$SERVICE"
    DESK_RELAY=
}

test_templates()
{
    hide letter
    cp "${srcdir:-.}/conf/templates/en/notice-new.txt" "$SERVERS/roots/letter"
    root_settings
    rm "$SERVERS/templates/en/notice-new.txt"
    ln -s "$SERVERS/roots/letter" "$SERVERS/templates/en/notice-new.txt"
    tap_is "templates that the service's user cannot read are refused" \
        "$(posternd -t)" 78
    tap_like "by name" "$(cat "$SERVERS/run.out")" 'en/notice-new\.txt'
    rm "$SERVERS/templates/en/notice-new.txt"
    cp "${srcdir:-.}/conf/templates/en/notice-new.txt" "$SERVERS/templates/en/"
}

# --- the status page -------------------------------------------------------

status_of()
{
    timeout 20 "$DESK_BIN/postern" -c "$DESK_CONF" status >"$SERVERS/run.out" \
        2>&1
    echo $?
}

test_status()
{
    root_settings
    desk_start
    tap_is "root looks at the status page" "$(status_of)" 0
    # Numbers beyond any name, behind the head that says whose page it is.
    "$PYTHON" -c 'import sys
page = open(sys.argv[1], "rb").read()
open(sys.argv[2], "wb").write(page[:72] + b"\xee" * (len(page) - 72))' \
        "$DESK_RUN/status" "$SERVERS/page"
    chmod 0644 "$SERVERS/page"
    service mv "$DESK_RUN/status" "$DESK_RUN/kept"
    service cp "$SERVERS/page" "$DESK_RUN/status"
    tap_like "one full of nonsense does not harm who looks" "$(status_of)" \
        '^[0-3]$'
    service rm "$DESK_RUN/status"
    service mkfifo "$DESK_RUN/status"
    tap_is "a pipe in its place holds nobody up" "$(status_of)" 2
    service rm "$DESK_RUN/status"
    service ln -s "$SERVERS/page" "$DESK_RUN/status"
    tap_is "a link is not followed" "$(status_of)" 2
    service mv "$DESK_RUN/kept" "$DESK_RUN/status"
    desk_stop
}

if [ "$(id -u)" != 0 ]; then
    tap_not_here "only root has something to lose"
fi
servers_need pg sink
desk_prepare || exit 1
SERVICE=$SERVERS_USER
SERVERS_USER=root
test_copy_of_settings
test_settings_of_the_service
test_socket_at_start
test_socket_at_end
test_socket_of_somebody_else
test_run_directory
test_rotation
test_log
test_password_file
test_templates
test_status
desk_sane
tap_done
