#!/bin/sh
# No memory for what libetpan wants: whichever of its calls is refused, we end by no
# assertion, but tell of it, or do our work all the same. (libetpan's own reader of
# IMAP follows NULL in places, and what it makes a command of we do not look through
# piece by piece. A worker may die of that; it costs nothing.)
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"

# refused N COMMAND...: with the N-th call refused that libetpan makes
refused()
{
    refused_n=$1
    shift
    LD_PRELOAD=$SERVERS/fail_malloc.so FAIL_MALLOC_FROM=libetpan \
        FAIL_MALLOC_AT="$refused_n" timeout 60 "$@" 2>&1
}

calls_of()
{
    LD_PRELOAD=$SERVERS/fail_malloc.so FAIL_MALLOC_FROM=libetpan \
        FAIL_MALLOC_COUNT=1 "$@" 2>&1 | sed -n 's/^\([0-9]*\) calls$/\1/p'
}

# each_refused NAME COMMAND...: in turn
each_refused()
{
    each_name=$1
    shift
    each_calls=$(calls_of "$@")
    each_bad=
    each_n=0
    each_failed=0
    each_died=0
    while [ $each_n -lt "$each_calls" ]; do
        each_n=$((each_n + 1))
        each_said=$(refused $each_n "$@")
        each_status=$?
        case $each_status:$each_may_die in
        0:*) ;;
        1:*) each_failed=$((each_failed + 1)) ;;
        139:yes) each_died=$((each_died + 1)) ;;
        *) each_bad="$each_bad
call $each_n: status $each_status: $each_said" ;;
        esac
    done
    tap_is "$each_name: no refused call ends it by us" "$each_bad" ""
    tap_ok "$each_name: some are told of" [ "$each_failed" -gt 0 ]
    tap_diag "of $each_calls refused calls $each_failed were told of,
$each_died were NULL that libetpan followed"
}

servers_need sink dovecot
command -v openssl >/dev/null || tap_needs "openssl (Debian package openssl)"
preload_build fail_malloc || tap_done
sink_start && dovecot_start || exit 1
each_may_die=no
each_refused "a mail to a relay" "${abs_top_builddir:-.}/smtp_probe" \
    127.0.0.1 "$SINK_PORT" b@customers.example
printf 'Subject: one\r\n\r\nhello\r\n' >"$SERVERS/one.eml"
servers_mkdir "$DOVECOT_MAIL/anna" 0700 "$SERVERS_USER"
dovecot_maildir "$DOVECOT_MAIL/anna"
dovecot_put anna "$SERVERS/one.eml"
each_may_die=yes
each_refused "mail from a folder" "${abs_top_builddir:-.}/imap_probe" \
    127.0.0.1 "$DOVECOT_PORT" fetch INBOX
tap_done
