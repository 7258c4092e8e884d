# shellcheck shell=sh
# A private Postfix for tests; servers.sh reads this file. It needs root.
#
#   postfix_prepare        write $POSTFIX_CONFIG without starting
#   postfix_set KEY=VALUE...        main.cf
#   postfix_service LINE...         add to master.cf, one argument a line
#   postfix_start, postfix_stop, postfix_reload
#                          SMTP on 127.0.0.1:$POSTFIX_PORT, log in $POSTFIX_LOG.
#                          Every address at $POSTFIX_CUSTOMERS has a mailbox
#                          (postfix_mails); $POSTFIX_DESK is a local domain, its
#                          aliases are in $POSTFIX_CONFIG/aliases.
#                          A socket the chrooted lmtp client can reach goes to
#                          $POSTFIX_SOCKETS, for Postfix unix:postern/NAME.
#   postfix_sendmail ARGS...        sendmail(1) of this instance, mail on stdin
#   postfix_mails LOCAL-PART        that customer's mails, oldest first
#   postfix_idle           succeeds when nothing is queued
#
# master.cf is Debian's, chroots included. No name server is asked, and mail for
# anywhere else is refused.

postfix_names()
{
    POSTFIX_CONFIG=$SERVERS/postfix/etc
    POSTFIX_QUEUE=$SERVERS/postfix/queue
    POSTFIX_LOG=$SERVERS/postfix/mail.log
    POSTFIX_MAIL=$SERVERS/postfix/mail
    POSTFIX_SOCKETS=$POSTFIX_QUEUE/postern
    POSTFIX_DESK=desk.test
    POSTFIX_CUSTOMERS=customers.test
    POSTFIX_PORT=$(cat "$SERVERS/postfix/port" 2>/dev/null) || POSTFIX_PORT=
}

# Debian's stock master.cf, chroots included; only the port is ours.
postfix_write_master()
{
    sed "s/^smtp  *inet /127.0.0.1:$POSTFIX_PORT inet /" \
        /usr/share/postfix/master.cf.dist >"$POSTFIX_CONFIG/master.cf"
}

postfix_write_main()
{
    cat >"$POSTFIX_CONFIG/main.cf" <<MAIN
compatibility_level = 3.6
queue_directory = $POSTFIX_QUEUE
data_directory = $SERVERS/postfix/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = $POSTFIX_LOG
# Without it a log outside of /var makes the start fail and say nothing.
maillog_file_prefixes = $SERVERS
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.$POSTFIX_DESK
mynetworks = 127.0.0.0/8
mydestination = $POSTFIX_DESK
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
biff = no
alias_maps = texthash:$POSTFIX_CONFIG/aliases
alias_database =
local_recipient_maps =
recipient_delimiter = +
virtual_mailbox_domains = $POSTFIX_CUSTOMERS
virtual_mailbox_base = $POSTFIX_MAIL
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:$(id -u "$SERVERS_USER")
virtual_gid_maps = static:$(id -g "$SERVERS_USER")
# A test never leaves the machine, nor asks a name server.
disable_dns_lookups = yes
default_transport = error:5.1.2 a test reaches no other host
relay_transport = error:5.1.2 a test reaches no other host
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
MAIN
    : >"$POSTFIX_CONFIG/aliases"
}

# What Debian's start script copies for the chrooted services.
postfix_fill_chroot()
{
    mkdir -p "$POSTFIX_QUEUE/etc"
    for postfix_file in services hosts localtime nsswitch.conf resolv.conf; do
        if [ -e "/etc/$postfix_file" ]; then
            cp -L "/etc/$postfix_file" "$POSTFIX_QUEUE/etc/"
        fi
    done
}

postfix_prepare()
{
    servers_dir || return 1
    postfix_names
    if [ -e "$POSTFIX_CONFIG/main.cf" ]; then
        return 0
    fi
    mkdir -p "$POSTFIX_CONFIG"
    POSTFIX_PORT=$(port_reserve) || return 1
    echo "$POSTFIX_PORT" >"$SERVERS/postfix/port"
    servers_mkdir "$POSTFIX_QUEUE" 0755 root
    servers_mkdir "$SERVERS/postfix/data" 0755 postfix
    servers_mkdir "$POSTFIX_MAIL" 0755 "$SERVERS_USER"
    servers_mkdir "$POSTFIX_SOCKETS" 0755 "$SERVERS_USER"
    postfix_write_main
    postfix_write_master
    for postfix_file in dynamicmaps.cf postfix-files; do
        if [ -e "/etc/postfix/$postfix_file" ]; then
            cp "/etc/postfix/$postfix_file" "$POSTFIX_CONFIG/"
        fi
    done
    postfix_fill_chroot
}

postfix_set()
{
    postconf -c "$POSTFIX_CONFIG" -e "$@"
}

postfix_service()
{
    for postfix_line in "$@"; do
        printf '%s\n' "$postfix_line"
    done >>"$POSTFIX_CONFIG/master.cf"
}

postfix_answers()
{
    "$PYTHON" -c 'import smtplib, sys
smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=5).quit()' \
        "$POSTFIX_PORT" 2>/dev/null
}

postfix_start()
{
    postfix_prepare && servers_python || return 1
    postfix -c "$POSTFIX_CONFIG" start >>"$SERVERS/postfix/start.log" 2>&1 ||
        return 1
    wait_for 60 postfix_answers
}

# Its master has heard of it: those who had the old tables are leaving.
postfix_reload()
{
    postfix_reloads=$(postfix_count_reloads)
    postfix -c "$POSTFIX_CONFIG" reload >>"$SERVERS/postfix/start.log" 2>&1 &&
        wait_for 60 postfix_has_reloaded
}

postfix_count_reloads()
{
    grep -c 'postfix/master.*: reload -- version' "$POSTFIX_LOG"
}

postfix_has_reloaded()
{
    [ "$(postfix_count_reloads)" -gt "$postfix_reloads" ]
}

postfix_stop()
{
    postfix_names
    # "status" knows by the lock of the master's pid file.
    if postfix -c "$POSTFIX_CONFIG" status >/dev/null 2>&1; then
        postfix -c "$POSTFIX_CONFIG" stop \
            >>"$SERVERS/postfix/start.log" 2>&1
    fi
}

postfix_sendmail()
{
    /usr/sbin/sendmail -C "$POSTFIX_CONFIG" -i "$@"
}

# One Maildir for all, for virtual(8) takes no part of an address into a path.
postfix_mails()
{
    find "$POSTFIX_MAIL/all/new" -type f -printf '%T@ %p\n' 2>/dev/null |
        sort -n | cut -d' ' -f2- | while read -r postfix_mail; do
        if grep -q "^Delivered-To: $1[+@]" "$postfix_mail"; then
            echo "$postfix_mail"
        fi
    done
}

postfix_idle()
{
    postqueue -c "$POSTFIX_CONFIG" -p | grep -q 'queue is empty'
}
