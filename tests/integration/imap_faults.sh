#!/bin/sh
# Whatever dies or breaks while mail comes into three folders - workers, the
# daemon, the database, the server, the wire, or other clients that meddle -
# each mail is one ticket, and what was deleted or moved is in the database.
# support/imap_oracle.py judges.
#
#   KILLS=N                how many workers are killed (100)
#   IMAP_PARTS="kills ..." only these
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/imap.sh"

KILLS=${KILLS:-100}
case ${POSTERN_BUILD:-} in
*sanitize*) # it starts that much slower
    KILLS=$((KILLS / 5))
    IMAP_PARTS=${IMAP_PARTS:-kills database client}
    ;;
esac

MEDDLED=
IMAP_REST=90 # the longest pause of a worker is a minute
ACCOUNT_TIMEOUT=5s # a silent wire is left soon

# --- mail, all the while -----------------------------------------------------------

mail_begin()
{
    feed=$1
    rm -f "$IMAP_STOP"
    servers_as "$SERVERS_USER" "$PYTHON" "$SERVERS/imap_put.py" \
        --name "$feed" --ledger "$IMAP_LEDGER" --until "$IMAP_STOP" \
        "keep=$DOVECOT_MAIL/desk/.keep=support" \
        "move=$DOVECOT_MAIL/desk/.move=billing" \
        "delete=$DOVECOT_MAIL/desk/.delete=billing" \
        >"$SERVERS/$feed.put" 2>&1 &
    feeder=$!
}

# As an administrator hurries it, who does not want to wait for pauses: mails
# that a worker died of or the connection broke on are not at fault here.
hurry()
{
    desk account retry office >/dev/null
    desk_hup
}

# mail_end: stop; TAP points about all mail that ever came.
mail_end()
{
    : >"$IMAP_STOP"
    wait $feeder
    tap_is "$feed: mail came" "$(cat "$SERVERS/$feed.put")" ''
    hurry
    set -- --gone "$IMAP_LEDGER.spare" $MEDDLED \
        --moved "move=$DOVECOT_MAIL/desk/.Done" \
        --emptied "move=$DOVECOT_MAIL/desk/.move" \
        --emptied "delete=$DOVECOT_MAIL/desk/.delete"
    oracle_within 5 "$@" || hurry
    imap_oracle "$feed" "$@"
    tap_is "$feed: none was left" "$(desk account left office | sed 1d)" ''
}

has_more_than()
{
    [ "$(desk_sql 'SELECT count(*) FROM delivery')" -gt "$1" ]
}

# Mail goes in while this goes on.
goes_on()
{
    tap_ok "$1: mail is taken again" wait_for 60 has_more_than \
        "$(desk_sql 'SELECT count(*) FROM delivery')"
}

# --- who dies ----------------------------------------------------------------------

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
        sleep "0.$(shuf -n 1 -i 100-399)"
    done
    keep_running
    wait_for 60 desk_is_up
    tap_diag "$killed workers were killed, and $daemons daemons"
    tap_ok "kills: the daemon, too" [ $daemons -gt 0 ]
    mail_end
}

# --- the servers -------------------------------------------------------------------

test_database()
{
    mail_begin database
    for database_how in immediate fast immediate; do
        sleep 2
        pg_restart $database_how
        goes_on "database, $database_how"
    done
    mail_end
}

test_server()
{
    mail_begin server
    for server_how in TERM KILL TERM; do
        sleep 2
        server_stop dovecot $server_how
        sleep 1
        dovecot_run
        hurry
        goes_on "server, $server_how"
    done
    mail_end
}

# --- the wire ----------------------------------------------------------------------

wire()
{
    echo "$*" >"$PROXY_CONTROL.new"
    mv "$PROXY_CONTROL.new" "$PROXY_CONTROL"
}

faults_of()
{
    grep -c "^$1" "$PROXY_CONTROL.done"
}

has_faults()
{
    [ "$(faults_of "$1")" -ge "$2" ]
}

test_wire()
{
    for act in cut half drip stall; do
        mail_begin "wire-$act"
        sleep 2
        wire $act 400 60000
        hurry
        for _ in $(seq 20); do
            wait_for 2 has_faults $act 12 && break
            hurry
        done
        tap_ok "wire-$act: that happened" has_faults $act 3
        tap_diag "$(faults_of $act) times"
        wire pass
        mail_end
    done
}

# --- other clients -------------------------------------------------------------------

# One throws spare mail away, and moves other mail out and in again.
meddle()
{
    until [ -e "$IMAP_STOP" ]; do
        for meddle_box in keep move delete; do
            dovecot_adm expunge -u desk mailbox $meddle_box SUBJECT Spare
            dovecot_adm move -u desk Aside mailbox $meddle_box \
                SUBJECT Question HEADER Message-ID mua
            dovecot_adm move -u desk $meddle_box mailbox Aside all
        done
    done
}

test_client()
{
    MEDDLED=--meddled
    mail_begin client
    meddle &
    meddler=$!
    sleep 15
    goes_on client
    : >"$IMAP_STOP"
    wait $meddler
    mail_end
}

# The same mails under other numbers, or the same numbers in another folder.
test_validity()
{
    mail_begin validity
    for validity_n in 1 2 3 4; do
        for validity_box in keep move delete; do
            dovecot_adm mailbox update \
                --uid-validity $((5000 + validity_n)) -u desk $validity_box
        done
        sleep 2
    done
    tap_ok "validity: it is noticed" desk_log 'event=folder.resync'
    goes_on validity
    mail_end
}

faults_wanted
servers_need pg sink dovecot
servers_dir
PROXY_PORT=$(port_reserve)
ACCOUNT_PORT=$PROXY_PORT
imap_prepare || exit 1
IMAP_STOP=$SERVERS/put.stop
servers_mkdir "$SERVERS/proxy" 0755 "$SERVERS_USER"
PROXY_CONTROL=$SERVERS/proxy/control
: >"$PROXY_CONTROL.done"
chmod 0666 "$PROXY_CONTROL.done"
for program in imap_put imap_proxy; do
    cp "$servers_support/$program.py" "$SERVERS/"
    chmod 0644 "$SERVERS/$program.py"
done
: >"$IMAP_LEDGER.spare"
chmod 0666 "$IMAP_LEDGER" "$IMAP_LEDGER.spare"
server_run proxy "$PYTHON" "$SERVERS/imap_proxy.py" --listen "$PROXY_PORT" \
    --server "$DOVECOT_PORT" --control "$PROXY_CONTROL"
dovecot_folder desk Done
dovecot_folder desk Aside
for how in keep move delete; do
    dovecot_folder desk $how
done
account_folder keep support 'after = "keep";'
account_folder move billing 'after = "move"; move_to = "Done";'
account_folder delete billing 'after = "delete";'
imap_settings
desk_start || exit 1
imap_test kills database server wire client validity
desk_sane
tap_done
