/* Who is at the other end of a connection on this machine. */
#ifndef TRANSPORT_LMTP_PEER_H
#define TRANSPORT_LMTP_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * The user whose process has connected `fd`: of a UNIX socket what the kernel
 * noted (SO_PEERCRED, unix(7)), of a TCP connection over loopback what stands
 * in the kernel's table of connections (/proc/self/net/tcp, proc(5); /proc/net
 * is not there with ProcSubset=pid). Returns: false if it is not known; the
 * client may have gone already.
 */
bool lmtp_peer_user(int fd, uid_t *ret_uid);

#endif
