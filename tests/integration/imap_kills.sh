#!/bin/sh
# Workers of folders are killed at random while mail comes, and the daemon with
# them: each mail is one ticket, and what was deleted or moved is in the database.
#
#   KILLS=N                how many workers are killed (100)
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/imap.sh"
. "${srcdir:-.}/tests/support/imap_load.sh"

KILLS=${KILLS:-100}
case ${POSTERN_BUILD:-} in
*sanitize*) # it starts that much slower
    KILLS=$((KILLS / 5))
    ;;
esac

keep_running()
{
    if ! server_alive posternd; then
        server_run posternd "$DESK_BIN/posternd" -c "$DESK_CONF"
    fi
}

# A worker of a folder; with every tenth the daemon as a whole, or if none is there
# to be killed.
kill_one()
{
    victim=$(desk_workers imap | shuf -n 1)
    if [ $((killed / 10)) -gt $daemons ]; then
        server_stop posternd KILL && daemons=$((daemons + 1))
    elif [ -n "$victim" ]; then
        kill -9 "$victim" 2>/dev/null && killed=$((killed + 1))
    elif [ "$(shuf -n 1 -i 0-3)" = 0 ]; then
        server_stop posternd KILL && daemons=$((daemons + 1))
    fi
}

test_kills()
{
    killed=0
    daemons=0
    mail_begin kills
    while [ $killed -lt "$KILLS" ]; do
        keep_running
        kill_one
        # How far the next one comes is left to chance.
        sleep "0.$(shuf -n 1 -i 100-399)"
    done
    keep_running
    wait_for 60 desk_is_up
    tap_diag "$killed workers were killed, and $daemons daemons"
    tap_ok "kills: the daemon, too" [ $daemons -gt 0 ]
    mail_end
}

faults_wanted
servers_need pg sink dovecot
imap_load_prepare || exit 1
imap_settings
desk_start || exit 1
test_kills
desk_sane
tap_done
