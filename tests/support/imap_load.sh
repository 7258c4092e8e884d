# shellcheck shell=sh
# Mail comes into three folders all the while, and something breaks; read after
# imap.sh. support/imap_oracle.py judges.
#
#   imap_load_prepare      what imap_prepare does, and the folders keep, move,
#                          delete (with what is done there) and Done
#   mail_begin NAME        from now on mail comes; returns when some is taken
#   goes_on WHAT           a TAP point: mail is taken again
#   hurry                  who pauses goes on at once
#   mail_end               no more mail comes: TAP points about all that ever did,
#                          $MEDDLED are for imap_oracle.py

MEDDLED=
IMAP_REST=90 # the longest pause of a worker is a minute

imap_load_prepare()
{
    imap_prepare || return 1
    IMAP_STOP=$SERVERS/put.stop
    cp "$servers_support/imap_put.py" "$SERVERS/"
    chmod 0644 "$SERVERS/imap_put.py"
    : >"$IMAP_LEDGER.spare"
    chmod 0666 "$IMAP_LEDGER" "$IMAP_LEDGER.spare"
    for load_folder in Done keep move delete; do
        dovecot_folder desk $load_folder
    done
    account_folder keep support 'after = "keep";'
    account_folder move billing 'after = "move"; move_to = "Done";'
    account_folder delete billing 'after = "delete";'
}

mail_begin()
{
    feed=$1
    rm -f "$IMAP_STOP"
    mail_had=$(hand_overs)
    servers_as "$SERVERS_USER" "$PYTHON" "$SERVERS/imap_put.py" \
        --name "$feed" --ledger "$IMAP_LEDGER" --until "$IMAP_STOP" \
        "keep=$DOVECOT_MAIL/desk/.keep=support" \
        "move=$DOVECOT_MAIL/desk/.move=billing" \
        "delete=$DOVECOT_MAIL/desk/.delete=billing" \
        >"$SERVERS/$feed.put" 2>&1 &
    feeder=$!
    wait_for 60 has_more_than "$mail_had"
}

# As an administrator hurries it, who does not want to wait for pauses: mails
# that a worker died of or the connection broke on are not at fault here.
hurry()
{
    desk account retry office >/dev/null
    desk_hup
}

mail_end()
{
    : >"$IMAP_STOP"
    wait "$feeder"
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

hand_overs()
{
    desk_sql 'SELECT count(*) FROM delivery'
}

has_more_than()
{
    [ "$(hand_overs)" -gt "$1" ]
}

# Mail goes in while this goes on.
goes_on()
{
    tap_ok "$1: mail is taken again" wait_for 60 has_more_than "$(hand_overs)"
}
