#!/bin/sh
# Mails that their reader dies of: each costs three parsers and no more, is a
# ticket in the end, and the mails behind it do not wait for that (tests/README P22,
# A50).
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"

# poison ACT: lmtp_send, and an honest mail behind it, before anybody reads them.
poison()
{
    mail_write "$1" "$1@customers.test" "It does $1" "X-Failpoint: $1"
    mail_write "behind-$1" "behind-$1@customers.test" 'It does not work'
    processor=$(desk_workers processor)
    kill -STOP "$processor"
    lmtp_send "$1" "$1@customers.test" support@desk.test &&
        lmtp_send "behind-$1" "behind-$1@customers.test" support@desk.test
    poisoned=$?
    kill -CONT "$processor"
    return $poisoned
}

message_of()
{
    desk_sql "SELECT message.id FROM message WHERE message_id = '$1@mua.test'"
}

becomes_ticket()
{
    [ -n "$(message_of "$1")" ]
}

test_poison()
{
    for act in crash spin eat; do
        tap_ok "$act: it is taken like any mail" poison "$act"
        tap_ok "$act: the mail behind it is answered" \
            wait_for 60 has_mail_to "behind-$act"
        tap_ok "$act: it is a ticket in the end" \
            wait_for 60 becomes_ticket "$act"
        tap_ok "$act: the mail behind it was one before" \
            [ "$(message_of "behind-$act")" -lt "$(message_of "$act")" ]
        tap_is "$act: after three strikes" "$(desk_sql "SELECT max(strikes)
            FROM delivery JOIN message ON message.id = message_id_no
            WHERE message_id = '$act@mua.test'")" 3
        tap_is "$act: subject and defect are there" \
            "$(desk_sql "SELECT subject, defects FROM message
                WHERE message_id = '$act@mua.test'")" \
            "It does $act|{only-pre-scanned}"
        tap_is "$act: it is not acknowledged" "$(sent_to "$act" | wc -l)" 0
    done
    tap_like "the log says what happened" "$(cat "$DESK_LOG")" \
        'event=parser\.died .*Segmentation fault'
    tap_like "and of the one that never ended" "$(cat "$DESK_LOG")" \
        'event=parser\.died .*limits\.parse_cpu'
    tap_is "no processor died of them" \
        "$(grep -c 'event=worker\.died' "$DESK_LOG")" 0
    desk_unharmed
}

# Who kills a parser while nothing is in hand takes nothing away.
test_parser_killed_idle()
{
    desk_parsers | xargs kill -9
    mail_write calm calm@customers.test 'It does not work'
    lmtp_send calm calm@customers.test support@desk.test
    tap_ok "a parser that died of nothing is replaced" \
        wait_for 60 has_mail_to calm
    tap_is "and no mail has a strike for it" "$(desk_sql "SELECT strikes
        FROM delivery ORDER BY id DESC LIMIT 1")" 0
}

# Who asks what would become of it holds a database, too.
test_explain()
{
    tap_like "explain reads in a parser as well" \
        "$(desk explain --no-database - <"$MAILS/crash.eml" 2>&1)" \
        'the parser was killed'
}

# limit_processors N: so many files each may open.
limit_processors()
{
    for processor in $(desk_workers processor); do
        servers_as "$SERVERS_USER" prlimit --pid "$processor" "--nofile=$1:"
    done
}

postponed_or_struck()
{
    desk_sql "SELECT postponed, strikes FROM delivery ORDER BY id DESC LIMIT 1"
}

# That no parser can be started is nobody's fault.
test_no_parser_to_be_had()
{
    limit_processors 3
    desk_parsers | xargs kill -9
    mark_log
    mail_write patient patient@customers.test 'It does not work'
    lmtp_send patient patient@customers.test support@desk.test
    tap_ok "without a parser the processor pauses" \
        desk_log 'event=worker\.paused .*cannot start a parser'
    limit_processors 1024
    tap_ok "and goes on when there is one" \
        wait_for 60 has_mail_to patient
    tap_is "no mail was blamed" "$(postponed_or_struck)" '0|0'
}

test_no_parser_outlives()
{
    outlived=$(desk_parsers)
    desk_stop KILL
    tap_ok "no parser outlives the daemon" wait_for 60 none_lives $outlived
    tap_ok "which starts again" desk_start
}

none_lives()
{
    [ $# -gt 0 ] && ! kill -0 "$@" 2>/dev/null
}

# What a parser holds: three descriptors at most, none of them the database.
test_parser_holds_nothing()
{
    mail_write warm warm@customers.test 'It does not work'
    lmtp_send warm warm@customers.test support@desk.test
    wait_for 60 has_mail_to warm
    held=
    if [ "$(id -u)" != 0 ]; then
        tap_skip "what a parser holds" "only root may look into it"
        return
    fi
    for parser in $(desk_parsers); do
        held="$held$(ls "/proc/$parser/fd" 2>/dev/null | tr '\n' ' ')"
        status=$(cat "/proc/$parser/status")
        tap_like "the kernel confines it" "$status" 'Seccomp:.2'
        tap_like "and it gains no rights" "$status" 'NoNewPrivs:.1'
        tap_is "it knows nothing of the environment" \
            "$(tr '\0' '\n' <"/proc/$parser/environ" 2>/dev/null |
                grep -cE '^(PG|POSTERN|HOME)')" 0
    done
    tap_unlike "it holds no other descriptor than its pipes" "$held" \
        '([5-9]|[1-9][0-9])'
}

test_without_the_kernel()
{
    desk_stop
    server_run posternd "$PYTHON" "$servers_support/no_filters.py" \
        "$DESK_BIN/posternd" -c "$DESK_CONF"
    tap_ok "where the kernel cannot confine a parser, posternd does not start" \
        wait_for 60 is_gone
    tap_like "and says what to do" "$(tail -n 3 "$DESK_LOG")" \
        'sandbox = \\"best-effort\\"'
    tap_is "its exit status is that of wrong settings" \
        "$(exit_of "$PYTHON" "$servers_support/no_filters.py" \
            "$DESK_BIN/posternd" -t -c "$DESK_CONF")" 78
    desk_settings 'sandbox = "best-effort";'
    mark_log
    server_run posternd "$PYTHON" "$servers_support/no_filters.py" \
        "$DESK_BIN/posternd" -c "$DESK_CONF"
    tap_ok "unless that is good enough" desk_log 'event=daemon\.ready'
    tap_ok "with a warning" desk_log 'event=parser\.unconfined'
    mail_write easy easy@customers.test 'It does not work'
    lmtp_send easy easy@customers.test support@desk.test
    tap_ok "and it works" wait_for 60 has_mail_to easy
}

is_gone()
{
    ! kill -0 "$(server_pid posternd)" 2>/dev/null
}

servers_need pg sink
grep -q X-Failpoint "${abs_top_builddir:-.}/posternd" ||
    tap_not_here "needs a build with --enable-failpoints"
desk_prepare || exit 1
: >"$LEDGER"
desk_settings 'workers = { processor = 1; };'
desk_start || exit 1
test_parser_holds_nothing
test_poison
test_explain
test_parser_killed_idle
test_no_parser_to_be_had
test_no_parser_outlives
test_without_the_kernel
desk_sane
tap_done
