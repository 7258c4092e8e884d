#!/bin/sh
# Whatever the wire to an IMAP server does while mail comes - it is cut, closed on
# one side, slow or silent - each mail is one ticket, and what was deleted or moved
# is in the database.
#
#   IMAP_PARTS="cut ..."   only these
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/imap.sh"
. "${srcdir:-.}/tests/support/imap_load.sh"

ACCOUNT_TIMEOUT=3s # a silent wire is left soon

wire()
{
    echo "$*" >"$PROXY_CONTROL.new"
    mv "$PROXY_CONTROL.new" "$PROXY_CONTROL"
}

faults_of()
{
    grep -c "^$1" "$PROXY_CONTROL.done"
}

has_faults()
{
    [ "$(faults_of "$1")" -ge "$2" ]
}

# Connections that begin from then on are bad.
test_act()
{
    mail_begin "wire-$1"
    wire "$1" 400 60000
    hurry
    for _ in $(seq 20); do
        # Each of the three has met it, or is pausing.
        wait_for 2 has_faults "$1" $(($(faults_of "$1") + 3))
        has_faults "$1" 12 && break
        hurry
    done
    tap_ok "wire-$1: that happened" has_faults "$1" 3
    tap_diag "$(faults_of "$1") times"
    if [ "$1" = stall ]; then
        tap_ok "wire-$1: a worker loses patience" desk_log 'no answer in time'
    fi
    wire pass
    mail_end
}

start_proxy()
{
    servers_mkdir "$SERVERS/proxy" 0755 "$SERVERS_USER"
    PROXY_CONTROL=$SERVERS/proxy/control
    : >"$PROXY_CONTROL.done"
    chmod 0666 "$PROXY_CONTROL.done"
    cp "$servers_support/imap_proxy.py" "$SERVERS/"
    chmod 0644 "$SERVERS/imap_proxy.py"
    server_run proxy "$PYTHON" "$SERVERS/imap_proxy.py" \
        --listen "$PROXY_PORT" --server "$DOVECOT_PORT" \
        --control "$PROXY_CONTROL"
}

faults_wanted
clocks_wanted
servers_need pg sink dovecot
servers_dir
PROXY_PORT=$(port_reserve)
ACCOUNT_PORT=$PROXY_PORT
imap_load_prepare && start_proxy || exit 1
imap_settings
desk_start || exit 1
for act in ${IMAP_PARTS:-cut half drip stall}; do
    test_act $act
done
desk_sane
tap_done
