#include "base/service.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"

enum { GROUPS_MAX = 1024, LINKS_MAX = 40 };

/* A user with all that it takes to be it. */
typedef struct {
    char *name;
    char *home;
    uid_t uid;
    gid_t gid;
    int n_groups;
    gid_t groups[GROUPS_MAX];
} User;

static User *service; /* NULL: there is none, or we are no root */

/* What root had before its turn. */
static struct {
    gid_t gid;
    int n_groups;
    gid_t groups[GROUPS_MAX];
    bool left_groups;
    int death_signal; /* the kernel forgets it with another user */
} root;

/* ---- who it is ---- */

static void
user_free(User *user)
{
    if (user == NULL)
        return;
    g_free(user->name);
    g_free(user->home);
    g_free(user);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(User, user_free)

static bool
find_group(const char *name, gid_t *ret_gid, GError **error)
{
    const struct group *group = getgrnam(name);
    if (group == NULL) {
        failure_set(error, FAILURE_CONFIG, "group '%s' does not exist", name);
        return false;
    }
    *ret_gid = group->gr_gid;
    return true;
}

static User *
find_user(const char *name, const char *group, GError **error)
{
    const struct passwd *entry = getpwnam(name);
    if (entry == NULL) {
        failure_set(error, FAILURE_CONFIG,
                    "user '%s' does not exist; run useradd --system %s", name,
                    name);
        return NULL;
    }
    if (entry->pw_uid == 0) {
        failure_set(error, FAILURE_CONFIG,
                    "user '%s' is root; name another one", name);
        return NULL;
    }
    g_autoptr(User) user = g_new0(User, 1);
    user->name = g_strdup(name);
    user->home = g_strdup(entry->pw_dir);
    user->uid = entry->pw_uid;
    user->gid = entry->pw_gid;
    if (*group != '\0' && !find_group(group, &user->gid, error))
        return NULL;
    user->n_groups = GROUPS_MAX;
    if (getgrouplist(name, user->gid, user->groups, &user->n_groups) < 0) {
        failure_set(error, FAILURE_CONFIG, "user '%s' is in too many groups",
                    name);
        return NULL;
    }
    return g_steal_pointer(&user);
}

/* ---- a turn ---- */

/* The user last: it may not change the groups. */
static bool
enter(const User *user)
{
    root.gid = getegid();
    root.n_groups = getgroups(GROUPS_MAX, root.groups);
    prctl(PR_GET_PDEATHSIG, &root.death_signal);
    root.left_groups = root.n_groups >= 0 &&
                       setgroups((size_t)user->n_groups, user->groups) == 0;
    return root.left_groups && setegid(user->gid) == 0 &&
           seteuid(user->uid) == 0;
}

/* Also half of the way, where nothing may be called that we may not. Who cannot
 * be root again must not go on as if it were. */
static void
leave(void)
{
    if ((geteuid() != 0 && seteuid(0) != 0) ||
        (getegid() != root.gid && setegid(root.gid) != 0) ||
        (root.left_groups &&
         setgroups((size_t)root.n_groups, root.groups) != 0))
        g_error("cannot be root again: %s", g_strerror(errno));
    prctl(PR_SET_PDEATHSIG, root.death_signal);
}

ServiceTurn
service_act(void)
{
    if (service == NULL || geteuid() != 0)
        return (ServiceTurn){false};
    if (!enter(service))
        g_error("cannot be user '%s': %s", service->name, g_strerror(errno));
    return (ServiceTurn){true};
}

void
service_turn_end(ServiceTurn *turn)
{
    int why = errno;
    if (turn->acting)
        leave();
    turn->acting = false;
    errno = why;
}

bool
service_set(const char *user, const char *group, GError **error)
{
    g_autoptr(User) found = NULL;
    if (geteuid() != 0)
        return true;
    if (*user != '\0') {
        found = find_user(user, group, error);
        if (found == NULL)
            return false;
        bool can = enter(found);
        int why = errno;
        leave();
        if (!can) {
            failure_set(error, FAILURE_CONFIG, "cannot become user '%s': %s",
                        user, g_strerror(why));
            return false;
        }
    }
    user_free(service);
    service = g_steal_pointer(&found);
    return true;
}

uid_t
service_uid(void)
{
    return service != NULL ? service->uid : geteuid();
}

const char *
service_strerror(int code)
{
    static char text[256];
    if (service == NULL || geteuid() == 0)
        return g_strerror(code);
    g_snprintf(text, sizeof text, "%s (as user '%s')", g_strerror(code),
               service->name);
    return text;
}

bool
service_become(GError **error)
{
    const User *user = service;
    if (user == NULL)
        return true;
    g_setenv("HOME", user->home, TRUE); /* libpq looks for files there */
    if (setgroups((size_t)user->n_groups, user->groups) == 0 &&
        setresgid(user->gid, user->gid, user->gid) == 0 &&
        setresuid(user->uid, user->uid, user->uid) == 0 && setuid(0) != 0) {
        g_clear_pointer(&service, user_free);
        return true;
    }
    failure_set(error, FAILURE_CONFIG, "cannot become user '%s': %s",
                user->name, g_strerror(errno));
    return false;
}

/* ---- whose folders ---- */

/* A walk along a path, as the kernel would go it: step by step, each from the
 * folder that the last one led to. */
typedef struct {
    int fd;     /* O_PATH: where it stands */
    char *left; /* of the path */
    int links;  /* followed so far */
    bool ended; /* the rest is not there */
} Walk;

/* In a folder with the sticky bit others can make entries, but cannot replace
 * one of root's: good enough to go through, not to look for anything in. */
static bool
is_roots(int fd, bool going_through)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_uid != 0)
        return false;
    return (status.st_mode & (S_IWGRP | S_IWOTH)) == 0 ||
           (going_through && (status.st_mode & S_ISVTX) != 0);
}

static void
stand_at(Walk *walk, int fd)
{
    if (walk->fd >= 0)
        close(walk->fd);
    walk->fd = fd;
}

/* Takes the next component off the path; NULL: there is none. */
static char *
next_name(Walk *walk)
{
    const char *begin = walk->left + strspn(walk->left, "/");
    size_t length = strcspn(begin, "/");
    if (length == 0)
        return NULL;
    char *name = g_strndup(begin, length);
    char *rest = g_strdup(begin + length);
    g_free(walk->left);
    walk->left = rest;
    return name;
}

/* False: it is not root's, or leads round in circles. */
static bool
follow(Walk *walk, int link)
{
    struct stat status;
    char target[PATH_MAX];
    ssize_t length = readlinkat(link, "", target, sizeof target - 1);
    if (length <= 0 || fstat(link, &status) != 0 || status.st_uid != 0 ||
        walk->links++ == LINKS_MAX)
        return false;
    target[length] = '\0';
    if (*target == '/')
        stand_at(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    char *left = g_strconcat(target, "/", walk->left, NULL);
    g_free(walk->left);
    walk->left = left;
    return true;
}

/* One step further; false where root is not alone. */
static bool
step(Walk *walk, const char *name)
{
    struct stat status;
    if (!is_roots(walk->fd, true))
        return false;
    int fd = openat(walk->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        walk->ended = errno == ENOENT;
        return walk->ended;
    }
    if (fstat(fd, &status) == 0 && S_ISLNK(status.st_mode)) {
        bool good = follow(walk, fd);
        close(fd);
        return good;
    }
    stand_at(walk, fd);
    return true;
}

static char *
name_of_place(const Walk *walk, const char *path)
{
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", walk->fd);
    char *name = g_file_read_link(link, NULL);
    return name != NULL ? name : g_path_get_dirname(path);
}

static char *
absolute(const char *path)
{
    if (g_path_is_absolute(path))
        return g_strdup(path);
    g_autofree char *here = g_get_current_dir();
    return g_build_filename(here, path, NULL);
}

char *
service_foreign_folder(const char *path)
{
    g_autofree char *whole = absolute(path);
    Walk walk = {.fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC),
                 .left = g_path_get_dirname(whole)};
    bool good = true;
    while (good && !walk.ended) {
        g_autofree char *name = next_name(&walk);
        if (name == NULL)
            break;
        good = step(&walk, name);
    }
    char *foreign =
        good && is_roots(walk.fd, false) ? NULL : name_of_place(&walk, path);
    if (walk.fd >= 0)
        close(walk.fd);
    g_free(walk.left);
    return foreign;
}

ServiceTurn
service_act_at(const char *path)
{
    if (service == NULL || geteuid() != 0)
        return (ServiceTurn){false};
    g_autofree char *foreign = service_foreign_folder(path);
    return foreign != NULL ? service_act() : (ServiceTurn){false};
}
