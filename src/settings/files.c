/* What the settings name outside of themselves: files, folders, accounts. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/service.h"
#include "settings/settings.h"
#include "small_file.h"

enum { SECRET_MAX_BYTES = 4096 };

static bool
refuse(GError **error, const char *key, const char *path, const char *fault)
{
    failure_set(error, FAILURE_CONFIG, "%s: '%s' %s", key, path, fault);
    return false;
}

/* The user the daemon will be; who we are now if none is named. */
static bool
find_service(const Settings *settings, uid_t *ret_uid, GError **error)
{
    if (settings->user[0] == '\0') {
        *ret_uid = geteuid();
        return true;
    }
    const struct passwd *entry = getpwnam(settings->user);
    if (entry == NULL)
        return refuse(error, "user", settings->user,
                      "is not a user of this machine; run useradd --system");
    *ret_uid = entry->pw_uid;
    return true;
}

static bool
check_user(const char *key, const char *name, GError **error)
{
    return name[0] == '\0' || getpwnam(name) != NULL ||
           refuse(error, key, name, "is not a user of this machine");
}

static bool
check_group(const char *key, const char *name, GError **error)
{
    return name[0] == '\0' || getgrnam(name) != NULL ||
           refuse(error, key, name, "is not a group of this machine");
}

/* Asks for who we are just now, unlike access(). */
static bool
may(const char *path, int access_mode)
{
    return faccessat(AT_FDCWD, path, access_mode, AT_EACCESS) == 0;
}

static bool
check_directory(const char *key, const char *path, int access_mode,
                GError **error)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return refuse(error, key, path, service_strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return refuse(error, key, path, "is not a directory");
    if (!may(path, access_mode))
        return refuse(error, key, path,
                      (access_mode & W_OK) != 0 ? "cannot be written to by us"
                                                : "cannot be read by us");
    return true;
}

/* A file that is public, but that only its owner may change. It is the
 * service's user who will read or execute it. */
static bool
check_public_file(const char *key, const char *path, int access_mode,
                  GError **error)
{
    struct stat status;
    SERVICE_TURN(service_act());
    if (stat(path, &status) != 0)
        return refuse(error, key, path, service_strerror(errno));
    if (!S_ISREG(status.st_mode))
        return refuse(error, key, path, "is not a regular file");
    if ((status.st_mode & S_IWOTH) != 0)
        return refuse(error, key, path,
                      "can be changed by every user; run chmod o-w");
    if (!may(path, access_mode))
        return refuse(error, key, path,
                      access_mode == X_OK ? "cannot be executed by us"
                                          : "cannot be read by us");
    return true;
}

static bool
check_secret_file(const char *key, const char *path, uid_t service,
                  GError **error)
{
    g_auto(SmallFile) file = {0};
    if (small_file_read(path, SECRET_MAX_BYTES, &file, error) &&
        small_file_judge(path, file.owner, file.mode, service, error))
        return true;
    g_prefix_error(error, "%s: ", key);
    return false;
}

static bool
check_program(const char *key, GStrv argv, GError **error)
{
    return argv[0] == NULL || check_public_file(key, argv[0], X_OK, error);
}

static bool
check_relay(const Relay *relay, uid_t service, GError **error)
{
    if (relay->ca_file[0] != '\0' &&
        !check_public_file("relay.ca_file", relay->ca_file, R_OK, error))
        return false;
    if (relay->password_file[0] != '\0' &&
        !check_secret_file("relay.password_file", relay->password_file, service,
                           error))
        return false;
    return check_program("relay.password_command", relay->password_command,
                         error);
}

static bool
check_account(const Account *account, uid_t service, GError **error)
{
    bool good =
        (account->ca_file[0] == '\0' ||
         check_public_file("ca_file", account->ca_file, R_OK, error)) &&
        (account->password_file[0] == '\0' ||
         check_secret_file("password_file", account->password_file, service,
                           error)) &&
        check_program("password_command", account->password_command, error) &&
        check_program("token_command", account->token_command, error);
    if (!good)
        g_prefix_error(error, "account '%s': ", account->name);
    return good;
}

static bool
check_accounts(const GPtrArray *accounts, uid_t service, GError **error)
{
    for (guint i = 0; i < accounts->len; i++)
        if (!check_account(accounts->pdata[i], service, error))
            return false;
    return true;
}

static bool
check_listeners(const GPtrArray *listeners, GError **error)
{
    for (guint i = 0; i < listeners->len; i++) {
        const Listener *listener = listeners->pdata[i];
        if (!check_user("listeners.owner", listener->owner, error) ||
            !check_group("listeners.group", listener->group, error))
            return false;
    }
    return true;
}

/* Workers write there, never root. */
static bool
check_spool(const Settings *settings, GError **error)
{
    SERVICE_TURN(service_act());
    return check_directory("spool_directory", settings->spool_directory,
                           W_OK | X_OK, error);
}

static bool
check_template_sets(const Settings *settings, GError **error)
{
    SERVICE_TURN(service_act());
    if (!check_directory("template_directory", settings->template_directory,
                         R_OK | X_OK, error))
        return false;
    for (guint i = 0; i < settings->queues->len; i++) {
        const Queue *queue = settings->queues->pdata[i];
        if (queue->templates[0] == '\0')
            continue;
        g_autofree char *path = g_build_filename(settings->template_directory,
                                                 queue->templates, NULL);
        if (!check_directory("queues.templates", path, R_OK | X_OK, error))
            return false;
    }
    return true;
}

/* It may be made later; it must have a place. */
static bool
check_log_file(const Settings *settings, GError **error)
{
    if (*settings->log_file == '\0')
        return true;
    SERVICE_TURN(service_act_at(settings->log_file));
    g_autofree char *directory = g_path_get_dirname(settings->log_file);
    if (!g_file_test(settings->log_file, G_FILE_TEST_EXISTS))
        return check_directory("log_file", directory, W_OK | X_OK, error);
    if (g_file_test(settings->log_file, G_FILE_TEST_IS_SYMLINK) ||
        !g_file_test(settings->log_file, G_FILE_TEST_IS_REGULAR))
        return refuse(error, "log_file", settings->log_file,
                      "is not a regular file");
    if (!may(settings->log_file, W_OK))
        return refuse(error, "log_file", settings->log_file,
                      "cannot be written to by us");
    return true;
}

/* Root does what stands there, as whom it says: then nobody else may have
 * written it. */
static bool
check_settings_file(const Settings *settings, uid_t service, GError **error)
{
    bool as_root = geteuid() == 0 && settings->user[0] != '\0';
    if (!small_file_judge(settings->file, settings->file_owner,
                          settings->file_mode, as_root ? 0 : service, error))
        return false;
    g_autofree char *foreign =
        as_root ? service_foreign_folder(settings->file) : NULL;
    if (foreign == NULL)
        return true;
    failure_set(error, FAILURE_CONFIG,
                "%s: others than root can replace it, in %s; root takes its "
                "settings from folders that are root's alone: move it, or run "
                "chown root %s; chmod go-w %s",
                settings->file, foreign, foreign, foreign);
    return false;
}

bool
settings_check_files(const Settings *settings, GError **error)
{
    uid_t service = 0;
    return find_service(settings, &service, error) &&
           check_settings_file(settings, service, error) &&
           check_group("group", settings->group, error) &&
           check_listeners(settings->listeners, error) &&
           check_spool(settings, error) && check_log_file(settings, error) &&
           check_template_sets(settings, error) &&
           check_accounts(settings->accounts, service, error) &&
           check_relay(&settings->relay, service, error);
}
