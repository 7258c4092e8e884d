/*
 * The child that reads mail, with a reader that does what its mail says: what
 * would a mail get that had taken it over? (tests/README A50, P22)
 *
 * With FILEs as arguments: is each read by the child as it is without one?
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <gmime/gmime.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "await.h"
#include "base/failure.h"
#include "mail/mail_form.h"
#include "malformed.h"
#include "sandbox/parser.h"

enum { ANSWER = 4 }; /* FD_ANSWER of src/sandbox/form.h */

static const ParserOptions options = {.wall_s = 40,
                                      .cpu_s = 2,
                                      .memory_bytes = 512 * 1024 * 1024,
                                      .mails = 500,
                                      .mail_bytes = 1024 * 1024};

/* ---- the child ---- */

static const char *tray; /* of the mail in hand */
static volatile int sink;

static void
do_open(void)
{
    sink = open("/etc/passwd", O_RDONLY);
}

static void
do_unlink(void)
{
    sink = unlink("/tmp/nobody-has-this");
}

static void
do_socket(void)
{
    sink = socket(AF_INET, SOCK_STREAM, 0);
}

static void
do_execve(void)
{
    char *const argv[] = {(char[]){"true"}, NULL};
    sink = execve("/bin/true", argv, NULL);
}

static void
do_ptrace(void)
{
    sink = (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static void
do_ptrace_alone(void)
{
    sink = (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void
do_look_into_parent(void)
{
    char byte;
    struct iovec mine = {&byte, 1}, others = {&byte, 1};
    sink = (int)process_vm_readv(1, &mine, 1, &others, 1, 0);
}

static void
do_fork(void)
{
    sink = fork();
}

static void
do_kill(void)
{
    sink = kill(1, SIGTERM);
}

static void
do_write_elsewhere(void)
{
    sink = (int)write(2, "x", 1);
}

static void
do_read_elsewhere(void)
{
    char byte;
    sink = (int)read(0, &byte, 1);
}

static void
do_map_code(void)
{
    void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sink = code != MAP_FAILED;
}

static void
do_make_code(void)
{
    void *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sink = mprotect(data, 4096, PROT_READ | PROT_EXEC);
}

static void
do_undo(void)
{
    sink = prctl(PR_SET_DUMPABLE, 1);
}

static void
do_raise_limit(void)
{
    const struct rlimit limits = {8, 8};
    sink = setrlimit(RLIMIT_NOFILE, &limits);
}

/* The kernel's other doors: filters for one do not speak of the others. */
#ifdef __x86_64__
static void
do_call_as_x32(void)
{
    sink = (int)syscall(0x40000000 | SYS_getpid);
}

static void
do_call_as_i386(void)
{
    enum { I386_GETPID = 20 };
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(I386_GETPID) : "memory");
    sink = result;
}
#endif

static void
do_write_to_tray(void)
{
    *(char *)(uintptr_t)tray = 'x';
}

static void
compute(int seconds)
{
    struct timespec now;
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    while (now.tv_sec < seconds);
}

static void
do_spin(void)
{
    compute(G_MAXINT);
}

static void
do_compute_a_second(void)
{
    compute(1);
}

static void
do_compute_a_little(void)
{
    struct timespec began, now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    while ((now.tv_sec - began.tv_sec) * 1000 +
               (now.tv_nsec - began.tv_nsec) / 1000000 <
           300);
}

static void
do_sleep(void)
{
    int word = 0;
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void
take_memory(size_t mebibytes)
{
    for (size_t i = 0; i < mebibytes; i++)
        memset(g_malloc(1024 * 1024), (int)i, 1024 * 1024);
}

static void
do_eat(void)
{
    take_memory(1024);
}

static void
do_take_400_mb(void)
{
    take_memory(400);
}

static int
recurse(int depth)
{
    volatile char room[1024];
    room[depth % 1024] = (char)depth;
    return depth == 0 ? 0 : recurse(depth - 1) + room[0];
}

static void
do_recurse(void)
{
    sink = recurse(G_MAXINT);
}

static void
do_recurse_32_mb(void)
{
    sink = recurse(24 * 1024);
}

static void
do_answer_nonsense(void)
{
    uint64_t answer[] = {8, 42};
    sink = (int)write(ANSWER, answer, sizeof answer);
    do_sleep();
}

static void
do_announce_much(void)
{
    uint64_t length = UINT64_MAX;
    sink = (int)write(ANSWER, &length, sizeof length);
    do_sleep();
}

/* The same good answer for ever, and no ear for what is asked. */
static void
do_not_listen(void)
{
    g_autoptr(GBytes) raw = g_bytes_new_static("", 0);
    g_autoptr(Mail) mail = mail_parse(raw, NULL, &mail_limits_default);
    g_autoptr(GByteArray) form = mail_form_write(mail);
    uint64_t length = form->len;
    g_byte_array_prepend(form, (const guint8 *)&length, sizeof length);
    for (;;)
        sink = (int)write(ANSWER, form->data, form->len);
}

static void
do_leave(void)
{
    _exit(0);
}

static void
do_abort(void)
{
    abort();
}

static const struct {
    const char *name;
    void (*act)(void);
} acts[] = {
    {"open", do_open},
    {"unlink", do_unlink},
    {"socket", do_socket},
    {"execve", do_execve},
    {"ptrace", do_ptrace},
    {"ptrace-alone", do_ptrace_alone},
    {"look-into-parent", do_look_into_parent},
    {"fork", do_fork},
    {"kill", do_kill},
    {"write-elsewhere", do_write_elsewhere},
    {"read-elsewhere", do_read_elsewhere},
    {"map-code", do_map_code},
    {"make-code", do_make_code},
    {"undo", do_undo},
    {"raise-limit", do_raise_limit},
#ifdef __x86_64__
    {"call-as-x32", do_call_as_x32},
    {"call-as-i386", do_call_as_i386},
#endif
    {"write-to-tray", do_write_to_tray},
    {"spin", do_spin},
    {"compute-a-second", do_compute_a_second},
    {"compute-a-little", do_compute_a_little},
    {"sleep", do_sleep},
    {"eat", do_eat},
    {"take-400-mb", do_take_400_mb},
    {"recurse", do_recurse},
    {"recurse-32-mb", do_recurse_32_mb},
    {"answer-nonsense", do_answer_nonsense},
    {"announce-much", do_announce_much},
    {"not-listen", do_not_listen},
    {"leave", do_leave},
    {"abort", do_abort},
};

/* A mail "Act: NAME" is obeyed; one that asks is told how many this child has
 * read before it. */
static Mail *
obey(GBytes *raw, const char *envelope_sender, const MailLimits *limits)
{
    static int count = -1; /* the one that warms it up */
    gsize length;
    const char *bytes = g_bytes_get_data(raw, &length);
    tray = bytes;
    for (size_t i = 0; i < G_N_ELEMENTS(acts); i++) {
        g_autofree char *order = g_strdup_printf("Act: %s\n", acts[i].name);
        if (length >= strlen(order) && memcmp(bytes, order, strlen(order)) == 0)
            acts[i].act();
    }
    Mail *mail = mail_parse(raw, envelope_sender, limits);
    if (strcmp(mail->subject, "how many?") == 0)
        mail->hops = (size_t)count;
    count++;
    return mail;
}

/* ---- the parent ---- */

static Mail *
ask(Parser *parser, const char *text, GError **error)
{
    g_autoptr(GBytes) raw = g_bytes_new(text, strlen(text));
    return parser_read(parser, raw, "s@example.org", &mail_limits_default,
                       PARSER_WHOLE, error);
}

/* Reads a mail; returns how many this child has read before. */
static size_t
ask_well(Parser *parser)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Mail) mail = ask(
        parser, "From: a@example.org\nSubject: =?utf-8?q?how_many=3F?=\n\nx\n",
        &error);
    ck_assert_msg(mail != NULL, "%s", error != NULL ? error->message : "");
    ck_assert_str_eq(mail->subject, "how many?");
    return mail->hops;
}

#ifndef POSTERN_UNCONFINED
static const struct {
    const char *act;
    const char *expected; /* in the reason */
} deaths[] = {
    {"open", "Bad system call"},
    {"unlink", "Bad system call"},
    {"socket", "Bad system call"},
    {"execve", "Bad system call"},
    {"ptrace", "Bad system call"},
    {"ptrace-alone", "Bad system call"},
    {"look-into-parent", "Bad system call"},
    {"fork", "Bad system call"},
    {"kill", "Bad system call"},
    {"write-elsewhere", "Bad system call"},
    {"read-elsewhere", "Bad system call"},
    {"map-code", "Bad system call"},
    {"make-code", "Bad system call"},
    {"undo", "Bad system call"},
    {"raise-limit", "Bad system call"},
#ifdef __x86_64__
    {"call-as-x32", "Bad system call"},
    {"call-as-i386", "killed"}, /* many kernels have none */
#endif
    {"write-to-tray", "Segmentation fault"},
    {"recurse", "Segmentation fault"},
    {"eat", "killed"},
    {"abort", "killed"},
    {"leave", "ended with status 0"},
    {"spin", "computed for more than 2 s"},
    {"sleep", "neither answered nor computed for 5 s"},
    {"answer-nonsense", "what is no mail"},
    {"announce-much", "killed"},
};

START_TEST(what_a_mail_does_beyond_computing_kills_the_child_alone)
{
    g_autoptr(Parser) parser = parser_new(&options);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup_printf("Act: %s\n\n", deaths[_i].act);
    ask_well(parser);
    ck_assert(parser_is_confined(parser));
    g_autoptr(Mail) mail = ask(parser, text, &error);
    ck_assert_ptr_null(mail);
    ck_assert_msg(failure_is(error, FAILURE_PERMANENT), "%s", error->message);
    ck_assert_msg(strstr(error->message, deaths[_i].expected) != NULL, "%s: %s",
                  deaths[_i].act, error->message);
    ck_assert_uint_eq(ask_well(parser), 0); /* a fresh one */
}
END_TEST

static const char *const permitted[] = {"compute-a-second", "take-400-mb",
                                        "recurse-32-mb"};

START_TEST(below_its_limits_it_lives)
{
    g_autoptr(Parser) parser = parser_new(&options);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup_printf("Act: %s\n\n", permitted[_i]);
    g_autoptr(Mail) mail = ask(parser, text, &error);
    ck_assert_msg(mail != NULL, "%s", error != NULL ? error->message : "");
    ck_assert_uint_eq(ask_well(parser), 1);
}
END_TEST
#endif

START_TEST(who_has_no_answer_in_time_is_ended)
{
    ParserOptions hasty = options;
    hasty.wall_s = 3;
    g_autoptr(Parser) parser = parser_new(&hasty);
    g_autoptr(GError) error = NULL;
    g_autoptr(Mail) mail = ask(parser, "Act: sleep\n\n", &error);
    ck_assert_ptr_null(mail);
    ck_assert_msg(strstr(error->message, "no answer after 3 s") != NULL, "%s",
                  error->message);
    ck_assert_uint_eq(ask_well(parser), 0);
}
END_TEST

START_TEST(who_does_not_listen_is_ended)
{
    ParserOptions patient = options;
    patient.mails = 10000;
    g_autoptr(Parser) parser = parser_new(&patient);
    g_autoptr(GError) error = NULL;
    mail_free(ask(parser, "Act: not-listen\n\n", NULL));
    for (int i = 0; i < 2000 && error == NULL; i++)
        mail_free(ask(parser, "Subject: x\n\n", &error));
    ck_assert(failure_is(error, FAILURE_PERMANENT));
    ck_assert_uint_eq(ask_well(parser), 0);
}
END_TEST

START_TEST(a_mail_may_have_a_child_that_read_no_other)
{
    g_autoptr(Parser) parser = parser_new(&options);
    ask_well(parser);
    ask_well(parser);
    parser_renew(parser);
    ck_assert_uint_eq(ask_well(parser), 0);
}
END_TEST

START_TEST(it_is_replaced_after_so_many_mails)
{
    ParserOptions few = options;
    few.mails = 3;
    g_autoptr(Parser) parser = parser_new(&few);
    for (size_t i = 0; i < 7; i++)
        ck_assert_uint_eq(ask_well(parser), i % 3);
}
END_TEST

START_TEST(a_larger_mail_than_ever_gets_room)
{
    g_autoptr(Parser) parser = parser_new(&options);
    g_autofree char *large = g_malloc(5 * 1024 * 1024 + 1);
    memset(large, 'x', 5 * 1024 * 1024);
    large[5 * 1024 * 1024] = '\0';
    memcpy(large, "From: a@b.example\n\n", 19);
    for (int i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Mail) mail = ask(parser, large, &error);
        ck_assert_msg(mail != NULL, "%s", error != NULL ? error->message : "");
        ck_assert_uint_eq(strlen(mail->text), mail_limits_default.text_bytes);
        ask_well(parser);
    }
}
END_TEST

/* Where there is no memory left; here, no room in the file that it is. */
START_TEST(a_mail_that_cannot_be_handed_over_is_no_mails_fault)
{
    g_autoptr(Parser) parser = parser_new(&options);
    g_autoptr(GError) error = NULL;
    ask_well(parser);
    struct rlimit full = {8, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
    g_autoptr(Mail) mail = ask(parser, "Subject: x\n\n", &error);
    ck_assert_ptr_null(mail);
    ck_assert(failure_is(error, FAILURE_TEMPORARY));
    full.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
    ck_assert_uint_eq(ask_well(parser), 1);
}
END_TEST

START_TEST(a_struck_mail_is_read_in_plain_sight_only)
{
    static const char text[] =
        "Act: abort\nFrom: \"A. B.\" <a.b@example.org>\n"
        "Subject: =?utf-8?q?gr=C3=BCn?=\nIn-Reply-To: <1@example.org>\n"
        "\n<p>caf\xE9</p>\n";
    g_autoptr(Parser) parser = parser_new(&options);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) raw = g_bytes_new_static(text, strlen(text));
    g_autoptr(Mail) mail = parser_read(parser, raw, NULL, &mail_limits_default,
                                       PARSER_PRESCAN, &error);
    ck_assert_msg(mail != NULL, "%s", error != NULL ? error->message : "");
    ck_assert_str_eq(mail->subject, "=?utf-8?q?gr=C3=BCn?=");
    ck_assert_str_eq(mail->originator->addr_spec, "a.b@example.org");
    ck_assert_uint_eq(mail->in_reply_to->len, 1);
    ck_assert_str_eq(mail->text, "<p>caf\xEF\xBF\xBD</p>\n");
    ck_assert(mail->automatic.suppress_acknowledgement);
    ck_assert_str_eq(mail->defects->pdata[0], "only-pre-scanned");
}
END_TEST

/* The only one we have. */
static pid_t
child_of_ours(void)
{
    g_autofree char *children = NULL;
    g_autofree char *path =
        g_strdup_printf("/proc/self/task/%d/children", (int)getpid());
    ck_assert(g_file_get_contents(path, &children, NULL, NULL));
    pid_t child = atoi(children);
    ck_assert_int_gt(child, 0);
    return child;
}

START_TEST(a_child_that_died_of_nothing_strikes_nobody)
{
    g_autoptr(Parser) parser = parser_new(&options);
    ask_well(parser);
    pid_t child = child_of_ours();
    kill(child, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    ck_assert_uint_eq(ask_well(parser), 0);
}
END_TEST

/* Ctrl-C and many supervisors signal all processes of a service: it ends when
 * we do, and not with a mail in hand. */
START_TEST(what_ends_a_service_does_not_end_the_child)
{
    static const int signals[] = {SIGTERM, SIGINT,  SIGHUP,
                                  SIGQUIT, SIGUSR1, SIGUSR2};
    g_autoptr(Parser) parser = parser_new(&options);
    ask_well(parser);
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        kill(child_of_ours(), signals[i]);
        ck_assert_uint_eq(ask_well(parser), i + 1);
    }
}
END_TEST

static int64_t
computed_ms(pid_t pid)
{
    clockid_t clock;
    struct timespec spent;
    ck_assert_int_eq(clock_getcpuclockid(pid, &clock), 0);
    ck_assert_int_eq(clock_gettime(clock, &spent), 0);
    return spent.tv_sec * 1000 + spent.tv_nsec / 1000000;
}

typedef struct {
    pid_t pid;
    int64_t ms;
} Computed;

static bool
has_computed(void *data)
{
    const Computed *least = data;
    return computed_ms(least->pid) >= least->ms;
}

/* Halts `parent` and `child` for 4.5 s as soon as the child has a mail. */
static pid_t
halt_both(pid_t parent, pid_t child)
{
    Computed begun = {child, computed_ms(child) + 50};
    pid_t helper = fork();
    if (helper != 0)
        return helper;
    await(has_computed, &begun);
    kill(parent, SIGSTOP);
    kill(child, SIGSTOP);
    g_usleep(4500 * 1000); /* more than a mail has, that is the point */
    kill(child, SIGCONT);
    kill(parent, SIGCONT);
    _exit(0);
}

/* Somebody stops the service, or the machine: time nobody saw pass is none. */
START_TEST(a_halt_strikes_nobody)
{
    ParserOptions hasty = options;
    hasty.wall_s = 4;
    g_autoptr(Parser) parser = parser_new(&hasty);
    g_autoptr(GError) error = NULL;
    ask_well(parser);
    pid_t helper = halt_both(getpid(), child_of_ours());
    g_autoptr(Mail) mail = ask(parser, "Act: compute-a-little\n\n", &error);
    ck_assert_msg(mail != NULL, "%s", error != NULL ? error->message : "");
    ck_assert_int_eq(waitpid(helper, NULL, 0), helper);
    ck_assert_uint_eq(ask_well(parser), 2);
}
END_TEST

/* 2 s of computing and 512 MiB are enough for the worst there is (T9). */
START_TEST(no_malformed_mail_is_too_much)
{
    const Malformed *row = &malformed[_i];
    g_autoptr(Parser) parser = parser_new(&options);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) raw = malformed_bytes(row);
    g_autoptr(Mail) mail = parser_read(parser, raw, "", &mail_limits_default,
                                       PARSER_WHOLE, &error);
    ck_assert_msg(mail != NULL, "%s %s: %s", row->row, row->what,
                  error != NULL ? error->message : "");
    g_autoptr(Mail) prescanned = parser_read(
        parser, raw, "", &mail_limits_default, PARSER_PRESCAN, &error);
    ck_assert_msg(prescanned != NULL, "%s %s: %s", row->row, row->what,
                  error != NULL ? error->message : "");
}
END_TEST

#ifndef POSTERN_UNCONFINED
#include <seccomp.h>

/* From now on this kernel has no filters. */
static void
take_filters_away(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    ck_assert_int_eq(
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(seccomp), 0),
        0);
    ck_assert_int_eq(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL),
                                      SCMP_SYS(prctl), 1,
                                      SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP, 0)),
                     0);
    ck_assert_int_eq(seccomp_load(filter), 0);
    seccomp_release(filter);
}

START_TEST(without_the_kernels_means_it_does_not_start)
{
    take_filters_away();
    g_autoptr(Parser) parser = parser_new(&options);
    g_autoptr(GError) error = NULL;
    ck_assert(!parser_start(parser, &error));
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert_msg(strstr(error->message, "best-effort") != NULL, "%s",
                  error->message);
}
END_TEST

START_TEST(unless_that_is_good_enough)
{
    take_filters_away();
    ParserOptions easy = options;
    easy.best_effort = true;
    g_autoptr(Parser) parser = parser_new(&easy);
    ck_assert_uint_eq(ask_well(parser), 0);
    ck_assert(!parser_is_confined(parser));
}
END_TEST
#endif

static Suite *
parser_suite(void)
{
    Suite *suite = suite_create("parser");
    TCase *tests = tcase_create("parser");
    tcase_set_timeout(tests, 60);
#ifndef POSTERN_UNCONFINED
    tcase_add_loop_test(tests,
                        what_a_mail_does_beyond_computing_kills_the_child_alone,
                        0, G_N_ELEMENTS(deaths));
    tcase_add_loop_test(tests, below_its_limits_it_lives, 0,
                        G_N_ELEMENTS(permitted));
    tcase_add_test(tests, without_the_kernels_means_it_does_not_start);
    tcase_add_test(tests, unless_that_is_good_enough);
#endif
    tcase_add_loop_test(tests, no_malformed_mail_is_too_much, 0,
                        (int)malformed_count);
    tcase_add_test(tests, who_has_no_answer_in_time_is_ended);
    tcase_add_test(tests, who_does_not_listen_is_ended);
    tcase_add_test(tests, a_mail_may_have_a_child_that_read_no_other);
    tcase_add_test(tests, it_is_replaced_after_so_many_mails);
    tcase_add_test(tests, a_larger_mail_than_ever_gets_room);
    tcase_add_test(tests, a_mail_that_cannot_be_handed_over_is_no_mails_fault);
    tcase_add_test(tests, a_struck_mail_is_read_in_plain_sight_only);
    tcase_add_test(tests, a_child_that_died_of_nothing_strikes_nobody);
    tcase_add_test(tests, what_ends_a_service_does_not_end_the_child);
    tcase_add_test(tests, a_halt_strikes_nobody);
    suite_add_tcase(suite, tests);
    return suite;
}

/* ---- files ---- */

/* What the child says must be what is read here, to the byte. */
static const char *
difference(Parser *parser, GBytes *raw, GError **error)
{
    g_autoptr(Mail) theirs = parser_read(
        parser, raw, NULL, &mail_limits_default, PARSER_WHOLE, error);
    if (theirs == NULL)
        return (*error)->message;
    g_autoptr(Mail) ours = mail_parse(raw, NULL, &mail_limits_default);
    g_autoptr(GByteArray) a = mail_form_write(ours);
    g_autoptr(GByteArray) b = mail_form_write(theirs);
    bool same = a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
    return same ? NULL : "is read otherwise by the child";
}

static int
compare_files(char **files)
{
    int status = 0;
    g_autoptr(Parser) parser = parser_new(&options);
    for (; *files != NULL; files++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *bytes = NULL;
        gsize length;
        if (!g_file_get_contents(*files, &bytes, &length, &error)) {
            printf("%s\n", error->message);
            return 2;
        }
        g_autoptr(GBytes) raw = g_bytes_new_static(bytes, length);
        const char *why = difference(parser, raw, &error);
        if (why != NULL) {
            printf("%s: %s\n", *files, why);
            status = 1;
        }
    }
    return status;
}

int
main(int argc, char **argv)
{
    g_mime_init();
    if (argc == 2 && strcmp(argv[1], PARSER_ARGUMENT) == 0)
        return parser_child_run(obey);
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1)
        return compare_files(argv + 1);
    SRunner *runner = srunner_create(parser_suite());
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
