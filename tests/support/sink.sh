# shellcheck shell=sh
# The SMTP sink for tests and the demo; servers.sh reads this file.
#
#   sink_start [ARGS...]   SMTP server that keeps what it gets: $SINK_PORT,
#                          $SINK_DIR, $SINK_LEDGER; see smtp_sink.py --help.
#                          With ARGS one that runs is stopped before.
#   sink_say RULE...       how it answers from now on; no rule: accepts all
#   sink_mails             the files it keeps, oldest first
#   sink_count             how many they are
#   sink_commands WORD     how many such commands it has been given
#   sink_wait N [SECONDS]  until it keeps at least N
#   sink_stop
#   smtp_send ARGS...      a client as simple: see smtp_send.py

sink_names()
{
    SINK_DIR=$SERVERS/sink
    SINK_LEDGER=$SINK_DIR/ledger
    SINK_PORT=$(cat "$SINK_DIR/port" 2>/dev/null) || SINK_PORT=
}

sink_start()
{
    servers_dir && servers_python || return 1
    sink_names
    servers_mkdir "$SINK_DIR" 0755 "$SERVERS_USER"
    if server_alive sink; then
        if [ $# -eq 0 ]; then
            return 0
        fi
        sink_stop
    fi
    # Started again it keeps its port, as a relay does.
    sink_port=${SINK_PORT:-$(port_reserve)} || return 1
    rm -f "$SINK_DIR/port"
    # A copy: the checkout may be closed to $SERVERS_USER.
    cp "$servers_support/smtp_sink.py" "$SERVERS/smtp_sink.py"
    chmod 0644 "$SERVERS/smtp_sink.py"
    server_run sink "$PYTHON" "$SERVERS/smtp_sink.py" --dir "$SINK_DIR" \
        --port "$sink_port" "$@"
    wait_for 60 test -s "$SINK_DIR/port" || return 1
    sink_names
}

sink_say()
{
    for sink_rule in "$@"; do
        printf '%s\n' "$sink_rule"
    done >"$SINK_DIR/control.new"
    chmod 0644 "$SINK_DIR/control.new"
    mv -f "$SINK_DIR/control.new" "$SINK_DIR/control"
}

sink_mails()
{
    find "$SINK_DIR" -name '*.eml' | sort
}

sink_count()
{
    sink_mails | wc -l
}

sink_has()
{
    [ "$(sink_count)" -ge "$1" ]
}

sink_commands()
{
    grep -c "C: $1" "$SERVERS/sink.log"
}

sink_wait()
{
    wait_for "${2:-60}" sink_has "$1"
}

sink_stop()
{
    server_stop sink "$@"
}

smtp_send()
{
    "$PYTHON" "$servers_support/smtp_send.py" "$@"
}
