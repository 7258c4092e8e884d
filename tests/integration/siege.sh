#!/bin/sh
# Strangers who want to stop the desk: amid each attack a customer's mail is a
# ticket. SIEGE=large (make siege) attacks with more, and says how long the
# customer waited.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"

# size SMALL LARGE
size()
{
    if [ "${SIEGE:-}" = large ]; then
        echo "$2"
    else
        echo "$1"
    fi
}

siege()
{
    "$PYTHON" "$SERVERS/siege.py" --socket "$DESK_SOCKET" "$@"
}

siege_settings()
{
    desk_settings "budgets = { breaker = 1000000; };
        limits = { poll = \"1s\"; batch = ${1:-32}; };
        workers = { processor = ${2:-2}; };"
}

ticket_of()
{
    desk_sql "SELECT coalesce(min(id), 0) FROM ticket
        WHERE requester = '$1@customers.test'"
}

has_ticket()
{
    [ "$(ticket_of "$1")" -gt 0 ]
}

# A customer writes, and it is a ticket, whatever else there is to do.
customer_has_ticket()
{
    mail_write "$1" "$1@customers.test" 'It does not work'
    customer_since=$(date +%s)
    lmtp_send "$1" "$1@customers.test" support@desk.test >/dev/null
    tap_ok "$1's mail is a ticket all the same" wait_for 120 has_ticket "$1"
    if [ "${SIEGE:-}" = large ]; then
        tap_diag "$1 waited $(($(date +%s) - customer_since)) s"
    fi
}

none_waits()
{
    [ "$(desk_sql "SELECT count(*) FROM delivery WHERE state = 'waiting'")" = 0 ]
}

# --- look-ups ----------------------------------------------------------------

# What thousands of mails left behind that all name the same ids.
fill_references()
{
    desk_sql "INSERT INTO ticket (queue, subject, requester, reply_to)
        SELECT 'support', 'ids', 'ids@siege.test', 'ids@siege.test'
          FROM generate_series(1, $1)" >/dev/null
    desk_sql "INSERT INTO reference
        SELECT sha256(convert_to('shared' || i || '@siege.test', 'UTF8')),
               t.id, 'seen'
          FROM ticket t, generate_series(50, 99) AS i
         WHERE t.requester = 'ids@siege.test'" >/dev/null
    desk_sql 'ANALYZE' >/dev/null
}

test_ids()
{
    fill_references "$(size 3000 15000)"
    tap_ok "a hundred mails ask for ids that thousands name" siege ids 100
    customer_has_ticket olena
    tap_ok "and all of them are tickets, too" wait_for 120 none_waits
    tap_is "no mail has kept more than sixteen ids" "$(desk_sql "SELECT max(n)
        FROM (SELECT count(*) AS n FROM reference JOIN ticket ON id = ticket_id
               WHERE subject LIKE 'ids %' AND kind <> 'ours'
               GROUP BY id) AS kept")" 16
    tap_is "nothing was given up for its time" "$(
        grep -c 'statement timeout\|time allowed' "$DESK_LOG")" 0
}

# The database has one mail that it takes too long for, whatever the reason is.
test_slow_statement()
{
    dawdle='pg_sleep(3600)' # longer than anybody waits: that is what it is for
    desk_sql "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM $dawdle; RETURN NEW; END';
        CREATE TRIGGER dawdle BEFORE INSERT ON ticket FOR EACH ROW
        WHEN (NEW.subject = 'slow one') EXECUTE FUNCTION dawdle()" >/dev/null
    mail_write slow slow@customers.test 'slow one'
    lmtp_send slow slow@customers.test support@desk.test >/dev/null
    desk_takes maria && desk_takes nadia
    customer_has_ticket petro
    tap_ok "the batch was split" desk_log 'event=batch.split.*statement timeout'
    tap_ok "the mail that takes its time is postponed" \
        desk_log 'event=mail.postponed.*statement timeout'
    tap_ok "and struck when it does so again" desk_log 'event=mail.strike'
    tap_ok "which ends with an operator" wait_for 120 is_parked slow
    tap_is "nothing runs on in the database" "$(desk_sql "SELECT count(*)
        FROM pg_stat_activity WHERE wait_event = 'PgSleep'")" 0
    desk_sql 'DROP TRIGGER dawdle ON ticket; DROP FUNCTION dawdle' >/dev/null
    tap_like "who tries again" "$(desk delivery retry --all 2>&1)" '1'
    tap_ok "and has the ticket" wait_for 60 has_ticket slow
}

# Somebody holds a lock for longer than a statement may take: that is no mail's doing.
test_lock()
{
    mark_log
    hold_table message EXCLUSIVE
    desk_takes innocent
    for wait in 1 2 3; do
        tap_ok "a mail that waits for a lock is postponed, $wait" \
            wait_for 120 is_postponed "$wait"
    done
    tap_is "and not struck" "$(desk_sql "SELECT state, strikes FROM delivery
        WHERE envelope_sender = 'innocent@customers.test'")" 'waiting|0'
    let_go
    tap_ok "it is a ticket when the lock is gone" \
        wait_for 120 has_ticket innocent
}

is_postponed()
{
    [ "$(desk_sql "SELECT postponed FROM delivery
        WHERE envelope_sender = 'innocent@customers.test'")" -ge "$1" ]
}

is_parked()
{
    [ "$(desk_sql "SELECT state FROM delivery
        WHERE envelope_sender = '$1@customers.test'")" = parked ]
}

# --- one mail for a crowd ------------------------------------------------------

test_crowd()
{
    crowd_count=$(size 150 1000)
    tap_ok "one mail without Message-ID comes for $crowd_count" \
        siege crowd "$crowd_count" --size "$(size 100000 1000000)"
    customer_has_ticket taras
    tap_ok "all hand-overs are settled" wait_for 120 none_waits
    tap_is "in one ticket" "$(desk_sql "SELECT count(DISTINCT ticket_id), count(*)
        FROM delivery WHERE envelope_sender = 'crowd@siege.test'")" \
        "1|$crowd_count"
    tap_is "and a colleague is told once" "$(desk_sql "SELECT count(*)
        FROM outgoing o JOIN ticket t ON t.id = o.ticket_id
        WHERE o.kind = 'notice' AND t.requester = 'crowd@siege.test'")" 1
}

# --- turns ---------------------------------------------------------------------

# While nobody can process: the flood is there first, and does not go first.
test_flood()
{
    flood_count=$(size 300 20000)
    siege_settings 8 1
    desk_reload
    hold_table ticket
    desk_takes first
    tap_ok "a flood of one sender is taken" siege flood "$flood_count"
    mail_write ivanna ivanna@customers.test 'It does not work'
    lmtp_send ivanna ivanna@customers.test support@desk.test >/dev/null
    let_go
    tap_ok "a customer who came behind it is served" \
        wait_for 120 has_ticket ivanna
    tap_ok "and did not wait for half of it" [ "$(desk_sql "SELECT count(*) < \
        $flood_count / 2 FROM ticket WHERE subject LIKE 'flood %' AND
        id < $(ticket_of ivanna)")" = t ]
    tap_ok "and in the end all are tickets" wait_for 600 none_waits
}

# --- locks ---------------------------------------------------------------------

# More ids than PostgreSQL has locks, in what would be one batch.
test_locks()
{
    mark_log
    siege_settings 1000 1
    desk_reload
    hold_table ticket
    desk_takes second
    tap_ok "mails with many ids are taken" siege locks 600
    let_go
    tap_ok "they are processed" wait_for 300 none_waits
    tap_is "with no more locks than there are" "$(grep -c 'shared memory' \
        "$DESK_LOG")" 0
}

# --- the socket ----------------------------------------------------------------

# Forty clients of one user hold all workers that one user may have, and stay; the
# MTA is another user.
test_share()
{
    if [ "$(id -u)" != 0 ]; then
        tap_skip "the MTA's place is kept free" "needs two users, thus root"
        return
    fi
    desk_settings 'workers = { lmtp = 2; lmtp_max = 4; lmtp_idle = "2s"; };
        limits = { poll = "1s"; stress_idle = "10min"; };'
    desk_renew lmtp 2
    mark_log
    rm -f "$SERVERS/slow.stop"
    timeout 900 "$PYTHON" "$servers_support/lmtp_rude.py" "$DESK_SOCKET" insist \
        40 "$SERVERS/slow.stop" >"$SERVERS/insist.out" 2>&1 &
    share_pid=$!
    tap_ok "forty clients of one user have all workers they may have" \
        wait_for 60 desk_has_workers lmtp 5
    mail_write sofia sofia@customers.test 'It does not work'
    tap_ok "another user's mail is taken" wait_for 120 delivered_by_mta sofia
    tap_is "while none of them has left" "$(tail -n 1 "$SERVERS/insist.out" |
        tr -cd 0-9)" 0
    tap_ok "and is a ticket" wait_for 60 has_ticket sofia
    : >"$SERVERS/slow.stop"
    wait "$share_pid"
    tap_ok "who is not needed any more ends" wait_for 120 desk_has_workers lmtp 2
}

delivered_by_mta()
{
    servers_as "$SERVERS_USER" "$DESK_BIN/postern-deliver" -s "$DESK_SOCKET" \
        -f "$1@customers.test" support@desk.test <"$MAILS/$1.eml"
}

# -------------------------------------------------------------------------------

servers_need pg sink
DESK_PATIENCE=2s
# shellcheck disable=SC2034 # read by desk_settings
DESK_SUPPORT='notify = [ "anna@staff.test" ];'
desk_prepare || exit 1
cp "$servers_support/siege.py" "$SERVERS/siege.py"
chmod 0644 "$SERVERS/siege.py"
siege_settings
desk_start || exit 1

test_ids
test_slow_statement
test_lock
test_crowd
# shellcheck disable=SC2034 # read by desk_settings
DESK_PATIENCE=60s
test_flood
test_locks
test_share
desk_sane
tap_done
