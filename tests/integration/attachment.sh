#!/bin/sh
# What came with a mail is listed, and comes out as it went in; nothing a mail
# says decides where it is written.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"

# A mail with attachments, and what they are in files of their own.
write_mail()
{
    "$PYTHON" - "$MAILS/files.eml" "$WORK" <<'END'
import base64, random, sys

random.seed(4)
noise = random.randbytes(200000)
parts = [
    ('text/plain', None, b'See there.\n'),
    ('application/pdf; name="invoice.pdf"', 'attachment', noise),
    ('a/b', 'attachment; filename="../../etc/cron.d/x"', b'\x1b[2Jx'),
    ('a/b; name=twice', 'attachment', b'one'),
    ('a/b; name=twice', 'attachment', b'two'),
    ('a/b; name=empty', 'attachment', b''),
    ('image/png; name="=?utf-8?B?0JvQvtCz0L4=?="\nContent-ID: <logo@x>',
     'inline', b'PNG'),
]
with open(sys.argv[1], 'w') as mail:
    mail.write('From: anna@customers.test\nTo: support@desk.test\n'
               'Subject: Files\nMessage-ID: <files@mua.test>\n'
               'MIME-Version: 1.0\n'
               'Content-Type: multipart/mixed; boundary=b\n\n')
    for n, (kind, how, content) in enumerate(parts):
        mail.write('--b\nContent-Type: %s\n' % kind)
        if how:
            mail.write('Content-Disposition: %s\n' % how)
        mail.write('Content-Transfer-Encoding: base64\n\n%s'
                   % base64.encodebytes(content).decode())
        with open('%s/%d' % (sys.argv[2], n), 'wb') as file:
            file.write(content)
    mail.write('--b--\n')
END
}

# get ARGS...: into $WORK/got
get()
{
    desk ticket attachment "$@" >"$WORK/got" 2>"$WORK/errors"
}

# On a terminal; prints the exit status and what was shown.
on_terminal()
{
    servers_as "$SERVERS_USER" "$PYTHON" -c '
import os, pty, subprocess, sys
ours, theirs = pty.openpty()
ended = subprocess.run(sys.argv[1:], stdout=theirs, stderr=subprocess.STDOUT,
                       timeout=60)
os.close(theirs)
shown = b""
try:
    while piece := os.read(ours, 4096):
        shown += piece
except OSError:
    pass
print(ended.returncode, shown.decode(errors="replace"))' \
        "$DESK_BIN/postern" -c "$DESK_CONF" ticket attachment "$@"
}

test_list()
{
    get 1
    tap_is "they are listed, and the columns line up" "$(cat "$WORK/got")" \
        "MESSAGE  ATTACHMENT  OCTETS  INLINE  TYPE             NAME
      1           1  200000  no      application/pdf  invoice.pdf
      1           2       5  no      a/b              x
      1           3       3  no      a/b              twice
      1           4       3  no      a/b              twice
      1           5       0  no      a/b              empty
      1           6       3  yes     image/png        Лого"
    tap_is "those of one message, too" \
        "$(desk ticket attachment 1 1 | wc -l)" 7
    get --json 1
    tap_is "and as JSON" "$("$PYTHON" -c 'import json, sys
row = json.load(sys.stdin)[5]
print(row["message"], row["attachment"], row["name"], row["type"],
      row["octets"], row["inline"], row["content_id"], row["sha256"])' \
        <"$WORK/got")" \
        "1 6 Лого image/png 3 True logo@x $(
            sha256sum <"$WORK/6" | cut -d' ' -f1)"
    tap_like "ticket show tells how" "$(desk ticket show 1)" \
        '6 attachment\(s\): postern ticket attachment 1 1$'
}

test_extract()
{
    for n in 1 2 3 4 5 6; do
        get 1 1 $n
        tap_is "number $n is extracted" "$?" 0
        tap_ok "number $n is what was sent" cmp "$WORK/$n" "$WORK/got"
    done
    get 1 1 invoice.pdf
    tap_ok "so it is by its name" cmp "$WORK/1" "$WORK/got"
    get 1 1 twice
    tap_is "a name that two have is not enough" "$?" 65
    tap_like "which is said" "$(cat "$WORK/errors")" 'give the number'
    for which in 7 0 nothing; do
        get 1 1 $which
        tap_is "there is no $which" "$?" 1
    done
    tap_is "nor in another ticket" "$(exit_of desk ticket attachment 2 1 1)" 1
    tap_is "nor is there another ticket" \
        "$(exit_of desk ticket attachment 2)" 1
}

test_output()
{
    desk ticket attachment 1 1 1 --output "$OUT/file"
    tap_ok "it goes into a file" cmp "$WORK/1" "$OUT/file"
    get 1 1 3 --output "$OUT/file"
    tap_is "that is not overwritten" "$?" 73
    tap_like "which is said" "$(cat "$WORK/errors")" '--force'
    tap_ok "and is as it was" cmp "$WORK/1" "$OUT/file"
    get 1 1 3 --force -o "$OUT/file"
    tap_ok "unless one insists" cmp "$WORK/3" "$OUT/file"
    get 1 1 2 --output "$OUT"
    tap_is "a folder is no file, and no name makes it one" "$?" 73
    tap_is "nothing was written elsewhere" "$(ls "$OUT")" file
    get 1 1 1 --force --output /dev/full
    tap_is "a full disk is an error" "$?" 74
    get 1 1 1 -o -
    tap_ok "- is standard output" cmp "$WORK/1" "$WORK/got"
}

test_terminal()
{
    tap_like "nothing is written to a terminal" "$(on_terminal 1 1 2)" \
        '^64 .*--output FILE'
    tap_unlike "not a byte" "$(on_terminal 1 1 2)" '\[2J'
    tap_like "unless one insists" "$(on_terminal 1 1 2 --output -)" '^0 .*\[2J'
}

# The database has what another version of us had recorded.
test_other_version()
{
    desk_sql "UPDATE attachment SET position = 6 - position
        WHERE position < 6" >/dev/null
    get 1 1 invoice.pdf
    tap_ok "it is found by its digest" cmp "$WORK/1" "$WORK/got"
    desk_sql "UPDATE attachment SET digest = sha256('x')
        WHERE name = 'invoice.pdf'" >/dev/null
    get 1 1 invoice.pdf
    tap_is "what is not the same is not given" "$?" 65
    tap_ok "not a byte of it" not test -s "$WORK/got"
}

# What a process may have of its own is less than the attachment.
test_memory()
{
    "$PYTHON" - "$MAILS/large.eml" "$WORK/large" <<'END'
import base64, sys
content = b'0123456789abcdef' * (1 << 20)
open(sys.argv[2], 'wb').write(content)
with open(sys.argv[1], 'w') as mail:
    mail.write('From: anna@customers.test\nSubject: Large\n'
               'Message-ID: <large@mua.test>\n'
               'Content-Type: a/b; name=large\n'
               'Content-Transfer-Encoding: base64\n\n'
               + base64.encodebytes(content).decode())
END
    lmtp_send large anna@customers.test support@desk.test >/dev/null
    tap_ok "a large mail is processed" desk_settled 2 60
    case ${POSTERN_BUILD:-} in
    *sanitize*) tap_skip "it costs no memory" "sanitizers need more" ;;
    *)
        servers_as "$SERVERS_USER" prlimit --data=12000000 \
            "$DESK_BIN/postern" -c "$DESK_CONF" ticket attachment 2 2 large \
            >"$WORK/got"
        tap_ok "16 MiB come out of 12" cmp "$WORK/large" "$WORK/got"
        ;;
    esac
}

servers_need pg sink
desk_prepare && desk_start || exit 1
WORK=$SERVERS/work
OUT=$SERVERS/out
mkdir -p "$WORK"
servers_mkdir "$OUT" 0755 "$SERVERS_USER"
write_mail
lmtp_send files anna@customers.test support@desk.test >/dev/null
tap_ok "the mail is processed" desk_settled 1

test_list
test_extract
test_output
test_terminal
test_memory
test_other_version
desk_unharmed
tap_done
