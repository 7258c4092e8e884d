#!/bin/sh
# What "postern account" and "postern status" say of folders that are watched:
# how it goes, who reads them, what could not be taken.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/imap.sh"
servers_need pg sink dovecot

# state FOLDER: in a word, as scripts get it
state()
{
    desk account list --json | "$PYTHON" -c 'import json, sys
print(*[f["state"] for f in json.load(sys.stdin) if f["folder"] == sys.argv[1]])
' "$1"
}

is_state()
{
    [ "$(state "$1")" = "$2" ]
}

# figure NAME: of the folders, in the status
figure()
{
    desk status --json | "$PYTHON" -c 'import json, sys
print(json.load(sys.stdin)["folders"][sys.argv[1]])' "$1"
}

# In a table that lines up the states stand below each other.
column_of()
{
    desk account list | awk -v word="$1" '{ print index($0, word) }' |
        sort -u | tr '\n' ' '
}

test_before()
{
    account_folder INBOX support
    account_folder Sales billing
    imap_settings
    tap_is "before a daemon looks a folder is new" "$(state INBOX)" never
    tap_is "which is trouble" "$(exit_of desk account list)" 1
}

test_watched()
{
    put_mail one
    desk_start || exit 1
    tap_ok "it is watched" wait_for 60 is_state INBOX watching
    tap_ok "and so is the other" wait_for 60 is_state Sales watching
    desk_sent 1
    tap_is "all is well" "$(exit_of desk account list)" 0
    said=$(desk account list)
    tap_like "the table says by whom" "$said" \
        "^office +INBOX +support +watching +[0-9]+ +0 +0 +0 +$(hostname)/[0-9]+ +-\$"
    tap_is "and lines up" "$(column_of watching)" \
        "0 $(printf '%s\n' "$said" | sed -n 1p | awk '{ print index($0, "STATE") }') "
    tap_is "the status counts them" "$(figure watched) $(figure silent)" "2 0"
    tap_like "for people, too" "$(desk status)" \
        '^folders: +2 watched, 0 not read, 0 mails wait, 0 parked$'
}

# With a daemon that takes them, test mails are tickets; nobody is answered.
test_mail()
{
    {
        wait_for 60 has_test_mails 1 &&
            dovecot_put desk "$(test_mails | sed -n 1p)"
        wait_for 60 has_test_mails 2 &&
            dovecot_put desk/.Sales "$(test_mails | sed -n 2p)"
    } >/dev/null 2>&1 &
    carrier=$!
    said=$(desk account check --send --wait 60 office)
    wait $carrier
    tap_like "a test mail arrives" "$said" \
        '^ok    test mail to support@desk.test: it is in INBOX after'
    tap_like "and one of the other queue" "$said" \
        '^ok    test mail to billing@desk.test: it is in Sales after'
    tap_ok "they become tickets" wait_for 60 has_test_tickets 2
    tap_is "that are not acknowledged" "$(desk_sql "SELECT DISTINCT e.detail
        FROM event e JOIN ticket t ON t.id = e.ticket_id WHERE t.subject LIKE 'Test mail%'
        AND e.name = 'not-acknowledged'")" auto
}

# Not acknowledgements, which the relay has, too.
test_mails()
{
    sink_mails | xargs grep -li '^Message-ID: <check\.'
}

has_test_mails()
{
    [ "$(test_mails | wc -l)" -ge "$1" ]
}

has_test_tickets()
{
    [ "$(desk_sql "SELECT count(*) FROM ticket
        WHERE subject = 'Test mail of postern account check office'")" = "$1" ]
}

# A mail above the limit stays where it is.
test_left()
{
    desk_stop
    IMAP_LIMITS='mail_size = "1KiB";'
    imap_settings
    mail_write large large@customers.test "Large"
    head -c 3000 /dev/zero | tr '\0' x | fold -w 70 >>"$MAILS/large.eml"
    put_file large
    desk_start || exit 1
    tap_ok "a mail above the limit is parked" wait_for 60 has_parked 1
    tap_is "which is trouble" "$(exit_of desk account list)" 1
    tap_like "it is listed with the reason" "$(desk account left office)" \
        '^office +INBOX +[0-9]+ +[0-9]+ +0 +parked .*limits.mail_size'
    tap_is "another account has none" \
        "$(desk account left home | sed 1d)" ""
    tap_like "the status warns" "$(desk status)" \
        '^ +1 mails could not be taken from their folders: postern account left'
    tap_is "with its exit status" "$(exit_of desk status)" 1
    desk_stop
    IMAP_LIMITS=
    imap_settings
    tap_is "with a higher limit it is to be tried again" \
        "$(desk account retry office)" "1 to be tried again"
    tap_like "which is said" "$(desk account left)" ' retrying '
    desk_start || exit 1
    tap_ok "and it is taken" wait_for 60 has_parked 0
    tap_ok "all is well again" wait_for 60 desk account list
    tap_is "an account that is none" "$(exit_of desk account retry home)" 1
}

has_parked()
{
    [ "$(figure parked)" = "$1" ]
}

test_silent()
{
    dovecot_stop
    tap_ok "without a server an attempt fails" wait_for 60 is_state INBOX \
        failing
    tap_like "why is said" "$(desk account list)" \
        'failing .*127.0.0.1 port .*(BYE|closed|refused)'
    tap_is "for a while that is no trouble" "$(exit_of desk account list)" 0
    desk_sql "UPDATE folder SET looked_at = now() - interval '16 minutes'
        WHERE name = 'INBOX'" >/dev/null
    tap_is "too long is too long" "$(state INBOX)" silent
    tap_is "that is trouble" "$(exit_of desk account list)" 1
    tap_like "the status warns" "$(desk status)" \
        '^ +1 folders are not read: postern account list'
    tap_is "with its exit status" "$(exit_of desk status)" 1
    desk_sql "UPDATE folder SET looked_at = now() - interval '16 minutes'" \
        >/dev/null
    tap_is "none at all is critical" "$(exit_of desk status)" 2
    tap_ok "a refusal is named" wait_for 60 is_refused Sales
    desk_stop
}

# Its worker still tries, and may write its own next time between ours and the
# look at it.
is_refused()
{
    desk_sql "UPDATE folder SET next_try_at = now() + interval '1 hour'
        WHERE name = '$1'" >/dev/null && is_state "$1" refused
}

# Each folder has a worker, and each worker a connection to the database.
test_many()
{
    tap_is "postern check finds nothing wrong" "$(exit_of desk check)" 0
    many=0
    while [ $many -lt 60 ]; do
        many=$((many + 1))
        account_folder "Folder $many" support
    done
    imap_settings
    tap_like "more folders than PostgreSQL has connections" "$(desk check)" \
        'the server has 57 connections .* posternd may want [0-9]+, one for'
}

imap_prepare || exit 1
dovecot_folder desk Sales
imap_test before watched mail left silent many
desk_sane
tap_done
