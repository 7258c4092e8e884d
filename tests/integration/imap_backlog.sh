#!/bin/sh
# When more mail waits than is processed, folders keep theirs: it is safe there,
# and nobody who writes by LMTP waits behind it (limits.backlog).
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/imap.sh"
servers_need pg sink dovecot

waits()
{
    [ "$(desk_sql "SELECT count(*) FROM delivery WHERE state = 'waiting'")" \
        = "$1" ]
}

folder_waits()
{
    [ "$(desk_sql 'SELECT sum(waiting) FROM folder')" = "$1" ]
}

test_below()
{
    hold_table event # which processors write
    put_mail one
    put_mail two
    tap_ok "below the limit mail is taken" wait_for 60 waits 2
    put_mail three
    tap_ok "up to it" wait_for 60 waits 3
    tap_unlike "and nothing is said" "$(cat "$DESK_LOG")" folder.held-back
}

test_full()
{
    put_mail four
    tap_ok "beyond it a folder keeps its mail" desk_log \
        'event=folder.held-back .*backlog=3' 60
    tap_ok "which is shown" wait_for 60 folder_waits 1
    tap_ok "as no trouble" desk account list
    mail_write five five@customers.test 'By LMTP'
    tap_is "an MTA's is taken all the same" "$(exit_of lmtp_send five \
        five@customers.test support@desk.test)" 0
    tap_ok "and nothing else" waits 4
}

test_drained()
{
    let_go
    tap_ok "once there is room it is taken" wait_for 60 waits 0
    tap_ok "all of it" desk_settled 5 60
    tap_ok "which is said" desk_log 'event=folder.goes-on' 60
    tap_is "and the rest is as ever" "$(desk_sql 'SELECT count(*) FROM ticket')" 5
}

imap_prepare || exit 1
DESK_PATIENCE=60s # the lock is not for who waits to give up
IMAP_LIMITS='backlog = 3;'
account_folder INBOX support
imap_settings
desk_start || exit 1
imap_test below full drained
desk_unharmed
tap_done
