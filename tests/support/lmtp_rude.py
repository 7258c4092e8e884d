#!/usr/bin/python3
"""LMTP clients that nobody wants.

usage: lmtp_rude.py SOCKET half FILE      leave in the middle of the content
       lmtp_rude.py SOCKET unread FILE    leave behind the dot, unread what is
                                          answered
       lmtp_rude.py SOCKET deaf FILE      the same again and again, with replies
                                          under way, and by RST where there is one
       lmtp_rude.py SOCKET drip N STOP    N connections at once, each of which
                                          says a byte and no more, until there is
                                          a file STOP
       lmtp_rude.py SOCKET insist N STOP  the same, but each comes back at once
                                          when it is sent away
       lmtp_rude.py SOCKET nonsense       what no client says: 64 kB in a line, a
                                          NUL, 10,000 recipients, garbage behind
                                          DATA, replies never read

Mails are from rude@customers.test to support@desk.test. `nonsense` prints what
was answered, the first 60 bytes a line; drip and insist how many were sent away,
a line whenever they are more.
"""

import os
import re
import select
import socket
import sys
import time

ENVELOPE = (b"LHLO rude.test\r\nMAIL FROM:<rude@customers.test>\r\n"
            b"RCPT TO:<support@desk.test>\r\nDATA\r\n")


def connect(path):
    """One more client."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(20)
    sock.connect(path)
    return sock


def read_until(sock, mark):
    """What the server says, up to `mark` or the end."""
    said = b""
    while mark not in said:
        piece = sock.recv(65536)
        if not piece:
            break
        said += piece
    return said


def content_of(file):
    """As it stands on the wire, without the last dot."""
    with open(file, "rb") as mail:
        return re.sub(rb"(?m)^\.", b"..", mail.read().replace(b"\n", b"\r\n"))


def half(path, file):
    """The server sees an end of input and nothing else."""
    content = content_of(file)
    sock = connect(path)
    sock.sendall(ENVELOPE)
    read_until(sock, b"354 ")
    sock.sendall(content[:len(content) // 2])
    sock.close()


def unread(path, file):
    """It has handed over and does not know."""
    sock = connect(path)
    sock.sendall(ENVELOPE)
    read_until(sock, b"354 ")
    sock.sendall(content_of(file) + b".\r\n")
    sock.close()


def deaf(path, file):
    """Whoever writes to us meets a closed door."""
    for _ in range(50):
        sock = connect(path)
        sock.sendall(ENVELOPE + content_of(file) + b".\r\n" + b"NOOP\r\n" * 50)
        sock.close()
        sock = connect(path)
        sock.shutdown(socket.SHUT_RD)
        sock.sendall(b"LHLO x\r\n" + b"NOOP\r\n" * 20)
        sock.close()


def drip(path, number, stop, come_back=False):
    """A byte from each, and whoever is sent away is counted."""
    waiting = []
    sent_away = 0
    while not os.path.exists(stop):
        while len(waiting) + (0 if come_back else sent_away) < int(number):
            sock = socket.socket(socket.AF_UNIX)
            sock.setblocking(False)
            try:
                sock.connect(path)
                sock.send(b"L")
            except OSError:
                sock.close()
                break
            waiting.append(sock)
        ready, _, _ = select.select(waiting, [], [], 0.2)
        for sock in ready:
            try:
                alive = sock.recv(65536)
            except OSError:
                alive = b""
            if not alive or alive.startswith(b"421"):
                sock.close()
                waiting.remove(sock)
                sent_away += 1
        if ready:
            print("sent away %d" % sent_away, flush=True)


def insist(path, number, stop):
    """Never fewer of them."""
    drip(path, number, stop, True)


def say(path, name, text, mark=b"221"):
    """One piece of nonsense, and the last that was said to it."""
    sock = connect(path)
    sock.settimeout(5)
    try:
        sock.sendall(text)
        said = read_until(sock, mark)
    except OSError as why:
        said = str(why).encode()
    sock.close()
    lines = said.split(b"\r\n")
    print("%s: %s" % (name, " / ".join(
        line[:60].decode("latin-1") for line in lines if line)[-300:]))


def nonsense(path):
    """Each must be answered or cut off, soon and for little."""
    quit_ = b"QUIT\r\n"
    say(path, "line", b"LHLO x\r\nNOOP " + b"x" * 65536 + b"\r\n" + quit_)
    say(path, "nul", b"LHLO x\r\nMAIL FROM:<a\0b@c.test>\r\n" + quit_)
    say(path, "recipients", b"LHLO x\r\nMAIL FROM:<>\r\n" +
        b"RCPT TO:<support@desk.test>\r\n" * 10000 + quit_)
    say(path, "garbage", b"\x16\x03\x01\x02\x00\x01\xfc\x03\x03" * 500 +
        b"\r\n" * 100 + quit_)
    say(path, "pipelined", b"LHLO x\r\nDATA\r\n.\r\nRCPT TO:<x>\r\n" * 10 +
        quit_)
    say(path, "endless", b"x" * 3000000)
    sock = connect(path)
    sock.setblocking(False)
    try:
        for _ in range(200000):
            sock.send(b"NOOP\r\n" * 100)
    except OSError:
        pass
    time.sleep(1)  # in which the server has nowhere to write to
    sock.close()


def main():
    """The word after the socket says which."""
    modes = {"half": half, "unread": unread, "deaf": deaf, "drip": drip,
             "insist": insist, "nonsense": nonsense}
    modes[sys.argv[2]](sys.argv[1], *sys.argv[3:])


if __name__ == "__main__":
    main()
