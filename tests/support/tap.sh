# shellcheck shell=sh
# Tests in shell that speak TAP. Source it, say what must be true, end with
# tap_done:
#
#   . "$srcdir/tests/support/tap.sh"
#   tap_ok "a bad option is refused" not postern --nonsense
#   tap_is "one ticket" "$(psql -Atc 'SELECT count(*) FROM ticket')" 1
#   tap_done
#
#   tap_ok NAME COMMAND...      the command succeeds; else its output is shown
#   tap_is NAME GOT WANTED      two strings are the same
#   tap_like NAME GOT ERE       a line of the text matches
#   tap_unlike NAME GOT ERE     no line of the text matches
#   tap_pass NAME, tap_fail NAME [WHY]
#   tap_diag TEXT, tap_show FILE [LINES]   for whoever reads the log
#   tap_skip NAME WHY           this one point does not apply
#   tap_lacks NAME WHAT         this one point needs what the machine lacks: it is
#                               left out; with POSTERN_CI=1 that is a failure
#   tap_needs WHAT              the machine lacks something: leave, skipped;
#                               with POSTERN_CI=1 that is a failure
#   tap_not_here WHY            this build is not meant to run it: leave
#   tap_parts "$SOME" PART...   test_PART of each, or of $SOME only
#   clocks_wanted               leave where a test mostly waits for the clock and
#                               another build does so already
#   not COMMAND...              succeeds when the command fails

tap_count=0
tap_failed=0

tap_pass()
{
    tap_count=$((tap_count + 1))
    printf 'ok %d - %s\n' "$tap_count" "$1"
}

tap_fail()
{
    tap_count=$((tap_count + 1))
    tap_failed=$((tap_failed + 1))
    printf 'not ok %d - %s\n' "$tap_count" "$1"
    if [ $# -gt 1 ]; then
        tap_diag "$2"
    fi
    return 0
}

tap_skip()
{
    tap_count=$((tap_count + 1))
    printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
}

tap_lacks()
{
    if [ "${POSTERN_CI:-0}" = 1 ]; then
        tap_fail "$1" "this machine lacks $2"
    else
        tap_skip "$1" "needs $2"
    fi
}

tap_diag()
{
    printf '%s\n' "$1" | sed 's/^/# /'
}

tap_show()
{
    tap_diag "--- end of $1"
    tail -n "${2:-40}" "$1" 2>&1 | sed 's/^/#   /'
}

# In this very shell, so that what the command sets stays set.
tap_ok()
{
    tap_name=$1
    shift
    tap_output=$(mktemp)
    # A failing command is a failed point, not the end under `set -e`.
    if "$@" >"$tap_output" 2>&1 </dev/null; then
        tap_pass "$tap_name"
    else
        tap_fail "$tap_name" "failed ($?): $*
$(tail -n 40 "$tap_output")"
    fi
    rm -f "$tap_output"
}

tap_is()
{
    if [ "$2" = "$3" ]; then
        tap_pass "$1"
    else
        tap_fail "$1" "   got: $2
wanted: $3"
    fi
}

tap_like()
{
    if printf '%s\n' "$2" | grep -Eq -e "$3"; then
        tap_pass "$1"
    else
        tap_fail "$1" "no line matches: $3
$2"
    fi
}

tap_unlike()
{
    if printf '%s\n' "$2" | grep -Eq -e "$3"; then
        tap_fail "$1" "a line matches: $3
$2"
    else
        tap_pass "$1"
    fi
}

tap_needs()
{
    if [ "${POSTERN_CI:-0}" = 1 ]; then
        tap_fail "everything is installed" "this machine lacks $1"
        tap_done
    fi
    printf '1..0 # SKIP needs %s\n' "$1"
    exit 0
}

tap_not_here()
{
    printf '1..0 # SKIP %s\n' "$1"
    exit 0
}

# The long tests of faults are left out with POSTERN_FAULTS=no: seven minutes,
# for who has run them already in another build of the same sources.
faults_wanted()
{
    if [ "${POSTERN_FAULTS:-}" = no ]; then
        tap_not_here "left out by POSTERN_FAULTS=no"
    fi
}

tap_parts()
{
    tap_some=$1
    shift
    for tap_part in ${tap_some:-"$@"}; do
        if command -v "test_$tap_part" >/dev/null; then
            "test_$tap_part"
        else
            tap_fail "there is a part called $tap_part"
        fi
    done
}

clocks_wanted()
{
    case ${POSTERN_BUILD:-} in
    *sanitize*) tap_not_here "its waits are the clock's: the plain build has them" ;;
    esac
}

tap_done()
{
    printf '1..%d\n' "$tap_count"
    if [ "$tap_failed" -gt 0 ]; then
        exit 1
    fi
    exit 0
}

not()
{
    if "$@"; then
        return 1
    fi
    return 0
}
