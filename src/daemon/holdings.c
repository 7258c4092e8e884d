#include "holdings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/service.h"
#include "doorbell.h"
#include "inherited.h"
#include "sealed.h"
#include "transport/http_server.h"
#include "transport/lmtp_server.h"

static bool
make_run_directory(const char *directory, GError **error)
{
    /* Others must reach the socket and the status page in it. */
    SERVICE_TURN(service_act_at(directory));
    if (g_file_test(directory, G_FILE_TEST_IS_DIR) ||
        (g_mkdir_with_parents(directory, 0755) == 0 &&
         chmod(directory, 0755) == 0))
        return true;
    failure_set(error, FAILURE_CONFIG, "run_directory: cannot create %s: %s",
                directory, service_strerror(errno));
    return false;
}

/* A file with another name as well could be any. */
static bool
is_lock(int fd)
{
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_nlink == 1)
        return true;
    errno = EINVAL;
    return false;
}

static int
open_lock(const char *path, GError **error)
{
    SERVICE_TURN(service_act_at(path));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                  0600);
    /* Nobody else may open it: whoever can, can hold the lock. */
    if (fd >= 0 && is_lock(fd) && fchmod(fd, 0600) == 0)
        return fd;
    failure_set(error, FAILURE_CONFIG,
                "run_directory: cannot open %s: %s; if no posternd runs there, "
                "remove it",
                path, service_strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool
take_lock(Holdings *holdings, const char *directory, GError **error)
{
    g_autofree char *path = g_build_filename(directory, "lock", NULL);
    int fd = open_lock(path, error);
    if (fd < 0)
        return false;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        failure_set(error, FAILURE_TEMPORARY,
                    "another posternd runs in %s; a run directory is for one "
                    "daemon",
                    directory);
        close(fd);
        return false;
    }
    holdings->lock = fd;
    /* For who looks; what counts is the lock. */
    if (ftruncate(fd, 0) != 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
        log_warning(event("lock.not-written"), kv("reason", g_strerror(errno)));
    return true;
}

static bool
hang_bells(Holdings *holdings, GError **error)
{
    holdings->bell_processor = doorbell_new();
    holdings->bell_sender = doorbell_new();
    if (holdings->bell_processor >= 0 && holdings->bell_sender >= 0)
        return true;
    failure_set(error, FAILURE_TEMPORARY, "no descriptors left: %s",
                g_strerror(errno));
    return false;
}

/* The service's user owns what the settings name no owner for. */
static Listener
with_owner(const Listener *listener, const Settings *settings)
{
    Listener owned = *listener;
    if (geteuid() == 0 && *owned.owner == '\0')
        owned.owner = settings->user;
    if (geteuid() == 0 && *owned.group == '\0')
        owned.group = settings->group;
    return owned;
}

/* The one that listens there already; it is taken out of `inherited`. -1: none
 * does. */
static int
find_inherited(GPtrArray *inherited, const char *where)
{
    for (guint i = 0; i < inherited->len; i++) {
        const InheritedSocket *socket = inherited->pdata[i];
        if (strcmp(socket->where, where) != 0)
            continue;
        int fd = socket->fd;
        g_ptr_array_remove_index(inherited, i);
        return fd;
    }
    return -1;
}

static bool
listen_one(Holdings *holdings, const Listener *listener, GPtrArray *inherited,
           GError **error)
{
    g_autofree char *where = inherited_where(listener);
    int fd = find_inherited(inherited, where);
    bool ours = fd < 0;
    if (ours)
        fd = lmtp_server_listen(listener, error);
    if (fd < 0)
        return false;
    g_array_append_val(holdings->listeners, fd);
    if (ours && *listener->socket != '\0')
        g_ptr_array_add(holdings->sockets, g_strdup(where));
    log_notice(event("lmtp.listening"), kv("at", where),
               kv("bound_by", ours ? "us" : "service manager"));
    return true;
}

/* The settings' listeners, and what a service manager listens on beside them.
 */
static bool
listen_all(Holdings *holdings, const Settings *settings, GError **error)
{
    g_autoptr(GPtrArray) inherited = inherited_take(error);
    if (inherited == NULL)
        return false;
    for (guint i = 0; i < settings->listeners->len; i++) {
        const Listener listener =
            with_owner(settings->listeners->pdata[i], settings);
        if (!listen_one(holdings, &listener, inherited, error))
            return false;
    }
    for (guint i = 0; i < inherited->len; i++) {
        const InheritedSocket *socket = inherited->pdata[i];
        g_array_append_val(holdings->listeners, socket->fd);
        log_notice(event("lmtp.listening"), kv("at", socket->where),
                   kv("bound_by", socket->name));
    }
    return true;
}

static bool
listen_metrics(Holdings *holdings, const MetricsSettings *settings,
               GError **error)
{
    if (*settings->host == '\0')
        return true;
    holdings->metrics =
        http_server_listen(settings->host, settings->port, error);
    if (holdings->metrics < 0)
        return false;
    log_notice(event("metrics.listening"), kv("host", settings->host),
               kv_int("port", settings->port));
    return true;
}

/* A file without a name that holds it; `password` is freed. -1 on error. */
static int
put_away(char *password, GError **error)
{
    int fd = sealed_new("password", password,
                        password != NULL ? strlen(password) : 0);
    int why = errno;
    settings_secret_free(password);
    if (fd < 0)
        failure_set(error, FAILURE_TEMPORARY, "cannot hold the password: %s",
                    g_strerror(why));
    return fd;
}

/* Workers load what was checked, not what somebody is editing or has put in its
 * place. -1 on error. */
static int
put_down(const Settings *settings, GError **error)
{
    int fd = sealed_new("settings", settings->text, settings->text_bytes);
    if (fd < 0)
        failure_set(error, FAILURE_TEMPORARY, "cannot hold the settings: %s",
                    g_strerror(errno));
    return fd;
}

static int
duplicate(int fd, GError **error)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        failure_set(error, FAILURE_TEMPORARY, "cannot hold the password: %s",
                    g_strerror(errno));
    return own;
}

/* -1 on error. */
static int
fetch_password(const Settings *settings, GError **error)
{
    char *password = NULL;
    return settings_relay_password(&settings->relay, &password, error)
               ? put_away(password, error)
               : -1;
}

static void
close_all(const GArray *fds)
{
    for (guint i = 0; i < fds->len; i++)
        if (g_array_index(fds, int, i) >= 0)
            close(g_array_index(fds, int, i));
}

/* One for each folder of the account, though they are the same: each worker is
 * handed its own. -1: there is a token_command. */
static bool
fetch_account(GArray *fds, const Account *account, GError **error)
{
    char *password = NULL;
    int64_t lifetime_s;
    for (guint i = 0; i < account->folders->len; i++) {
        int fd = -1;
        if (account->login == LOGIN_PASSWORD && i == 0)
            fd = settings_account_secret(account, &password, &lifetime_s, error)
                     ? put_away(password, error)
                     : -1;
        else if (account->login == LOGIN_PASSWORD)
            fd = duplicate(g_array_index(fds, int, fds->len - 1), error);
        if (account->login == LOGIN_PASSWORD && fd < 0)
            return false;
        g_array_append_val(fds, fd);
    }
    return true;
}

/* NULL on error. */
static GArray *
fetch_accounts(const Settings *settings, GError **error)
{
    GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));
    for (guint i = 0; i < settings->accounts->len; i++)
        if (!fetch_account(fds, settings->accounts->pdata[i], error)) {
            close_all(fds);
            g_array_unref(fds);
            return NULL;
        }
    return fds;
}

/* In the place of `old`, if there is one: the pool knows it by that number. */
static int
replace(int old, int fresh)
{
    if (old < 0)
        return fresh;
    dup3(fresh, old, O_CLOEXEC);
    close(fresh);
    return old;
}

/* The array of accounts is the same, too. */
static void
hold_accounts(Holdings *holdings, const GArray *accounts)
{
    close_all(holdings->accounts);
    g_array_set_size(holdings->accounts, 0);
    g_array_append_vals(holdings->accounts, accounts->data, accounts->len);
}

/* First all that can fail: a worker that starts afterwards must never have one
 * server's password with another server's name. */
bool
holdings_renew(Holdings *holdings, const Settings *settings, GError **error)
{
    int copy = put_down(settings, error);
    int password = copy >= 0 ? fetch_password(settings, error) : -1;
    g_autoptr(GArray) accounts =
        password >= 0 ? fetch_accounts(settings, error) : NULL;
    if (accounts != NULL) {
        holdings->settings = replace(holdings->settings, copy);
        holdings->password = replace(holdings->password, password);
        hold_accounts(holdings, accounts);
        return true;
    }
    if (password >= 0)
        close(password);
    if (copy >= 0)
        close(copy);
    return false;
}

bool
holdings_take(Holdings *holdings, const Settings *settings, GError **error)
{
    const char *directory = settings->run_directory;
    *holdings = (Holdings){.lock = -1,
                           .settings = -1,
                           .password = -1,
                           .page_fd = -1,
                           .metrics = -1};
    holdings->accounts = g_array_new(FALSE, FALSE, sizeof(int));
    holdings->listeners = g_array_new(FALSE, FALSE, sizeof(int));
    holdings->sockets = g_ptr_array_new_with_free_func(g_free);
    if (!make_run_directory(directory, error) ||
        !take_lock(holdings, directory, error))
        return false;
    holdings->page = status_page_create(directory, &holdings->page_fd, error);
    return holdings->page != NULL && hang_bells(holdings, error) &&
           holdings_renew(holdings, settings, error) &&
           listen_all(holdings, settings, error) &&
           listen_metrics(holdings, &settings->metrics, error);
}

void
holdings_drop(Holdings *holdings)
{
    if (holdings->sockets == NULL) /* nothing was taken */
        return;
    for (guint i = 0; i < holdings->sockets->len; i++)
        lmtp_server_remove(holdings->sockets->pdata[i]);
    /* The run directory may stay: no other process is taken for us then. */
    if (holdings->page != NULL)
        holdings->page->supervisor = 0;
    g_ptr_array_unref(holdings->sockets);
    g_array_unref(holdings->accounts);
    g_array_unref(holdings->listeners);
    /* The lock goes last, with the process. */
}
