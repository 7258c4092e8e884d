#!/bin/sh
# posternd starts, reloads, loses workers and ends as its manual says.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"

# ended SECONDS: waits for posternd's own end; $ended is its exit status
ended()
{
    ended_pid=$(server_pid posternd)
    wait_for "$1" server_gone posternd || return 1
    wait "$ended_pid"
    ended=$?
    rm -f "$SERVERS/posternd.pid"
}

# end_by SIGNAL SECONDS
end_by()
{
    kill "-$1" "$(server_pid posternd)"
    ended "$2"
}

# Runs to its end: output in $SERVERS/run.out, prints the exit status.
posternd()
{
    servers_as "$SERVERS_USER" timeout 60 "$DESK_BIN/posternd" "$@" \
        >"$SERVERS/run.out" 2>&1
    echo $?
}

all_gone()
{
    for gone_pid in $1; do
        [ -z "$(process_start "$gone_pid")" ] || return 1
    done
}

# --- starting --------------------------------------------------------------

test_refusals()
{
    tap_is "-t: good settings are good" "$(posternd -c "$DESK_CONF" -t)" 0
    tap_is "-t touches nothing" "$(ls "$DESK_RUN")" ""

    desk_settings 'limits = { pars = "1s"; };'
    wrong=$(grep -n 'pars = ' "$DESK_CONF" | cut -d: -f1)
    for option in -t --; do
        tap_is "settings with a mistake are refused ($option)" \
            "$(posternd -c "$DESK_CONF" $option)" 78
        tap_like "with file, line and help" "$(cat "$SERVERS/run.out")" \
            "$DESK_CONF:$wrong: .*pars.*did you mean 'parse'"
        tap_is "and nothing was touched" "$(ls "$DESK_RUN")" ""
    done
    desk_settings

    sed -i '3s/$/ {{no.such.thing}}/' "$SERVERS/templates/en/notice-new.txt"
    tap_is "a template with a mistake is refused" \
        "$(posternd -c "$DESK_CONF" -t)" 78
    tap_like "with file, line and word" "$(cat "$SERVERS/run.out")" \
        'en/notice-new\.txt:3: .*no\.such\.thing'
    cp "${srcdir:-.}/conf/templates/en/notice-new.txt" "$SERVERS/templates/en/"

    mkdir -p "$SERVERS/closed"
    chmod 0555 "$SERVERS/closed"
    desk_settings
    sed -i "s|^spool_directory.*|spool_directory = \"$SERVERS/closed\";|" \
        "$DESK_CONF"
    tap_is "a place for large mails that we cannot write to is refused" \
        "$(posternd -c "$DESK_CONF" -t)" 78

    pg_createdb empty
    desk_settings
    sed -i 's/dbname=desk/dbname=empty/' "$DESK_CONF"
    tap_is "a database without our schema is refused" \
        "$(posternd -c "$DESK_CONF")" 78
    tap_like "with what to do" "$(cat "$SERVERS/run.out")" \
        'postern schema apply'
    tap_is "and the socket is gone" "$(ls "$DESK_SOCKET" 2>/dev/null)" ""
    desk_settings
    pg_admin -d desk -c 'ALTER ROLE postern SET synchronous_commit = off'
    tap_is "so is one that may forget what it committed" \
        "$(posternd -c "$DESK_CONF")" 78
    tap_like "by name" "$(cat "$SERVERS/run.out")" 'synchronous_commit'
    pg_admin -d desk -c 'ALTER ROLE postern RESET synchronous_commit'
}

test_twice()
{
    desk_start
    tap_is "a second posternd in the same directory is refused" \
        "$(posternd -c "$DESK_CONF")" 75
    tap_like "with the reason" "$(cat "$SERVERS/run.out")" "$DESK_RUN"
    tap_ok "the first goes on as before" desk_works first
    tap_is "every process of it has its name, in top, too" \
        "$(for twice_pid in $(server_pid posternd) $(desk_workers) \
            $(desk_parsers); do cat "/proc/$twice_pid/comm"; done |
            sort -u)" posternd
}

# --- systemd ---------------------------------------------------------------

notified()
{
    grep -qx "$1" "$SERVERS/notify/lines" 2>/dev/null
}

# The line behind RELOADING=1 is the monotonic time, less than two minutes ago.
just_now()
{
    "$PYTHON" -c 'import sys, time
lines = open(sys.argv[1]).read().split("\n")
said = lines[lines.index("RELOADING=1") + 1].partition("MONOTONIC_USEC=")[2]
sys.exit(not 0 <= time.monotonic() - int(said) / 1e6 < 120)' \
        "$SERVERS/notify/lines"
}

is_ready_for()
{
    [ "$(grep -cx READY=1 "$SERVERS/notify/lines")" = "$1" ]
}

test_notify()
{
    servers_mkdir "$SERVERS/notify" 0755 "$SERVERS_USER"
    cp "$servers_support/notify_listen.py" "$SERVERS/"
    chmod 0644 "$SERVERS/notify_listen.py"
    server_run listener "$PYTHON" "$SERVERS/notify_listen.py" \
        "$SERVERS/notify/socket" "$SERVERS/notify/lines"
    wait_for 60 test -S "$SERVERS/notify/socket"
    desk_stop
    export NOTIFY_SOCKET="$SERVERS/notify/socket" WATCHDOG_USEC=400000
    desk_start
    unset NOTIFY_SOCKET WATCHDOG_USEC
    tap_ok "systemd is told when we are ready" wait_for 60 notified READY=1
    tap_ok "its watchdog is fed" wait_for 60 notified WATCHDOG=1
    desk_reload
    tap_ok "it is told when we reload" wait_for 60 notified RELOADING=1
    tap_like "and when, by its clock" "$(cat "$SERVERS/notify/lines")" \
        '^MONOTONIC_USEC=[0-9]+$'
    tap_ok "to the microsecond, and in the same breath" just_now
    tap_ok "and that we are ready again" wait_for 60 is_ready_for 2
    printf 'queues = 5;\n' >>"$DESK_CONF"
    desk_reload
    tap_ok "also when it was in vain" wait_for 60 is_ready_for 3
    desk_settings
    end_by TERM 60
    tap_ok "it is told when we stop" wait_for 60 notified STOPPING=1
    server_stop listener
    desk_start
}

# --- ending ----------------------------------------------------------------

slow_client()
{
    rm -f "$SERVERS/go" "$SERVERS/go.half"
    "$PYTHON" "$servers_support/lmtp_slow.py" "$DESK_SOCKET" \
        slow@customers.test support@desk.test "$1" "$SERVERS/go" \
        >"$SERVERS/slow.out" 2>&1 &
    slow=$!
    wait_for 60 test -e "$SERVERS/go.half"
}

slow_ended()
{
    wait "$slow"
    slow_status=$?
}

test_term()
{
    began=$(date +%s)
    end_by TERM 60
    tap_is "TERM: posternd ends well" "$ended" 0
    # A mail in hand would have had 20 s.
    tap_ok "at once, when there is nothing to do" \
        [ $(($(date +%s) - began)) -lt 20 ]
    tap_is "its socket is gone" "$(ls "$DESK_SOCKET" 2>/dev/null)" ""

    desk_start
    slow_client --idle
    end_by TERM 60
    slow_ended
    tap_like "a client that is idle is told" "$(cat "$SERVERS/slow.out")" \
        '^S: 421 4\.3\.2 '

    desk_start
    mail_write slow slow@customers.test 'Half a mail'
    slow_client "$MAILS/slow.eml"
    kill -TERM "$(server_pid posternd)"
    desk_log 'event=daemon\.stopping'
    wait_for 60 desk_has_workers '' 1
    : >"$SERVERS/go"
    slow_ended
    tap_is "a mail on its way in may finish" "$slow_status" 0
    ended 60
    tap_is "and then posternd ends well" "$ended" 0
    desk_start
    desk_taken=$((desk_taken + 1))
    tap_ok "the mail is there" desk_settled "$desk_taken"

    mail_write half slow@customers.test 'Never finished'
    slow_client "$MAILS/half.eml"
    began=$(date +%s)
    end_by TERM 60
    tap_is "a mail that does not finish holds nobody up" "$ended" 0
    tap_ok "for more than 30 s" [ $(($(date +%s) - began)) -le 30 ]
    : >"$SERVERS/go"
    slow_ended
    tap_like "its client is told to come again" \
        "$(cat "$SERVERS/slow.out")" '^S: 421 4\.'
    tap_is "nothing half is stored" "$(desk_sql "SELECT count(*)
            FROM delivery WHERE envelope_sender = 'slow@customers.test'")" 1
    desk_start
}

# --- reloading -------------------------------------------------------------

test_reload()
{
    workers=$(desk_workers | sort)
    sed -i 's/billing@desk/money@desk/' "$DESK_CONF"
    desk_reload
    tap_ok "HUP: a new address is known" wait_for 60 desk_works richie money@desk.test
    tap_ok "workers were replaced" [ "$(desk_workers | sort)" != "$workers" ]
    tap_is "the old one is unknown" "$(exit_of smtp_send --lmtp --socket \
        "$DESK_SOCKET" --to billing@desk.test "$MAILS/richie.eml")" 65

    printf 'queues = 5;\n' >>"$DESK_CONF"
    wrong=$(wc -l <"$DESK_CONF")
    desk_reload
    tap_ok "HUP: bad settings are not taken" desk_log \
        "event=settings\.kept .*$DESK_CONF:$wrong: "
    tap_ok "we go on with the old ones" desk_works rosa money@desk.test
    kill -9 "$(desk_workers lmtp | head -n 1)"
    wait_for 60 desk_has_workers lmtp 4
    tap_ok "even those who start later" desk_works rita money@desk.test
    desk_settings
    sed -i 's/lmtp\.sock/other.sock/' "$DESK_CONF"
    desk_reload
    tap_ok "HUP: a listener does not change" desk_log \
        'event=settings\.kept .*restart'
    desk_settings
    desk_reload
}

# Mails in a row while settings are read again and again: each is accepted, or
# its client knows that it was not.
test_reload_under_load()
{
    for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        mail_write "load$n" "load$n@customers.test" 'Under load'
        wait_for 60 lmtp_send "load$n" "load$n@customers.test" \
            support@desk.test >/dev/null 2>&1
        if [ $((n % 4)) = 0 ]; then
            kill -HUP "$(server_pid posternd)"
        fi
    done
    # None of those who are being replaced is to be taken for one who stays.
    desk_reload
    desk_taken=$((desk_taken + 15))
    tap_ok "HUP under load: all mails are processed" desk_settled "$desk_taken"
    tap_is "each once" "$(desk_sql "SELECT count(*), count(DISTINCT ticket_id)
            FROM delivery WHERE envelope_sender LIKE 'load%'")" "15|15"
}

# --- workers that die ------------------------------------------------------

is_replaced()
{
    [ -n "$(desk_workers "$1")" ] &&
        ! desk_workers "$1" | grep -qx "$2" && desk_has_workers "$1" "$3"
}

test_killed_workers()
{
    for role in lmtp:4 processor:2 sender:2 clock:1; do
        victim=$(desk_workers "${role%:*}" | head -n 1)
        kill -9 "$victim"
        tap_ok "a killed ${role%:*} is replaced" \
            wait_for 60 is_replaced "${role%:*}" "$victim" "${role#*:}"
    done
    tap_ok "status counts it" wait_for 60 clock_is_counted
    tap_ok "and the work goes on" desk_works afterwards
}

clock_is_counted()
{
    desk status | grep -Eq '^clock:0 .* 1  (idle|busy)'
}

# A processor waits for a lock of ours and is stopped there: it will not be
# back when it said.
test_overdue()
{
    desk_settings 'workers = { processor = 1; };'
    sed -i 's/timeout = "20s"/timeout = "1s"/' "$DESK_CONF"
    desk_renew processor 1
    hold_table event
    mail_write overdue overdue@customers.test 'It takes long'
    victim=$(desk_workers processor)
    lmtp_send overdue overdue@customers.test support@desk.test >/dev/null
    wait_for 60 waits_for_lock
    kill -STOP "$victim"
    # As long as it takes who was stopped anywhere: 40 s for a mail, and 10 s more
    # after a pause of the supervisor's own.
    tap_ok "who overstays is killed" \
        desk_log "event=worker\.overdue .*pid=$victim " 90
    let_go
    tap_ok "and replaced" wait_for 60 is_replaced processor "$victim" 1
    desk_taken=$((desk_taken + 1))
    tap_ok "the mail is processed" desk_settled "$desk_taken"
    tap_is "without a strike: the database was slow" \
        "$(desk_sql 'SELECT max(strikes) FROM delivery')" 0
    desk_settings
    desk_reload
}

waits_for_lock()
{
    [ "$(desk_sql "SELECT count(*) > 0 FROM pg_locks
        WHERE NOT granted")" = t ]
}

test_killed_supervisor()
{
    workers=$(desk_workers)
    kill -9 "$(server_pid posternd)"
    tap_ok "the supervisor is killed: its workers are gone within 2 s" \
        wait_for 2 all_gone "$workers"
    ended 60
    tap_ok "a new one starts without help" desk_start
    tap_ok "and works" desk_works newborn
    # In the middle of replacing them all.
    for n in 1 2 3; do
        kill -HUP "$(server_pid posternd)"
        sleep 0.0$n # it is a little further each time
        kill -9 "$(server_pid posternd)"
        ended 60
        desk_start || break
    done
    tap_ok "the same while it starts workers" desk_works "middle$n"
}

# --- the database goes away ------------------------------------------------

test_database()
{
    pg_stop immediate
    mail_write later later@customers.test 'While the database slept'
    tap_is "no database: postern-deliver says 75" "$(exit_of deliver \
        -f later@customers.test support@desk.test <"$MAILS/later.eml")" 75
    lmtp_send later later@customers.test support@desk.test \
        >"$SERVERS/send.out"
    tap_like "no database: LMTP says 451" "$(cat "$SERVERS/send.out")" \
        '^S: 451 4\.3\.0 '
    tap_is "no database: status is unknown" "$(exit_of desk status)" 3
    pg_start
    tap_ok "the database is back: so are we" desk_works later

    desk_stop
    pg_stop
    mark_log
    server_run posternd "$DESK_BIN/posternd" -c "$DESK_CONF"
    tap_ok "started without a database we wait for it" \
        desk_log 'event=worker\.paused .*what=database'
    tap_is "and take no mail until then" "$(exit_of deliver -t 3 \
        -f later@customers.test support@desk.test <"$MAILS/later.eml")" 75
    pg_start
    tap_ok "then we are ready" desk_log 'event=daemon\.ready' 90
    tap_ok "and take mail" desk_works atlast
}

test_status()
{
    desk_sent 1
    tap_is "status: all is well" "$(exit_of desk status)" 0
    mail_write circle circle@customers.test 'Round and round'
    for n in 1 2 3 4 5 6 7 8 9 10; do
        printf 'Received: from a by b; Sat, 21 Nov 2026 10:00:00 +0000\n%.0s' \
            1 2 3 4 5 6
    done >"$MAILS/hops.eml"
    cat "$MAILS/circle.eml" >>"$MAILS/hops.eml"
    lmtp_send hops circle@customers.test support@desk.test >/dev/null
    desk_taken=$((desk_taken + 1))
    desk_settled "$desk_taken"
    tap_is "status: a mail that went in circles is none" \
        "$(exit_of desk status)" 0
    desk_sql "UPDATE delivery SET is_rubbish = false WHERE state = 'parked'" \
        >/dev/null
    desk status >"$SERVERS/status.out"
    tap_is "status: one that an operator must look at is a warning" "$?" 1
    tap_like "which says where to look" "$(cat "$SERVERS/status.out")" \
        '1 parked: postern delivery list'
    tap_ok "the admin has a mail" wait_for 60 has_mail_to boss
    desk_stop
    tap_is "status: no daemon is critical" "$(exit_of desk status)" 2
}

# --- root ------------------------------------------------------------------

# Effective user and group of a process; the owner of /proc/PID is root's for
# who may leave no core.
owner_of()
{
    id -nu "$(awk '/^Uid:/ { print $3 }' "/proc/$1/status")"
}

group_of()
{
    getent group "$(awk '/^Gid:/ { print $3 }' "/proc/$1/status")" |
        cut -d: -f1
}

test_root()
{
    if [ "$(id -u)" != 0 ]; then
        tap_skip "started as root" "we are not root"
        return
    fi
    SERVERS_USER_BEFORE=$SERVERS_USER
    DESK_RUN=$SERVERS/rootrun
    DESK_SOCKET=$DESK_RUN/lmtp.sock
    SERVERS_USER=root
    printf 'root-only\n' >"$SERVERS/password"
    chmod 0600 "$SERVERS/password"
    sink_stop
    SERVERS_USER=$SERVERS_USER_BEFORE
    tls_make localhost
    sink_start --login desk:root-only --tls starttls --cert "$TLS_CERT" \
        --key "$TLS_KEY"
    SERVERS_USER=root
    DESK_RELAY="host = \"localhost\"; port = $SINK_PORT; user = \"desk\";
        tls = \"starttls\"; ca_file = \"$TLS_CA\";
        password_file = \"$SERVERS/password\";"
    desk_settings
    tap_is "root without a user in the settings is refused" \
        "$(posternd -c "$DESK_CONF")" 78
    tap_like "with what to do" "$(cat "$SERVERS/run.out")" \
        "'user' is not set; set user = "
    tap_ok "and nothing was touched" [ ! -e "$DESK_RUN" ]

    desk_settings "user = \"$SERVERS_USER_BEFORE\"; group = \"daemon\";"
    sed -i 's/mode = "0666"/mode = "0660"; group = "mail"/' "$DESK_CONF"
    tap_ok "with a user it starts" desk_start
    tap_is "only the supervisor is root" "$(for pid in $(desk_workers); do
            owner_of "$pid"
        done | sort -u) $(owner_of "$(server_pid posternd)")" \
        "$SERVERS_USER_BEFORE root"
    tap_is "its workers are in that group" "$(for pid in $(desk_workers); do
            group_of "$pid"
        done | sort -u)" daemon
    tap_is "the socket is as the settings say" \
        "$(stat -c '%U %G %a' "$DESK_SOCKET")" \
        "$SERVERS_USER_BEFORE mail 660"
    tap_ok "mail arrives" desk_works rooted
    tap_ok "and leaves, with a password that only root can read" \
        wait_for 60 has_mail_to rooted
    printf 'changed\n' >"$SERVERS/password"
    SERVERS_USER=$SERVERS_USER_BEFORE
    sink_stop
    sink_start --login desk:changed --tls starttls --cert "$TLS_CERT" \
        --key "$TLS_KEY"
    desk_reload
    tap_ok "HUP reads it again" desk_works reread
    tap_ok "and the new one is used" \
        wait_for 60 has_mail_to reread
    for pid in $(server_pid posternd) $(desk_workers); do
        tr '\0' '\n' <"/proc/$pid/environ"
        tr '\0' '\n' <"/proc/$pid/cmdline"
    done >"$SERVERS/proc.out" 2>/dev/null
    tap_unlike "no process shows it" \
        "$(cat "$SERVERS/proc.out" "$DESK_LOG")" 'root-only|changed$'
    desk_stop
}

servers_need pg sink
desk_prepare || exit 1
test_refusals
test_twice
test_notify
test_term
test_reload
test_reload_under_load
test_killed_workers
test_overdue
test_killed_supervisor
test_database
test_status
test_root
desk_sane
tap_done
