#include "settings/keys.h"

/* The installed templates; the build says where, a bare compile guesses. */
#ifndef TEMPLATE_DIRECTORY
#define TEMPLATE_DIRECTORY "/usr/local/share/postern/templates"
#endif

/* A row up to its range, and the field of the block's struct it fills. */
#define ROW(key, kind, value, least, most, struct_type, member)                \
    .name = (key), .type = (kind), .standard = (value), .min = (least),        \
    .max = (most), .offset = offsetof(struct_type, member),                    \
    .width = sizeof(((struct_type *)NULL)->member)

enum {
    MINUTE = 60,
    HOUR = 60 * MINUTE,
    DAY = 24 * HOUR,
    KIB = 1024,
    MIB = 1024 * KIB,
    PATH_MAX_BYTES = 4095,  /* PATH_MAX less its NUL */
    SOCKET_MAX_BYTES = 107, /* sun_path less its NUL */
    ACCOUNT_MAX_BYTES = 32, /* of useradd(8) */
    HOST_MAX_BYTES = 253    /* RFC 1035 2.3.4 as text */
};

static const KeyWord log_levels[] = {
    {"error", LOG_LEVEL_ERROR},   {"warning", LOG_LEVEL_WARNING},
    {"notice", LOG_LEVEL_NOTICE}, {"info", LOG_LEVEL_INFO},
    {"debug", LOG_LEVEL_DEBUG},   {NULL, 0}};

static const KeyWord sandbox_modes[] = {{"required", SANDBOX_REQUIRED},
                                        {"best-effort", SANDBOX_BEST_EFFORT},
                                        {NULL, 0}};

/* "none" is how IMAP clients call it. */
static const KeyWord tls_modes[] = {{"off", TLS_OFF},
                                    {"none", TLS_OFF},
                                    {"starttls", TLS_STARTTLS},
                                    {"tls", TLS_ALWAYS},
                                    {NULL, 0}};

/* Help is read by people in three places: full sentences, no jargon. */
static const Key top_keys[] = {
    {ROW("user", KEY_ACCOUNT, "", 0, ACCOUNT_MAX_BYTES, Settings, user),
     .help = "The user that posternd becomes once its sockets are bound. It "
             "must be given when posternd is started as root; empty stays "
             "who we are, as under systemd with User=.",
     .example = "\"postern\""},
    {ROW("group", KEY_ACCOUNT, "", 0, ACCOUNT_MAX_BYTES, Settings, group),
     .help = "The group that posternd takes. Empty is the main group of "
             "user."},
    {ROW("admin", KEY_ADDRESS, "", 0, 254, Settings, admin),
     .help = "Who is told when a mail was parked or a budget stopped our "
             "acknowledgements. Empty tells nobody: watch the log or "
             "\"postern status\" instead.",
     .example = "\"postmaster@example.org\""},
    {ROW("log_level", KEY_WORD, "info", 0, 0, Settings, log_level),
     .help = "The least important lines that are still logged.",
     .words = log_levels},
    {ROW("log_file", KEY_PATH, "", 0, PATH_MAX_BYTES, Settings, log_file),
     .help = "A file that the log goes to, each line with its time (UTC); "
             "SIGUSR1 opens it anew after a rotation. It is in a folder of "
             "the service's user, or one that is root's alone. Empty is "
             "standard error, which systemd's journal takes.",
     .example = "\"/var/log/postern/postern.log\""},
    {ROW("sandbox", KEY_WORD, "required", 0, 0, Settings, sandbox),
     .help = "Mail is read by a process that can do nothing but compute. "
             "Where the kernel cannot confine it (seccomp filters), posternd "
             "does not start; with best-effort it does, and warns: a bug in "
             "the reading of mail may then reach whatever its user can.",
     .words = sandbox_modes},
    {ROW("run_directory", KEY_PATH, "/run/postern", 1, 80, Settings,
         run_directory),
     .help = "Where the lock and the status page of a running posternd are. "
             "Two posternd on one machine need two of them. If posternd is "
             "started as root, it is root's alone or the service's user's."},
    {ROW("spool_directory", KEY_PATH, "/var/tmp", 1, PATH_MAX_BYTES, Settings,
         spool_directory),
     .help = "Where mails larger than limits.memory_size wait, in files "
             "without a name, while they come in."},
    {ROW("template_directory", KEY_PATH, TEMPLATE_DIRECTORY, 1, PATH_MAX_BYTES,
         Settings, template_directory),
     .help = "The texts that we send: LANGUAGE/NAME.txt for every queue, "
             "SET/LANGUAGE/NAME.txt for queues with that set of templates. "
             "To change texts, copy the folder and name the copy here."},
};

static const Key database_keys[] = {
    {ROW("conninfo", KEY_CONNINFO, NULL, 1, 4000, DatabaseSettings, conninfo),
     .help = "How to reach PostgreSQL, as libpq reads it. Several hosts are "
             "tried in turn: \"host=db1,db2 dbname=postern "
             "target_session_attrs=read-write\". No password stands here: use "
             "a UNIX socket with peer authentication, a client certificate, "
             "or passfile=/etc/postern/pgpass.",
     .example = "\"dbname=postern\"", .in_sample = true},
    {ROW("prepared", KEY_BOOL, "true", 0, 0, DatabaseSettings, prepared),
     .help = "Prepare statements once a connection. Write false behind a "
             "pooler in transaction mode, such as pgbouncer."},
    {ROW("timeout", KEY_DURATION, "30s", 1, HOUR, DatabaseSettings, timeout_s),
     .help = "The longest wait for one answer of the server; then the "
             "connection is given up and the work repeated."},
};

static const Key listener_keys[] = {
    {ROW("socket", KEY_PATH, "", 0, SOCKET_MAX_BYTES, Listener, socket),
     .help = "The path of a UNIX socket. Either this or host is given. For "
             "Debian's chrooted lmtp(8) client choose a path below "
             "/var/spool/postfix, such as "
             "/var/spool/postfix/private/postern.",
     .example = "\"/run/postern/lmtp.sock\"", .in_sample = true},
    {ROW("owner", KEY_ACCOUNT, "", 0, ACCOUNT_MAX_BYTES, Listener, owner),
     .help = "The user that owns the socket. Empty is the service's own.",
     .example = "\"postfix\""},
    {ROW("group", KEY_ACCOUNT, "", 0, ACCOUNT_MAX_BYTES, Listener, group),
     .help = "The group of the socket. Empty is the service's own."},
    {ROW("mode", KEY_MODE, "0660", 0, 0777, Listener, mode),
     .help = "Permissions of the socket, in quotes. \"0666\" lets every local "
             "user hand in mail, which postern-deliver needs when it is "
             "started from aliases(5) or .forward."},
    {ROW("host", KEY_HOST, "", 0, HOST_MAX_BYTES, Listener, host),
     .help = "A loopback address to listen on by TCP: LMTP knows neither "
             "login nor TLS, so no other is accepted.",
     .example = "\"127.0.0.1\""},
    {ROW("port", KEY_INTEGER, "24", 1, 65535, Listener, port),
     .help = "The TCP port with host."},
};

static const Key queue_keys[] = {
    {ROW("name", KEY_NAME, NULL, 1, 40, Queue, name),
     .help = "What the queue is called in commands, in the log and in the "
             "database. Small letters, digits and hyphens; every queue has "
             "its own name.",
     .example = "\"support\"", .in_sample = true},
    {ROW("addresses", KEY_ADDRESSES, NULL, 1, 100, Queue, addresses),
     .help = "Where customers write to; no other queue may have the same. The "
             "first is the one we write from. \"support+anything@...\" "
             "reaches the same queue as \"support@...\".",
     .example = "[ \"support@example.org\" ]", .in_sample = true},
    {ROW("display_name", KEY_STRING, "", 0, 200, Queue, display_name),
     .help = "The name that customers see next to our address. Empty is the "
             "name of the queue.",
     .example = "\"Example Support\""},
    {ROW("language", KEY_LANGUAGE, "en", 2, 35, Queue, language),
     .help = "The language of our texts when the customer's is not known: a "
             "folder of the template directory.",
     .example = "\"it\""},
    {ROW("templates", KEY_NAME, "", 0, 40, Queue, templates),
     .help = "A set of templates of its own: a folder below the template "
             "directory that holds LANGUAGE/NAME.txt. What it lacks is taken "
             "from the common ones. Empty uses only those.",
     .example = "\"vip\""},
    {ROW("tag_prefix", KEY_STRING, "", 0, 40, Queue, tag_prefix),
     .help = "A word in the subject tag: \"acme\" gives [acme #1042] instead "
             "of [#1042]. Tags of old mail are found by it, so choose once.",
     .example = "\"acme\""},
    {ROW("acknowledge", KEY_BOOL, "true", 0, 0, Queue, acknowledge),
     .help = "Answer a person's first mail at once with the ticket's number."},
    {ROW("notify", KEY_ADDRESSES, NULL, 0, 100, Queue, notify),
     .help = "Who is told of new tickets and of customers' answers, by a "
             "plain automatic notice.",
     .example = "[ \"anna@example.org\" ]"},
};

static const KeyWord after_words[] = {
    {"keep", AFTER_KEEP}, {"seen", AFTER_SEEN},     {"keyword", AFTER_KEYWORD},
    {"move", AFTER_MOVE}, {"delete", AFTER_DELETE}, {NULL, 0}};

static const Key account_keys[] = {
    {ROW("name", KEY_NAME, NULL, 1, 40, Account, name),
     .help = "What the account is called in commands, in the log and in the "
             "database. Small letters, digits and hyphens. A new name is a "
             "new account: its mails are compared with what is known, and "
             "none becomes a second ticket.",
     .example = "\"office\"", .in_sample = true},
    {ROW("host", KEY_HOST, NULL, 1, HOST_MAX_BYTES, Account, host),
     .help = "The IMAP server.", .example = "\"imap.example.org\"",
     .in_sample = true},
    {ROW("port", KEY_INTEGER, "0", 0, 65535, Account, port),
     .help = "Its port; 0 is 993 with tls, and 143 without or with starttls."},
    {ROW("tls", KEY_WORD, "tls", 0, 0, Account, tls),
     .help = "\"tls\" and \"starttls\" always verify the server's certificate "
             "and name, and say no password when that fails. \"off\" and "
             "\"none\" are the same, for this machine only unless "
             "insecure_ok.",
     .words = tls_modes},
    {ROW("insecure_ok", KEY_BOOL, "false", 0, 0, Account, insecure_ok),
     .help = "With tls = \"off\" to another machine: everybody on the way may "
             "read the password and all mail."},
    {ROW("ca_file", KEY_PATH, "", 0, PATH_MAX_BYTES, Account, ca_file),
     .help = "Certificates (PEM) that may sign the server's. Empty trusts "
             "what the system trusts.",
     .example = "\"/etc/postern/imap-ca.pem\""},
    {ROW("user", KEY_STRING, NULL, 1, 254, Account, user),
     .help = "Who logs in.", .example = "\"support@example.org\"",
     .in_sample = true},
    {ROW("mailbox", KEY_STRING, "", 0, 254, Account, mailbox),
     .help = "Whose mail is read, if it is not the user's own: a shared "
             "mailbox that the user may open.",
     .example = "\"info@example.org\""},
    {ROW("password_file", KEY_PATH, "", 0, PATH_MAX_BYTES, Account,
         password_file),
     .help = "A file whose one line is the password. It belongs to root or to "
             "the service's user and is not open to others; one that only "
             "root can read is in a folder that only root can change. Exactly "
             "one of the three is given: this, password_command or "
             "token_command.",
     .example = "\"/etc/postern/imap-password\"", .in_sample = true},
    {ROW("password_command", KEY_ARGV, NULL, 0, 32, Account, password_command),
     .help = "A program that prints the password: its absolute path and its "
             "arguments, started without a shell as the service's user, at "
             "most 10 s and 4 KiB.",
     .example = "[ \"/usr/bin/pass\", \"show\", \"imap\" ]"},
    {ROW("token_command", KEY_ARGV, NULL, 0, 32, Account, token_command),
     .help = "A program that prints an access token for XOAUTH2 and "
             "OAUTHBEARER (Microsoft 365, Gmail), and on a second line for "
             "how many seconds it is good. It is started as the service's "
             "user when a token is needed: before the old one ends, and when "
             "the server refuses it. At most 1min and 16 KiB.",
     .example = "[ \"/usr/local/bin/postern-token\", "
                "\"/etc/postern/oauth.conf\" ]"},
    {ROW("timeout", KEY_DURATION, "1min", 1, HOUR, Account, timeout_s),
     .help = "The longest wait for one answer of the server; a mail has more, "
             "by its size."},
};

static const Key folder_keys[] = {
    {ROW("folder", KEY_STRING, NULL, 1, 500, WatchedFolder, folder),
     .help = "The folder's name, as \"postern account check\" lists it.",
     .example = "\"INBOX\"", .in_sample = true},
    {ROW("queue", KEY_NAME, NULL, 1, 40, WatchedFolder, queue),
     .help = "The queue that its mail belongs to, whoever it was written to.",
     .example = "\"support\"", .in_sample = true},
    {ROW("after", KEY_WORD, "seen", 0, 0, WatchedFolder, after),
     .help = "What is done with a mail once it is safe in the database. What "
             "is new is known by its number, never by a flag: people may read "
             "and flag as they like. A mail that could not be taken is left as "
             "it is.",
     .words = after_words},
    {ROW("keyword", KEY_STRING, "Postern", 1, 60, WatchedFolder, keyword),
     .help = "The flag that after = \"keyword\" sets."},
    {ROW("move_to", KEY_STRING, "", 0, 500, WatchedFolder, move_to),
     .help = "The folder that after = \"move\" moves to; it must be there, "
             "and not be watched itself.",
     .example = "\"Archive\""},
    {ROW("since", KEY_DATE, "", 0, 0, WatchedFolder, since_s),
     .help = "When a folder is watched for the first time, only mail that the "
             "server received on this day or later becomes tickets. Empty "
             "takes all that is there.",
     .example = "\"2026-01-31\""},
    {ROW("poll", KEY_DURATION, "1min", 1, DAY, WatchedFolder, poll_s),
     .help = "How often to look where the server cannot tell of new mail by "
             "itself (IDLE)."},
};

static const Key relay_keys[] = {
    {ROW("host", KEY_HOST, "localhost", 1, HOST_MAX_BYTES, Relay, host),
     .help = "The mail server that takes what we send."},
    {ROW("port", KEY_INTEGER, "25", 1, 65535, Relay, port),
     .help = "Its port: 25, 587 with starttls and a login, 465 with tls."},
    {ROW("tls", KEY_WORD, "starttls", 0, 0, Relay, tls),
     .help = "\"starttls\" and \"tls\" always verify the server's certificate "
             "and name, and send nothing when that fails. \"off\" sends in "
             "the clear; it is the default only if host is this machine, and "
             "must be written for any other.",
     .words = tls_modes},
    {ROW("ca_file", KEY_PATH, "", 0, PATH_MAX_BYTES, Relay, ca_file),
     .help = "Certificates (PEM) that may sign the server's. Empty trusts "
             "what the system trusts.",
     .example = "\"/etc/postern/relay-ca.pem\""},
    {ROW("helo_name", KEY_HOST, "", 0, HOST_MAX_BYTES, Relay, helo_name),
     .help = "How we introduce ourselves in EHLO. Empty is this machine's "
             "name.",
     .example = "\"desk.example.org\""},
    {ROW("user", KEY_STRING, "", 0, 254, Relay, user),
     .help = "The login, with one of the two passwords below. Empty does not "
             "log in. A login is never sent in the clear to another machine.",
     .example = "\"desk@example.org\""},
    {ROW("password_file", KEY_PATH, "", 0, PATH_MAX_BYTES, Relay,
         password_file),
     .help = "A file whose one line is the password. It belongs to root or to "
             "the service's user and is not open to others; one that only "
             "root can read is in a folder that only root can change.",
     .example = "\"/etc/postern/relay-password\""},
    {ROW("password_command", KEY_ARGV, NULL, 0, 32, Relay, password_command),
     .help = "A program that prints the password: its absolute path and its "
             "arguments, started without a shell as the service's user, at "
             "most 10 s and 4 KiB.",
     .example = "[ \"/usr/bin/pass\", \"show\", \"relay\" ]"},
    {ROW("timeout", KEY_DURATION, "5min", 1, HOUR, Relay, timeout_s),
     .help = "The longest wait for one reply of the server (RFC 5321 "
             "4.5.3.2). The reply to the end of a mail has 10min at least."},
};

static const Key worker_keys[] = {
    {ROW("lmtp", KEY_INTEGER, "4", 1, 64, WorkerCounts, lmtp),
     .help = "Processes that accept mail, each from one client at a time: so "
             "many there always are."},
    {ROW("lmtp_max", KEY_INTEGER, "16", 1, 64, WorkerCounts, lmtp_max),
     .help = "While clients wait because all of them are busy, there are more, "
             "up to this many, each with a connection to the database. Less "
             "than lmtp adds none. So many one user of this machine may keep "
             "busy; a quarter more is started for the others."},
    {ROW("lmtp_idle", KEY_DURATION, "1min", 1, DAY, WorkerCounts, lmtp_idle_s),
     .help = "When one of those more was not needed for so long, it ends."},
    {ROW("processor", KEY_INTEGER, "2", 1, 64, WorkerCounts, processor),
     .help = "Processes that turn accepted mail into tickets."},
    {ROW("sender", KEY_INTEGER, "2", 1, 64, WorkerCounts, sender),
     .help = "Processes that send, each with one connection to the relay."},
};

static const Key budget_keys[] = {
    {ROW("per_sender_10min", KEY_INTEGER, "3", 0, 1000, Budgets,
         per_sender_10min),
     .help = "Acknowledgements to one address in ten minutes. 0 sends none."},
    {ROW("per_sender_day", KEY_INTEGER, "10", 0, 10000, Budgets,
         per_sender_day),
     .help = "Acknowledgements to one address in a day. 0 sends none."},
    {ROW("breaker", KEY_INTEGER, "2000", 1, 1000000, Budgets, breaker),
     .help = "Acknowledgements and notices to everybody within "
             "breaker_window; beyond that none is sent for a while and the "
             "admin is told once."},
    {ROW("breaker_window", KEY_DURATION, "10min", MINUTE, DAY, Budgets,
         breaker_window_s),
     .help = "The time that breaker counts."},
};

static const Key limit_keys[] = {
    {ROW("mail_size", KEY_SIZE, "25MiB", KIB, 100 * MIB, Limits, mail_bytes),
     .help = "The largest mail that is accepted; it is announced as SIZE. "
             "Keep message_size_limit of Postfix at or below it."},
    {ROW("memory_size", KEY_SIZE, "1MiB", KIB, 16 * MIB, Limits, memory_bytes),
     .help = "Larger mails come in through a file in spool_directory."},
    {ROW("recipients", KEY_INTEGER, "1000", 1, 10000, Limits, recipients),
     .help = "Recipients of one mail (RFC 5321 wants 100 at least)."},
    {ROW("command_line_size", KEY_SIZE, "4KiB", 512, 64 * KIB, Limits,
         command_line_bytes),
     .help = "The longest LMTP command."},
    {ROW("errors", KEY_INTEGER, "20", 1, 1000, Limits, errors),
     .help = "Wrong commands in one LMTP session before it is closed."},
    {ROW("idle", KEY_DURATION, "5min", 1, HOUR, Limits, idle_s),
     .help = "The longest silence of an LMTP client."},
    {ROW("stress_idle", KEY_DURATION, "10s", 1, HOUR, Limits, stress_idle_s),
     .help = "The same while every lmtp worker is busy."},
    {ROW("batch", KEY_INTEGER, "32", 1, 1000, Limits, batch),
     .help = "Mails that a processor takes into one transaction; fewer if they "
             "name so many Message-IDs that PostgreSQL's table of locks might "
             "not hold them all."},
    {ROW("parse", KEY_DURATION, "30s", 1, 10 * MINUTE, Limits, parse_s),
     .help = "The longest time for one mail. Who overstays it is replaced, and "
             "the mail has a strike; after three, only its header and the "
             "beginning of its undecoded text are read."},
    {ROW("parse_cpu", KEY_DURATION, "3s", 1, 60, Limits, parse_cpu_s),
     .help = "Of that, the longest time that reading a mail may compute."},
    {ROW("parse_memory", KEY_SIZE, "512MiB", 64 * MIB, 4096LL * MIB, Limits,
         parse_bytes),
     .help = "The address space of a process that reads mail."},
    {ROW("parser_mails", KEY_INTEGER, "500", 1, 1000000, Limits, parser_mails),
     .help = "Mails that one such process reads before a fresh one takes its "
             "place."},
    {ROW("folder_silence", KEY_DURATION, "15min", MINUTE, 30 * DAY, Limits,
         folder_silence_s),
     .help = "When nobody could look into an IMAP folder for so long, "
             "\"postern status\" and metrics say so, and the admin is told."},
    {ROW("backlog", KEY_INTEGER, "10000", 1, 1000000, Limits, backlog),
     .help =
         "When so many mails wait to be processed, IMAP folders keep theirs "
         "until there are fewer: they are safe there, and no mail by LMTP "
         "or pipe waits behind them."},
    {ROW("poll", KEY_DURATION, "2s", 1, HOUR, Limits, poll_s),
     .help = "Look for work this often even if nobody rang."},
    {ROW("header_field_size", KEY_SIZE, "32KiB", KIB, 64 * KIB, Limits,
         mail.header_field_bytes),
     .help = "One header field; what is longer stays in the stored mail only, "
             "as with the limits that follow."},
    {ROW("header_size", KEY_SIZE, "512KiB", 16 * KIB, 4 * MIB, Limits,
         mail.header_bytes),
     .help = "All header fields of a mail or of one of its parts."},
    {ROW("header_fields", KEY_INTEGER, "5000", 100, 100000, Limits,
         mail.header_fields),
     .help = "The number of header fields."},
    {ROW("depth", KEY_INTEGER, "50", 2, 200, Limits, mail.depth),
     .help = "Parts within parts of a mail."},
    {ROW("parts", KEY_INTEGER, "1000", 10, 10000, Limits, mail.parts),
     .help = "Parts of a mail in all, and its attachments."},
    {ROW("addresses", KEY_INTEGER, "1000", 10, 10000, Limits, mail.addresses),
     .help = "Addresses that are read of one header field."},
    {ROW("text_size", KEY_SIZE, "4MiB", 64 * KIB, 32 * MIB, Limits,
         mail.text_bytes),
     .help = "Readable text that is kept of one mail."},
    {ROW("winmail_size", KEY_SIZE, "32MiB", 64 * KIB, 128 * MIB, Limits,
         mail.tnef_bytes),
     .help =
         "Outlook's winmail.dat that is opened; a larger one stays closed."},
    {ROW("hops", KEY_INTEGER, "50", 5, 1000, Limits, mail.hops),
     .help = "Received fields before a mail counts as going in circles."},
};

static const Key outbox_keys[] = {
    {ROW("first_retry", KEY_DURATION, "5min", 1, DAY, OutboxSettings,
         first_retry_s),
     .help = "Wait this long after the first temporary failure; doubled "
             "after each one."},
    {ROW("longest_retry", KEY_DURATION, "4000s", 1, DAY, OutboxSettings,
         longest_retry_s),
     .help = "Never wait longer than this between two attempts."},
    {ROW("give_up", KEY_DURATION, "5d", 1, 30 * DAY, OutboxSettings, give_up_s),
     .help = "After this time the recipient has failed, visibly."},
    {ROW("lease", KEY_DURATION, "30min", 1, DAY, OutboxSettings, lease_s),
     .help = "A mail that a sender took and did not settle is another's after "
             "this. Keep it at relay.timeout and 10min at least, or a slow "
             "relay gets a person's answer twice."},
};

static const Key retention_keys[] = {
    {ROW("settled_delivery", KEY_DURATION, "30d", 30 * DAY, 3650LL * DAY,
         Retention, settled_delivery_s),
     .help = "How long we remember that a mail was handed in, so that a "
             "repeat is known as one; longer than any mail server's queue. 0 "
             "keeps it for ever. Tickets and their mails are not touched.",
     .or_zero = true},
    {ROW("sent_content", KEY_DURATION, "30d", DAY, 3650LL * DAY, Retention,
         sent_content_s),
     .help = "How long the exact bytes of mail that was sent are kept. 0 "
             "keeps them for ever.",
     .or_zero = true},
    {ROW("rubbish", KEY_DURATION, "30d", DAY, 3650LL * DAY, Retention,
         rubbish_s),
     .help = "How long mail stays parked that is so by its sender's doing, as "
             "after limits.hops. Then it is dropped, once a day, and admin is "
             "told. 0 keeps it parked for ever, as all is that an operator "
             "must look at.",
     .or_zero = true},
};

static const Key metrics_keys[] = {
    {ROW("host", KEY_HOST, "", 0, HOST_MAX_BYTES, MetricsSettings, host),
     .help = "A loopback address. Empty shows nothing. No other is accepted: "
             "for a Prometheus on another machine put a proxy before it that "
             "asks who is there.",
     .example = "\"127.0.0.1\""},
    {ROW("port", KEY_INTEGER, "9187", 1, 65535, MetricsSettings, port),
     .help = "The TCP port with host."},
};

#define KEYS(table) .keys = (table), .count = G_N_ELEMENTS(table)
#define GROUP(member)                                                          \
    .offset = offsetof(Settings, member),                                      \
    .size = sizeof(((Settings *)NULL)->member)
#define LIST(member, element)                                                  \
    .is_list = true, .offset = offsetof(Settings, member),                     \
    .size = sizeof(element)

static const KeyBlock blocks[] = {
    {.name = "",
     .size = sizeof(Settings),
     KEYS(top_keys),
     .help = "These stand outside of any block."},
    {.name = "database",
     GROUP(database),
     KEYS(database_keys),
     .help = "The PostgreSQL database that holds everything."},
    {.name = "listeners",
     LIST(listeners, Listener),
     KEYS(listener_keys),
     .help = "Where LMTP is spoken (RFC 2033): one { ... } for each socket. "
             "Without this block there is one, lmtp.sock in run_directory; an "
             "empty list accepts no mail on this machine."},
    {.name = "queues",
     LIST(queues, Queue),
     KEYS(queue_keys),
     .help = "The desks that customers write to: one { ... } for each, at "
             "least one."},
    {.name = "accounts",
     LIST(accounts, Account),
     KEYS(account_keys),
     .is_optional = true,
     .help = "IMAP logins whose folders are watched: one { ... } for each. "
             "None is needed where an MTA hands mail over."},
    {.name = "accounts.folders",
     .within = "accounts",
     .is_list = true,
     .is_optional = true,
     .offset = offsetof(Account, folders),
     .size = sizeof(WatchedFolder),
     KEYS(folder_keys),
     .help = "The folders of an account whose mail becomes tickets: one "
             "{ ... } for each, within the block of the account."},
    {.name = "relay",
     GROUP(relay),
     KEYS(relay_keys),
     .help = "Where our own mail leaves."},
    {.name = "workers",
     GROUP(workers),
     KEYS(worker_keys),
     .help = "How many processes do each kind of work."},
    {.name = "budgets",
     GROUP(budgets),
     KEYS(budget_keys),
     .help = "When to stop acknowledging, so that two robots never thank each "
             "other for ever. The mail itself is always kept."},
    {.name = "limits",
     GROUP(limits),
     KEYS(limit_keys),
     .help = "What one mail or one client may cost."},
    {.name = "outbox",
     GROUP(outbox),
     KEYS(outbox_keys),
     .help = "When to try again what the relay did not take."},
    {.name = "retention",
     GROUP(retention),
     KEYS(retention_keys),
     .help = "What is deleted by itself, and when."},
    {.name = "metrics",
     GROUP(metrics),
     KEYS(metrics_keys),
     .help = "Where Prometheus may ask for figures, as "
             "http://HOST:PORT/metrics; posternd(8) lists them."},
};

const KeyBlock *
keys_blocks(size_t *ret_count)
{
    *ret_count = G_N_ELEMENTS(blocks);
    return blocks;
}
