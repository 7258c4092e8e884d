# shellcheck shell=sh
# A folder of real size in a real Dovecot, drained; bench reads this file.
#
# Mails lie in a Maildir as Dovecot's own delivery agent names them, with their
# sizes. While they are accepted the processors stand still: accepting is
# measured, beside a program that stores the same bytes without IMAP.
# shellcheck disable=SC2034,SC2154

IMAP_MAILS=5000
IMAP_BATCH=20

bench_imap_fill()
{
    servers_mkdir "$DOVECOT_MAIL/desk" 0700 "$SERVERS_USER"
    dovecot_maildir "$DOVECOT_MAIL/desk"
    mkdir -p "$SERVERS/folder"
    IMAP_PACK=$SERVERS/folder.pack
    "$bench_bin/generate" -s 815 -n "$IMAP_MAILS" "$IMAP_PACK" \
        >"$SERVERS/folder.sizes" || fail "cannot make the folder"
    "$bench_bin/generate" -s 815 -n "$IMAP_MAILS" -d "$SERVERS/folder" \
        >/dev/null || fail "cannot make the folder"
    read -r bench_count bench_median bench_mean bench_largest \
        <"$SERVERS/folder.sizes"
    figure imap_octets_mean "$bench_mean"
    "$PYTHON" - "$SERVERS/folder" "$DOVECOT_MAIL/desk/new" <<'END'
import os, sys

source, target = sys.argv[1:]
for n, name in enumerate(sorted(os.listdir(source))):
    path = os.path.join(source, name)
    with open(path, "rb") as file:
        mail = file.read()
    lines = mail.count(b"\n") - mail.count(b"\r\n")
    os.rename(path, os.path.join(target, "%d.M%dP1.bench,S=%d,W=%d" % (
        1700000000 + n, n, len(mail), len(mail) + lines)))
END
    chown -R "$SERVERS_USER" "$DOVECOT_MAIL/desk"
    # Its index, which a server that took them in one by one has.
    dovecot_adm search -u desk mailbox INBOX all >"$SERVERS/folder.uids"
    [ "$(wc -l <"$SERVERS/folder.uids")" = "$IMAP_MAILS" ] ||
        fail "Dovecot does not show the folder"
}

bench_imap_settings()
{
    printf 'secret\n' >"$SERVERS/imap-password"
    chmod 0600 "$SERVERS/imap-password"
    chown "$SERVERS_USER" "$SERVERS/imap-password"
    bench_settings "$(port_reserve)"
    sed -i 's/mail_size = "60MiB"/mail_size = "100MiB"/' "$DESK_CONF"
    cat >>"$DESK_CONF" <<CONF
accounts = ( { name = "office"; host = "127.0.0.1"; port = $DOVECOT_PORT;
    tls = "off"; user = "desk"; password_file = "$SERVERS/imap-password";
    folders = ( { folder = "INBOX"; queue = "support"; after = "keep"; } );
} );
CONF
}

bench_imap_plain()
{
    pg_createdb "$1" || exit 1
    begin $$
    PGDATABASE=$1 "$bench_bin/store_plain" --batch "$IMAP_BATCH" "$IMAP_PACK" \
        >"$SERVERS/$1.out" || fail "the plain program failed"
    end "$1" "$IMAP_MAILS"
}

# bench_imap_most WHAT UNTIL...: the most that the worker has for itself, until
# UNTIL fails, which is asked twice a second. Pages of the spool file are the
# kernel's to take back.
bench_imap_most()
{
    bench_what=$1
    shift
    bench_most=0
    bench_until=$(($(date +%s) + 60))
    while "$@"; do
        [ "$(date +%s)" -lt $bench_until ] || fail "the folder is not drained"
        for _ in 1 2 3 4 5; do
            bench_now=$($bench_what)
            if [ "${bench_now:-0}" -gt "$bench_most" ]; then
                bench_most=$bench_now
            fi
            sleep 0.1 # a sample
        done
    done
}

bench_imap_private()
{
    private_kib "$(desk_workers imap)"
}

bench_imap_anonymous()
{
    most_anonymous_kib imap
}

bench_imap_is_behind()
{
    [ "$(desk_sql "SELECT count(*) FROM delivery
        WHERE transport = 'imap'")" -lt "$1" ]
}

bench_imap()
{
    if [ "$(id -u)" != 0 ] || ! command -v dovecot >/dev/null; then
        say "IMAP is not measured: it needs root and dovecot-imapd"
        return
    fi
    dovecot_start || fail "Dovecot does not start"
    bench_imap_fill
    bench_imap_plain imap_plain_before
    desk_stop
    pg_createdb imap || exit 1
    PGDATABASE=imap
    bench_imap_settings
    sed -i 's/dbname=desk"/dbname=imap"/' "$DESK_CONF"
    desk schema apply >"$SERVERS/schema.out" || fail "no schema"
    desk_start || fail "posternd does not start"
    # shellcheck disable=SC2046
    kill -STOP $(desk_workers processor)
    bench_imap_most bench_imap_private bench_imap_is_behind "$IMAP_MAILS"
    figure imap_private_kib "$bench_most"
    # By the database's clock, from the first commit to the last.
    figure imap_mails_per_s "$(desk_sql "SELECT round(
        (count(*) - $IMAP_BATCH) / extract(epoch FROM
            max(received_at) - min(received_at)), 1)
        FROM delivery WHERE transport = 'imap'")"
    say "imap: $(value imap_mails_per_s) mails/s"
    # shellcheck disable=SC2046
    kill -CONT $(desk_workers processor)
    bench_imap_large
    bench_imap_plain imap_plain_after
    PGDATABASE=desk
}

bench_imap_large()
{
    bench_processed
    bench_before=$(most_anonymous_kib imap)
    {
        printf 'From: someone@mail1.test\nSubject: A longer film\n'
        printf 'Message-ID: <longer.%s@mail1.test>\n' "$$"
        printf 'Content-Type: application/octet-stream\n'
        printf 'Content-Transfer-Encoding: base64\n\n'
        head -c 73000000 /dev/urandom | base64 -w 76
    } >"$SERVERS/longer.eml"
    dovecot_put desk "$SERVERS/longer.eml"
    bench_imap_most bench_imap_anonymous bench_imap_is_behind $((IMAP_MAILS + 1))
    figure imap_large_octets "$(desk_sql 'SELECT max(octets) FROM raw_mail')"
    figure imap_large_more_kib $((bench_most - bench_before))
    bench_processed
    desk_stop
}
