#include "notify.h"

#include <glib.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/service.h"

void
notify_send(const char *state)
{
    const char *path = g_getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (path == NULL || (*path != '/' && *path != '@') ||
        strlen(path) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (*path == '@')
        to.sun_path[0] = '\0'; /* an abstract name */
    socklen_t length =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    SERVICE_TURN(*path == '/' ? service_act_at(path) : (ServiceTurn){false});
    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
           length);
    close(fd);
}

void
notify_reloading(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_us =
        (int64_t)now.tv_sec * G_USEC_PER_SEC + (int64_t)now.tv_nsec / 1000;
    g_autofree char *state = g_strdup_printf(
        "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, now_us);
    notify_send(state);
}

int64_t
notify_watchdog_us(void)
{
    const char *interval = g_getenv("WATCHDOG_USEC");
    const char *whom = g_getenv("WATCHDOG_PID");
    if (interval == NULL ||
        (whom != NULL && g_ascii_strtoll(whom, NULL, 10) != getpid()))
        return 0;
    return g_ascii_strtoll(interval, NULL, 10) / 2;
}
