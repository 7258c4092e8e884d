# shellcheck shell=sh
# A whole desk for tests: posternd on a private PostgreSQL, with the SMTP sink
# as its relay. Source it after tap.sh and servers.sh:
#
#   servers_need pg sink
#   desk_prepare && desk_start || exit 1
#   mail_write hello anna@customers.test 'It does not work'
#   tap_ok "it is taken" lmtp_send hello anna@customers.test support@desk.test
#   desk_settled 1
#   tap_is "one ticket" "$(desk_sql 'SELECT count(*) FROM ticket')" 1
#   tap_done
#
#   desk_prepare           programs, database `desk` with the schema, sink and
#                          settings; starts no daemon
#   desk_settings [TEXT]   write $DESK_CONF anew: the common part and TEXT.
#                          $DESK_SUPPORT is added to queue support, $DESK_RELAY
#                          stands for the sink, $DESK_CONNINFO for the database,
#                          $DESK_PATIENCE for how long that may take (20s)
#   desk_start, desk_stop [SIGNAL], desk_restart
#   desk_reload            HUP, and wait until the log has an answer to it and those
#                          who had the old settings have left; desk_hup does not
#                          wait for them, who may be stopped or stuck
#   desk_has_workers ROLE N    so many of this role are there
#   desk_renew ROLE N      desk_reload, and until they are
#   desk ARGS...           postern(1) as the service's user
#   deliver ARGS...        postern-deliver(1) to $DESK_SOCKET
#   desk_sql SQL           what the database says, "|" between columns
#   hold_table TABLE [MODE]   a transaction that keeps everybody else out of it
#                          (or locks it in MODE), until let_go
#   desk_settled N [S]     until N hand-overs are there and none waits
#   desk_sent N [S]        until N mails have left and none is on its way
#   desk_kind KIND         files in the sink of one kind: ack, reply, notice,
#                          admin, by the Message-IDs that we write
#   sent_to NAME           files in the sink that went to NAME@...
#   has_mail_to NAME       there is one
#   desk_log ERE [S]       until a line of the log matches
#   mark_log               desk_log looks behind this point only
#   desk_workers [ROLE]    process ids of the workers; desk_parsers, of the
#                          children that read mail for processors
#   desk_unharmed          a TAP point: no worker died, no sanitizer complained;
#                          desk_sane only the second, where a test kills
#
#   mail_write NAME FROM SUBJECT [FIELD...]   a person's mail to support@,
#                          $MAILS/NAME.eml, Message-ID <NAME@mua.test>
#   mail_answer NAME FROM FILE [FIELD...]     FROM answers the mail in FILE
#   mail_field FILE FIELD  its value, in one line
#   lmtp_send NAME FROM TO...   by LMTP, noted in $LEDGER when accepted
#   desk_takes NAME [TO]   a mail by NAME to support@ (or TO) is accepted; they are
#                          counted in $desk_taken
#   desk_works NAME [TO]   and all that were are settled
#   exit_of COMMAND...     prints its exit status
#
# Queues are support (support@, help@) and billing, at desk.test.

desk_names()
{
    DESK_CONF=$SERVERS/postern.conf
    DESK_RUN=$SERVERS/run
    DESK_SOCKET=${DESK_SOCKET:-$DESK_RUN/lmtp.sock}
    DESK_BIN=$SERVERS/bin
    DESK_LOG=$SERVERS/posternd.log
    MAILS=$SERVERS/mails
    LEDGER=$SERVERS/ledger
    PGDATABASE=desk
    export PGDATABASE
}

# Copies: build and checkout may be closed to $SERVERS_USER.
desk_install()
{
    mkdir -p "$DESK_BIN" "$MAILS" || return 1
    servers_mkdir "$DESK_RUN" 0755 "$SERVERS_USER"
    servers_mkdir "$SERVERS/spool" 0700 "$SERVERS_USER"
    for desk_program in posternd postern postern-deliver; do
        cp "${abs_top_builddir:-.}/$desk_program" "$DESK_BIN/" || return 1
    done
    cp -R "${srcdir:-.}/conf/templates" "$SERVERS/templates" || return 1
    chmod -R u+w,go+rX "$DESK_BIN" "$SERVERS/templates"
}

desk_prepare()
{
    command -v pgrep >/dev/null || servers_lack pgrep procps
    servers_dir && servers_python || return 1
    desk_names
    desk_install && pg_start && pg_createdb desk && sink_start || return 1
    desk_settings
    desk schema apply >"$SERVERS/schema.out" 2>&1 || {
        cat "$SERVERS/schema.out"
        return 1
    }
}

# --- settings and processes ----------------------------------------------

desk_settings()
{
    # Replaced as a whole, as an administrator's editor does.
    cat >"$DESK_CONF.new" <<CONF
database = { conninfo =
        "${DESK_CONNINFO:-host=$PGHOST user=postern dbname=desk}";
    timeout = "${DESK_PATIENCE:-20s}"; };
run_directory = "$DESK_RUN";
spool_directory = "$SERVERS/spool";
template_directory = "$SERVERS/templates";
admin = "boss@staff.test";
listeners = ( { socket = "$DESK_SOCKET"; mode = "0666"; } );
queues = (
    { name = "support"; display_name = "Acme Support";
      addresses = [ "support@desk.test", "help@desk.test" ];
      ${DESK_SUPPORT:-} },
    { name = "billing"; addresses = [ "billing@desk.test" ]; }
);
relay = { ${DESK_RELAY:-host = \"127.0.0.1\"; port = $SINK_PORT;} };
$*
CONF
    chmod 0600 "$DESK_CONF.new"
    if [ "$(id -u)" = 0 ]; then
        chown "$SERVERS_USER" "$DESK_CONF.new"
    fi
    mv -f "$DESK_CONF.new" "$DESK_CONF"
}

desk_start()
{
    desk_mark=$(cat "$DESK_LOG" 2>/dev/null | wc -l)
    server_run posternd "$DESK_BIN/posternd" -c "$DESK_CONF"
    wait_for 60 desk_is_up || {
        tap_show "$DESK_LOG"
        return 1
    }
}

desk_is_up()
{
    desk_logged 'event=daemon.ready'
}

# Does a line of the log match, since the daemon was started or marked?
desk_logged()
{
    tail -n "+$((desk_mark + 1))" "$DESK_LOG" 2>/dev/null | grep -Eq -e "$1"
}

desk_log()
{
    wait_for "${2:-60}" desk_logged "$1"
}

mark_log()
{
    desk_mark=$(wc -l <"$DESK_LOG")
}

desk_stop()
{
    server_stop posternd "$@"
}

desk_restart()
{
    desk_stop && desk_start
}

desk_hup()
{
    desk_mark=$(wc -l <"$DESK_LOG")
    kill -HUP "$(server_pid posternd)"
    desk_log 'event=settings\.(reloaded|kept)'
}

desk_reload()
{
    desk_old=$(desk_workers)
    desk_hup || return 1
    if desk_logged 'event=settings\.reloaded'; then
        wait_for 60 desk_is_renewed
    fi
}

# What they had in hand when HUP came was still theirs.
desk_is_renewed()
{
    ! desk_workers | grep -Fqx "$desk_old"
}

desk_renew()
{
    desk_reload && wait_for 60 desk_has_workers "$@"
}

desk_has_workers()
{
    [ "$(desk_workers "$1" | wc -l)" -eq "$2" ]
}

desk()
{
    servers_as "$SERVERS_USER" "$DESK_BIN/postern" -c "$DESK_CONF" "$@"
}

deliver()
{
    "$DESK_BIN/postern-deliver" -s "$DESK_SOCKET" "$@"
}

desk_workers()
{
    pgrep -P "$(server_pid posternd)" -f -- "--worker ${1:-}"
}

# The children that read mail.
desk_parsers()
{
    for desk_processor in $(desk_workers processor); do
        pgrep -P "$desk_processor"
    done
}

desk_unharmed()
{
    tap_unlike "no worker died" "$(cat "$DESK_LOG")" 'event=worker\.died'
    desk_sane
}

desk_sane()
{
    tap_unlike "nothing of ours is broken" "$(cat "$DESK_LOG")" \
        'Sanitizer|runtime error|-CRITICAL|assertion'
}

# --- what became of it -----------------------------------------------------

desk_sql()
{
    psql -X -At -c "$1" 2>&1
}

hold_table()
{
    mkfifo "$SERVERS/locker"
    psql -X -q <"$SERVERS/locker" >"$SERVERS/locker.out" 2>&1 &
    exec 9>"$SERVERS/locker"
    echo "BEGIN; LOCK TABLE $1 ${2:+IN $2 MODE}; SELECT 1;" >&9
    wait_for 60 test -s "$SERVERS/locker.out"
}

let_go()
{
    exec 9>&-
    rm -f "$SERVERS/locker" "$SERVERS/locker.out"
}

desk_has_settled()
{
    [ "$(desk_sql "SELECT count(*) >= $1 AND
        NOT bool_or(state = 'waiting') FROM delivery")" = t ]
}

desk_settled()
{
    wait_for "${2:-60}" desk_has_settled "$1"
}

desk_has_sent()
{
    [ "$(desk_sql "SELECT count(*) FILTER (WHERE state = 'sent') >= $1 AND
        count(*) FILTER (WHERE state IN ('queued', 'submitting')) = 0
        FROM outgoing")" = t ]
}

desk_sent()
{
    wait_for "${2:-60}" desk_has_sent "$1"
}

desk_kind()
{
    find "$SINK_DIR" -name '*.eml' \
        -exec grep -ls "^Message-ID: <$1\." {} + | sort
}

sent_to()
{
    find "$SINK_DIR" -name '*.envelope' \
        -exec grep -ls "^RCPT TO:<$1@" {} + | sed 's/envelope$/eml/' | sort
}

has_mail_to()
{
    [ -n "$(sent_to "$1")" ]
}

exit_of()
{
    "$@" >/dev/null 2>&1
    echo $?
}

# --- mails -----------------------------------------------------------------

mail_write()
{
    mail_name=$1
    {
        printf '%s\n' "From: Some Person <$2>" "To: support@desk.test" \
            "Subject: $3" "Message-ID: <$1@mua.test>" \
            "Date: Sat, 21 Nov 2026 10:00:00 +0000"
        shift 3
        for mail_line in "$@"; do
            printf '%s\n' "$mail_line"
        done
        printf '\nThis is %s, and it does not work.\n' "$mail_name"
    } >"$MAILS/$mail_name.eml"
}

# As a mail program does it: ids, subject and quoted text are taken from FILE.
mail_answer()
{
    mail_name=$1
    mail_author=$2
    mail_parent=$3
    shift 3
    mail_write "$mail_name" "$mail_author" \
        "Re: $(mail_field "$mail_parent" Subject)" \
        "In-Reply-To: $(mail_field "$mail_parent" Message-ID)" \
        "References: $(mail_field "$mail_parent" References) $(
            mail_field "$mail_parent" Message-ID)" "$@"
    {
        printf '\nOn Saturday, somebody wrote:\n'
        tr -d '\r' <"$mail_parent" | sed -e '1,/^$/d' -e 's/^/> /'
    } >>"$MAILS/$mail_name.eml"
}

mail_field()
{
    "$PYTHON" -c 'import email, email.policy, sys
with open(sys.argv[1], "rb") as file:
    mail = email.message_from_binary_file(file, policy=email.policy.default)
print(" ".join(str(mail.get(sys.argv[2], "")).split()))' "$1" "$2"
}

lmtp_send()
{
    lmtp_file=$MAILS/$1.eml
    lmtp_sender=$2
    shift 2
    for lmtp_recipient in "$@"; do
        set -- "$@" --to "$lmtp_recipient"
        shift
    done
    smtp_send --socket "$DESK_SOCKET" --lmtp --from "$lmtp_sender" "$@" \
        --ledger "$LEDGER" "$lmtp_file"
}

desk_taken=0

desk_takes()
{
    mail_write "$1" "$1@customers.test" 'It does not work'
    lmtp_send "$1" "$1@customers.test" "${2:-support@desk.test}" \
        >"$SERVERS/send.out" 2>&1 || return 1
    desk_taken=$((desk_taken + 1))
}

desk_works()
{
    desk_takes "$@" && desk_settled "$desk_taken"
}
