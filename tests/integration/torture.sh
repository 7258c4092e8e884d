#!/bin/sh
# Whoever dies at whatever instant: nothing is lost, nothing doubled, nobody
# answered twice. So many kills at random under load, with the database ending
# now and then; support/oracle.py judges (tests/README F1).
#
# make torture KILLS=1000 ROAD=lmtp gives more of it, and tells how far it is:
#
#   KILLS=N                how many of our processes are killed (200; 1000 with
#                          make torture)
#   ROAD="lmtp pipe"       how mail is handed over
#   TORTURE_SEEN=1         a line about every hundredth kill
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/load.sh"

if [ "${TORTURE_SEEN:-0}" = 1 ]; then
    KILLS=${KILLS:-1000}
fi
KILLS=${KILLS:-200}
DATABASE_EVERY=25 # kills
case ${POSTERN_BUILD:-} in
*sanitize*) KILLS=$((KILLS / 5)) ;; # it starts that much slower
esac

# --- who dies ----------------------------------------------------------------

# Process ids of all that is ours and lives at this moment; the supervisor only
# now and then, or nobody else would be old enough to die.
ours()
{
    if server_alive posternd; then
        desk_workers
        desk_parsers
        if [ "$(shuf -n 1 -i 0-9)" = 0 ]; then
            server_pid posternd
        fi
    fi
    pgrep -f "^$DESK_BIN/postern-deliver"
}

# "supervisor", "lmtp", "postern-deliver" and so on; nothing for who is dead.
role_of()
{
    role_line=$({ tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null)
    case $role_line in
    '') ;;
    *--parser*) echo parser ;;
    *--worker*) role_line=${role_line#*--worker } && echo "${role_line%%:*}" ;;
    *postern-deliver*) echo postern-deliver ;;
    *) echo supervisor ;;
    esac
}

kill_one()
{
    victim=$(ours | shuf -n 1)
    [ -n "$victim" ] || return 1
    victim_role=$(role_of "$victim")
    [ -n "$victim_role" ] || return 1
    kill -9 "$victim" 2>/dev/null || return 1
    echo "$victim_role" >>"$SERVERS/killed"
}

# As systemd does it: at once, and without waiting for it.
keep_running()
{
    if ! server_alive posternd; then
        server_run posternd "$DESK_BIN/posternd" -c "$DESK_CONF"
    fi
}

# --- the database, in turn ------------------------------------------------------

backend()
{
    pg_admin -At -d postgres -c "SELECT pid FROM pg_stat_activity
        WHERE usename = 'postern' ORDER BY random() LIMIT 1" 2>/dev/null
}

trouble_database()
{
    case $(($1 / DATABASE_EVERY % 3)) in
    0)
        pg_restart immediate
        echo "database at once" >>"$SERVERS/killed"
        ;;
    1)
        pg_admin -At -d postgres -c \
            "SELECT pg_terminate_backend($(backend))" >/dev/null 2>&1
        echo "backend ended" >>"$SERVERS/killed"
        ;;
    2)
        kill -9 "$(backend)" 2>/dev/null && wait_for 60 database_is_back
        echo "backend killed" >>"$SERVERS/killed"
        ;;
    esac
}

database_is_back()
{
    pg_admin -At -d postgres -c 'SELECT 1' >/dev/null 2>&1
}

# --- people who answer, meanwhile ------------------------------------------------

answer_tickets()
{
    until [ -e "$LOAD_STOP" ]; do
        answered=$(psql -X -At -c 'SELECT id FROM ticket
            ORDER BY random() LIMIT 1' 2>/dev/null)
        if [ -n "$answered" ]; then
            echo 'We have mended it.' |
                desk ticket reply -a Anna "$answered" >/dev/null 2>&1
        fi
        sleep 0.3 # a person thinks
    done
}

# --- all of it ----------------------------------------------------------------------

torture()
{
    killed=0
    while [ $killed -lt "$KILLS" ]; do
        # Whoever was begun anew has the time to begin something.
        sleep "0.$(shuf -n 1 -i 100-299)"
        keep_running
        if ! kill_one; then
            continue
        fi
        killed=$((killed + 1))
        if [ $((killed % DATABASE_EVERY)) = 0 ]; then
            trouble_database $killed
        fi
        if [ "${TORTURE_SEEN:-0}" = 1 ] && [ $((killed % 100)) = 0 ]; then
            printf '# %s %d of %d killed, %d mails taken\n' \
                "$(date +%H:%M:%S)" "$killed" "$KILLS" \
                "$(wc -l <"$LEDGER")" >&2
        fi
    done
    keep_running
}

# Who died three times on the same mail is not the mail's fault here.
unpark()
{
    for unpark_id in $(desk_sql "SELECT id FROM delivery
        WHERE state = 'parked'"); do
        desk delivery retry "$unpark_id" >/dev/null
        echo "mail parked and tried again" >>"$SERVERS/killed"
    done
}

nothing_waits()
{
    desk_has_settled 0
}

figures()
{
    sort "$SERVERS/killed" | uniq -c | sed 's/^ */# /'
    desk_sql "SELECT '# acknowledgements: ' ||
            count(*) FILTER (WHERE kind = 'acknowledgement' AND state = 'sent')
            || ' sent, ' || count(*) FILTER (WHERE kind = 'acknowledgement'
                AND state = 'unsure') || ' unsure; replies: ' ||
            count(*) FILTER (WHERE kind = 'reply') || ', counted as repeated: '
            || coalesce(sum(repeats) FILTER (WHERE kind = 'reply'), 0)
        FROM outgoing"
    desk_sql "SELECT '# hand-overs that came again and were known: ' ||
            sum(duplicates) || ', strikes: ' || sum(strikes) FROM delivery"
    sed 's/^/# /' "$SERVERS/torture"-*.load
}

faults_wanted
servers_need pg sink
LOAD_LEASE=5s
LOAD_ROADS=${ROAD:-lmtp pipe}
load_prepare || exit 1
# So that many die just while nobody can know.
sink_say 'dot * keep-stall 0.02'
: >"$SERVERS/killed"
desk_start || exit 1
load_begin torture
answer_tickets &
answering=$!
torture
LOAD_REST=300
: >"$LOAD_STOP"
wait $answering
wait_for 60 nothing_waits
unpark
load_end torture
tap_is "so many were killed" "$(grep -Ecv 'database|backend|mail' \
    "$SERVERS/killed")" "$KILLS"
figures
desk_sane
tap_done
