#!/usr/bin/python3
"""Stand where systemd stands: listen for a daemon, and start it when needed.

usage: activate.py [--name NAME] [--tcp-any] PATH PROGRAM ARGS...

Binds the UNIX socket PATH and waits for a client. Then PROGRAM gets the socket
as systemd hands it over (sd_listen_fds(3)), and once it has ended the waiting
begins again. The socket stays all the time. --tcp-any hands over a second one,
a TCP port that everybody can reach. TERM ends the program and then us, and the
exit status is the last one of the program.
"""

import argparse
import os
import select
import signal
import socket
import sys

FIRST = 3


def start(listeners, name, command):
    """The program, with its descriptors where it looks for them."""
    pid = os.fork()
    if pid:
        return pid
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    lifted = [os.dup(each.fileno()) for each in listeners]
    lifted = [fd if fd > 9 else os.dup2(fd, 20 + fd) for fd in lifted]
    for place, fd in enumerate(lifted):
        os.dup2(fd, FIRST + place, inheritable=True)
    os.environ["LISTEN_PID"] = str(os.getpid())
    os.environ["LISTEN_FDS"] = str(len(lifted))
    os.environ["LISTEN_FDNAMES"] = ":".join([name] * len(lifted))
    os.execv(command[0], command)
    return None


def main():
    """Wait, start, wait for its end; again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", default="postern.socket")
    parser.add_argument("--tcp-any", action="store_true")
    parser.add_argument("path")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(options.path)
    os.chmod(options.path, 0o666)
    listener.listen(16)
    listeners = [listener]
    if options.tcp_any:
        listeners.append(socket.create_server(("0.0.0.0", 0)))
    running = []

    def on_term(_number, _frame):
        if not running:
            sys.exit(0)
        os.kill(running[0], signal.SIGTERM)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(running[0], 0)[1]))

    signal.signal(signal.SIGTERM, on_term)
    while True:
        select.select([listener], [], [])
        running.append(start(listeners, options.name, options.command))
        status = os.waitstatus_to_exitcode(os.waitpid(running[0], 0)[1])
        running.clear()
        if status != 0:
            sys.exit(status)


if __name__ == "__main__":
    main()
