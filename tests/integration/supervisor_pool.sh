#!/bin/sh
# The supervisor has as many workers as are needed, moves its log, takes sockets
# that are not its own, and can be watched.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"

# --- as many as are needed -------------------------------------------------

# idle_client N: one that says LHLO, and nothing else.
idle_client()
{
    "$PYTHON" "$servers_support/lmtp_slow.py" "$DESK_SOCKET" \
        idle@customers.test support@desk.test --idle "$SERVERS/go.$1" \
        >"$SERVERS/idle.$1" 2>&1 &
    clients="$clients $!"
}

# fill_workers N: until so many are busy. A client that met a worker which was just
# ending is sent away, and another comes for it.
fill_workers()
{
    while [ "$(desk status | grep -c '^lmtp.* busy')" -lt "$1" ]; do
        clients_started=$((clients_started + 1))
        [ "$clients_started" -le 20 ] || return 1
        idle_client "$clients_started"
        wait_for 60 test -e "$SERVERS/go.$clients_started.half" || return 1
    done
}

test_pool()
{
    desk_settings 'workers = { lmtp = 2; lmtp_max = 4; lmtp_idle = "2s"; };
        limits = { stress_idle = "20s"; };'
    desk_renew lmtp 2
    mark_log
    clients=
    idle_client 1
    idle_client 2
    wait_for 60 test -e "$SERVERS/go.1.half"
    wait_for 60 test -e "$SERVERS/go.2.half"
    tap_is "as long as nobody waits there are no more" \
        "$(desk_workers lmtp | wc -l)" 2
    tap_ok "all are busy: one more client is served all the same" desk_works third
    tap_unlike "and none of the others had to leave for it" \
        "$(cat "$SERVERS/idle.1" "$SERVERS/idle.2")" '^S: 421'
    tap_ok "by one worker more" desk_log 'event=pool\.grown .*name=lmtp:2'
    clients_started=2
    tap_ok "there are more as they are needed" fill_workers 4
    idle_client last
    tap_ok "but not beyond the limit: then who says nothing has to leave" \
        wait_for 60 grep -q '^S: 421 4\.' "$SERVERS/idle.1"
    tap_is "there is one more, for other users" "$(desk_workers lmtp | wc -l)" 5
    # shellcheck disable=SC2086
    kill $clients 2>/dev/null
    tap_ok "who is not needed ends" wait_for 60 desk_has_workers lmtp 2
    tap_ok "and that is all" desk_works shrunk
    tap_unlike "none of them died" "$(tail -n "+$desk_mark" "$DESK_LOG")" \
        'event=worker\.(died|overdue)'
    tap_like "the log tells it" "$(cat "$DESK_LOG")" \
        'event=pool\.shrunk .*name=lmtp:2'
}

# --- the log ---------------------------------------------------------------

usr1()
{
    kill -USR1 "$(cat "$DESK_RUN/lock")"
}

in_file()
{
    grep -Eq -e "$1" "$2" 2>/dev/null
}

test_log()
{
    desk_settings
    desk_reload
    desk_works quiet
    tap_unlike "at first details are not logged" "$(cat "$DESK_LOG")" \
        'event=worker\.started'
    desk_settings 'log_level = "debug";'
    desk_reload
    tap_ok "HUP: another log level" desk_log 'event=worker\.started'
    tap_ok "for workers, too" desk_works chatty
    file=$SERVERS/run/postern.log
    desk_settings "log_file = \"$file\";"
    wait_for 60 desk_has_workers '' 9
    old=$(desk_workers | sort)
    kill -HUP "$(server_pid posternd)"
    tap_ok "HUP: the log goes to a file" \
        wait_for 60 in_file 'event=settings\.reloaded' "$file"
    wait_for 60 all_new "$old"
    tap_ok "the new workers' too" desk_works filed
    tap_ok "each line with its time" wait_for 60 in_file \
        '^20[0-9-]+T[0-9:]+\.[0-9]{3}Z info event=mail\.decided worker=' "$file"
    mv "$file" "$file.1"
    old=$(desk_workers | sort)
    usr1
    tap_ok "USR1: it is opened anew" \
        wait_for 60 in_file 'event=log\.reopened' "$file"
    wait_for 60 all_new "$old"
    tap_ok "mail goes on" desk_works rotated
    tap_ok "and is told in the new file" \
        wait_for 60 in_file 'event=mail\.decided' "$file"
    worker=$(desk_workers sender | head -n 1)
    kill -USR1 "$worker"
    tap_ok "USR1 for a worker, by mistake" desk_works mistaken
    tap_ok "does it no harm" [ -n "$(process_start "$worker")" ]
    tap_unlike "not in the old one" "$(cat "$file.1")" 'rotated@customers'
    rm -rf "$file" "$file.1"
    mkdir "$file"
    usr1
    tap_ok "one that cannot be opened does no harm" desk_works closed
    rmdir "$file"
    desk_settings
    desk_reload
    tap_ok "HUP: and back to standard error" desk_works back
}

all_new()
{
    [ "$(desk_workers | wc -l)" -eq 9 ] &&
        [ -z "$(printf '%s\n' "$1" "$(desk_workers)" | sort | uniq -d)" ]
}

# --- sockets that somebody else bound --------------------------------------

activate()
{
    rm -f "$DESK_SOCKET"
    cp "$servers_support/activate.py" "$SERVERS/"
    chmod 0644 "$SERVERS/activate.py"
    mark_log
    server_run activate "$PYTHON" "$SERVERS/activate.py" "$@" "$DESK_SOCKET" \
        "$DESK_BIN/posternd" -c "$DESK_CONF"
    wait_for 60 test -S "$DESK_SOCKET"
}

# The one that activate.py has started.
activated()
{
    cat "$DESK_RUN/lock"
}

no_daemon()
{
    [ -z "$(process_start "$1")" ]
}

test_activation()
{
    desk_stop
    DESK_LOG=$SERVERS/activate.log
    : >"$DESK_LOG"
    activate
    tap_unlike "nobody has called, nobody is there" "$(cat "$DESK_LOG")" started
    tap_ok "the first mail starts posternd" desk_works called
    tap_like "which takes the socket over" "$(cat "$DESK_LOG")" \
        'event=lmtp\.listening .*bound_by="service manager"'
    first=$(activated)
    kill -TERM "$first"
    wait_for 60 no_daemon "$first"
    tap_ok "it has ended, its socket is there" [ -S "$DESK_SOCKET" ]
    tap_is "status knows that it has ended" "$(exit_of desk status)" 2
    tap_ok "a mail that came then is taken by the next one" desk_works again
    tap_ok "which is another" [ "$(activated)" != "$first" ]
    for pid in $(pgrep -P "$(activated)"); do
        tr '\0' '\n' <"/proc/$pid/environ"
    done >"$SERVERS/environ" 2>/dev/null
    tap_unlike "workers do not see what it was handed" \
        "$(cat "$SERVERS/environ")" LISTEN_
    server_stop activate
    rm -f "$DESK_SOCKET"

    # In the socket unit only, and not in the settings.
    desk_settings
    sed -i '/^listeners/d' "$DESK_CONF"
    DESK_SOCKET=$SERVERS/run/other.sock
    activate --name desk
    tap_ok "a socket that no setting names is served" desk_works other
    tap_like "by its name" "$(cat "$DESK_LOG")" \
        'event=lmtp\.listening .*other\.sock bound_by=desk'
    server_stop activate
    rm -f "$DESK_SOCKET"

    activate --tcp-any
    desk_takes other >/dev/null 2>&1 || :
    tap_ok "one that everybody can reach is refused" \
        desk_log 'event=daemon\.not-started .*only this machine can reach'
    server_stop activate
    rm -f "$DESK_SOCKET"
}

# --- a watch over it all ---------------------------------------------------

test_watch()
{
    mark_log
    watch_start
    wait_for 60 in_file '^status: ' "$SERVERS/watch.log"
    for n in 1 2 3; do
        desk_works "watched$n"
    done
    tap_ok "status --watch tells what happens each second" wait_for 60 in_file \
        '^each second: .* 0\.[1-9]? ?accepted|^each second: +[1-9]' \
        "$SERVERS/watch.log"
    tap_ok "each look is a block" wait_for 60 has_blocks 2
    server_stop watch
    tap_unlike "without a terminal nothing is wiped away" \
        "$(cat "$SERVERS/watch.log")" "$(printf '\033')"
    rm -f "$SERVERS/watch.log"
    watch_start --json
    wait_for 60 three_looks
    server_stop watch
    tap_ok "as JSON each look is an object" "$PYTHON" -c '
import json, sys
text, looks, decoder = open(sys.argv[1]).read(), [], json.JSONDecoder()
while text.strip():
    try:
        look, end = decoder.raw_decode(text.strip())
    except json.JSONDecodeError:
        break # it was stopped while it wrote
    looks.append(look)
    text = text.strip()[end:]
assert len(looks) >= 2 and looks[0]["rates"] is None
assert set(looks[1]["rates"]) == {"accepted_per_s", "refused_per_s",
    "processed_per_s", "sent_per_s", "not_sent_per_s"}
' "$SERVERS/watch.log"
    tap_is "a time that is none is refused" \
        "$(exit_of desk status --watch=soon)" 64
    tap_is "so is one that is too long" "$(exit_of desk status --watch=1d)" 64
    server_run terminal script -qefc "$(printf '%s ' timeout 60 \
        "$DESK_BIN/postern" -c "$DESK_CONF" status --watch=1)" /dev/null
    tap_ok "on a terminal each look takes the place of the one before" \
        wait_for 60 in_file "$(printf '\033')\[H" "$SERVERS/terminal.log"
    server_stop terminal
}

has_blocks()
{
    [ "$(grep -c '^$' "$SERVERS/watch.log")" -ge "$1" ]
}

three_looks()
{
    [ "$(grep -cs '"status":' "$SERVERS/watch.log" || :)" -ge 3 ]
}

watch_start()
{
    server_run watch "$DESK_BIN/postern" -c "$DESK_CONF" status --watch=1 "$@"
}

command -v script >/dev/null || tap_needs script
servers_need pg sink
desk_prepare && desk_start || exit 1
test_pool
test_log
test_watch
desk_sane
test_activation
desk_sane
tap_done
