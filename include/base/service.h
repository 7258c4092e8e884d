/*
 * The service's user, and what a process that was started as root leaves to it.
 * Root itself goes by a path only where root alone decides where that leads:
 * each folder on the way belongs to root, and nobody else may write to it. All
 * else it does as the service's user, who can then win nothing by a link, or by
 * another file in the place of one.
 *
 * An ordinary user is never anybody else, and all of this does nothing.
 */
#ifndef BASE_SERVICE_H
#define BASE_SERVICE_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * From now on `user` is the service's, with `group` as its main group ("": its
 * own). "" as `user`: root is alone. FAILURE_CONFIG if there is no such user or
 * group, if that is root, or if we cannot become it; all is as before then.
 */
bool service_set(const char *user, const char *group, GError **error);

/* Root's user id, or that of who we are, if there is no service's user. */
uid_t service_uid(void);

/*
 * The first folder on the way to `path` that somebody else than root may
 * change, the one that it is in included; g_free(). NULL: there is none. What
 * is not there yet could be made by root only.
 */
char *service_foreign_folder(const char *path);

/* Be somebody else until the enclosing block is left; errno stays then:
 * SERVICE_TURN(service_act_at(path)); */
#define SERVICE_TURN(turn) SERVICE_TURN_AT(turn, __LINE__)
#define SERVICE_TURN_AT(turn, line) SERVICE_TURN_NAMED(turn, line)
#define SERVICE_TURN_NAMED(turn, line)                                         \
    __attribute__((cleanup(service_turn_end), unused))                         \
    ServiceTurn service_turn_##line = (turn)

typedef struct {
    bool acting;
} ServiceTurn;

/* The service's user's turn. */
ServiceTurn service_act(void);

/* The same, unless there is no foreign folder on the way to `path`. */
ServiceTurn service_act_at(const char *path);

void service_turn_end(ServiceTurn *turn);

/* What `code` means, as g_strerror() says it, and as whom we met it if we are
 * the service's user just now. Good until the next call. */
const char *service_strerror(int code);

/* Be the service's user for good. */
bool service_become(GError **error);

#endif
