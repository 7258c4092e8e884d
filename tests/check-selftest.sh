#!/bin/sh
# The checks of the tree are shown failing once each, on small offenders made
# for the purpose: a check that cannot fail is worse than none.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
checks=$(cd "${srcdir:-.}/tests" && pwd)
CC=${CC:-cc}
# The offenders are plain, whatever the build around them is.
unset POSTERN_BUILD POSTERN_BINARIES MAKEFLAGS MFLAGS MAKELEVEL

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree

# write FILE LINE...
write()
{
    write_file=$1
    shift
    mkdir -p "$(dirname "$write_file")"
    printf '%s\n' "$@" >"$write_file"
}

# compile SOURCE [FLAGS]: as the makefile does, with its dependency file.
compile()
{
    compile_name=${1%.c}
    mkdir -p "$tree/$(dirname "$1")/.deps"
    compile_po=$(dirname "$1")/.deps/$(basename "$compile_name").Po
    shift
    # Compiler and flags may be several words.
    # shellcheck disable=SC2086
    (cd "$tree" && $CC -MT x.o -MD -MP -MF "$compile_po" -Iinclude "$@" \
        -c -o "$compile_name.o" "$compile_name.c")
}

layers()
{
    (cd "$tree" && sh "$checks/check-layers" . . 2>&1) && echo "no trespass"
}

show_layers()
{
    write "$tree/include/base/text.h" 'int text_ok(void);'
    write "$tree/include/store/store.h" 'int store_open(void);'
    write "$tree/src/store/pg.h" 'int pg_ask(void);'
    write "$tree/src/policy/decide.c" '#include "base/text.h"' 'int decide;'
    compile src/policy/decide.c
    tap_is "doors that lead down are open" "$(layers)" "no trespass"

    write "$tree/src/policy/decide.c" '#include "base/text.h"' \
        '#include "store/store.h"' 'int decide;'
    compile src/policy/decide.c
    found=$(layers)
    tap_like "an include of a room above is reported with its line" "$found" \
        '^src/policy/decide.c:2: room policy may not include store/store.h$'
    tap_like "and the permitted doors are named" "$found" \
        'its doors: base mail settings policy; foreign: glib'

    write "$tree/include/policy/thread.h" '#include "store/store.h"'
    write "$tree/src/policy/decide.c" '#include "policy/thread.h"' 'int decide;'
    compile src/policy/decide.c
    tap_like "so is one through another header" "$(layers)" \
        '^src/policy/decide.c: room policy may not include store/store.h$'
    write "$tree/src/policy/decide.c" 'int decide;'
    compile src/policy/decide.c
    tap_like "and a header that nobody includes" "$(layers)" \
        '^include/policy/thread.h:1: room policy may not include store/store.h'
    rm "$tree/include/policy/thread.h"

    write "$tree/src/store/pg.h" 'int pg_ask(void);'
    write "$tree/src/gateway/send.c" '#include "../store/pg.h"' 'int send_x;'
    compile src/gateway/send.c
    tap_like "so is a header that is private to a room" "$(layers)" \
        'send.c:1: room gateway may not include store/pg.h, which is private'
    rm "$tree/src/gateway/send.c"

    write "$work/include/libpq-fe.h" 'int PQ;'
    write "$tree/src/transport/smtp.c" '#include <libpq-fe.h>' 'int smtp;'
    compile src/transport/smtp.c -I"$work/include"
    tap_like "so is a library that belongs to another room" "$(layers)" \
        'smtp.c:1: room transport may not include libpq: <libpq-fe.h>'
    write "$work/include/curl/curl.h" 'int curl;'
    write "$tree/src/transport/smtp.c" '#include <curl/curl.h>' 'int smtp;'
    compile src/transport/smtp.c -I"$work/include"
    tap_like "and a library that no room has" "$(layers)" \
        'smtp.c:1: room transport may not include <curl/curl.h>'
}

# The hook, not only the script: this build's own makefile, on that tree.
show_make()
{
    makefile=${abs_top_builddir:-}/Makefile
    if [ ! -e "$makefile" ]; then
        tap_skip "a forbidden include stops make" "no makefile here"
        return
    fi
    mkdir -p "$tree/tests"
    cp "$checks/check-layers" "$tree/tests/"
    made=$(cd "$tree" && ${MAKE:-make} -f "$makefile" all-local \
        srcdir=. LIBRARIES= PROGRAMS= 2>&1)
    tap_is "a forbidden include stops make" $? 2
    tap_like "which says why" "$made" 'room transport may not include'
}

show_purity()
{
    write "$work/pure/a.c" '#include <string.h>' '#include <time.h>' \
        'size_t a(const char *s) { return strlen(s) + (size_t)time(0); }'
    write "$work/pure/b.c" 'int b(void) { return 1; }'
    (cd "$work/pure" && $CC -O0 -fno-builtin -c a.c b.c &&
        ar rc libmail.a a.o && ar rc libpolicy.a b.o)
    found=$(sh "$checks/check-purity" "$work/pure")
    tap_like "an impure symbol is reported with its object" "$found" \
        'got: time: libmail.a.a.o'
    tap_unlike "a permitted one is not" "$found" 'strlen'
    tap_like "and a pure room passes" "$found" '^ok [0-9]+ - room policy'
}

show_symbols()
{
    write "$work/shared/src/mail/a.c" 'int mail_list_free(void);' \
        'int mail_list_free(void) { return 1; }' \
        'int mail_never(void);' 'int mail_never(void) { return 1; }'
    (cd "$work/shared/src/mail" && $CC -c a.c)
    found=$(sh "$checks/check-symbols" "$work/shared")
    tap_like "a name that libetpan has too is reported" "$found" \
        'got: mail_list_free$'
    tap_unlike "others are not" "$found" 'mail_never'
}

show_hardening()
{
    write "$work/soft.c" '#include <stdio.h>' \
        'int main(void) { char b[64]; return fgets(b, 64, stdin) != b; }'
    (cd "$work" && $CC -O0 -U_FORTIFY_SOURCE -fno-stack-protector -no-pie \
        -Wl,-z,lazy -Wl,-z,norelro -o soft soft.c)
    found=$(sh "$checks/check-hardening" "$work/soft")
    for flaw in 'is position independent' 'binds all symbols at start' \
        'has read-only relocations' 'guards its stack' \
        'uses the checked calls of libc'; do
        tap_like "a program that is not hardened is reported: $flaw" \
            "$found" "^not ok [0-9]+ - soft $flaw"
    done
}

# Some that sleep for no reason, among those that say it. The word comes from a
# variable, for this script is looked at, too.
show_waits()
{
    nap=sleep
    mkdir -p "$work/waits/contrib"
    write "$work/waits/tests/one.sh" '# It takes a while.' '' "$nap 1" \
        "$nap 2 # a lease ends" '# Nothing may come meanwhile.' "$nap 3" \
        'echo asleep in 5'
    write "$work/waits/tests/two.c" "g_u$nap(1); /* the clock steps */" \
        '/* Or a block' ' * of words. */' "g_u$nap(2);" "int ${nap}_s;" \
        "g_u$nap(1000 * ${nap}_s);"
    write "$work/waits/tests/three.py" "time.$nap(1)  # it drips"
    write "$work/waits/tests/four.sh" '#!/bin/sh' "$nap infinity" 'x # why' \
        "$nap 1"
    tap_is "who sleeps for no reason is reported" \
        "$(sh "$checks/check-waits" "$work/waits" | grep -o 'tests/.*')" \
        "tests/four.sh:2: $nap infinity
tests/four.sh:4: $nap 1
tests/one.sh:3: $nap 1
tests/two.c:6: g_u$nap(1000 * ${nap}_s);"
}

show_root()
{
    write "$work/root/src/README" '6. What root touches' 'a/listed.c a/gone.c' \
        '7. Form' 'a/stray.c'
    write "$work/root/src/a/listed.c" 'int fd = open(path, 0);'
    write "$work/root/src/a/stray.c" 'if (a && unlink(path) != 0)'
    write "$work/root/src/a/other.c" 'imap_open(a); /* not open(2) */' 'x.stat()'
    found=$(sh "$checks/check-root" "$work/root")
    tap_like "who goes by a path and is not in the list is reported" "$found" \
        '^#.*got: a/stray\.c$'
    tap_like "and who is in it for nothing" "$found" '^#.*got: a/gone\.c$'
    tap_unlike "and nobody else" "$found" '(listed|other)\.c'
}

# commands_in DIRECTORY: which of these are there
commands_in()
{
    for command in sh awk python3 curl; do
        if [ -x "$1/$command" ]; then
            echo $command
        fi
    done | tr '\n' ' '
}

# A command that is installed here, but would not be on a new machine.
show_commands()
{
    if [ "$(dpkg-query -W -f '${db:Status-Status}' curl 2>&1)" != installed ]
    then
        tap_lacks "a command that nobody has named is missed" \
            "curl (Debian package curl)"
        return
    fi
    mkdir -p "$work/named/tests" "$work/named/contrib"
    cp "$checks/named-commands" "$work/named/tests/"
    sed '/ curl$/d' "$checks/../contrib/packages" >"$work/named/contrib/packages"
    python3 "$checks/named-commands" "$work/commands" >"$work/count"
    tap_is "the named commands are there, as a new machine has them" \
        "$(commands_in "$work/commands")" 'sh awk python3 curl '
    python3 "$work/named/tests/named-commands" "$work/fewer" >"$work/count"
    tap_is "a command that nobody has named is missed" \
        "$(commands_in "$work/fewer")" 'sh awk python3 '
}

# log_of NAME RESULT LINE...: what a test leaves
log_of()
{
    log_name=$1
    write "$work/told/$1.trs" ":test-result: $2"
    shift 2
    write "$work/told/$log_name.log" "$@"
}

# What fails is told with its reason; who writes half a line or dies disturbs nobody.
show_progress()
{
    log_of good 'PASS one' 'ok 1 - one'
    log_of bad 'FAIL two' 'ok 1 - one' 'not ok 2 - two' '# why it failed' \
        'ok 3 - three'
    log_of dead 'ERROR missing test plan' 'ok 1 - one' 'its last words'
    write "$work/told/file" 'begin 10 good' 'begin 10 bad' 'begin 11' \
        'begin 12 dead' "end 13 good $work/told/good.log" \
        "end 14 bad $work/told/bad.log" 'end 15' \
        "end 16 dead $work/told/dead.log" over
    : >"$work/told/failures"
    python3 "$checks/progress" "$work/told/file" --total 3 \
        --failures "$work/told/failures" >"$work/told/said" 2>&1
    tap_is "progress ends when it is told so" $? 0
    tap_like "a failed point is told with its reason" \
        "$(cat "$work/told/said")" '^ +# why it failed$'
    tap_unlike "and no good one" "$(cat "$work/told/said")" 'three'
    tap_like "of who died it tells the last words" \
        "$(cat "$work/told/said")" '^ +its last words$'
    tap_like "and in the end what took longest" "$(cat "$work/told/said")" \
        '3 tests done; longest: bad 4 s, dead 4 s, good 3 s$'
    tap_is "the failures are kept" "$(cat "$work/told/failures")" \
        'bad: FAIL two
dead: ERROR missing test plan'
    write "$work/told/test.sh" 'echo "not ok 1 - it fails"' 'echo 1..1'
    : >"$work/told/events"
    (cd "$work/told" && POSTERN_PROGRESS=events sh "$checks/driver" \
        "$checks/../build-aux/tap-driver.sh" --test-name test.sh \
        --log-file test.log --trs-file test.trs -- sh test.sh) \
        >"$work/told/driven"
    tap_is "the driver notes when a test begins, and its log when it ends" \
        "$(sed 's/ [0-9]* / S /' "$work/told/events" | sed 's/ *$//')" \
        "begin S test.sh
end S test.sh $work/told/test.log"
}

show_layers
show_make
show_waits
show_root
show_progress
show_commands
show_purity
show_symbols
show_hardening
tap_done
