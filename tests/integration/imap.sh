#!/bin/sh
# Mail of an IMAP folder becomes tickets, each exactly one, whatever the folder
# or its server do; what is flagged or moved is in the database first.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/imap.sh"

tickets()
{
    desk_sql 'SELECT count(*) FROM ticket'
}

has_tickets()
{
    [ "$(tickets)" = "$1" ]
}

# --- mail comes ----------------------------------------------------------------

test_arrival()
{
    account_folder INBOX support
    imap_settings
    put_mail first
    desk_start || exit 1
    tap_ok "what is there becomes a ticket" wait_for 60 has_tickets 1
    tap_is "in the folder's queue" "$(desk_sql 'SELECT queue FROM ticket')" \
        support
    tap_ok "its author is answered" wait_for 60 has_mail_to first
    tap_ok "the folder waits in IDLE" \
        desk_log 'event=folder.opened.*idle=yes'
    put_mail second
    tap_ok "new mail becomes a ticket" wait_for 60 has_tickets 2
    tap_is "byte for byte" "$(raw_of second)" "$(sha_of second)"
    tap_is "its key says where it lies" "$(desk_sql "SELECT source_key ~
        '^imap/office/INBOX/[0-9]+/2$' FROM delivery ORDER BY id DESC
        LIMIT 1")" t
    tap_ok "it is flagged as seen" wait_for 60 folder_has INBOX 2 SEEN
    tap_is "the position is in the database" "$(desk_sql 'SELECT last_uid,
        uid_validity > 0, lease IS NOT NULL FROM folder')" "2|t|t"
}

# The middle one of five: the machine may be busy just then.
test_quick()
{
    for quick in 1 2 3 4 5; do
        before=$(tickets)
        put_mail "quick-$quick"
        began=$(now_ms)
        wait_for 60 has_tickets $((before + 1))
        echo $(($(now_ms) - began)) >>"$SERVERS/quick"
    done
    middle_ms=$(sort -n "$SERVERS/quick" | sed -n 3p)
    tap_ok "new mail is a ticket within 2 s" [ "$middle_ms" -le 2000 ]
    tap_diag "in ms: $(tr '\n' ' ' <"$SERVERS/quick")"
}

# Never by a flag: what a person has read is new as well.
test_flags()
{
    put_mail read-before S
    tap_ok "a mail that somebody read already is taken" \
        wait_for 60 has_tickets 3
    dovecot_adm flags remove -u desk '\Seen' mailbox INBOX all
    put_mail next
    tap_ok "the next one is taken" wait_for 60 has_tickets 4
    tap_is "and no old one again" "$(desk_sql 'SELECT count(*),
        sum(duplicates) FROM delivery')" "4|0"
}

test_sender()
{
    mail_write bounced mailer-daemon@elsewhere.test "Undelivered" \
        "X-Test: 1"
    { printf 'Return-Path: <>\n'; cat "$MAILS/bounced.eml"; } \
        >"$MAILS/null.eml"
    put_file null
    tap_ok "a null reverse-path is known" wait_for 60 has_tickets 5
    tap_is "and not answered" "$(desk_sql "SELECT count(*) FROM outgoing
        WHERE kind = 'acknowledgement' AND acknowledged LIKE 'mailer%'")" 0
    { printf 'Return-Path: <envelope@customers.test>\n'
        sed 's/bounced@mua/other@mua/; s/mailer-daemon/person/' \
            "$MAILS/bounced.eml"; } >"$MAILS/path.eml"
    put_file path
    tap_ok "the Return-Path is answered" wait_for 60 has_mail_to envelope
}

# --- what is done afterwards -----------------------------------------------------

# after AFTER [KEYS]: a folder of its own for each.
after()
{
    dovecot_folder desk "$1"
    account_folder "$1" billing "after = \"$1\"; ${2:-}"
}

test_after()
{
    before=$(tickets)
    dovecot_folder desk Done
    after keep
    after keyword 'keyword = "Ticket";'
    after move 'move_to = "Done";'
    after delete
    imap_settings
    desk_reload
    for how in keep keyword move delete; do
        put_mail "after-$how-1" '' "$how"
        put_mail "after-$how-2" '' "$how"
    done
    tap_ok "four folders more are watched" wait_for 60 has_tickets \
        $((before + 8))
    tap_ok "move: they are in the other folder" wait_for 60 folder_has Done 2
    tap_ok "move: and not in the first" wait_for 60 folder_has move 0
    tap_ok "delete: they are gone" wait_for 60 folder_has delete 0
    tap_ok "keyword: they have it" wait_for 60 folder_has keyword 2 \
        KEYWORD Ticket
    tap_is "keep: they are as they were" "$(folder_count keep UNSEEN)" 2
    tap_ok "nothing more happens to them" wait_for 60 acted_on_all
}

acted_on_all()
{
    [ "$(desk_sql "SELECT count(*) FROM folder WHERE last_uid = 2
        AND name IN ('keep', 'keyword', 'move', 'delete')")" = 4 ]
}

# The other folder is not there: mail is taken all the same, and moved when it is.
test_no_target()
{
    before=$(tickets)
    dovecot_folder desk lost
    account_folder lost billing 'after = "move"; move_to = "Nowhere";'
    imap_settings
    desk_reload
    put_mail lost-1 '' lost
    tap_ok "without the other folder mail is taken" \
        wait_for 60 has_tickets $((before + 1))
    tap_ok "and it is said that it cannot be moved" \
        desk_log 'event=folder.action-failed.*Nowhere'
    tap_is "it stays" "$(folder_count lost)" 1
    dovecot_folder desk Nowhere
    desk_reload
    tap_ok "once the folder is there it is moved" \
        wait_for 60 folder_has Nowhere 1
    tap_is "no second ticket" "$(tickets)" $((before + 1))
}

# --- limits ------------------------------------------------------------------------

test_large()
{
    before=$(tickets)
    IMAP_LIMITS='mail_size = "1MiB"; memory_size = "100KiB";'
    imap_settings
    desk_reload
    put_mail small-1
    mail_write large large@customers.test 'Large'
    head -c 1500000 /dev/urandom | base64 -w 76 >>"$MAILS/large.eml"
    put_file large
    mail_write spooled spooled@customers.test 'Spooled'
    head -c 500000 /dev/urandom | base64 -w 76 >>"$MAILS/spooled.eml"
    put_file spooled
    put_mail small-2
    tap_ok "a mail above the limit stops no other" \
        wait_for 60 has_tickets $((before + 3))
    tap_ok "and said" desk_log 'event=mail.left.*mail_size'
    tap_is "it is noted" "$(desk_sql "SELECT reason, parked_at IS NOT NULL,
        strikes FROM left_mail")" 'larger than limits.mail_size|t|0'
    tap_is "what was spooled is whole" "$(raw_of spooled)" "$(sha_of spooled)"
    IMAP_LIMITS=
    imap_settings
    desk_reload
    tap_ok "with a higher limit it is taken by itself" \
        wait_for 60 has_tickets $((before + 4))
    tap_ok "and no more noted" wait_for 60 nothing_is_left
}

nothing_is_left()
{
    [ "$(desk_sql 'SELECT count(*) FROM left_mail')" = 0 ]
}

# --- another folder under the same name --------------------------------------------

# Everything in it has other numbers, some of it is known.
test_validity()
{
    before=$(tickets)
    had=$(folder_count INBOX)
    mail_write alarm alarm@customers.test 'No id'
    sed -i '/^Message-ID/d' "$MAILS/alarm.eml"
    put_file alarm
    tap_ok "a mail without Message-ID" wait_for 60 has_tickets $((before + 1))
    folders_rest
    desk_sql "INSERT INTO left_mail (folder_id, uid_validity, uid, reason,
            parked_at) SELECT id, uid_validity, 1, 'too large', now()
        FROM folder WHERE name = 'INBOX'" >/dev/null
    desk_sql "DELETE FROM delivery WHERE ctid IN (SELECT ctid FROM delivery
        WHERE source_key LIKE 'imap/office/INBOX/%' LIMIT 2)" >/dev/null
    dovecot_adm mailbox update --uid-validity 4711 -u desk INBOX ||
        new_validity INBOX
    put_mail after-restore
    desk_start || exit 1
    tap_ok "another UIDVALIDITY is noticed" desk_log 'event=folder.resync'
    tap_ok "the new mail is taken" wait_for 60 has_tickets $((before + 2))
    tap_ok "to the end" wait_for 60 position_is INBOX $((had + 2))
    desk_settled 1
    tap_is "and no other becomes a second ticket" "$(tickets)" $((before + 2))
    tap_is "what was left in the old one is forgotten" \
        "$(desk account retry office)" "0 to be tried again"
    tap_is "nor is there a second message" "$(desk_sql "SELECT count(*) FROM message
        WHERE kind = 'mail'")" "$(desk_sql 'SELECT count(*) FROM ticket')"
}

position_is()
{
    [ "$(desk_sql "SELECT last_uid FROM folder WHERE name = '$1'")" = "$2" ]
}

# Nobody writes into the folders, neither we nor a process of Dovecot's.
folders_rest()
{
    desk_stop
    wait_for 60 nobody_is_logged_in
}

nobody_is_logged_in()
{
    [ -z "$(pgrep -P "$(server_pid dovecot)" -x imap)" ]
}

backup()
{
    folders_rest
    cp -a "$DOVECOT_MAIL/desk" "$SERVERS/backup"
    desk_start || exit 1
}

restore()
{
    folders_rest
    rm -rf "$DOVECOT_MAIL/desk"
    mv "$SERVERS/backup" "$DOVECOT_MAIL/desk"
}

# A backup is put back: numbers that were given out are given out again, under
# the same UIDVALIDITY.
test_restore()
{
    before=$(tickets)
    dovecot_adm search -u desk mailbox INBOX all >"$SERVERS/search"
    backup
    put_mail unsaved-1
    put_mail unsaved-2
    tap_ok "mails after the backup" wait_for 60 has_tickets $((before + 2))
    restore
    put_mail after-backup
    desk_start || exit 1
    tap_ok "that the folder went back is noticed" \
        desk_log 'event=folder.resync'
    tap_ok "a mail under a number that another had is taken" \
        wait_for 60 has_tickets $((before + 3))
    desk_settled 1
    tap_is "and no other becomes a second ticket" "$(tickets)" $((before + 3))
}

# The same, but more mail has come since than the backup lacks: no number is yet
# to come, and only the server's count of changes tells.
test_outgrown()
{
    before=$(tickets)
    backup
    put_mail unsaved-3
    tap_ok "a mail after the backup" wait_for 60 has_tickets $((before + 1))
    restore
    put_mail outgrown-1
    put_mail outgrown-2
    desk_start || exit 1
    tap_ok "both mails that came after a restore are taken" \
        wait_for 60 has_tickets $((before + 3))
    desk_settled 1
    tap_is "and no other becomes a second ticket" "$(tickets)" $((before + 3))
}

# The account has another name: nothing is new.
test_renamed()
{
    before=$(tickets)
    desk_stop
    ACCOUNT_NAME=elsewhere
    imap_settings
    desk_start || exit 1
    tap_ok "under another name the folder is read anew" \
        desk_log 'event=folder.opened.*last_uid=0'
    put_mail after-rename
    tap_ok "new mail is taken" wait_for 60 has_tickets $((before + 1))
    desk_settled 1
    tap_is "no other becomes a second ticket" "$(tickets)" $((before + 1))
}

# --- who reads -------------------------------------------------------------------

test_since()
{
    before=$(tickets)
    dovecot_folder desk late
    put_mail long-ago '' late
    set_arrival late '2001-02-03 04:05:06'
    put_mail now '' late
    account_folder late support 'since = "2020-01-01";'
    imap_settings
    desk_reload
    tap_ok "mail from before the day is not taken" \
        wait_for 60 has_tickets $((before + 1))
    put_mail old-but-new '' late
    set_arrival late '2001-02-03 04:05:06'
    tap_ok "later mail is, whatever day it says" \
        wait_for 60 has_tickets $((before + 2))
}

servers_need pg sink dovecot
imap_prepare || exit 1
imap_test arrival flags sender quick after no_target large validity restore outgrown \
    renamed since
desk_unharmed
tap_done
