#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/service.h"
#include "base/text.h"

enum { SCOPE_MAX = 16, VALUE_MAX_BYTES = 512, LINE_MAX_BYTES = 4096 };

static const struct {
    const char *word;
    LogLevel level;
} levels[] = {
    {"error", LOG_LEVEL_ERROR},   {"warning", LOG_LEVEL_WARNING},
    {"notice", LOG_LEVEL_NOTICE}, {"info", LOG_LEVEL_INFO},
    {"debug", LOG_LEVEL_DEBUG},
};

static LogLevel least_important = LOG_LEVEL_INFO;
static bool is_stamped;
static const char *worker_name;
static LogField scope[SCOPE_MAX];
static int scope_depth;

LogField
kv(const char *key, const char *value)
{
    return (LogField){key, value != NULL ? value : "-", 0};
}

LogField
kv_int(const char *key, int64_t number)
{
    return (LogField){key, NULL, number};
}

LogField
event(const char *name)
{
    return kv("event", name);
}

static const char *
level_word(LogLevel level)
{
    for (size_t i = 0; i < G_N_ELEMENTS(levels); i++)
        if (levels[i].level == level)
            return levels[i].word;
    return "-";
}

static bool
is_plain(const char *value)
{
    if (*value == '\0')
        return false;
    for (const unsigned char *p = (const unsigned char *)value; *p != '\0'; p++)
        if (*p <= ' ' || *p == '"' || *p == '\\' || *p == '=' || *p >= 0x7F)
            return false;
    return true;
}

/* GLib takes U+2028 and U+2029, which some viewers break lines at, for
 * printable. */
static bool
is_shown(gunichar c)
{
    return g_unichar_isprint(c) && c != 0x2028 && c != 0x2029;
}

static void
append_quoted(GString *line, const char *value)
{
    g_autofree char *valid = text_repair(value, strlen(value));
    size_t length = text_cut_bytes(valid, VALUE_MAX_BYTES);
    g_string_append_c(line, '"');
    const char *end = valid + length;
    for (const char *p = valid; p < end; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (c == '"' || c == '\\')
            g_string_append_printf(line, "\\%c", (char)c);
        else if (c == '\n')
            g_string_append(line, "\\n");
        else if (is_shown(c))
            g_string_append_unichar(line, c);
        else
            g_string_append_printf(line, "\\u%04x", c);
    }
    g_string_append(line, valid[length] != '\0' ? "…\"" : "\"");
}

static void
append_field(GString *line, const LogField *field)
{
    g_string_append_printf(line, "%s=", field->key);
    if (field->value == NULL)
        g_string_append_printf(line, "%" G_GINT64_FORMAT, field->number);
    else if (is_plain(field->value) && strlen(field->value) <= VALUE_MAX_BYTES)
        g_string_append(line, field->value);
    else
        append_quoted(line, field->value);
}

static void
append_next(GString *line, const LogField *field)
{
    g_string_append_c(line, ' ');
    append_field(line, field);
}

/* One write(2) a line, so that lines of several processes never mix. */
static void
write_line(GString *line)
{
    if (line->len > LINE_MAX_BYTES)
        g_string_truncate(line, text_cut_bytes(line->str, LINE_MAX_BYTES));
    g_string_append_c(line, '\n');
    ssize_t written = write(STDERR_FILENO, line->str, line->len);
    (void)written; /* there is nobody left to tell */
}

/* "<6>", or "2026-11-21T10:00:00.123Z info " where nobody else notes it. */
static void
append_beginning(GString *line, LogLevel level)
{
    struct timespec now;
    struct tm utc;
    char seconds[32];
    if (!is_stamped) {
        g_string_append_printf(line, "<%d>", (int)level);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc);
    g_string_append_printf(line, "%s.%03dZ %s ", seconds,
                           (int)(now.tv_nsec / 1000000), level_word(level));
}

void
log_write(LogLevel level, const LogField *fields)
{
    if (level > least_important)
        return;
    g_autoptr(GString) line = g_string_sized_new(256);
    append_beginning(line, level);
    append_field(line, &fields[0]);
    if (worker_name != NULL)
        append_next(line, &(const LogField){"worker", worker_name, 0});
    for (int i = 0; i < scope_depth && i < SCOPE_MAX; i++)
        append_next(line, &scope[i]);
    for (const LogField *field = fields + 1; field->key != NULL; field++)
        append_next(line, field);
    write_line(line);
}

void
log_set_level(LogLevel level)
{
    least_important = level;
}

bool
log_level_parse(const char *word, LogLevel *ret_level)
{
    for (size_t i = 0; i < G_N_ELEMENTS(levels); i++) {
        if (strcmp(levels[i].word, word) == 0) {
            *ret_level = levels[i].level;
            return true;
        }
    }
    return false;
}

void
log_set_stamped(bool stamped)
{
    is_stamped = stamped;
}

/* A regular file, and not where a link leads: who may write to the folder of
 * the log is not to choose a file of root's for us, nor to have us wait. */
static int
open_file(const char *path)
{
    struct stat status;
    SERVICE_TURN(service_act_at(path));
    int fd = open(path,
                  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY |
                      O_NOFOLLOW | O_NONBLOCK,
                  0640);
    if (fd < 0 || (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

bool
log_redirect(const char *path)
{
    static int first = -1; /* what standard error was */
    if (first < 0)
        first = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (first < 0)
        return false;
    if (path == NULL)
        return dup2(first, STDERR_FILENO) == STDERR_FILENO;
    int fd = open_file(path);
    if (fd < 0)
        return false;
    bool good = dup2(fd, STDERR_FILENO) == STDERR_FILENO;
    int why = errno;
    close(fd);
    errno = why;
    return good;
}

/* GLib's warnings and criticals come out as our lines. */
static GLogWriterOutput
write_glib(GLogLevelFlags flags, const GLogField *fields, gsize n_fields,
           gpointer data)
{
    (void)data;
    const char *message = "", *domain = "-";
    for (gsize i = 0; i < n_fields; i++) {
        if (strcmp(fields[i].key, "MESSAGE") == 0)
            message = fields[i].value;
        else if (strcmp(fields[i].key, "GLIB_DOMAIN") == 0)
            domain = fields[i].value;
    }
    LogLevel level = LOG_LEVEL_DEBUG;
    if (flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
        level = LOG_LEVEL_ERROR;
    else if (flags & G_LOG_LEVEL_WARNING)
        level = LOG_LEVEL_WARNING;
    LOG_AT(level, event("library.warning"), kv("library", domain),
           kv("message", message));
    return G_LOG_WRITER_HANDLED;
}

void
log_open(const char *name)
{
    worker_name = name;
    g_log_set_writer_func(write_glib, NULL, NULL);
}

int
log_scope_enter(LogField field)
{
    if (scope_depth < SCOPE_MAX)
        scope[scope_depth] = field;
    return scope_depth++;
}

void
log_scope_leave(int *depth)
{
    scope_depth = *depth;
}
