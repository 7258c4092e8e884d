#!/bin/sh
# Every fuzz target holds on the mails of the tests, and on whatever it once
# failed at: seeds/TARGET. `make fuzz` looks for more.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
here=${srcdir:-.}/tests/fuzz
bin=${abs_top_builddir:-.}/tests/fuzz

replays()
{
    "$bin/$1" "${srcdir:-.}"/tests/corpus/*.eml "$here"/seeds/*/* \
        >"$1.replayed" 2>&1 || {
        tap_show "$1.replayed"
        return 1
    }
    rm -f "$1.replayed"
}

for target in "$here"/fuzz_*.c; do
    target=$(basename "$target" .c)
    tap_ok "$target holds" replays "$target"
done
tap_done
