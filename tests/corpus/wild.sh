#!/bin/sh
# Mail in the wild: every *.eml below $POSTERN_CORPUS, a directory of your own,
# is read within ten seconds, without a crash, and into valid JSON. What is read
# right is not judged here. With sanitizers it also shows every misstep.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
postern=${abs_top_builddir:-.}/postern

if [ -z "${POSTERN_CORPUS:-}" ]; then
    tap_not_here "no POSTERN_CORPUS is given"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
find "$POSTERN_CORPUS" -type f -name '*.eml' | sort >"$work/mails"
tap_ok "there are mails below $POSTERN_CORPUS" test -s "$work/mails"

count=0
bad=
while IFS= read -r mail; do
    count=$((count + 1))
    timeout 10 "$postern" parse --json "$mail" >"$work/json" 2>"$work/errors" \
        </dev/null
    status=$?
    if [ "$status" != 0 ]; then
        bad="$bad
$mail: exit $status: $(head -n 5 "$work/errors")"
        continue
    fi
    cat "$work/json" >>"$work/all"
done <"$work/mails"
tap_is "all $count mails are read" "$bad" ""
# The parsers of a running posternd may do less than a command: it must be enough.
through_the_child()
{
    if [ -x "${abs_top_builddir:-.}/test_parser" ]; then
        tr '\n' '\0' <"$work/mails" |
            xargs -0 "${abs_top_builddir:-.}/test_parser"
    fi
}
tap_is "and each alike by a confined parser" "$(through_the_child)" ""
tap_ok "and what is read is JSON" python3 -c '
import json, sys
text = open(sys.argv[1], encoding="utf-8").read().rstrip()
at = 0
while at < len(text):
    while text[at].isspace():
        at += 1
    at = json.JSONDecoder().raw_decode(text, at)[1]
' "$work/all"
tap_done
