#!/bin/sh
# Servers that are odd, and moments that are unlikely: a folder's position never
# moves past a mail that is neither in the database nor noted as left, and no
# mail stops another.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/imap.sh"

# odd JSON: the folders that there are, from now on.
odd()
{
    printf '%s\n' "$1" >"$SERVERS/odd.new"
    chmod 0644 "$SERVERS/odd.new"
    mv -f "$SERVERS/odd.new" "$SERVERS/odd.json"
}

odd_prepare()
{
    desk_prepare || return 1
    account_password
    ACCOUNT_PORT=$(port_reserve)
    cp "$servers_support/imap_odd_server.py" "$SERVERS/"
    odd '{}'
    servers_mkdir "$SERVERS/odd" 0755 "$SERVERS_USER"
    server_run odd "$PYTHON" "$SERVERS/imap_odd_server.py" "$ACCOUNT_PORT" \
        "$SERVERS/odd.json" "$SERVERS/odd/ledger"
    wait_for 60 odd_listens
}

odd_listens()
{
    "$PYTHON" -c "import socket
socket.create_connection(('127.0.0.1', $ACCOUNT_PORT), 5)" 2>/dev/null
}

# desk_with JSON FOLDER...: a desk that knows nothing yet, of these folders.
desk_with()
{
    odd "$1"
    shift
    ACCOUNT_FOLDERS=
    for with_folder in "$@"; do
        account_folder "$with_folder" billing
    done
    imap_settings
    desk_sql 'TRUNCATE folder, delivery, ticket, left_mail CASCADE' >/dev/null
    desk_start || exit 1
}

# accepted FOLDER: how many mails of it are in the database, by what they say.
accepted()
{
    desk_sql "SELECT count(DISTINCT r.digest) FROM raw_mail r
        JOIN delivery d ON d.raw_digest = r.digest
        WHERE position(convert_to('<$1-', 'UTF8') IN r.bytes) > 0"
}

has_accepted()
{
    [ "$(accepted "$1")" = "$2" ]
}

position_is()
{
    [ "$(desk_sql "SELECT last_uid FROM folder WHERE name = '$1'")" = "$2" ]
}

# commands ERE: how many such commands the server has seen.
commands()
{
    grep -Ec -e "$1" "$SERVERS/odd/ledger"
}

# --- what has vanished --------------------------------------------------------------

# A whole hundred has gone between the search and its sizes, and then the
# connection breaks.
test_vanished()
{
    desk_with '{"vanished": {"validity": 7, "mails": [[1, 150]],
        "gone": [[1, 100]], "hang_up": 1}}' vanished
    tap_ok "who vanished takes nobody along" \
        wait_for 60 has_accepted vanished 50
    tap_ok "and it was read to its end" wait_for 60 position_is vanished 150
    desk_stop
}

test_left_stays()
{
    desk_with '{"left": {"validity": 7, "mails": [[1, 150]],
        "large": [[5, 5]], "gone": [[101, 150]]}}' left
    tap_ok "a folder with a mail that is too large, and an end that vanished" \
        wait_for 60 position_is left 150
    tap_is "all others are taken" "$(accepted left)" 99
    tap_is "the large one is noted" "$(desk_sql 'SELECT uid, parked_at
        IS NOT NULL FROM left_mail')" '5|t'
    desk_stop
}

# --- what is said of the numbers to come ---------------------------------------------

# UIDNEXT may be anything: what counts are the mails that are there.
test_next()
{
    desk_with '{"next": {"validity": 7, "mails": [[1, 3]], "next": 1000,
        "idle": "no"}}' next
    tap_ok "a folder that says a UIDNEXT that is too high is read" \
        wait_for 60 has_accepted next 3
    odd '{"next": {"validity": 7, "mails": [[1, 5]], "next": 1000,
        "idle": "no"}}'
    tap_ok "and what comes below it" wait_for 60 has_accepted next 5
    odd '{"next": {"validity": 7, "mails": [[1, 6]], "next": 2,
        "idle": "no"}}'
    kill $(desk_workers imap)
    tap_ok "one that is too low hides nothing" \
        wait_for 60 has_accepted next 6
    tap_is "nor is all read again" "$(desk_sql 'SELECT generation
        FROM folder')" 0
    desk_stop
}

# --- what is not handed out ---------------------------------------------------------

# Of a mail in a hundred the server cannot tell the size.
test_unsized()
{
    desk_with '{"unsized": {"validity": 7, "mails": [[1, 4]],
        "unsized": [[2, 2]]}}' unsized
    tap_ok "a mail without a size stops no other" \
        wait_for 60 has_accepted unsized 3
    tap_ok "it is noted" wait_for 60 is_left 2 1
    desk_stop
}

# is_left UID STRIKES
is_left()
{
    [ "$(desk_sql 'SELECT uid, strikes FROM left_mail')" = "$1|$2" ]
}

# Not even when others have tried it again.
is_not_left()
{
    for left_times in 2 3; do
        kill $(desk_workers imap)
        wait_for 60 has_logged 'no room for a mail' "$left_times" || return 1
    done
    [ "$(desk_sql 'SELECT count(*) FROM left_mail')" = 0 ]
}

has_logged()
{
    [ "$(desk_logged_lines "$1")" -ge "$2" ]
}

# It says OK, but has not said how large one of them is, though it is there.
test_silent()
{
    desk_with '{"silent": {"validity": 7, "mails": [[1, 4]],
        "silent": [[2, 2]]}}' silent
    tap_ok "who has no size but is there stops no other" \
        wait_for 60 has_accepted silent 3
    tap_ok "and is noted" wait_for 60 is_left 2 1
    desk_stop
}

# We look after that mail while another one comes.
test_late()
{
    desk_with '{"late": {"validity": 7, "mails": [[1, 4]],
        "silent": [[2, 2]], "late": [[5, 5]]}}' late
    tap_ok "a mail that is told of just then is taken" \
        wait_for 60 has_accepted late 4
    desk_stop
}

# Octets were promised, none came: it would be lost, were it deleted now.
test_empty()
{
    desk_with '{"empty": {"validity": 7, "mails": [[1, 3]],
        "empty": [[2, 2]]}}' empty
    tap_ok "a mail that comes without its octets stops no other" \
        wait_for 60 position_is empty 3
    tap_is "it is noted" "$(desk_sql 'SELECT uid, strikes FROM left_mail')" \
        '2|1'
    tap_is "and nothing is made of it" "$(desk_sql 'SELECT count(*)
        FROM delivery')" 2
    desk_stop
}

# The disk is full: that is no mail's fault.
test_spool()
{
    IMAP_LIMITS='memory_size = "64KiB";'
    desk_with '{"spool": {"validity": 7, "mails": []}}' spool
    tap_ok "an empty folder is read" wait_for 60 watched 1
    chmod 0500 "$SERVERS/spool"
    odd '{"spool": {"validity": 7, "mails": [[1, 1]], "padding": 200000}}'
    kill $(desk_workers imap)
    tap_ok "without room for a mail it is not taken, and why is logged" \
        desk_log 'no room for a mail.*Permission denied'
    tap_ok "and has no strike" is_not_left
    chmod 0700 "$SERVERS/spool"
    kill $(desk_workers imap)
    tap_ok "with room it is" wait_for 60 has_accepted spool 1
    IMAP_LIMITS=
    desk_stop
}

# --- what cannot be flagged ------------------------------------------------------------

acted_is()
{
    [ "$(desk_sql 'SELECT acted_uid FROM folder')" = "$1" ]
}

# There may be room again, or the right to: nobody has to restart anything.
test_full()
{
    desk_with '{"full": {"validity": 7, "mails": [[1, 2]], "idle": "no",
        "store": "NO [OVERQUOTA] no room"}}' full
    tap_ok "mails that cannot be flagged are taken" \
        wait_for 60 has_accepted full 2
    tap_ok "it is tried again" wait_for 60 has_tried_flags 3
    tap_is "and said once" \
        "$(desk_logged_lines 'event=folder.action-failed')" 1
    odd '{"full": {"validity": 7, "mails": [[1, 2]], "idle": "no"}}'
    tap_ok "until they are flagged" wait_for 60 acted_is 2
    desk_stop
}

# Somebody else has the folder for a moment, whom we do not see: we were stopped.
# UPDATE is what that one leaves, JSON what the server has then.
taken_away()
{
    wait_for 60 is_fresh || return 1
    kill -STOP $(desk_workers imap)
    desk_sql "UPDATE folder SET lease = gen_random_uuid(), $1,
        lease_until = now() - interval '1 second'" >/dev/null
    odd "$2"
    kill -CONT $(desk_workers imap)
}

# We keep it without a look at it for some seconds.
is_fresh()
{
    [ "$(desk_sql "SELECT lease_until > now() + interval '43 s'
        FROM folder")" = t ]
}

# A COMMIT without an answer is the same: the mail is in the database, and nobody
# has flagged it.
test_unacted()
{
    desk_with '{"unacted": {"validity": 7, "mails": [[1, 1]],
        "idle": "no"}}' unacted
    tap_ok "a mail is flagged" wait_for 60 acted_is 1
    tap_ok "somebody has accepted one and died" taken_away 'acted_uid = 0' \
        '{"unacted": {"validity": 7, "mails": [[1, 2]], "idle": "no"}}'
    tap_ok "the next one is flagged" wait_for 60 acted_is 2
    tap_is "and that one, too" "$(commands '^unacted UID STORE 1 ')" 2
    tap_is "on the same connection" "$(commands ' SELECT .*unacted')" 1
    desk_stop
}

# Rights may come later. What was taken before is then flagged, too.
test_read_only()
{
    desk_with '{"closed": {"validity": 7, "mails": [[1, 2]],
        "read_only": true, "idle": "no"}}' closed
    tap_ok "a folder that is for reading only is read" \
        wait_for 60 has_accepted closed 2
    tap_ok "which is said" desk_log 'event=folder.read-only'
    desk_stop
    tap_is "and left as it is" "$(commands '^closed UID STORE')" 0
    odd '{"closed": {"validity": 7, "mails": [[1, 3]], "idle": "no"}}'
    desk_start || exit 1
    tap_ok "when it may be written to, it goes on" wait_for 60 acted_is 3
    tap_ok "with all that came before" [ "$(commands \
        '^closed UID STORE 1[:,]2 ')" -gt 0 ]
    desk_stop
}

# Another one has seen a new folder under the name; our connection shows the one
# before.
test_anew()
{
    desk_with '{"anew": {"validity": 7, "mails": [[1, 1]],
        "idle": "no"}}' anew
    tap_ok "a mail is taken" wait_for 60 acted_is 1
    tap_ok "the folder becomes another" taken_away \
        'uid_validity = 8, generation = 1, last_uid = 0, acted_uid = 0' \
        '{"anew": {"validity": 8, "mails": [[1, 2]], "idle": "no"}}'
    tap_ok "it is read" wait_for 60 acted_is 2
    tap_is "by another connection" "$(commands ' SELECT .*anew')" 2
    desk_stop
}

# The connection breaks where its flag is set. The processor is told all the same.
test_rung()
{
    desk_with '{"rung": {"validity": 7, "mails": [], "idle": "no"}}' rung
    sed -i 's/limits = { poll = "1s"/limits = { poll = "10min"/' "$DESK_CONF"
    desk_reload
    tap_ok "nobody looks by himself any more" desk_log 'event=folder.opened'
    odd '{"rung": {"validity": 7, "mails": [[1, 1]], "idle": "no",
        "store": null}}'
    tap_ok "a mail on whose flag the connection breaks is a ticket" \
        wait_for 60 has_tickets 1
    desk_stop
}

has_tickets()
{
    [ "$(desk_sql 'SELECT count(*) FROM ticket')" = "$1" ]
}

has_tried_flags()
{
    [ "$(commands '^full UID STORE 1:2')" -ge "$1" ]
}

# --- in a loop -----------------------------------------------------------------------

connections()
{
    desk_logged_lines 'event=folder.opened'
}

desk_logged_lines()
{
    tail -n "+$((desk_mark + 1))" "$DESK_LOG" | grep -Ec -e "$1"
}

# Whoever is thrown out again and again comes back later and later.
test_bye()
{
    desk_with '{"bye": {"validity": 7, "mails": [[1, 1]], "idle": "bye"}}' bye
    tap_ok "a connection that ends in IDLE is pausing" \
        desk_log 'event=worker.paused.*seconds=4'
    desk_stop
}

# EXISTS is no news if it comes with every answer.
test_chatty()
{
    desk_with '{"chatty": {"validity": 7, "mails": [[1, 1]],
        "chatty": true}}' chatty
    tap_ok "a chatty server's mail is taken" wait_for 60 has_accepted chatty 1
    odd '{"chatty": {"validity": 7, "mails": [[1, 2]], "chatty": true}}'
    tap_ok "and so is the next" wait_for 60 has_accepted chatty 2
    tap_ok "it is searched each second at most" is_calm 3
    desk_stop
}

# is_calm SECONDS: in that time, by the clock, not twice as many searches.
is_calm()
{
    calm_began=$(now_ms)
    calm_before=$(commands '^chatty UID SEARCH')
    sleep "$1" # time in which too many would be seen
    calm_searches=$(($(commands '^chatty UID SEARCH') - calm_before))
    calm_ms=$(($(now_ms) - calm_began))
    echo "$calm_searches searches in $calm_ms ms"
    [ $((calm_searches * 500)) -lt "$calm_ms" ]
}

# memory_high: the most KiB that a worker of a folder had.
memory_high()
{
    for high_pid in $(desk_workers imap); do
        sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$high_pid/status"
    done | sort -n | tail -n 1
}

# A search that finds seven million mails would want half a gigabyte.
test_endless()
{
    desk_with '{"endless": {"validity": 7, "mails": [[1, 1]],
        "endless": 7000000}}' endless
    tap_ok "an answer without end is ended" \
        desk_log 'event=worker.paused.*(too many words|too long)'
    tap_diag "memory: $(memory_high) KiB"
    odd '{"endless": {"validity": 7, "mails": [[1, 1]], "endless": 100000}}'
    tap_ok "a hundred thousand are not too many" \
        wait_for 60 has_accepted endless 1
    tap_diag "memory: $(memory_high) KiB"
    desk_stop
}

# What libetpan would die of, what it would take for something else, and what is
# nobody's business.
test_strange()
{
    desk_with '{"strange": {"validity": 7, "mails": [[1, 3]], "idle": "no",
        "says": ["* OK [PERMANENTFLAGS (* 5 EXISTS",
            "* NO [BADCHARSET (A B)] x", "* OK [ALERT]", "* OK",
            "* 1 FETCH (FLAGS (\\Seen) X-GM-LABELS (\"a(b\"))",
            "* METADATA INBOX (/x {9}\r\n* BYE x\r\n)", "",
            "* OK it is {12}", "* VANISHED 9", "*"]}}' strange
    tap_ok "a server that says strange things is read" \
        wait_for 60 acted_is 3
    tap_is "on one connection" "$(commands ' SELECT .*strange')" 1
    desk_stop
}

# --- what a dead worker had in hand --------------------------------------------------

is_fetched_alone()
{
    [ "$(commands '^one UID FETCH 500 .*BODY')" -ge 2 ]
}

# Folders of the same UIDVALIDITY, and a worker that dies of a mail in one of
# them just when the settings name them in another order.
test_hand()
{
    ACCOUNT_TIMEOUT=5s
    desk_with '{"one": {"validity": 7, "mails": [[500, 500]],
        "stalled": [[500, 500]]},
        "two": {"validity": 7, "mails": [[1, 3]]}}' one two
    tap_ok "the other folder is read" wait_for 60 position_is two 3
    tap_ok "one hangs in a mail that is alone" \
        wait_for 60 is_fetched_alone
    kill -STOP $(desk_workers imap)
    ACCOUNT_FOLDERS=
    account_folder two billing
    account_folder one billing
    imap_settings
    desk_hup
    odd '{"one": {"validity": 7, "mails": [[500, 500]]},
        "two": {"validity": 7, "mails": [[1, 9]], "next": 900}}'
    kill -KILL $(desk_workers imap)
    tap_ok "its mail is taken" wait_for 90 has_accepted one 1
    tap_ok "and no mail of the other is passed over" \
        wait_for 60 has_accepted two 9
    tap_is "nor struck" "$(desk_sql "SELECT count(*) FROM left_mail l
        JOIN folder f ON f.id = l.folder_id WHERE f.name = 'two'")" 0
    ACCOUNT_TIMEOUT=
    desk_stop
}

# --- settings that are refused -----------------------------------------------------

# A password that cannot be had refuses the settings, and all of them: who starts
# afterwards has the ones before, with the passwords before.
test_refused()
{
    desk_with '{"old": {"validity": 7, "mails": [[1, 1]]},
        "new": {"validity": 8, "mails": [[1, 1]]}}' old
    tap_ok "a folder is read" wait_for 60 has_accepted old 1
    ACCOUNT_FOLDERS=
    account_folder new billing
    imap_settings
    sed -i 's|password_file = "[^"]*imap-password"|password_command = ["/bin/false"]|' \
        "$DESK_CONF"
    desk_reload
    tap_ok "settings without their password are refused" \
        desk_log 'event=settings.kept.*/bin/false'
    odd '{"old": {"validity": 7, "mails": [[1, 2]]},
        "new": {"validity": 8, "mails": [[1, 1]]}}'
    kill -KILL $(desk_workers imap)
    tap_ok "a worker that starts now reads the old folder" \
        wait_for 60 has_accepted old 2
    tap_is "and no new one" "$(accepted new)" 0
    desk_stop
}

servers_need pg sink
odd_prepare || exit 1
imap_test vanished left_stays next unsized silent late empty full unacted read_only anew rung spool bye chatty endless strange hand refused
desk_sane
tap_done
