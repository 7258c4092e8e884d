#!/bin/sh
# One mail's whole road with all of posternd under Valgrind: by LMTP to a ticket,
# its acknowledgement into the sink, an answer that joins it, and an orderly end.
# Run by tests/valgrind, which reads the reports; VALGRIND_OPTS comes from there.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"

put_under_valgrind()
{
    mv "$DESK_BIN/posternd" "$DESK_BIN/posternd.bin" || return 1
    ${CC:-cc} -shared -fPIC -D_GNU_SOURCE -O1 -o "$DESK_BIN/exec_again.so" \
        "$servers_support/exec_again.c" || return 1
    cat >"$DESK_BIN/posternd" <<WRAPPER
#!/bin/sh
EXEC_AGAIN=$DESK_BIN/posternd.bin
LD_PRELOAD=$DESK_BIN/exec_again.so
export EXEC_AGAIN LD_PRELOAD
exec valgrind --trace-children=yes "$DESK_BIN/posternd.bin" "\$@"
WRAPPER
    chmod 0755 "$DESK_BIN/posternd"
}

servers_need pg sink
desk_prepare && put_under_valgrind || exit 1
server_run posternd "$DESK_BIN/posternd" -c "$DESK_CONF"
tap_ok "it starts" wait_for 120 desk_is_up
mail_write hello anna@customers.test 'It does not work'
tap_ok "a mail is taken" \
    lmtp_send hello anna@customers.test support@desk.test
tap_ok "it is processed" desk_settled 1 60
tap_ok "the acknowledgement leaves" desk_sent 1 60
tap_ok "it ends in an orderly way" server_stop posternd TERM 60
desk_unharmed
tap_done
