#!/bin/sh
# The worker of a folder dies at every step, and each mail is one ticket all the
# same; a mail that it dies of each time is left, and stops no other.
# support/imap_oracle.py judges, which knows none of our code.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
. "${srcdir:-.}/tests/support/servers.sh"
. "${srcdir:-.}/tests/support/desk.sh"
. "${srcdir:-.}/tests/support/imap.sh"

POINTS="watch.fetching watch.fetched watch.committed watch.acted"

# arm POINT: the next worker that comes there kills itself.
arm()
{
    : >"$POSTERN_FAILPOINTS/$1"
    if [ "$(id -u)" = 0 ]; then
        chown "$SERVERS_USER" "$POSTERN_FAILPOINTS/$1"
    fi
}

is_dead()
{
    [ ! -e "$POSTERN_FAILPOINTS/$1" ]
}

died()
{
    wait_for 60 is_dead "$1"
}

# together FOLDER NAME...: nobody looks before all of them are there.
together()
{
    together_box=$1
    shift
    together_workers=$(desk_workers imap)
    kill -STOP $together_workers
    for together_name in "$@"; do
        put_noted "$together_name" "$together_box" billing
    done
    kill -CONT $together_workers
}

# Who has died often is started again after a minute only.
without_deaths()
{
    desk_restart
    wait_for 60 watched 4
}

# --- at each step ----------------------------------------------------------------

test_points()
{
    tap_ok "four folders are watched" wait_for 60 watched 4
    for how in keep seen move delete; do
        for point in $POINTS; do
            arm "$point"
            together "$how" "$how-$point-1" "$how-$point-2" \
                "$how-$point-3"
            tap_ok "$point, $how: the worker died there" died "$point"
            put_noted "$how-$point-behind" "$how" billing
            imap_oracle "$point, $how"
        done
    done
    tap_ok "what was moved is in the other folder" \
        wait_for 60 folder_has Done 16
    tap_ok "what was deleted is gone" wait_for 60 folder_has delete 0
    tap_ok "what was flagged has its flag" wait_for 60 folder_has seen 16 SEEN
    tap_is "what was kept is as it was" "$(folder_count keep UNSEEN)" 16
    tap_is "nothing was left behind" "$(desk_sql 'SELECT count(*)
        FROM left_mail')" 0
    imap_oracle "each lies where it should" \
        --moved "move=$DOVECOT_MAIL/desk/.Done" \
        --emptied "move=$DOVECOT_MAIL/desk/.move" \
        --emptied "delete=$DOVECOT_MAIL/desk/.delete"
}

test_all_points()
{
    tap_is "every failpoint of the road has been shown" \
        "$(printf '%s\n' $POINTS | sort)" \
        "$(sed -n 's/.*FAILPOINT("\(watch\..*\)").*/\1/p' \
            "${srcdir:-.}"/src/gateway/*.c | sort -u)"
}

# --- three strikes ----------------------------------------------------------------

# An hour later. Whoever watches looks each 15 s, or when a mail comes.
later()
{
    desk_sql 'UPDATE left_mail SET not_before = now()' >/dev/null
}

strikes_are()
{
    [ "$(desk_sql 'SELECT strikes, parked_at IS NOT NULL FROM left_mail')" \
        = "$1" ]
}

test_strikes()
{
    without_deaths
    arm watch.mail
    mail_write deadly deadly@customers.test 'Deadly' 'X-Failpoint: fetched'
    kill -STOP $(desk_workers imap)
    put_noted before keep billing
    note_mail deadly keep billing
    put_file deadly '' keep
    put_noted after keep billing
    kill -CONT $(desk_workers imap)
    tap_ok "a mail on which a worker died alone has a strike" \
        wait_for 60 strikes_are '1|f'
    tap_ok "the mails beside it are tickets" wait_for 60 are_tickets before \
        after
    for strike in 2 3; do
        later
        # For the second strike nobody has to do anything.
        [ $strike = 2 ] || put_noted meanwhile keep billing
        tap_ok "strike $strike" wait_for 60 strikes_are \
            "$strike|$([ $strike = 3 ] && echo t || echo f)"
    done
    put_noted behind keep billing
    tap_ok "mail that comes later is a ticket" wait_for 60 are_tickets behind
    tap_like "it is listed as parked, and why" "$(desk account left office)" \
        'office +keep .* 3 +parked .*a worker died on it'
    tap_ok "and was said so" desk_log 'event=mail.left .*strikes=3 parked=yes'
    tap_is "it lies where it lay" "$(folder_count keep SUBJECT Deadly)" 1
    tap_is "no ticket has it" "$(raw_of deadly)" ''
    tap_is "that is trouble" "$(exit_of desk account list)" 1
    tap_ok "somebody mended what it died of" rm "$POSTERN_FAILPOINTS/watch.mail"
    tap_is "and has it tried again" "$(desk account retry office)" \
        "1 to be tried again"
    tap_ok "soon it is a ticket" wait_for 60 are_tickets deadly
    tap_ok "and nothing is left" wait_for 60 nothing_is_left
    imap_oracle "three strikes"
}

nothing_is_left()
{
    [ -z "$(desk account left office | sed 1d)" ]
}

all_acted()
{
    [ "$(desk_sql "SELECT acted_uid = last_uid FROM folder
        WHERE name = '$1'")" = t ]
}

# A mail that was left lies before others that have their flags already.
test_left_acted()
{
    without_deaths
    arm watch.mail
    mail_write late late@customers.test 'Late' 'X-Failpoint: fetched'
    note_mail late seen billing
    put_file late '' seen
    tap_ok "a mail is left" wait_for 60 strikes_are '1|f'
    put_noted behind-late seen billing
    tap_ok "the one behind it has its flag" \
        wait_for 60 folder_has seen 1 UNSEEN
    tap_ok "which is noted" wait_for 60 all_acted seen
    rm "$POSTERN_FAILPOINTS/watch.mail"
    arm watch.committed
    later
    kill $(desk_workers imap)
    tap_ok "the worker dies when it has taken it" died watch.committed
    tap_ok "and it is flagged all the same" \
        wait_for 60 folder_has seen 0 UNSEEN
    imap_oracle "a left mail"
}

are_tickets()
{
    for are_name in "$@"; do
        [ -n "$(raw_of "$are_name")" ] || return 1
    done
}

servers_need pg sink dovecot
grep -q POSTERN_FAILPOINTS "${abs_top_builddir:-.}/posternd" ||
    tap_not_here "needs a build with --enable-failpoints"
imap_prepare || exit 1
POSTERN_FAILPOINTS=$SERVERS/failpoints
export POSTERN_FAILPOINTS
servers_mkdir "$POSTERN_FAILPOINTS" 0755 "$SERVERS_USER"
dovecot_folder desk Done
for how in keep seen move delete; do
    dovecot_folder desk "$how"
    account_folder "$how" billing "after = \"$how\"; $(
        [ $how != move ] || echo 'move_to = "Done";')"
done
imap_settings
desk_start || exit 1
test_points
test_all_points
test_strikes
test_left_acted
desk_sane
tap_done
