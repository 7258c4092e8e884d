#!/bin/sh
# The supervisor survives what it supervises: workers that die again and again and
# that stand still.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"

# Since the machine began: what process_start says of a process that starts now.
uptime_ticks()
{
    awk -v ticks="$(getconf CLK_TCK)" '{ printf "%d\n", $1 * ticks }' \
        /proc/uptime
}

# --- dying again and again -------------------------------------------------

# The templates go away: a processor that starts now cannot begin. Those that
# run have theirs in memory.
test_crash_loop()
{
    desk_settings 'workers = { processor = 1; };'
    desk_renew processor 1
    mark_log
    mv "$SERVERS/templates/en" "$SERVERS/templates/hidden"
    kill -9 "$(desk_workers processor)"
    tap_ok "a processor that dies again and again is told of" \
        desk_log 'event=worker\.crash-loop .*name=processor:0 deaths=5'
    mail_write meanwhile meanwhile@customers.test 'It does not work'
    tap_ok "meanwhile mail is accepted" desk_takes meanwhile
    tap_ok "and the others live on" wait_for 60 desk_has_workers lmtp 4
    tap_ok "status says so" wait_for 60 status_says \
        '^processor:0 .* dies again and again$'
    tap_ok "pauses between deaths grow" \
        desk_log 'event=worker\.died .*name=processor:0 .*restart_in_ms=8000'
    tap_is "each twice the one before" "$(sed -n \
        's/.*worker\.died .*restart_in_ms=//p' "$DESK_LOG" | head -n 6 |
        tr '\n' ' ')" "250 500 1000 2000 4000 8000 "
    tap_is "it was told once" \
        "$(grep -c 'event=worker\.crash-loop' "$DESK_LOG")" 1
    desk_log 'event=worker\.died .*name=processor:0 .*restart_in_ms=16000'
    pause_begins=$(uptime_ticks)
    mv "$SERVERS/templates/hidden" "$SERVERS/templates/en"
    desk_hup
    told_after=$(($(uptime_ticks) - pause_begins))
    tap_ok "mended and told so, it works" desk_settled "$desk_taken"
    if [ $told_after -lt $((8 * $(getconf CLK_TCK))) ]; then
        tap_ok "at once, and not after its 16 s" \
            [ "$(process_start "$(desk_workers processor)")" -lt \
            $((pause_begins + 15 * $(getconf CLK_TCK))) ]
    else
        tap_skip "at once, and not after its 16 s" \
            "its pause was over before it could be told"
    fi
    tap_ok "and all is well" desk_works mended
    tap_ok "the admin has a mail" wait_for 60 has_mail_to boss
    tap_like "which says who it is" "$(cat "$(sent_to boss | head -n 1)")" \
        'Workers die again and again: processor:0'
    tap_is "one" "$(sent_to boss | wc -l)" 1
}

# Not while it has just been started once more.
status_says()
{
    desk status | grep -Eq -e "$1"
}

# --- standing still --------------------------------------------------------

is_replaced()
{
    ! desk_workers "$1" | grep -qx "$2" && desk_has_workers "$1" "$3"
}

test_standing_still()
{
    desk_settings 'limits = { poll = "1s"; };'
    desk_renew processor 2
    tap_ok "all work" desk_works before
    mark_log
    for role in lmtp:4 processor:2 sender:2; do
        victim=$(desk_workers "${role%:*}" | head -n 1)
        kill -STOP "$victim"
        eval "victim_${role%:*}=$victim"
    done
    for role in lmtp:4 processor:2 sender:2; do
        eval "victim=\$victim_${role%:*}"
        tap_ok "an idle ${role%:*} that was stopped is overdue" \
            desk_log "event=worker\.overdue .*pid=$victim delivery=0" 120
        tap_ok "and replaced" \
            wait_for 60 is_replaced "${role%:*}" "$victim" "${role#*:}"
    done
    tap_ok "all is well" desk_works after
    tap_is "no mail has a strike" \
        "$(desk_sql 'SELECT max(strikes) FROM delivery')" 0
}

# The whole machine stands still for longer than anybody has: nobody is blamed.
test_all_standing_still()
{
    mark_log
    everybody="$(server_pid posternd) $(desk_workers)"
    # shellcheck disable=SC2086
    kill -STOP $everybody
    sleep 14 # nothing can be waited for: it is time that must pass
    # shellcheck disable=SC2086
    kill -CONT $everybody
    tap_ok "after a sleep of the machine mail goes on" desk_works awake
    tap_is "with the same workers" \
        "$(server_pid posternd) $(desk_workers)" "$everybody"
}

servers_need pg sink
desk_prepare && desk_start || exit 1
test_crash_loop
test_standing_still
test_all_standing_still
desk_sane
tap_done
