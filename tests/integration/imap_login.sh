#!/bin/sh
# A login that is refused is not tried again at once, until somebody has seen to
# it; an old token is replaced; a folder that nobody can read is made known. No
# secret is seen anywhere.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/imap.sh"

METRICS_PY=${srcdir:-.}/tests/support/metrics.py

tickets_are()
{
    [ "$(desk_sql 'SELECT count(*) FROM ticket')" = "$1" ]
}

# Logins that Dovecot refused.
refusals()
{
    grep -c 'imap-login: .*auth failed' "$DOVECOT_LOG"
}

state()
{
    desk account list --json | "$PYTHON" -c 'import json, sys
print(*[f["state"] for f in json.load(sys.stdin)])'
}

is_state()
{
    [ "$(state)" = "$1" ]
}

# Dovecot writes it when the client has gone.
has_refused()
{
    [ "$(refusals)" -ge "$1" ]
}

# server_wants PASSWORD: who watches it is stopped meanwhile, and sees a server
# that was away for a moment; his pauses would grow otherwise.
server_wants()
{
    wants_watchers=
    if server_alive posternd; then
        wants_watchers=$(desk_workers imap)
        kill -STOP $wants_watchers
    fi
    dovecot_stop
    sed -i "s/args = password=.*/args = password=$1/" \
        "$DOVECOT_HOME/dovecot.conf"
    dovecot_run
    [ -z "$wants_watchers" ] || kill -CONT $wants_watchers
}

password_is()
{
    printf '%s\n' "$1" >"$SERVERS/imap-password"
}

# --- a password ------------------------------------------------------------------

test_password()
{
    password_is first-s3cret
    server_wants first-s3cret
    desk_start || exit 1
    put_mail one
    tap_ok "with the right password mail is taken" wait_for 60 tickets_are 1
    server_wants other-s3cret
    tap_ok "a wrong one is refused, and what the server said is logged" \
        desk_log 'event=folder.refused .*AUTHENTICATIONFAILED'
    tap_like "the next attempt is in five minutes" "$(cat "$DESK_LOG")" \
        'event=folder.refused .*next_try_s=300'
    tap_is "which the database says to all" "$(desk_sql "SELECT
        extract(epoch FROM next_try_at - now()) BETWEEN 200 AND 300
        FROM folder")" t
    tap_is "the account says it" "$(state)" refused
    tap_is "that is trouble" "$(exit_of desk account list)" 1
    tap_like "with the server's words" "$(desk account list)" \
        'refused .*AUTHENTICATIONFAILED'
    wait_for 60 has_refused 1
    had=$(refusals)
    put_mail two
    # Time in which an attempt would be seen: other trouble is tried again after
    # a second or two, and a lease is renewed after 15.
    sleep 16
    tap_is "nobody has tried meanwhile" "$(refusals)" "$had"
    password_is other-s3cret
    desk_reload
    tap_ok "with the right one mail is taken at once" \
        wait_for 60 tickets_are 2
    tap_ok "all is well" wait_for 60 is_state watching
    tap_is "and nothing was tried in vain" "$(refusals)" "$had"
}

# --- a token ---------------------------------------------------------------------

token_server()
{
    dovecot_tokens || return 1
    cat >>"$DOVECOT_HOME/dovecot.conf" <<CONF
auth_mechanisms = xoauth2
passdb {
  driver = oauth2
  mechanisms = xoauth2
  args = $SERVERS/oauth2.conf
}
CONF
    dovecot_stop
    dovecot_run
}

# It gives what $SERVERS/token says, and says how often it was asked.
write_command()
{
    servers_mkdir "$SERVERS/tokens" 0755 "$SERVERS_USER"
    cat >"$SERVERS/tokens/command" <<COMMAND
#!/bin/sh
echo asked >>$SERVERS/tokens/asked
if [ "\$(wc -l <$SERVERS/tokens/asked)" -le "\$(cat $SERVERS/tokens/old)" ]; then
    cat $SERVERS/tokens/expired
else
    cat $SERVERS/tokens/fresh
fi
echo 3600
COMMAND
    chmod 0755 "$SERVERS/tokens/command"
    jwt desk -10 >"$SERVERS/tokens/expired"
    jwt desk 600 >"$SERVERS/tokens/fresh"
    echo 1 >"$SERVERS/tokens/old"
}

test_token()
{
    tap_ok "a server that lets in with tokens" token_server
    write_command
    ACCOUNT_SECRET="token_command = [ \"$SERVERS/tokens/command\" ];"
    imap_settings
    had=$(refusals)
    put_mail three
    desk_reload
    tap_ok "after an old token comes a fresh one" wait_for 60 tickets_are 3
    # A refusal would be repeated in five minutes.
    tap_ok "at once" not desk_logged 'event=folder.refused'
    wait_for 60 has_refused $((had + 1))
    tap_is "the server had refused one" "$(($(refusals) - had))" 1
    tap_is "the command was asked twice" \
        "$(wc -l <"$SERVERS/tokens/asked")" 2
    tap_ok "all is well" wait_for 60 is_state watching
    : >"$SERVERS/tokens/asked"
    echo 9 >"$SERVERS/tokens/old"
    desk_reload
    tap_ok "two old ones are a refusal" desk_log \
        'event=folder.refused .*next_try_s=300'
    echo 0 >"$SERVERS/tokens/old"
    put_mail four
    desk_reload
    tap_ok "until somebody says that it is mended" wait_for 60 tickets_are 4
}

# --- silence ---------------------------------------------------------------------

gauge()
{
    "$PYTHON" "$METRICS_PY" get "http://127.0.0.1:$METRICS_PORT/metrics" \
        "postern_$1"
}

gauge_is()
{
    [ "$(gauge "$1")" = "$2" ]
}

alarms()
{
    sent_to boss | xargs grep -l "Nobody can look into an IMAP folder" \
        2>/dev/null | wc -l
}

has_alarms()
{
    [ "$(alarms)" = "$1" ]
}

# The clock looks each 30 s, and has figures each ten; a new one at once.
next_clock()
{
    kill $(desk_workers clock)
}

test_silent()
{
    METRICS_PORT=$(port_reserve)
    IMAP_LIMITS='folder_silence = "1min";'
    imap_settings "metrics = { host = \"127.0.0.1\";
        port = $METRICS_PORT; };"
    desk_restart || exit 1
    tap_ok "a folder that is read is not silent" wait_for 60 gauge_is \
        folders_silent 0
    dovecot_stop
    tap_ok "without a server it fails" wait_for 60 has_failed
    desk_sql "UPDATE folder SET looked_at = now() - interval '2 minutes'" \
        >/dev/null
    tap_like "the status warns" "$(desk status)" \
        '^ +1 folders are not read: postern account list'
    tap_is "its exit status says so" "$(exit_of desk status)" 2
    tap_is "the account is silent" "$(state)" silent
    next_clock
    tap_ok "the gauge shows it" wait_for 70 gauge_is folders_silent 1
    tap_ok "the admin hears of it" wait_for 70 has_alarms 1
    # Quoted-printable breaks its lines.
    tap_like "and why" "$(sent_to boss | xargs cat | tr -d '\r' |
        sed -e ':a' -e '/=$/N' -e 's/=\n//' -e ta)" \
        'office, folder INBOX, for [0-9]+ min: .*(refused|closed|BYE)'
    desk_restart
    tap_ok "another clock" wait_for 60 gauge_is folders_silent 1
    desk_settled 4
    tap_is "does not tell it again" "$(alarms)" 1
    dovecot_run
    desk_reload
    # By itself, in 30 s at most.
    tap_ok "once it is read again" wait_for 70 gauge_is folders_silent 0
    tap_ok "all is well" wait_for 60 is_state watching
}

has_failed()
{
    [ -n "$(desk_sql "SELECT last_error FROM folder
        WHERE failing_since IS NOT NULL")" ]
}

# --- secrets ---------------------------------------------------------------------

seen_in()
{
    for seen_pid in $(server_pid posternd) $(desk_workers); do
        tr '\0' '\n' <"/proc/$seen_pid/cmdline"
        tr '\0' '\n' <"/proc/$seen_pid/environ" 2>/dev/null
    done
    cat "$DESK_LOG" "$SERVERS/pg/server.log"
    pg_admin -At -d desk -c 'TABLE folder' -c 'TABLE left_mail'
    desk settings 2>/dev/null
    desk account list
    grep -a -o . "$DESK_RUN/status" | tr -d '\n'
}

test_secrets()
{
    seen_in >"$SERVERS/seen"
    tap_like "it was looked where secrets might be" "$(cat "$SERVERS/seen")" \
        'event=folder.refused'
    tap_unlike "no password is anywhere" "$(cat "$SERVERS/seen")" 's3cret'
    # Half of it is enough, and so is how SASL says it.
    tap_unlike "nor is a token" "$(cat "$SERVERS/seen")" \
        "$(cut -c 1-40 "$SERVERS/tokens/fresh")|$(
            cut -d. -f3 "$SERVERS/tokens/fresh" | cut -c 1-20)|$(
            cut -d. -f3 "$SERVERS/tokens/expired" | cut -c 1-20)"
    tap_unlike "nor the login as it is said" "$(cat "$SERVERS/seen")" \
        "$(printf '\0desk\0first-s3cret' | base64)|$(
            printf '\0desk\0other-s3cret' | base64)"
}

faults_wanted
clocks_wanted
servers_need pg sink dovecot
command -v openssl >/dev/null || tap_needs "openssl (Debian package openssl)"
imap_prepare || exit 1
account_folder INBOX support
imap_settings
imap_test password token silent secrets
desk_unharmed
tap_done
