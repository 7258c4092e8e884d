#include "sandbox/parser.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/failure.h"
#include "confine.h"
#include "form.h"
#include "mail/mail_form.h"
#include "tray.h"

enum {
    CLEAR_OF_TARGETS = 10,    /* FD_TRAY and below are targets */
    LOOK_MS = 100,            /* between two looks at the child's clock */
    STALL_MS = 5000,          /* so long without computing, and it is stuck */
    SENDER_BYTES = 64 * 1024, /* room besides the mail */
    CHUNK_BYTES = 64 * 1024
};

struct Parser {
    ParserOptions options;
    pid_t pid; /* 0: there is none */
    int request;
    int answer;
    clockid_t clock;  /* the child's computing time */
    int64_t spent_ns; /* of it before the mail in hand */
    size_t mails;     /* it has read */
    bool confined;
    Tray tray;
};

Parser *
parser_new(const ParserOptions *options)
{
    Parser *parser = g_new0(Parser, 1);
    parser->options = *options;
    parser->request = parser->answer = -1;
    parser->tray = tray_none;
    return parser;
}

bool
parser_is_confined(const Parser *parser)
{
    return parser->confined;
}

static bool
cannot_start(GError **error)
{
    failure_set(error, FAILURE_TEMPORARY, "cannot start a parser: %s",
                g_strerror(errno));
    return false;
}

/* ---- the child's life ---- */

static void
place(int fd, int target)
{
    if (fd < 0 || dup2(fd, target) != target)
        _exit(EX_OSERR);
}

/* Nothing of the parent's environment but what test builds look for. */
static char **
environment(void)
{
    static const char *const kept[] = {"ASAN_OPTIONS", "LSAN_OPTIONS",
                                       "UBSAN_OPTIONS", "GCOV_PREFIX"};
    char **names = g_new0(char *, G_N_ELEMENTS(kept) + 1);
    size_t n = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(kept); i++) {
        const char *value = g_getenv(kept[i]);
        if (value != NULL)
            names[n++] = g_strdup_printf("%s=%s", kept[i], value);
    }
    return names;
}

/* Who signals a whole service means us: a child that ends of it would have a
 * mail in hand, which would have a strike. */
static void
leave_signals_to_us(void)
{
    static const int ours[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
                               SIGUSR1, SIGUSR2, SIGALRM};
    sigset_t blocked;
    sigemptyset(&blocked);
    for (size_t i = 0; i < G_N_ELEMENTS(ours); i++)
        sigaddset(&blocked, ours[i]);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/* What it would otherwise share with us: our log, for one. Sanitizers report
 * there. */
static void
forget_standard_descriptors(void)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    place(nothing, STDIN_FILENO);
    place(nothing, STDOUT_FILENO);
#ifndef POSTERN_UNCONFINED
    place(nothing, STDERR_FILENO);
#endif
}

/* First all up, where no target is, then down. */
static void
become_child(int request, int answer, int tray, char *const *environment)
{
    request = fcntl(request, F_DUPFD_CLOEXEC, CLEAR_OF_TARGETS);
    answer = fcntl(answer, F_DUPFD_CLOEXEC, CLEAR_OF_TARGETS);
    tray = fcntl(tray, F_DUPFD_CLOEXEC, CLEAR_OF_TARGETS);
    place(request, FD_REQUEST);
    place(answer, FD_ANSWER);
    place(tray, FD_TRAY);
    forget_standard_descriptors();
    close_range(FD_TRAY + 1, ~0U, 0);
    confine_stack();
    signal(SIGPIPE, SIG_DFL);
    leave_signals_to_us();
    char *const argv[] = {(char[]){"posternd"}, (char[]){PARSER_ARGUMENT},
                          NULL};
    execve("/proc/self/exe", argv, environment);
    _exit(EX_OSERR);
}

/* What we say must fit into the pipe: who does not take it is no reason to
 * wait. The child's end is another, and waits. */
static bool
pipe_to_child(int ends[2])
{
    return pipe2(ends, O_CLOEXEC) == 0 &&
           fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0;
}

static bool
fork_child(Parser *parser, GError **error)
{
    int request[2] = {-1, -1}, answer[2] = {-1, -1};
    int tray = tray_read_only(&parser->tray);
    g_auto(GStrv) names = environment();
    pid_t parent = getpid();
    bool forked = tray >= 0 && pipe_to_child(request) &&
                  pipe2(answer, O_CLOEXEC) == 0 && (parser->pid = fork()) >= 0;
    if (forked && parser->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(EX_TEMPFAIL);
        become_child(request[0], answer[1], tray, names);
    }
    if (!forked) {
        cannot_start(error);
        parser->pid = 0;
    }
    const int mine[] = {tray, request[0], answer[1]};
    for (size_t i = 0; i < G_N_ELEMENTS(mine); i++)
        if (mine[i] >= 0)
            close(mine[i]);
    parser->request = request[1];
    parser->answer = answer[0];
    if (forked && clock_getcpuclockid(parser->pid, &parser->clock) != 0)
        parser->clock = CLOCK_MONOTONIC;
    return forked;
}

/* Returns: how it ended, as waitpid() says. */
static int
end_child(Parser *parser)
{
    int status = 0;
    if (parser->request >= 0)
        close(parser->request);
    if (parser->answer >= 0)
        close(parser->answer);
    parser->request = parser->answer = -1;
    if (parser->pid > 0) {
        kill(parser->pid, SIGKILL);
        while (waitpid(parser->pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    parser->pid = 0;
    parser->confined = false;
    return status;
}

void
parser_free(Parser *parser)
{
    if (parser == NULL)
        return;
    end_child(parser);
    tray_close(&parser->tray);
    g_free(parser);
}

/* ---- talking ---- */

static int64_t
computed_ns(const Parser *parser)
{
    struct timespec spent;
    return clock_gettime(parser->clock, &spent) == 0
               ? spent.tv_sec * G_GINT64_CONSTANT(1000000000) + spent.tv_nsec
               : 0;
}

static bool
say(const Parser *parser, const void *bytes, size_t length)
{
    /* SIGPIPE is ignored. */
    return write(parser->request, bytes, length) == (ssize_t)length;
}

typedef enum {
    HEARD,
    HEARD_END,      /* it is gone */
    HEARD_TOO_LATE, /* it has had its time, */
    HEARD_TOO_LONG, /* or computed for too long, */
    HEARD_STUCK     /* or does not compute and does not answer */
} Heard;

/* How much time a child has left. Only time that we saw pass counts: if this
 * process, or the whole machine, stood still, that is no mail's fault. */
typedef struct {
    int64_t left_us;
    int64_t looked_us;
} Watch;

static Watch
watch_new(int64_t left_ms)
{
    return (Watch){left_ms * 1000, g_get_monotonic_time()};
}

/* Returns: what has passed since the last look. */
static int64_t
watch_look(Watch *watch)
{
    int64_t now_us = g_get_monotonic_time();
    int64_t passed_us = MIN(now_us - watch->looked_us, 2 * LOOK_MS * 1000);
    watch->looked_us = now_us;
    watch->left_us -= passed_us;
    return passed_us;
}

/* Wait until there is something to read, or it has had its time. */
static Heard
await(const Parser *parser, Watch *watch)
{
    int64_t seen_ns = computed_ns(parser), idle_us = 0;
    for (;;) {
        struct pollfd fd = {parser->answer, POLLIN, 0};
        int64_t passed_us = watch_look(watch);
        if (watch->left_us <= 0)
            return HEARD_TOO_LATE;
        int ready = poll(&fd, 1, (int)MIN(watch->left_us / 1000 + 1, LOOK_MS));
        if (ready > 0)
            return HEARD;
        if (ready < 0 && errno != EINTR)
            return HEARD_END;
        int64_t now_ns = computed_ns(parser);
        if (now_ns - parser->spent_ns >
            parser->options.cpu_s * G_GINT64_CONSTANT(1000000000))
            return HEARD_TOO_LONG;
        idle_us = now_ns == seen_ns ? idle_us + passed_us : 0;
        if (idle_us > STALL_MS * 1000)
            return HEARD_STUCK;
        seen_ns = now_ns;
    }
}

static Heard
hear(const Parser *parser, void *bytes, size_t length, Watch *watch)
{
    char *p = bytes;
    while (length > 0) {
        Heard heard = await(parser, watch);
        if (heard != HEARD)
            return heard;
        ssize_t n = read(parser->answer, p, length);
        if (n == 0 || (n < 0 && errno != EINTR))
            return HEARD_END;
        p += MAX(n, 0);
        length -= (size_t)MAX(n, 0);
    }
    return HEARD;
}

/* A length that is a lie costs no memory: that is taken as bytes come. */
static Heard
hear_form(const Parser *parser, size_t max_bytes, Watch *watch,
          GByteArray *form)
{
    uint64_t length;
    Heard heard = hear(parser, &length, sizeof length, watch);
    if (heard == HEARD && length > max_bytes)
        return HEARD_END;
    while (heard == HEARD && form->len < length) {
        guint had = form->len;
        size_t n = MIN(length - had, CHUNK_BYTES);
        g_byte_array_set_size(form, had + (guint)n);
        heard = hear(parser, form->data + had, n, watch);
    }
    return heard;
}

/* ---- starting ---- */

static bool
greet(Parser *parser, GError **error)
{
    /* Twice what one mail may cost: it is replaced once half is spent. */
    const ParserSetup setup = {parser->options.memory_bytes,
                               (uint64_t)parser->options.cpu_s * 2 + 1,
                               parser->tray.length};
    ParserHello hello;
    Watch watch = watch_new(PARSER_START_S * 1000);
    parser->spent_ns = computed_ns(parser);
    if (!say(parser, &setup, sizeof setup) ||
        hear(parser, &hello, sizeof hello, &watch) != HEARD ||
        !hello.is_ready) {
        failure_set(error, FAILURE_TEMPORARY,
                    "a parser was started and did not come up");
        return false;
    }
    parser->confined = hello.is_confined;
    if (parser->confined || parser->options.best_effort)
        return true;
    failure_set(error, FAILURE_CONFIG,
                "this kernel cannot confine the parser of mails (seccomp "
                "filters): run one that can, or set sandbox = \"best-effort\" "
                "and know that a bug in the reading of mail may then reach "
                "whatever this user can");
    return false;
}

bool
parser_start(Parser *parser, GError **error)
{
    if (parser->pid > 0)
        return true;
    if (parser->tray.fd < 0 &&
        !tray_open(&parser->tray, parser->options.mail_bytes + SENDER_BYTES))
        return cannot_start(error);
    parser->mails = 0;
    if (fork_child(parser, error) && greet(parser, error))
        return true;
    end_child(parser);
    return false;
}

/* One that died while nothing was in hand died of nothing. */
static void
forget_dead(Parser *parser)
{
    siginfo_t info = {0};
    if (parser->pid > 0 &&
        waitid(P_PID, (id_t)parser->pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
            0 &&
        info.si_pid != 0)
        end_child(parser);
}

/* Replaced before its limits could meet a mail that did nothing wrong. */
static void
retire_old(Parser *parser)
{
    if (parser->pid == 0)
        return;
    parser->spent_ns = computed_ns(parser);
    if (parser->mails >= parser->options.mails ||
        parser->spent_ns >
            parser->options.cpu_s * G_GINT64_CONSTANT(1000000000))
        end_child(parser);
}

static bool
make_ready(Parser *parser, size_t bytes, GError **error)
{
    forget_dead(parser);
    retire_old(parser);
    if (bytes > parser->tray.length) {
        end_child(parser);
        tray_close(&parser->tray);
    }
    parser->options.mail_bytes = MAX(parser->options.mail_bytes, bytes);
    if (!parser_start(parser, error))
        return false;
    parser->spent_ns = computed_ns(parser);
    return true;
}

void
parser_renew(Parser *parser)
{
    end_child(parser);
}

/* ---- reading ---- */

/* Why the child is no more, for the log. */
static void
explain_end(Parser *parser, Heard heard, GError **error)
{
    int status = end_child(parser);
    if (heard == HEARD_TOO_LATE)
        failure_set(error, FAILURE_PERMANENT,
                    "the parser had no answer after %" G_GINT64_FORMAT
                    " s (limits.parse)",
                    parser->options.wall_s);
    else if (heard == HEARD_TOO_LONG)
        failure_set(error, FAILURE_PERMANENT,
                    "the parser computed for more than %" G_GINT64_FORMAT
                    " s (limits.parse_cpu)",
                    parser->options.cpu_s);
    else if (heard == HEARD_STUCK)
        failure_set(error, FAILURE_PERMANENT,
                    "the parser neither answered nor computed for %d s",
                    STALL_MS / 1000);
    else if (heard == HEARD)
        failure_set(error, FAILURE_PERMANENT,
                    "the parser answered what is no mail");
    else if (WIFSIGNALED(status))
        failure_set(error, FAILURE_PERMANENT, "the parser was killed: %s",
                    g_strsignal(WTERMSIG(status)));
    else
        failure_set(error, FAILURE_PERMANENT, "the parser ended with status %d",
                    WEXITSTATUS(status));
}

static bool
put_on_tray(const Parser *parser, GBytes *raw, const char *sender,
            ParserRequest *request, GError **error)
{
    gsize length;
    const char *bytes = g_bytes_get_data(raw, &length);
    request->mail_bytes = length;
    request->knows_sender = sender != NULL;
    request->sender_bytes = sender != NULL ? strlen(sender) : 0;
    if (tray_put(&parser->tray, 0, sender, request->sender_bytes) &&
        tray_put(&parser->tray, request->sender_bytes, bytes, length))
        return true;
    failure_set(error, FAILURE_TEMPORARY, "no memory to hand a mail over: %s",
                g_strerror(errno));
    return false;
}

Mail *
parser_read(Parser *parser, GBytes *raw, const char *envelope_sender,
            const MailLimits *limits, ParserMode mode, GError **error)
{
    size_t bytes = g_bytes_get_size(raw) +
                   (envelope_sender != NULL ? strlen(envelope_sender) : 0);
    if (!make_ready(parser, bytes, error))
        return NULL;
    Watch watch = watch_new(parser->options.wall_s * 1000);
    ParserRequest request = {.mode = mode, .limits = *limits};
    if (!put_on_tray(parser, raw, envelope_sender, &request, error)) {
        tray_empty(&parser->tray, bytes);
        return NULL;
    }
    parser->mails++;
    g_autoptr(GByteArray) form = g_byte_array_new();
    Heard heard = HEARD_END;
    if (say(parser, &request, sizeof request))
        heard = hear_form(parser, mail_form_max_bytes(limits), &watch, form);
    Mail *mail = heard == HEARD
                     ? mail_form_read(form->data, form->len, raw, limits)
                     : NULL;
    if (mail == NULL)
        explain_end(parser, heard, error);
    tray_empty(&parser->tray, bytes);
    return mail;
}
