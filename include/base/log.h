/*
 * One event a line: "<6>event=mail.decided delivery=... verdict=accept".
 * Only gateway, daemon and cli log; the rooms below return values.
 *
 *     LOG_SCOPE(kv("delivery", delivery->key));
 *     log_info(event("mail.decided"), kv("verdict", verdict));
 *
 * Values are quoted where needed, escaped and cut: they may come from
 * strangers. Passwords and bodies never go here.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* The severities of syslog(3) that we use, with their numbers. */
typedef enum {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_NOTICE = 5,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
} LogLevel;

/* One key=value pair; `value` is borrowed for the call or the scope. */
typedef struct {
    const char *key;
    const char *value; /* NULL: the number counts */
    int64_t number;
} LogField;

/* A text field; a NULL value is shown as "-". */
LogField kv(const char *key, const char *value);
LogField kv_int(const char *key, int64_t number);

/* First field of every line: noun.verb. */
LogField event(const char *name);

#define log_error(...) LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) LOG_AT(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) LOG_AT(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__)

#define LOG_AT(level, ...)                                                     \
    log_write((level), (const LogField[]){__VA_ARGS__, {NULL, NULL, 0}})

/*
 * Let standard error, of this process and of those it starts from now on, be
 * the end of `path`; called again, it opens that anew: after a rotation. NULL:
 * what standard error was at first. Only a regular file will do, and no symbolic
 * link. False with errno: all is as before.
 */
bool log_redirect(const char *path);

/* In a file each line begins with its time (UTC), and not with the priority
 * that systemd-journald(8) understands. */
void log_set_stamped(bool stamped);

/* Write one line to standard error; `fields` ends with a NULL key. */
void log_write(LogLevel level, const LogField *fields);

/* Lines less important than `level` are not written; default LOG_LEVEL_INFO. */
void log_set_level(LogLevel level);

/* "error" ... "debug" to a level; false and untouched for any other word. */
bool log_level_parse(const char *word, LogLevel *ret_level);

/*
 * Who writes: a field "worker=NAME" on every line of this process. `name` must
 * live as long as the process. Also routes GLib's own warnings here.
 */
void log_open(const char *name);

/* A field that all lines carry until the enclosing block is left. */
#define LOG_SCOPE(field) LOG_SCOPE_AT(field, __LINE__)
#define LOG_SCOPE_AT(field, line) LOG_SCOPE_NAMED(field, line)
#define LOG_SCOPE_NAMED(field, line)                                           \
    __attribute__((cleanup(log_scope_leave), unused)) int log_scope_##line =   \
        log_scope_enter(field)

int log_scope_enter(LogField field);
void log_scope_leave(int *depth);

#endif
