#!/bin/sh
# Two daemons and one folder: one of them reads it, and the other as soon as
# that one is dead; who lost it does not commit what is not his any more.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/imap.sh"

# --- two of them --------------------------------------------------------------------

# is "a" or "b": from now on desk_* are about that one.
use()
{
    DESK_RUN=$SERVERS/run-$1
    DESK_SOCKET=$DESK_RUN/lmtp.sock
    DESK_CONF=$SERVERS/postern-$1.conf
    DESK_LOG=$SERVERS/posternd-$1.log
}

start()
{
    use "$1"
    touch "$DESK_LOG"
    desk_mark=$(wc -l <"$DESK_LOG")
    server_run "posternd-$1" "$DESK_BIN/posternd" -c "$DESK_CONF"
    tap_ok "daemon $1 starts" wait_for 60 desk_is_up
}

# The whole daemon.
all_of()
{
    server_pid "posternd-$1"
    pgrep -P "$(server_pid "posternd-$1")"
}

lease()
{
    desk_sql 'SELECT lease FROM folder WHERE lease_until > now()'
}

lease_is()
{
    [ "$(lease)" = "$1" ]
}

tickets_are()
{
    [ "$(desk_sql 'SELECT count(*) FROM ticket')" = "$1" ]
}

seconds_since()
{
    echo $((($(now_ms) - $1) / 1000))
}

# --- what must be true ---------------------------------------------------------------

test_one_reads()
{
    start a
    tap_ok "a reads the folder" wait_for 60 watched 1
    of_a=$(lease)
    start b
    tap_ok "b says that another does" desk_log 'event=folder.elsewhere'
    put_noted one INBOX support
    tap_ok "mail is taken" wait_for 60 tickets_are 1
    tap_is "by a" "$(lease)" "$of_a"
    tap_unlike "b never logged in" "$(cat "$DESK_LOG")" 'event=folder.opened'
}

# The supervisor alone: its workers end with it, the next one is the same to the
# database.
test_restarted()
{
    server_stop posternd-a KILL
    put_noted two INBOX support
    began=$(now_ms)
    start a
    tap_ok "mail is taken after a restart" wait_for 60 tickets_are 2
    tap_diag "$(($(now_ms) - began)) ms after it"
    # It had 30 s left at least.
    tap_ok "at once, without waiting for a lease" \
        [ $(($(now_ms) - began)) -lt 25000 ]
    tap_is "by a" "$(lease)" "$of_a"
    imap_oracle "a restart"
}

test_killed()
{
    kill -9 $(all_of a)
    server_stop posternd-a KILL
    put_noted three INBOX support
    began=$(now_ms)
    tap_ok "once a is dead, b takes the mail" wait_for 70 tickets_are 3
    tap_diag "b took over after $(seconds_since "$began") s"
    tap_ok "within 60 s" [ "$(seconds_since "$began")" -le 60 ]
    of_b=$(lease)
    tap_ok "the folder is b's" [ "$of_b" != "$of_a" ]
    start a
    tap_ok "a comes back and waits" desk_log 'event=folder.elsewhere'
    put_noted four INBOX support
    tap_ok "b goes on" wait_for 60 tickets_are 4
    tap_is "undisturbed" "$(lease)" "$of_b"
    imap_oracle "a takeover"
}

# b is stopped just before it fetches a mail: what it then wants to commit is a's
# by now.
test_stopped()
{
    hold_table left_mail 'SHARE ROW EXCLUSIVE'
    put_noted five INBOX support
    tap_ok "b is about to fetch a mail" wait_for 60 somebody_waits
    stopped=$(all_of b)
    kill -STOP $stopped
    let_go
    began=$(now_ms)
    tap_ok "a takes the folder of who does not say a word" \
        wait_for 70 lease_is "$of_a"
    tap_diag "a took over after $(seconds_since "$began") s"
    tap_ok "and the mail" wait_for 60 tickets_are 5
    use b
    mark=$(wc -l <"$DESK_LOG")
    kill -CONT $stopped
    put_noted six INBOX support
    tap_ok "a goes on" wait_for 60 tickets_are 6
    tap_ok "b notices" wait_for 60 says_elsewhere "$mark"
    tap_unlike "and has accepted nothing" "$(tail -n "+$((mark + 1))" "$DESK_LOG")" \
        'event=mail.accepted'
    tap_is "the folder stays a's" "$(lease)" "$of_a"
    imap_oracle "b wakes up"
    tap_is "each mail was handed over once" "$(desk_sql "SELECT count(*),
        sum(duplicates) FROM delivery")" "6|0"
}

somebody_waits()
{
    [ -n "$(desk_sql "SELECT pid FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND query LIKE '%left_mail%'")" ]
}

says_elsewhere()
{
    tail -n "+$(($1 + 1))" "$DESK_LOG" | grep -q 'event=folder.elsewhere'
}

faults_wanted
clocks_wanted
servers_need pg sink dovecot
imap_prepare || exit 1
account_folder INBOX support
for name in a b; do
    use $name
    servers_mkdir "$DESK_RUN" 0755 "$SERVERS_USER"
    imap_settings
done
imap_test one_reads restarted killed stopped
for name in a b; do
    use $name
    desk_sane
done
tap_done
