/* Passwords and tokens: out of a file, or out of a program that prints them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/service.h"
#include "settings/settings.h"
#include "small_file.h"

enum {
    SECRET_MAX_BYTES = 4096,
    TOKEN_MAX_BYTES = 16 * 1024, /* Microsoft's are some KiB */
    PASSWORD_MAX_S = 10,
    TOKEN_MAX_S = 60, /* it asks a server */
    LIFETIME_MAX_S = 365 * 24 * 3600
};

/* Where a secret comes from, and the bounds of that. */
typedef struct {
    const char *key;  /* "relay.password_command" */
    const char *noun; /* "password" */
    size_t max_bytes;
    int max_s;
} Source;

/* What a running command has printed so far. */
typedef struct {
    const Source *source;
    const char *name; /* argv[0] */
    pid_t pid;
    int fd;
    int64_t deadline_us;
    char *output; /* source->max_bytes + 1 */
    size_t length;
} Command;

void
settings_secret_free(char *secret)
{
    if (secret == NULL)
        return;
    explicit_bzero(secret, strlen(secret));
    g_free(secret);
}

/* One line: its end is taken off, anything else unprintable is refused. */
static bool
take_secret(const Source *source, const char *where, const char *bytes,
            size_t length, char **ret_secret, GError **error)
{
    if (length > 0 && bytes[length - 1] == '\n')
        length--;
    if (length > 0 && bytes[length - 1] == '\r')
        length--;
    const char *fault = length == 0 ? "is empty" : NULL;
    for (size_t i = 0; i < length && fault == NULL; i++)
        if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7F)
            fault = "holds a control character or more than one line";
    if (fault != NULL) {
        failure_set(error, FAILURE_CONFIG,
                    "%s: the %s of %s %s; it is one line of text", source->key,
                    source->noun, where, fault);
        return false;
    }
    *ret_secret = g_strndup(bytes, length);
    return true;
}

static bool
read_file(const char *key, const char *path, char **ret_secret, GError **error)
{
    const Source source = {key, "password", SECRET_MAX_BYTES, 0};
    g_auto(SmallFile) file = {0};
    if (!small_file_read(path, SECRET_MAX_BYTES, &file, error) ||
        !small_file_judge(path, file.owner, file.mode, service_uid(), error)) {
        g_prefix_error(error, "%s: ", key);
        return false;
    }
    return take_secret(&source, path, file.bytes, file.length, ret_secret,
                       error);
}

static bool
command_failed(const Command *command, FailureCode code, const char *fault,
               GError **error)
{
    failure_set(error, code, "%s: '%s' %s", command->source->key, command->name,
                fault);
    return false;
}

/* A process group of its own, so that its children end with it; no signal of
 * ours blocked or ignored. */
static void
begin_anew(void)
{
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Its standard output is `output`, its input is empty; errors go where ours go.
 * Root would run what others may have written: it is the service's user. */
static void
become_command(char *const *argv, int output, int trouble)
{
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    begin_anew();
    if (dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
        service_become(NULL))
        execv(argv[0], argv);
    int why = errno;
    ssize_t written = write(trouble, &why, sizeof why);
    (void)written; /* then it dies of it */
    _exit(EX_OSERR);
}

/* Returns: 0, or why it was not started. A pipe that closes with its start
 * tells. */
static int
spawn(char *const *argv, int output, pid_t *ret_pid)
{
    int ends[2], why = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    pid_t pid = fork();
    if (pid == 0)
        become_command(argv, output, ends[1]);
    if (pid < 0)
        why = errno;
    close(ends[1]);
    while (pid > 0 && read(ends[0], &why, sizeof why) < 0 && errno == EINTR)
        continue;
    close(ends[0]);
    if (pid > 0 && why != 0)
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    *ret_pid = pid;
    return why;
}

static bool
command_start(char *const *argv, Command *command, GError **error)
{
    int ends[2];
    command->name = argv[0];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return command_failed(command, FAILURE_TEMPORARY, g_strerror(errno),
                              error);
    int failed = spawn(argv, ends[1], &command->pid);
    close(ends[1]);
    if (failed != 0) {
        close(ends[0]);
        return command_failed(command, FAILURE_CONFIG, g_strerror(failed),
                              error);
    }
    command->fd = ends[0];
    command->deadline_us =
        g_get_monotonic_time() + command->source->max_s * G_USEC_PER_SEC;
    return true;
}

/* Wait until there is something to read; false once the time is over. */
static bool
wait_readable(const Command *command)
{
    for (;;) {
        int64_t left_ms =
            (command->deadline_us - g_get_monotonic_time() + 999) / 1000;
        if (left_ms <= 0)
            return false;
        struct pollfd wanted = {command->fd, POLLIN, 0};
        int ready = poll(&wanted, 1, (int)left_ms);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
}

static bool
took_too_long(const Command *command, GError **error)
{
    g_autofree char *fault =
        g_strdup_printf("did not end within %d s", command->source->max_s);
    return command_failed(command, FAILURE_TEMPORARY, fault, error);
}

static bool
command_read(Command *command, GError **error)
{
    size_t max = command->source->max_bytes;
    while (command->length <= max) {
        if (!wait_readable(command))
            return took_too_long(command, error);
        ssize_t n = read(command->fd, command->output + command->length,
                         max + 1 - command->length);
        if (n == 0)
            return true;
        if (n > 0)
            command->length += (size_t)n;
        else if (errno != EINTR)
            return command_failed(command, FAILURE_TEMPORARY, g_strerror(errno),
                                  error);
    }
    g_autofree char *fault =
        g_strdup_printf("printed more than %zu KiB", max / 1024);
    return command_failed(command, FAILURE_CONFIG, fault, error);
}

/* Has it ended? It stays a zombie, so that its process group is still its. */
static bool
has_ended(const Command *command)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)command->pid, &info,
                  WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid == command->pid;
}

/* It closed its output, but may linger; false once the time is over. */
static bool
wait_end(const Command *command)
{
    const struct timespec pause = {0, 10 * 1000 * 1000};
    while (!has_ended(command)) {
        if (g_get_monotonic_time() >= command->deadline_us)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

static bool
command_judge(const Command *command, int status, GError **error)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (WIFSIGNALED(status)) {
        g_autofree char *fault =
            g_strdup_printf("died by signal %d", WTERMSIG(status));
        return command_failed(command, FAILURE_TEMPORARY, fault, error);
    }
    g_autofree char *fault =
        g_strdup_printf("failed with status %d; run it by hand as the "
                        "service's user",
                        WEXITSTATUS(status));
    return command_failed(command,
                          WEXITSTATUS(status) == EX_TEMPFAIL ? FAILURE_TEMPORARY
                                                             : FAILURE_CONFIG,
                          fault, error);
}

/* Whatever happened, nothing of the command is left when this returns. */
static bool
command_end(const Command *command, bool was_read, GError **error)
{
    int status = 0;
    close(command->fd);
    bool ended = was_read && wait_end(command);
    kill(-command->pid, SIGKILL);
    while (waitpid(command->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!was_read)
        return false;
    if (!ended)
        return took_too_long(command, error);
    return command_judge(command, status, error);
}

/* What follows the first line, taken off: for how many seconds it is good. */
static int64_t
take_lifetime(Command *command)
{
    char *end = memchr(command->output, '\n', command->length);
    if (end == NULL)
        return 0;
    bool is_number = g_ascii_isdigit(end[1]);
    int64_t lifetime_s = is_number ? g_ascii_strtoll(end + 1, NULL, 10) : 0;
    command->length = (size_t)(end - command->output);
    return MIN(lifetime_s, LIFETIME_MAX_S);
}

/* `ret_lifetime_s` NULL: there is no second line. */
static bool
run_command(const Source *source, char *const *argv, char **ret_secret,
            int64_t *ret_lifetime_s, GError **error)
{
    Command command = {.source = source};
    if (!command_start(argv, &command, error))
        return false;
    command.output = g_malloc0(source->max_bytes + 1);
    bool good = command_end(&command, command_read(&command, error), error);
    if (good && ret_lifetime_s != NULL)
        *ret_lifetime_s = take_lifetime(&command);
    good = good && take_secret(source, command.name, command.output,
                               command.length, ret_secret, error);
    explicit_bzero(command.output, source->max_bytes + 1);
    g_free(command.output);
    return good;
}

bool
settings_relay_password(const Relay *relay, char **ret_password, GError **error)
{
    static const Source source = {"relay.password_command", "password",
                                  SECRET_MAX_BYTES, PASSWORD_MAX_S};
    if (relay->password_file[0] != '\0')
        return read_file("relay.password_file", relay->password_file,
                         ret_password, error);
    if (relay->password_command[0] != NULL)
        return run_command(&source, relay->password_command, ret_password, NULL,
                           error);
    *ret_password = NULL;
    return true;
}

static bool
account_secret(const Account *account, char **ret_secret,
               int64_t *ret_lifetime_s, GError **error)
{
    static const Source password = {"password_command", "password",
                                    SECRET_MAX_BYTES, PASSWORD_MAX_S};
    static const Source token = {"token_command", "token", TOKEN_MAX_BYTES,
                                 TOKEN_MAX_S};
    if (account->token_command[0] != NULL)
        return run_command(&token, account->token_command, ret_secret,
                           ret_lifetime_s, error);
    if (account->password_command[0] != NULL)
        return run_command(&password, account->password_command, ret_secret,
                           NULL, error);
    return read_file("password_file", account->password_file, ret_secret,
                     error);
}

bool
settings_account_secret(const Account *account, char **ret_secret,
                        int64_t *ret_lifetime_s, GError **error)
{
    int64_t lifetime_s = 0;
    if (!account_secret(account, ret_secret, &lifetime_s, error)) {
        g_prefix_error(error, "account '%s': ", account->name);
        return false;
    }
    *ret_lifetime_s = lifetime_s;
    return true;
}
