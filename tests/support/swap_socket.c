/*
 * Loaded before posternd, it stands for somebody who may write to the folder of
 * a socket and is quick: as soon as $SWAP_SOCKET is bound, a symbolic link to
 * $SWAP_TARGET has its name.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef int (*Bind)(int fd, const struct sockaddr *address, socklen_t length);

int
bind(int fd, const struct sockaddr *address, socklen_t length)
{
    Bind real = (Bind)dlsym(RTLD_NEXT, "bind");
    const char *path = getenv("SWAP_SOCKET"), *target = getenv("SWAP_TARGET");
    int result = real(fd, address, length);
    if (result == 0 && path != NULL && address->sa_family == AF_UNIX &&
        strcmp(((const struct sockaddr_un *)address)->sun_path, path) == 0 &&
        (unlink(path) != 0 || symlink(target, path) != 0))
        perror("swap_socket");
    return result;
}
