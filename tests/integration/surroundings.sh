#!/bin/sh
# A machine that lacks something, or makes too much of it: signals, descriptors,
# places to write to, memory. Nothing is lost (tests/README F42, F44, F45, F47).
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/load.sh"

lines_of_log()
{
    wc -l <"$DESK_LOG"
}

# --- signals -----------------------------------------------------------------------

# storm NAME COMMAND...: under load; nobody notices anything.
storm()
{
    storm_name=$1
    shift
    mark_log
    load_begin "$storm_name" --large-every 20
    sleep 0.3 # mail is on its way
    "$@"
    tap_unlike "$storm_name: no session is broken" \
        "$(tail -n "+$((desk_mark + 1))" "$DESK_LOG")" \
        'worker\.paused|relay\.lost|accept\.failed|accept\.repeated|worker\.died'
    load_end "$storm_name"
    tap_is "$storm_name: nobody had to come again" \
        "$(load_taken "$storm_name" in-vain)" 0
}

signal_all()
{
    # shellcheck disable=SC2046
    signalled=$(servers_as "$SERVERS_USER" "$PYTHON" \
        "$SERVERS/signal_storm.py" 5 "$(server_pid posternd)" \
        $(desk_workers) 2>&1)
    tap_ok "a thousand signals a second ($signalled)" [ "$signalled" -gt 1000 ]
}

all_are_there()
{
    [ "$(desk_workers | wc -l)" -eq 9 ]
}

# A slow disk is nobody's broken session.
test_signals()
{
    DESK_PATIENCE=60s
    load_settings
    desk_reload
    wait_for 60 all_are_there
    storm signals signal_all
    DESK_PATIENCE=
    load_settings
    preload_build alarm_clock || return
    desk_stop
    tap_ok "with a signal each millisecond it starts" \
        desk_start_by env LD_PRELOAD="$SERVERS/alarm_clock.so"
    storm alarms sleep 4 # of which each millisecond is a signal
    tap_ok "they are caught" grep -q '^SigCgt:.*[2367abef]...$' \
        "/proc/$(desk_workers sender | head -n 1)/status"
    desk_restart
}

# --- descriptors --------------------------------------------------------------------

# posternd as it is started by somebody else: COMMAND... with the settings.
desk_start_by()
{
    mark_log
    server_run posternd "$@" "$DESK_BIN/posternd" -c "$DESK_CONF"
    wait_for 60 desk_is_up
}

test_closed_descriptors()
{
    desk_stop
    server_run posternd sh -c 'exec "$@" <&- >&- 2>&-' sh \
        "$DESK_BIN/posternd" -c "$DESK_CONF"
    tap_ok "without 0, 1 and 2: mail goes in" \
        load_some closed 1 --patience 60
    tap_ok "without 0, 1 and 2: and out" wait_for 60 has_mail_to closed-lmtp-1
    if [ "$(id -u)" = 0 ]; then
        tap_is "they are nobody's socket" "$(for pid in \
            $(server_pid posternd) $(desk_workers); do
                for fd in 0 1 2; do
                    readlink "/proc/$pid/fd/$fd"
                done
            done | sort -u)" /dev/null
    else
        tap_skip "they are nobody's socket" "only root may look"
    fi
    mail_write deaf deaf@customers.test 'To a command without output'
    tap_is "postern-deliver without 1 and 2 does its work" \
        "$(deliver -f deaf@customers.test support@desk.test \
            <"$MAILS/deaf.eml" >&- 2>&-
        echo $?)" 0
    printf '%s\tsupport@desk.test\n' \
        "$(sha256sum <"$MAILS/deaf.eml" | cut -d' ' -f1)" >>"$LEDGER"
    tap_is "and without 0 it says 75, for there may be a mail" \
        "$(deliver -f deaf@customers.test support@desk.test <&- 2>/dev/null
        echo $?)" 75
    promises_hold "closed descriptors"
    desk_stop
}

test_full_log()
{
    desk_stop
    server_run posternd sh -c 'exec "$@" 2>/dev/full' sh \
        "$DESK_BIN/posternd" -c "$DESK_CONF"
    goes_through "no room for the log"
    desk_stop
}

# With so few descriptors it runs, or it says why not; never half. (The loader has
# no words for it: its "Error 24" is EMFILE.)
test_few_descriptors()
{
    desk_stop
    few_ran=0
    few_refused=0
    few_bad=
    for few in 4 6 8 10 16 32 64 128 200 256 300; do
        mark_log
        server_run posternd prlimit --nofile=$few "$DESK_BIN/posternd" \
            -c "$DESK_CONF"
        few_pid=$(server_pid posternd)
        if wait_for 60 few_is_decided && desk_is_up; then
            few_ran=$((few_ran + 1))
            load_some "few$few" 1 --patience 30 || few_bad="$few_bad $few"
        elif tail -n "+$((desk_mark + 1))" "$DESK_LOG" |
            grep -Eiq '(files|descriptors|Error 24)' && few_ended_well; then
            few_refused=$((few_refused + 1))
        else
            few_bad="$few_bad $few ($(tail -n 1 "$DESK_LOG"))"
        fi
        desk_stop >/dev/null 2>&1
    done
    tap_is "few descriptors: it runs, or it says why not" "$few_bad" ""
    tap_is "it runs with 256" "$few_ran ran, $few_refused refused" \
        "2 ran, 9 refused"
    tap_ok "a soft limit is raised" raises_limit
    desk_start
    promises_hold "few descriptors"
}

# By a decision, not by a signal.
few_ended_well()
{
    wait "$few_pid"
    [ $? -lt 128 ]
}

few_is_decided()
{
    desk_is_up || server_gone posternd
}

raises_limit()
{
    desk_start_by prlimit --nofile=20:1024 && desk_stop
}

# None is left while it runs: clients wait, the log does not fill, and all is
# well when there are some again.
test_no_descriptor()
{
    for pid in $(desk_workers lmtp); do
        servers_as "$SERVERS_USER" prlimit --pid "$pid" --nofile=4:1024
    done
    mark_log
    load_client lmtp starved --count 4 --at-once 4 &
    starved=$!
    tap_ok "no descriptor left: the log says so" desk_log 'Too many open files'
    sleep 3 # in which it could say so a thousand times
    tap_ok "and not a thousand times" \
        [ "$(($(lines_of_log) - desk_mark))" -lt 100 ]
    for pid in $(desk_workers lmtp); do
        servers_as "$SERVERS_USER" prlimit --pid "$pid" --nofile=1024:1024
    done
    tap_ok "then there are some: the clients are served" wait $starved
    promises_hold "no descriptor left"
}

# Everything ours opens is beyond 1024, where select(2) ends.
test_many_descriptors()
{
    desk_stop
    desk_start_by "$PYTHON" -c 'import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
for _ in range(1100):
    os.set_inheritable(os.open("/dev/null", os.O_RDONLY), True)
os.execv(sys.argv[1], sys.argv[1:])'
    tap_ok "with 1,100 descriptors open it starts" desk_is_up
    load_some beyond 10 --large-every 5
    if [ "$(id -u)" = 0 ]; then
        tap_ok "sockets are beyond 1024" [ "$(for pid in $(desk_workers); do
                find "/proc/$pid/fd" -lname 'socket:*' -printf '%f\n'
            done | sort -n | tail -n 1)" -gt 1024 ]
    else
        tap_skip "sockets are beyond 1024" "only root may look"
    fi
    promises_hold "more than 1024 descriptors"
    tap_is "all was taken" "$(load_taken beyond taken)" 10
    desk_restart
}

# --- the file system ---------------------------------------------------------------

# The whole root is read-only, /tmp with it; only what the settings name is not.
test_read_only_root()
{
    if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
        tap_skip "a read-only root" "only root may make one"
        return
    fi
    desk_stop
    SERVERS_USER_BEFORE=$SERVERS_USER
    SERVERS_USER=root
    mark_log
    server_run posternd unshare -m sh -c '
        mount --make-rprivate / && mount --bind "$1" "$1" &&
            mount -o remount,ro,bind / || exit 1
        for place in /tmp /var/tmp /dev/shm; do
            if mountpoint -q "$place"; then
                mount -o remount,ro,bind "$place" || exit 1
            fi
        done
        if touch /tmp/x /var/tmp/x 2>/dev/null; then
            echo "still writable"
            exit 1
        fi
        shift
        exec env TMPDIR=/nowhere "$@"' sh "$SERVERS" \
        setpriv --reuid "$SERVERS_USER_BEFORE" \
        --regid "$(id -g "$SERVERS_USER_BEFORE")" --init-groups -- \
        "$DESK_BIN/posternd" -c "$DESK_CONF"
    SERVERS_USER=$SERVERS_USER_BEFORE
    tap_ok "a read-only root without /tmp: it starts" wait_for 60 desk_is_up
    load_some dry 6 --large-every 3
    tap_is "and works, with large mails too" "$(load_taken dry taken)" 6
    promises_hold "a read-only root"
    desk_restart
}

# --- memory ------------------------------------------------------------------------

# What becomes of a mail when each of the first calls fails, one after the other.
deliver_without_memory()
{
    mail_write lean lean@customers.test 'With little memory'
    lean_n=0
    lean_bad=
    while [ $lean_n -lt 30 ]; do
        lean_n=$((lean_n + 1))
        lean_said=$(LD_PRELOAD=$FAIL_MALLOC FAIL_MALLOC_AT=$lean_n \
            "$DESK_BIN/postern-deliver" -s "$DESK_SOCKET" \
            -f lean@customers.test support@desk.test <"$MAILS/lean.eml" 2>&1
        echo "status $?")
        case $lean_said in
        *'status 0') lean_taken=1 ;;
        *'status 75') ;;
        *) lean_bad="$lean_bad $lean_n: $lean_said" ;;
        esac
    done
    if [ "${lean_taken:-0}" = 1 ]; then
        printf '%s\tsupport@desk.test\n' \
            "$(sha256sum <"$MAILS/lean.eml" | cut -d' ' -f1)" >>"$LEDGER"
    fi
    tap_is "postern-deliver without memory says 75, whenever that is" \
        "$lean_bad" ""
}

memory_deaths()
{
    tail -n "+$((desk_mark + 1))" "$DESK_LOG" |
        grep -c 'worker\.died.*signal'
}

# GLib ends a process that gets none, libpq and GMime say so: both happens here,
# at random. What libraries say of the NULL they got is no fault of ours; where an
# assertion of ours ends a process, it is.
test_memory()
{
    preload_build fail_malloc || return
    FAIL_MALLOC=$SERVERS/fail_malloc.so
    deliver_without_memory
    desk_stop
    desk_sane
    : >"$DESK_LOG"
    mark_log
    load_begin memory --large-every 20
    # Twelve seconds, and longer where fewer calls are made in that time.
    memory_n=0
    until [ $((memory_n += 1)) -gt 60 ] &&
        { [ "$(memory_deaths)" -gt 2 ] || [ $memory_n -gt 600 ]; }; do
        if ! server_alive posternd; then
            server_run posternd env LD_PRELOAD="$FAIL_MALLOC" \
                FAIL_MALLOC_ONE_IN=30000 "$DESK_BIN/posternd" -c "$DESK_CONF"
        fi
        sleep 0.2 # calls are made meanwhile
    done
    memory_died=$(memory_deaths)
    desk_stop
    tap_unlike "no memory: no assertion of ours ends a process" \
        "$(cat "$DESK_LOG")" \
        'Sanitizer|runtime error|ERROR:.*src/[a-z_/]*\.c:'
    : >"$DESK_LOG"
    desk_start
    for parked in $(desk_sql "SELECT id FROM delivery
        WHERE state = 'parked'"); do
        desk delivery retry "$parked" >/dev/null
    done
    load_end memory
    tap_ok "no memory: some died of it ($memory_died)" [ "$memory_died" -gt 2 ]
}

faults_wanted
servers_need pg sink
command -v prlimit >/dev/null || tap_needs "prlimit (package util-linux)"
LOAD_LIMITS='stress_idle = "2s";'
load_prepare || exit 1
cp "$servers_support/signal_storm.py" "$SERVERS/"
chmod 0644 "$SERVERS/signal_storm.py"
desk_start || exit 1
tap_parts "${SURROUNDINGS_PARTS:-}" signals closed_descriptors full_log \
    few_descriptors no_descriptor many_descriptors read_only_root memory
desk_sane
tap_done
