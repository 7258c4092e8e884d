# shellcheck shell=sh
# Yardstick (b): Postfix drains a held queue into a server that answers 250 at
# once, and into a pipe(8) command that only reads; then the same mails into
# Postern. tests/bench/bench reads this file; it needs root, as Postfix does.

# Mails by LMTP and by pipe(8), which starts a process for each.
through_lmtp=$((N < 5000 ? N : 5000))
through_pipe=$((N < 3000 ? N : 3000))

through_prepare()
{
    postfix_prepare
    postfix_set "smtpd_data_restrictions=check_client_access static:HOLD" \
        queue_run_delay=1h minimal_backoff_time=1h maximal_backoff_time=1h \
        bench-read_destination_recipient_limit=1 \
        postern_destination_recipient_limit=1 \
        "lmtp_destination_concurrency_limit=$CONNECTIONS" \
        "bench-read_destination_concurrency_limit=$CONNECTIONS" \
        "postern_destination_concurrency_limit=$CONNECTIONS"
    postfix_service "bench-read unix - n n - - pipe
  flags=q user=$SERVERS_USER null_sender=
  argv=/bin/dd of=/dev/null bs=64k status=none" "postern unix - n n - - pipe
  flags=q user=$SERVERS_USER null_sender=
  argv=$DESK_BIN/postern-deliver -s $DESK_SOCKET
  -f \${sender} -i \${queue_id} -- \${recipient}"
    postfix_start
}

through_sink()
{
    # smtp-sink makes its socket for its own user alone, Postfix has another.
    server_run lmtp-sink sh -c "umask 0; exec '$SINK' -L -c \
        'unix:$POSTFIX_SOCKETS/sink' 1000"
    wait_for 10 test -S "$POSTFIX_SOCKETS/sink"
}

# Mails that no measurement had before, into the hold queue.
through_fill()
{
    through_pack=$SERVERS/through.$1.pack
    if [ ! -e "$through_pack" ]; then
        "$bench_bin/generate" -s "$1" -n "$2" "$through_pack" >/dev/null ||
            return 1
    fi
    "$bench_bin/lmtp_load" "127.0.0.1:$POSTFIX_PORT" support@desk.test \
        "$CONNECTIONS" "$through_pack" >/dev/null || return 1
    postsuper -c "$POSTFIX_CONFIG" -H ALL >/dev/null 2>&1
}

through_is_drained()
{
    [ -z "$(cd "$POSTFIX_QUEUE" && find active incoming deferred hold -type f \
        -print -quit)" ]
}

# through NAME TRANSPORT SEED COUNT
through()
{
    postfix_set "transport_maps=static:$2" && postfix_reload &&
        through_fill "$3" "$4" || fail "Postfix does not take the mails"
    begin $$
    postqueue -c "$POSTFIX_CONFIG" -f
    until through_is_drained; do
        sleep 0.1 # to ask more often would be load
    done
    end "$1" "$4"
}

bench_through_postfix()
{
    if [ "$(id -u)" != 0 ] || [ ! -x /usr/lib/postfix/sbin/master ]; then
        say "Postfix is not measured: it has to be installed, and we be root"
        return 0
    fi
    through_prepare || fail "Postfix does not start"
    SINK=$(PATH=$PATH:/usr/sbin command -v smtp-sink)
    through_sink || fail "smtp-sink does not start"
    through sink_lmtp_before "lmtp:unix:postern/sink" 101 "$through_lmtp"
    through postfix_lmtp "lmtp:unix:postern/lmtp" 101 "$through_lmtp"
    through sink_lmtp_after "lmtp:unix:postern/sink" 101 "$through_lmtp"
    bench_processed
    through read_pipe_before bench-read: 102 "$through_pipe"
    statements_begin
    through postfix_pipe postern: 102 "$through_pipe"
    statements_end pipe "$through_pipe"
    through read_pipe_after bench-read: 102 "$through_pipe"
    bench_processed
    [ "$(desk_sql "SELECT count(*) FROM delivery
        WHERE state = 'settled' AND envelope_recipient = 'support@desk.test'
          AND mta_queue_id <> ''")" -ge "$through_pipe" ] ||
        fail "not everything came through Postfix"
    postfix_stop
    server_stop lmtp-sink
    through_ratios
}

# through_mean NAME YARDSTICK: of before and after, and the ratio to it.
through_mean()
{
    figure "$2_mails_per_s" "$(calculate %.1f \
        "(v[\"$2_before_mails_per_s\"] + v[\"$2_after_mails_per_s\"]) / 2")"
    figure "ratio_$1" "$(calculate %.2f \
        "v[\"$1_mails_per_s\"] / v[\"$2_mails_per_s\"]")"
}

through_ratios()
{
    figure through_lmtp_mails "$through_lmtp"
    figure through_pipe_mails "$through_pipe"
    through_mean postfix_lmtp sink_lmtp
    through_mean postfix_pipe read_pipe
    figure noise_sink_lmtp_percent "$(noise sink_lmtp)"
    figure noise_read_pipe_percent "$(noise read_pipe)"
}

through_table()
{
    [ -n "$(value through_lmtp_mails)" ] || return 0
    row "Postfix into Postern by LMTP, mails/s" postfix_lmtp_mails_per_s
    row '(b) Postfix into a server that answers 250' sink_lmtp_mails_per_s
    row 'ratio to (b)' ratio_postfix_lmtp '>= 0.65'
    row 'Postfix into postern-deliver by pipe(8), mails/s' \
        postfix_pipe_mails_per_s
    row '(b) Postfix into a command that only reads' read_pipe_mails_per_s
    row 'ratio to (b)' ratio_postfix_pipe '>= 0.65'
    echo
}
