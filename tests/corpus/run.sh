#!/bin/sh
# Mail as it really is: the score of a corpus with expected results is not below
# what was recorded in figures. The corpus brings its own score.py; it is named
# by POSTERN_CORPUS, or lies in ../shared/corpus beside the sources.
set -u
srcdir=${srcdir:-.}
. "$srcdir/tests/support/tap.sh"
postern=${abs_top_builddir:-.}/postern
figures=$srcdir/tests/corpus/figures
corpus=${POSTERN_CORPUS:-$srcdir/../shared/corpus}

if [ ! -f "$corpus/score.py" ]; then
    tap_not_here "no corpus with a score.py: set POSTERN_CORPUS to have one"
fi

command -v python3 >/dev/null || tap_needs python3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 "$corpus/score.py" "$corpus" "$work/out" --json "$work/table" -v \
    --run "$postern parse --json {}" --run-thread "$postern thread --json {}" \
    >"$work/score" 2>&1
tap_is "the corpus is scored" "$?" 0

# "kind passed total" for each kind, and the check that counts apart: mail that
# must not be acknowledged was not taken for a person's.
python3 - "$work/table" >"$work/got" <<'END'
import json, sys

table = json.load(open(sys.argv[1]))
kinds = {}
for row in table["rows"]:
    passed, total = kinds.get(row["kind"], (0, 0))
    kinds[row["kind"]] = (passed + row["pass"], total + row["total"])
for kind, (passed, total) in kinds.items():
    print(kind, passed, total)
passed, total = table["checks"].get("class.no_ack", (0, 0))
print("no_ack", passed, total)
END

while read -r kind least cases; do
    case $kind in
    '#'* | '') continue ;;
    esac
    got=$(sed -n "s/^$kind //p" "$work/got")
    total=${got#* }
    if [ "$total" != "$cases" ]; then
        tap_skip "$kind" "another corpus: ${got:-none} of it passed"
    elif [ "${got% *}" -ge "$least" ]; then
        tap_pass "$kind: ${got% *} of $total, at least $least"
    else
        tap_fail "$kind: ${got% *} of $total, at least $least"
        grep "FAIL .* $kind\\." "$work/score" | while IFS= read -r line; do
            tap_diag "$line"
        done
    fi
done <"$figures"
tap_done
