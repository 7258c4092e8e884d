/*
 * The settings file as plain structs, complete and checked when
 * settings_load() returns. Every key is documented once, in keys.c.
 */
#ifndef SETTINGS_SETTINGS_H
#define SETTINGS_SETTINGS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/log.h"
#include "mail/mail.h"

typedef struct {
    char *conninfo;    /* libpq keywords; several hosts for failover */
    bool prepared;     /* false behind a transaction pooler */
    int64_t timeout_s; /* longest wait for one answer of the server */
} DatabaseSettings;

/* Where LMTP is spoken: a UNIX socket, or TCP on a loopback address. */
typedef struct {
    char *socket; /* path; "" when host is set */
    char *owner;  /* user name; "" = the service's user */
    char *group;  /* group name; "" = the service's group */
    mode_t mode;  /* of the socket */
    char *host;   /* loopback address literal; "" when socket is set */
    uint16_t port;
} Listener;

typedef struct {
    char *name;         /* [a-z0-9-]+, unique */
    GStrv addresses;    /* addr-specs; the first is the one we write from */
    char *display_name; /* in From of acknowledgements and replies; never "" */
    char *language;     /* "en", "it", "uk", ... */
    char *templates;    /* set: a folder below template_directory; "" none */
    char *tag_prefix;   /* "acme " in "[acme #1042]"; "" for "[#1042]" */
    bool acknowledge;
    GStrv notify; /* addr-specs told of new tickets and replies */
} Queue;

typedef enum { TLS_OFF, TLS_STARTTLS, TLS_ALWAYS } TlsMode;

typedef struct {
    char *host;
    uint16_t port;
    TlsMode tls;            /* verification is always on */
    char *ca_file;          /* "" = the system's trust store */
    char *helo_name;        /* "" = this host's name */
    char *user;             /* "" = no login */
    char *password_file;    /* "" or a file only the service can read */
    GStrv password_command; /* argv, no shell; empty = none */
    int64_t timeout_s;      /* longest wait for one reply; the final dot has
                               its own minimum of 600 s (RFC 5321 4.5.3.2) */
} Relay;

/* How we prove to an IMAP server who we are. */
typedef enum {
    LOGIN_PASSWORD, /* AUTHENTICATE PLAIN, or LOGIN */
    LOGIN_TOKEN     /* OAUTHBEARER (RFC 7628), or XOAUTH2 */
} LoginKind;

/* What is done with a mail of a folder once it is accepted. */
typedef enum {
    AFTER_KEEP,    /* nothing */
    AFTER_SEEN,    /* flag it \Seen */
    AFTER_KEYWORD, /* flag it with WatchedFolder.keyword */
    AFTER_MOVE,    /* to WatchedFolder.move_to */
    AFTER_DELETE
} AfterAcceptance;

/* A folder of an account whose mail becomes tickets. */
typedef struct {
    char *folder; /* UTF-8, with the server's hierarchy delimiter */
    char *queue;  /* of what comes in there */
    AfterAcceptance after;
    char *keyword;   /* with AFTER_KEYWORD; an IMAP atom */
    char *move_to;   /* with AFTER_MOVE; "" else */
    int64_t since_s; /* first run: only what came then or later (Unix seconds,
                        midnight UTC); 0: all */
    int64_t poll_s;  /* between two looks where the server has no IDLE */
} WatchedFolder;

enum { WATCHED_FOLDERS_MAX = 100 };

/* One login on an IMAP server. */
typedef struct {
    char *name; /* [a-z0-9-]+, unique */
    char *host;
    uint16_t port;    /* never 0 once loaded: 993 with tls, else 143 */
    TlsMode tls;      /* verification is always on */
    bool insecure_ok; /* with TLS_OFF to another machine: passwords in clear */
    char *ca_file;    /* "" = the system's trust store */
    char *user;       /* who logs in */
    char *mailbox;    /* whose mail is read; "" = the user's own */
    LoginKind login;  /* LOGIN_TOKEN if there is a token_command */
    char *password_file;
    GStrv password_command; /* argv, no shell; empty = none */
    GStrv token_command;    /* the same; exactly one of the three is given */
    int64_t timeout_s;      /* longest wait for one answer */
    GPtrArray *folders;     /* WatchedFolder*, at least one */
} Account;

typedef struct {
    int lmtp;            /* at least */
    int lmtp_max;        /* at most, if that is more */
    int64_t lmtp_idle_s; /* one more than `lmtp` ends, unneeded for so long */
    int processor;
    int sender;
} WorkerCounts;

/* When to stop acknowledging; the mail itself is always kept. */
typedef struct {
    int64_t per_sender_10min;
    int64_t per_sender_day;
    int64_t breaker;          /* acknowledgements and notices in all ... */
    int64_t breaker_window_s; /* ... in this time, then none for a while */
} Budgets;

typedef struct {
    MailLimits mail;
    int64_t mail_bytes;   /* largest mail accepted */
    int64_t memory_bytes; /* larger mails are spooled to a file */
    int64_t recipients;   /* of one mail */
    int64_t command_line_bytes;
    int64_t errors;           /* of one LMTP session */
    int64_t idle_s;           /* waiting for a command or for content */
    int64_t stress_idle_s;    /* the same while all workers are busy */
    int64_t batch;            /* mails a processor takes at once, at most */
    int64_t parse_s;          /* longest time for one mail, */
    int64_t parse_cpu_s;      /* and how much of it computing */
    int64_t parse_bytes;      /* address space of a parser */
    int64_t parser_mails;     /* that it reads before a fresh one comes */
    int64_t folder_silence_s; /* nobody could look into a folder for so long:
                                 an alarm */
    int64_t backlog;          /* so many deliveries wait: folders keep theirs */
    int64_t poll_s;           /* look at the database without a doorbell */
} Limits;

typedef struct {
    int64_t first_retry_s;   /* doubled after each failure ... */
    int64_t longest_retry_s; /* ... up to this */
    int64_t give_up_s;       /* after this the recipient has failed */
    int64_t lease_s;         /* a claimed mail is another's after this */
} OutboxSettings;

/* Where Prometheus asks for figures. */
typedef struct {
    char *host; /* loopback address literal; "" = nowhere */
    uint16_t port;
} MetricsSettings;

typedef enum {
    SANDBOX_REQUIRED,   /* no mail is read where the kernel cannot confine it */
    SANDBOX_BEST_EFFORT /* it is, with a warning */
} SandboxMode;

/* 0 keeps for ever. */
typedef struct {
    int64_t settled_delivery_s; /* settled deliveries (at least 30 days) */
    int64_t sent_content_s;     /* content of mail that was sent */
    int64_t rubbish_s;          /* parked by its sender's doing, then dropped */
} Retention;

typedef struct {
    char *file; /* where it was read from */
    char *text; /* what stood there, byte for byte; wiped when freed */
    size_t text_bytes;
    uid_t file_owner; /* whose file it was as it was read, ... */
    mode_t file_mode; /* ... and its permission bits */
    DatabaseSettings database;
    char *run_directory;   /* lock, status page */
    char *spool_directory; /* unlinked files of large mails */
    char *template_directory;
    char *user; /* "" = stay who we are */
    char *group;
    LogLevel log_level;
    char *log_file;       /* "" = standard error */
    char *admin;          /* addr-spec; "" = nobody is told */
    GPtrArray *listeners; /* Listener*; none: accepts no mail here */
    GPtrArray *queues;    /* Queue*, at least one */
    GPtrArray *accounts;  /* Account* */
    Relay relay;
    WorkerCounts workers;
    Budgets budgets;
    Limits limits;
    OutboxSettings outbox;
    Retention retention;
    MetricsSettings metrics;
    SandboxMode sandbox;
} Settings;

/*
 * Read and check `file`, which is a regular file and no symbolic link. Unknown
 * key, wrong type, value out of range, a name used twice: FAILURE_CONFIG with
 * "FILE:LINE: what is wrong; what to do". Names of users and files are not
 * looked up here (the file may be checked on another machine):
 * settings_check_files() does that.
 */
Settings *settings_load(const char *file, GError **error);

/* The same of a text that was loaded before, in another process say: `file` is
 * only a name for it. */
Settings *settings_load_text(const char *file, const char *text, size_t length,
                             GError **error);

/*
 * Are the files and users it names there, readable, and not open to others? So
 * is the settings file itself, as it was when it was read: it belongs to root,
 * to us or to `user`, others cannot read it, its group cannot write it. If we
 * are root with a `user` to become, it and all folders above are root's alone.
 * What the service's user will read is looked at as that (base/service.h).
 * FAILURE_CONFIG names the key and the file.
 */
bool settings_check_files(const Settings *settings, GError **error);

/*
 * The relay's password from its file or command (argv, at most 10 s and 4 KiB);
 * ret_password is NULL when no login is set. Free with settings_secret_free(),
 * which wipes it. A command that hangs or exits with 75 (EX_TEMPFAIL) is
 * FAILURE_TEMPORARY, everything else FAILURE_CONFIG; no message holds what the
 * command printed. It is waited for by its process id: nobody else may reap it.
 * It is run as the service's user, and the file read as that user unless only
 * root decides what its path leads to (base/service.h).
 */
bool settings_relay_password(const Relay *relay, char **ret_password,
                             GError **error);
void settings_secret_free(char *secret);

/*
 * Append the addresses of all queues as a table for Postfix
 * (relay_recipient_maps, transport_maps): "addr-spec queue", one a line, under
 * a comment that says how to use it.
 */
void settings_postfix_map(const Settings *settings, GString *out);

/*
 * The account's password or token, from where the settings say; free it with
 * settings_secret_free(). A token_command may say on a second line for how many
 * seconds the token is good: ret_lifetime_s, 0 if it does not say or for a
 * password. Errors as of settings_relay_password().
 */
bool settings_account_secret(const Account *account, char **ret_secret,
                             int64_t *ret_lifetime_s, GError **error);

/*
 * The folder that worker `index` watches: all folders of all accounts, counted
 * in the order of the file. False: there are not so many.
 */
bool settings_watched(const Settings *settings, int index,
                      const Account **ret_account,
                      const WatchedFolder **ret_folder);
int settings_watched_count(const Settings *settings);

/* The account with this name, or NULL; borrowed. */
const Account *settings_account(const Settings *settings, const char *name);

/* The queue with this name, or NULL; borrowed. */
const Queue *settings_queue(const Settings *settings, const char *name);

void settings_free(Settings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Settings, settings_free)

#endif
