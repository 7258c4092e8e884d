# shellcheck shell=sh
# A desk that watches folders of a private Dovecot; read after desk.sh.
#
#   imap_prepare           PostgreSQL, sink and Dovecot, and no daemon yet
#   account_password       the password of an account "office" without folders
#                          yet, where the server is another one
#   account_folder FOLDER QUEUE [KEYS]   one more folder of account
#                          $ACCOUNT_NAME, in which user "desk" logs in
#   imap_settings [TEXT]   the settings with that account; $ACCOUNT_KEYS are
#                          added to it, $ACCOUNT_SECRET stands for the
#                          password_file, $ACCOUNT_PORT for Dovecot's,
#                          $ACCOUNT_TIMEOUT for its 30s,
#                          $IMAP_LIMITS are added to limits
#   imap_test PART...      test_PART of each, or of $IMAP_PARTS only
#   put_mail NAME [FLAGS [FOLDER]]   a person's mail arrives (put_file: that of
#                          $MAILS/NAME.eml)
#   folder_count FOLDER [QUERY]      mails in it, as doveadm search says
#   folder_has FOLDER N [QUERY]
#   put_noted NAME FOLDER QUEUE      put_mail, noted in $IMAP_LEDGER (note_mail:
#                          noted only)
#   imap_oracle NAME [ARGS...]       a TAP point: in the end, and before nothing
#                          has changed for $IMAP_REST seconds, imap_oracle.py
#                          finds nothing wrong
#   watched N              so many folders are read without trouble
#   raw_of, sha_of NAME    digest of what the database has, and of what was sent

account_password()
{
    printf 'secret\n' >"$SERVERS/imap-password"
    chmod 0600 "$SERVERS/imap-password"
    if [ "$(id -u)" = 0 ]; then
        chown "$SERVERS_USER" "$SERVERS/imap-password"
    fi
    ACCOUNT_NAME=office
    ACCOUNT_FOLDERS=
}

imap_prepare()
{
    desk_prepare && dovecot_start "${1:-}" || return 1
    account_password
    IMAP_LEDGER=$SERVERS/imap-ledger
    : >"$IMAP_LEDGER"
    servers_mkdir "$DOVECOT_MAIL/desk" 0700 "$SERVERS_USER"
    dovecot_maildir "$DOVECOT_MAIL/desk"
}

account_folder()
{
    ACCOUNT_FOLDERS="$ACCOUNT_FOLDERS${ACCOUNT_FOLDERS:+, }
        { folder = \"$1\"; queue = \"$2\"; poll = \"1s\"; ${3:-} }"
}

imap_settings()
{
    desk_settings "accounts = ( { name = \"$ACCOUNT_NAME\";
        host = \"127.0.0.1\"; port = ${ACCOUNT_PORT:-$DOVECOT_PORT};
        tls = \"off\"; user = \"desk\"; timeout = \"${ACCOUNT_TIMEOUT:-30s}\";
        ${ACCOUNT_SECRET:-password_file = \"$SERVERS/imap-password\";}
        ${ACCOUNT_KEYS:-}
        folders = ( $ACCOUNT_FOLDERS ); } );
        limits = { poll = \"1s\"; ${IMAP_LIMITS:-} };
        budgets = { per_sender_10min = 1000; per_sender_day = 10000; };" "$@"
}

imap_test()
{
    tap_parts "${IMAP_PARTS:-}" "$@"
}

# put_file NAME [FLAGS [FOLDER]]: with flags it is delivered as read by somebody.
put_file()
{
    put_box=desk
    if [ "${3:-INBOX}" != INBOX ]; then
        put_box=desk/.$3
    fi
    dovecot_put "$put_box" "$MAILS/$1.eml" "${2:-}"
}

put_mail()
{
    mail_write "$1" "$1@customers.test" "Question $1"
    put_file "$@"
}

# --- what must be true in the end ------------------------------------------------

note_mail()
{
    printf '%s\t%s\t%s\n' "$(sha_of "$1")" "$3" "$2" >>"$IMAP_LEDGER"
}

put_noted()
{
    mail_write "$1" "$1@customers.test" "Question $1"
    note_mail "$@"
    put_file "$1" '' "$2"
}

oracle_is_content()
{
    "$PYTHON" "$servers_support/imap_oracle.py" --ledger "$IMAP_LEDGER" "$@" \
        >"$SERVERS/oracle.out" 2>&1
}

# oracle_within SECONDS ARGS...: of the clock, without a change in what it says;
# for a slow machine may have thousands of mails to go, but not for ever.
oracle_within()
{
    oracle_rest=$1
    oracle_end=$(($(date +%s) + 5 * oracle_rest))
    oracle_said=
    shift
    until oracle_is_content "$@"; do
        oracle_now=$(date +%s)
        if [ "$oracle_said" != "$(cksum <"$SERVERS/oracle.out")" ]; then
            oracle_said=$(cksum <"$SERVERS/oracle.out")
            oracle_until=$((oracle_now + oracle_rest))
        fi
        [ "$oracle_now" -lt "$oracle_until" ] &&
            [ "$oracle_now" -lt "$oracle_end" ] || return 1
        sleep 0.5 # between two looks, for each reads all there is
    done
}

imap_oracle()
{
    oracle_name=$1
    shift
    if oracle_within "${IMAP_REST:-90}" "$@"; then
        tap_pass "$oracle_name: all mails are safe"
    else
        tap_fail "$oracle_name: all mails are safe"
    fi
    tap_diag "$(head -n 40 "$SERVERS/oracle.out")"
}

watched()
{
    [ "$(desk_sql "SELECT count(*) FROM folder WHERE looked_at IS NOT NULL
        AND last_error = '' AND lease_until > now()")" = "$1" ]
}

# --- folders ---------------------------------------------------------------------

folder_count()
{
    count_box=$1
    shift
    dovecot_adm search -u desk mailbox "$count_box" "${@:-all}" | wc -l
}

folder_has()
{
    has_box=$1
    has_n=$2
    shift 2
    [ "$(folder_count "$has_box" "$@")" = "$has_n" ]
}

# The mail with LF is on disk, with CRLF on the wire.
sha_of()
{
    sed 's/$/\r/' "$MAILS/$1.eml" | sha256sum | cut -d' ' -f1
}

raw_of()
{
    desk_sql "SELECT encode(sha256(r.bytes), 'hex') FROM raw_mail r
        WHERE position(convert_to('<$1@mua.test>', 'UTF8') IN r.bytes) > 0"
}

now_ms()
{
    date +%s%3N
}

# set_arrival FOLDER DATE: of all mails there; Dovecot has it from the file. One
# whose name changes meanwhile must not be made anew.
set_arrival()
{
    find "$DOVECOT_MAIL/desk/.$1" -type f -path '*/[cn]??/*' \
        -exec touch -c -d "$2" {} +
}
