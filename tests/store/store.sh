#!/bin/sh
# Everything the store does, against a private PostgreSQL, with prepared statements.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/store.sh"

store_prepare
export STORE_TEST_PREPARED=1
pass_on prepared

# The bounds of cost.c are told to people.
costs=$(tr -d '\n' <"${srcdir:-.}/tests/store/cost.c" |
    sed -e 's/Not on the road.*//' -e 's/{ST_/\
/g' | sed -n 's/^\([a-z_]*\), *\([0-9]*\),.*/\1 \2/p')
told=$(sed -n '/^What a statement may cost/,/^How fast/p' \
    "${srcdir:-.}/tests/README" | awk 'NF == 2 && $2 ~ /^[0-9]+$/ { print $1, $2 }')
tap_is "tests/README has the bounds of all statements" "$told" "$costs"
tap_done
