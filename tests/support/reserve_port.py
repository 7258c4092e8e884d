"""Prints a TCP port and keeps it, until it is killed.

The port is bound at the loopback addresses, and nobody listens there. The kernel
gives it to nobody else, neither to who asks for any port nor to a connection that
needs one; but a server that was told its number may listen on it, end, and listen
again, for both have SO_REUSEADDR (socket(7)). Who connects meanwhile is refused.
"""
import errno
import signal
import socket

# Those that this machine has; "localhost" may mean ::1.
ADDRESSES = ["127.0.0.1", "127.0.0.2", "::1"]


def hold(address, port):
    """A socket that keeps it; None where this machine has no such address."""
    is_ipv6 = ":" in address
    try:
        kept = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET)
        if is_ipv6:
            kept.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    except OSError:
        return None
    try:
        kept.bind((address, port))
    except OSError as error:
        kept.close()
        if address != ADDRESSES[0] and error.errno == errno.EADDRNOTAVAIL:
            return None
        raise
    # Only now: what looks for any port must not find a shared one.
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return kept


def reserve():
    while True:
        first = hold(ADDRESSES[0], 0)
        port = first.getsockname()[1]
        try:
            return port, [first] + [hold(a, port) for a in ADDRESSES[1:]]
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            first.close()


reserved, sockets = reserve()
print(reserved, flush=True)
signal.pause()
