#!/usr/bin/python3
"""Stand where systemd stands: write down what sd_notify(3) says.

usage: notify_listen.py SOCKET FILE

Each line of each datagram becomes a line of FILE. Runs until a signal comes.
"""

import socket
import sys


def main():
    """Listen, and write at once."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(sys.argv[1])
    with open(sys.argv[2], "ab", buffering=0) as file:
        while True:
            file.write(listener.recv(4096) + b"\n")


if __name__ == "__main__":
    main()
