#!/bin/sh
# The IMAP client against a real Dovecot that lets people in by tokens, lacks one
# ability or another, or opens folders for reading only.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
faults_wanted
servers_need dovecot
command -v openssl >/dev/null || tap_needs "openssl (Debian package openssl)"

# probe ARGUMENTS...: to this Dovecot, in clear
probe()
{
    variants_options=
    while [ "${1#-}" != "$1" ]; do
        variants_options="$variants_options $1 $2"
        shift 2
    done
    # shellcheck disable=SC2086 # options and words without spaces
    timeout 60 "${abs_top_builddir:-.}/imap_probe" $variants_options \
        127.0.0.1 "$DOVECOT_PORT" "$@" 2>&1
}

write_mail()
{
    printf 'From: a@example.org\r\nSubject: %s\r\n\r\nhello\r\n' "$1" \
        >"$SERVERS/mail.$1"
    echo "$SERVERS/mail.$1"
}

# --- tokens ---------------------------------------------------------------

# start_with MECHANISMS
start_with()
{
    dovecot_stop
    dovecot_start "auth_mechanisms = $1
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = $SERVERS/oauth2.conf
}"
}

test_tokens()
{
    tap_ok "a key for tokens" dovecot_tokens
    for mechanism in oauthbearer xoauth2; do
        tap_ok "a server with $mechanism starts" start_with $mechanism
        tap_like "a token is let in" \
            "$(probe -k "$(jwt anna 600)" report)" '^stage: done'
        tap_like "by $mechanism" "$(probe -k "$(jwt anna 600)" report)" \
            "^mechanism: $(echo $mechanism | tr '[:lower:]' '[:upper:]')"
        said=$(probe -k "$(jwt anna -10)" list)
        tap_like "one that ended is refused" "$said" \
            '^permanent: .*login refused: NO '
        tap_unlike "and not shown" "$said" 'eyJ'
        tap_like "so is another's" "$(probe -k "$(jwt bert 600)" list)" \
            '^permanent: .*login refused'
        tap_like "and one that was forged" \
            "$(probe -k "$(jwt anna 600)x" list)" \
            '^permanent: .*login refused'
        tap_like "a shared mailbox is whom the token is for" \
            "$(probe -m help -k "$(jwt help 600)" list)" INBOX
    done
}

# --- another's mailbox, by password ---------------------------------------

test_another()
{
    dovecot_stop
    tap_ok "a server with a master starts" dovecot_start "passdb {
  driver = static
  args = password=master
  master = yes
}"
    dovecot_folder help Theirs
    tap_like "he opens another's mailbox" \
        "$(probe -u master -p master -m help list)" Theirs
    tap_like "nobody else does" \
        "$(probe -u anna -p secret -m help list)" '^permanent: .*login refused'
}

# --- abilities ------------------------------------------------------------

ALL='IMAP4rev1 SASL-IR LITERAL+ ENABLE UIDPLUS CONDSTORE MOVE IDLE'

# without WORD
without()
{
    dovecot_stop
    # shellcheck disable=SC2086 # a list of words
    dovecot_start "imap_capability = $(printf '%s\n' $ALL | grep -vx "$1" |
        tr '\n' ' ')"
}

# No mail in INBOX and Done.
clear_folders()
{
    dovecot_adm expunge -u anna mailbox INBOX all
    dovecot_adm expunge -u anna mailbox Done all
}

test_abilities()
{
    dovecot_folder anna Done
    for word in UIDPLUS MOVE IDLE CONDSTORE LITERAL+ SASL-IR; do
        tap_ok "a server without $word starts" without $word
        clear_folders
        tap_unlike "and says so" "$(probe report)" \
            "^capabilities: .* $(echo $word | sed 's/+/\\+/')( |\$)"
        dovecot_put anna "$(write_mail first)"
        tap_like "a mail comes" "$(probe fetch INBOX)" '^1 mails'
        tap_like "it is moved, and counted" "$(probe move INBOX Done)" \
            '^1 moved'
        tap_like "it is there" "$(probe fetch Done | tail -n 1)" '^1 mails'
        tap_is "nothing is left here" "$(probe fetch INBOX)" "0 mails"
        tap_like "waiting works" "$(probe wait INBOX 1)" '^quiet'
    done
}

# Somebody else has marked a mail as deleted, and has not made up his mind.
test_others()
{
    tap_ok "a server without MOVE starts" without MOVE
    clear_folders
    dovecot_put anna "$(write_mail theirs)"
    dovecot_adm flags add -u anna '\Deleted' mailbox INBOX all
    dovecot_put anna "$(write_mail ours)"
    tap_like "one of two mails is moved" "$(probe move-last INBOX Done)" \
        '^1 moved'
    tap_is "the other one stays" "$(dovecot_adm fetch -u anna hdr.subject \
        mailbox INBOX | grep -c theirs)" 1
}

# --- folders for reading only ---------------------------------------------

test_read_only()
{
    dovecot_stop
    tap_ok "a server with rights starts" dovecot_start 'mail_plugins = acl
plugin {
  acl = vfile
}'
    dovecot_folder anna Archive
    cp "$(write_mail archived)" "$DOVECOT_MAIL/anna/.Archive/cur/1.a.test:2,"
    chmod 0644 "$DOVECOT_MAIL/anna/.Archive/cur/1.a.test:2,"
    echo 'owner lr' >"$DOVECOT_MAIL/anna/.Archive/dovecot-acl"
    chmod 0644 "$DOVECOT_MAIL/anna/.Archive/dovecot-acl"
    tap_like "a folder may be for reading only" \
        "$(probe select Archive)" 'read-only'
    tap_like "its mail comes" "$(probe fetch Archive)" '^1 mails'
    tap_like "nothing can be moved away" "$(probe move Archive Done)" \
        '^(permanent|temporary): '
    tap_like "it is still there" "$(probe fetch Archive)" '^1 mails'
    echo 'owner l' >"$DOVECOT_MAIL/anna/.Archive/dovecot-acl"
    tap_like "what may not be read is refused" "$(probe fetch Archive)" \
        "^permanent: .*folder 'Archive'"
    dovecot_folder anna Full
    echo 'owner lr' >"$DOVECOT_MAIL/anna/.Full/dovecot-acl"
    dovecot_put anna "$(write_mail stays)"
    tap_like "where nothing may be put nothing is moved" \
        "$(probe move INBOX Full)" "^permanent: .*moving to 'Full'"
    tap_like "and the mail stays" "$(probe fetch INBOX)" '[1-9] mails'
}

dovecot_start || tap_fail "Dovecot starts"
test_tokens
test_another
test_abilities
test_others
test_read_only
dovecot_stop
tap_done
