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
    mark_log
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

# Whose holder is dead or stopped: for so long it had not been heard of.
lease_ends()
{
    desk_sql "UPDATE folder SET lease_until = now() - interval '1 s'" \
        >/dev/null
}

# How long the others leave it to him.
lease_left_s()
{
    desk_sql 'SELECT ceil(extract(epoch FROM lease_until - now())) FROM folder'
}

lease_is_not()
{
    [ -n "$(lease)" ] && ! lease_is "$1"
}

# From now on the database notes who asks for the folder, also in vain.
note_who_asks()
{
    desk_sql "CREATE TABLE asked (lease uuid);
        CREATE FUNCTION note_asked() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO asked VALUES (NEW.lease); RETURN NEW; END';
        CREATE TRIGGER asks BEFORE INSERT ON folder
            FOR EACH ROW EXECUTE FUNCTION note_asked()" >/dev/null
}

somebody_asked()
{
    [ -n "$(desk_sql 'SELECT lease FROM asked')" ]
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
    killed=$(all_of a)
    server_stop posternd-a KILL
    wait_for 60 are_gone $killed
    # Longer than anybody waits here.
    desk_sql "UPDATE folder SET lease_until = now() + interval '1 hour'" \
        >/dev/null
    until=$(desk_sql 'SELECT lease_until FROM folder')
    put_noted two INBOX support
    began=$(now_ms)
    start a
    tap_ok "mail is taken after a restart" wait_for 60 tickets_are 2
    tap_diag "$(($(now_ms) - began)) ms after it"
    tap_is "at once, without waiting for a lease" \
        "$(desk_sql "SELECT now() < '$until'")" t
    tap_is "by a" "$(lease)" "$of_a"
    imap_oracle "a restart"
}

are_gone()
{
    for gone_pid in "$@"; do
        [ -z "$(process_start "$gone_pid")" ] || return 1
    done
}

# The 45 s are not waited for but left out.
test_killed()
{
    killed=$(all_of a)
    kill -9 $killed
    server_stop posternd-a KILL
    wait_for 60 are_gone $killed
    left_s=$(lease_left_s)
    put_noted three INBOX support
    note_who_asks
    tap_ok "b asks for the folder" wait_for 60 somebody_asked
    tap_is "and leaves it to a" "$(lease)" "$of_a"
    tap_ok "for 45 s at most" [ "$left_s" -le 45 ]
    lease_ends
    began=$(now_ms)
    tap_ok "once a is dead, b takes the folder" wait_for 70 lease_is_not "$of_a"
    took_s=$(seconds_since "$began")
    tap_diag "b took over after $left_s s of the lease, and $took_s s more"
    # 45, and the ten between two looks.
    tap_ok "within 60 s" [ $((left_s + took_s)) -le 60 ]
    tap_ok "and the mail" wait_for 60 tickets_are 3
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
    tap_ok "b is left it for 45 s at most" [ "$(lease_left_s)" -le 45 ]
    lease_ends
    tap_ok "a takes the folder of who does not say a word" \
        wait_for 70 lease_is "$of_a"
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
