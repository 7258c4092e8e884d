#!/bin/sh
# contrib's token_command: both flows against an endpoint in all its moods; a
# refresh token that may be used once survives, and no secret is told.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
servers_need sink # Python
command -v openssl >/dev/null || tap_needs "openssl (Debian package openssl)"
program=$srcdir/contrib/oauth/postern-token

# settings FLOW PATH [LINE...]: prints the file's name; $TIMEOUT instead of 60 s
settings()
{
    settings_flow=$1
    settings_path=$2
    shift 2
    {
        echo "[token]"
        echo "flow = $settings_flow"
        echo "token_url = https://localhost:$port/$settings_path"
        echo "client_id = postern"
        echo "ca_file = $TLS_CA"
        echo "timeout = ${TIMEOUT:-60}"
        printf '%s\n' "$@"
    } >"$SERVERS/oauth.conf"
    echo "$SERVERS/oauth.conf"
}

by_client()
{
    settings client-credentials "$1" "client_secret_file = $home/secret" \
        "scope = https://outlook.office365.com/.default"
}

by_refresh()
{
    settings refresh-token "$1" "refresh_token_file = $home/refresh"
}

# token ARGUMENTS...: what it prints; then, in any case, its exit status
token()
{
    servers_as "$SERVERS_USER" "$PYTHON" -I "$program" "$@" 2>&1
    echo "status $?"
}

# secret NAME TEXT [MODE]
secret()
{
    rm -f "$home/$1"
    printf '%s\n' "$2" >"$home/$1"
    chmod "${3:-0600}" "$home/$1"
    if [ "$(id -u)" = 0 ]; then
        chown "$SERVERS_USER" "$home/$1"
    fi
}

lines()
{
    tr '\n' '|'
}

start()
{
    servers_dir && tls_make localhost || return 1
    port=$(port_reserve)
    home=$SERVERS/oauth
    ledger=$SERVERS/oauth/ledger
    servers_mkdir "$home" 0700 "$SERVERS_USER"
    server_run tokens "$PYTHON" "$srcdir/tests/support/token_server.py" \
        "$port" "$TLS_CERT" "$TLS_KEY" "$ledger"
    wait_for 60 answers
}

answers()
{
    "$PYTHON" -c "import socket
socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null
}

test_client_credentials()
{
    secret secret 's3cret&+'
    tap_is "a program lets itself in" "$(token "$(by_client good)" | lines)" \
        "token|3599|status 0|"
    tap_is "it has said what the flow wants" "$(tail -n 1 "$ledger")" \
        '/good {"scope": "https://outlook.office365.com/.default", "grant_type": "client_credentials", "client_id": "postern", "client_secret": "s3cret&+"}'
    tap_is "a lifetime may be text" "$(token "$(by_client text)" | lines)" \
        "token|3599|status 0|"
    tap_is "or unknown" "$(token "$(by_client unknown)" | lines)" \
        "token|status 0|"
    tap_is "a check shows no token" \
        "$(token --check "$(by_client good)" | lines)" \
        "a token of 5 octets, good for 3599 s|status 0|"
}

test_refusals()
{
    for row in invalid_client/401/78 unauthorized_client/400/78 \
        invalid_scope/400/78 temporarily_unavailable/400/75 \
        server_error/500/75 slow_down/429/75 unheard_of/400/75; do
        said=$(token "$(by_client "${row%/*}")")
        tap_like "$row ends so" "$said" "status ${row##*/}\$"
        tap_like "and says why" "$said" "says .* ${row%%/*}: AADSTS7000"
        tap_unlike "but not the secret" "$said" 's3cret'
        tap_is "in one line" "$(echo "$said" | wc -l)" 2
    done
    for mood in garbage empty list deep huge lines; do
        tap_is "an answer that is none: $mood" \
            "$(token "$(by_client $mood)" | lines)" \
            "postern-token: the provider's answer holds no access token|status 75|"
    done
    tap_like "an end is again later" "$(token "$(by_client close)")" "status 75"
    TIMEOUT=3
    for mood in slow drip; do
        tap_is "silence has an end: $mood" \
            "$(token "$(by_client $mood)" | lines | sed 's/[a-z]* port [0-9]*: The read operation timed out/no answer in time/')" \
            "postern-token: no answer in time|status 75|"
    done
    TIMEOUT=
    tap_like "a redirection is not followed" "$(token "$(by_client redirect)")" \
        "token_url leads elsewhere"
    tap_is "nor is anything said there" "$(tail -n 1 "$ledger" | cut -d ' ' -f 1)" \
        /redirect
}

test_certificates()
{
    by_client good >/dev/null
    sed -i '/^ca_file/d' "$SERVERS/oauth.conf"
    : >"$ledger"
    tap_like "a CA that nobody knows" "$(token "$SERVERS/oauth.conf" | lines)" \
        "certificate of localhost refused: .*status 75"
    by_client good >/dev/null
    sed -i 's/localhost/127.0.0.1/' "$SERVERS/oauth.conf"
    tap_like "a certificate for another name" \
        "$(token "$SERVERS/oauth.conf" | lines)" \
        "certificate of 127.0.0.1 refused: .*status 75"
    by_client good >/dev/null
    sed -i 's/https:/http:/' "$SERVERS/oauth.conf"
    tap_like "in clear nothing is said" "$(token "$SERVERS/oauth.conf" | lines)" \
        "is not an https URL.*status 78"
    tap_is "none of them has heard the secret" "$(cat "$ledger")" ""
    by_client good >/dev/null
    sed -i "s|^token_url.*|token_url = https://localhost:$(port_reserve)/|" \
        "$SERVERS/oauth.conf"
    tap_like "nobody there" "$(token "$SERVERS/oauth.conf" | lines)" \
        "Connection refused.*status 75"
}

test_refresh()
{
    secret refresh first
    tap_is "a refresh token gives a token" \
        "$(token "$(by_refresh rotate)" | lines)" "token|3599|status 0|"
    tap_is "the new one is kept" "$(cat "$home/refresh")" again-1
    tap_is "for us alone" "$(stat -c '%a %U' "$home/refresh")" \
        "600 $SERVERS_USER"
    by_refresh rotate >/dev/null
    for n in 1 2 3 4 5 6; do
        token "$SERVERS/oauth.conf" >"$SERVERS/at-once.$n" &
    done
    wait_for 60 all_done
    tap_is "six at once get one each" \
        "$(cat "$SERVERS"/at-once.* | sort | uniq -c | tr -s ' ' | lines)" \
        " 6 3599| 6 status 0| 6 token|"
    tap_is "of seven refresh tokens the last one is kept" \
        "$(cat "$home/refresh")" again-7
    secret refresh stale
    tap_like "one that was used is refused for good" \
        "$(token "$(by_refresh rotate)" | lines)" \
        "invalid_grant: used before.*status 78"
    tap_is "and left as it is" "$(cat "$home/refresh")" stale
    secret refresh s3cret
    tap_unlike "it is not told" "$(token "$(by_refresh invalid_grant/400)")" \
        s3cret
    tap_is "nothing is left behind" \
        "$(cd "$home" && echo *)" "ledger refresh refresh.lock secret"
}

all_done()
{
    [ "$(cat "$SERVERS"/at-once.* | grep -c status)" = 6 ]
}

test_full_disk()
{
    secret refresh again-7
    : >"$ledger"
    tap_like "without room for the new one the old one is not used up" \
        "$( (
            ulimit -f 4
            token "$(by_refresh rotate)"
        ) | lines)" "cannot be replaced.*status 78"
    tap_is "so nothing was asked" "$(cat "$ledger")" ""
    tap_is "and it still is good" \
        "$(token "$(by_refresh rotate)" | lines)" "token|3599|status 0|"
}

test_authorize()
{
    by_refresh code >/dev/null
    echo "authorize_url = https://localhost/consent" >>"$SERVERS/oauth.conf"
    rm -f "$home/refresh"
    mkfifo "$SERVERS/browser"
    token --authorize "$SERVERS/oauth.conf" <"$SERVERS/browser" \
        >"$SERVERS/authorized" &
    exec 5>"$SERVERS/browser"
    wait_for 60 grep -q state= "$SERVERS/authorized"
    state=$(sed -n 's/.*state=\([^&]*\).*/\1/p' "$SERVERS/authorized")
    echo "http://localhost/?code=c0de&state=$state" >&5
    exec 5>&-
    wait_for 60 grep -q status "$SERVERS/authorized"
    tap_like "somebody lets it in" "$(cat "$SERVERS/authorized")" "status 0"
    tap_is "the refresh token is kept" "$(cat "$home/refresh")" first
    tap_like "with the proof that it is the same who asked" \
        "$(tail -n 1 "$ledger")" '"code": "c0de".*"code_verifier": "[^"]{43}'
    tap_like "the address of another log-in is none" \
        "$(echo "http://localhost/?code=c0de&state=other" |
            token --authorize "$SERVERS/oauth.conf" | lines)" \
        "not the address of this log-in.*status 78"
}

# refused NAME PATTERN: what $SERVERS/oauth.conf gives
refused()
{
    tap_like "$1" "$(token "$SERVERS/oauth.conf" | lines)" "$2.*status 78"
}

test_files()
{
    for mode in 0644 0660 0602; do
        secret secret 's3cret&+' $mode
        by_client good >/dev/null
        refused "a secret of mode $mode" "oauth/secret has mode $mode; run chmod"
    done
    secret secret 's3cret&+' 0640
    tap_like "its group may read it" "$(token "$(by_client good)")" "status 0"
    mv "$home/secret" "$home/elsewhere"
    ln -s elsewhere "$home/secret"
    refused "a link" "oauth/secret: "
    rm "$home/secret"
    refused "no file" "oauth/secret: No such file"
    mkfifo "$home/secret"
    refused "a pipe" "not a regular file|belongs to somebody"
    rm "$home/secret"
    secret secret "$(printf 'two\nlines')"
    refused "two lines" "not one line"
    secret secret 's3cret&+'
    chmod 0666 "$(by_client good)"
    refused "settings that everybody may change" "has mode 0666"
    chmod 0644 "$SERVERS/oauth.conf"
    echo "client_secret = inline" >>"$SERVERS/oauth.conf"
    refused "a key that is none" "unknown key 'client_secret'"
    settings device good >/dev/null
    refused "a flow that is none" "flow is"
    settings client-credentials good >/dev/null
    refused "a flow without its secret" "'client_secret_file' is missing"
    echo nonsense >"$SERVERS/oauth.conf"
    refused "no settings at all" "no section"
    tap_like "no argument" "$(token | lines)" "usage.*status 78"
    tap_like "the help teaches" "$(token --help)" "^ *flow = client-credentials"
    tap_like "it knows where it comes from" "$(token --version)" \
        "^postern-token of the source tree$"
}

# While it waits for the provider.
test_secrecy()
{
    secret secret 's3cret&+'
    by_client slow >/dev/null
    : >"$ledger"
    server_run slow "$PYTHON" -I "$program" "$SERVERS/oauth.conf"
    slow=$(server_pid slow)
    wait_for 60 grep -q /slow "$ledger"
    tap_like "while it waits" "$(tr '\0' ' ' <"/proc/$slow/cmdline")" \
        "postern-token .*oauth.conf"
    tap_is "no secret is in arguments or environment" \
        "$(tr '\0' '\n' <"/proc/$slow/cmdline" | cat - "/proc/$slow/environ" |
            grep -ac 's3cret')" 0
    tap_like "nor would be in a core" "$(cat "/proc/$slow/limits")" \
        "^Max core file size +0 +0 "
    server_stop slow
}

tap_ok "an endpoint is there" start
test_client_credentials
test_refusals
test_certificates
test_refresh
test_full_disk
test_authorize
test_files
test_secrecy
server_stop tokens
tap_done
