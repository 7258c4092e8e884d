#!/bin/sh
# Whatever breaks while mail comes into three folders - the database, the server,
# or other clients that meddle - each mail is one ticket, and what was deleted or
# moved is in the database.
#
#   IMAP_PARTS="server ..."   only these
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/imap.sh"
. "${srcdir:-.}/tests/support/imap_load.sh"

case ${POSTERN_BUILD:-} in
*sanitize*) # it starts that much slower
    IMAP_PARTS=${IMAP_PARTS:-database client}
    ;;
esac

# --- the servers -------------------------------------------------------------------

test_database()
{
    mail_begin database
    for database_how in immediate fast immediate; do
        pg_restart $database_how
        goes_on "database, $database_how"
    done
    mail_end
}

# All three of them.
folders_fail()
{
    [ "$(desk_sql 'SELECT count(*) FROM folder
        WHERE failing_since IS NOT NULL')" = 3 ]
}

test_server()
{
    mail_begin server
    for server_how in TERM KILL TERM; do
        dovecot_stop $server_how
        wait_for 60 folders_fail
        dovecot_run
        hurry
        goes_on "server, $server_how"
    done
    mail_end
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
        echo "$meddle_box" >>"$SERVERS/meddled"
    done
}

# has_meddled N: so many rounds of it are over
has_meddled()
{
    [ "$(wc -l <"$SERVERS/meddled")" -ge "$1" ]
}

test_client()
{
    MEDDLED=--meddled
    dovecot_folder desk Aside
    mail_begin client
    : >"$SERVERS/meddled"
    meddle &
    meddler=$!
    wait_for 120 has_meddled 20
    goes_on client
    : >"$IMAP_STOP"
    wait $meddler
    tap_diag "$(wc -l <"$SERVERS/meddled") rounds"
    mail_end
}

# has_validity N: somebody has seen it
has_validity()
{
    [ "$(desk_sql "SELECT count(*) FROM folder
        WHERE uid_validity = $1")" -gt 0 ]
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
        wait_for 60 has_validity $((5000 + validity_n))
    done
    tap_ok "validity: it is noticed" desk_log 'event=folder.resync'
    goes_on validity
    mail_end
}

faults_wanted
servers_need pg sink dovecot
imap_load_prepare || exit 1
imap_settings
desk_start || exit 1
imap_test database server client validity
desk_sane
tap_done
