#!/usr/bin/python3
"""An LMTP client that stops in the middle of a mail.

usage: lmtp_slow.py SOCKET FROM TO FILE GO

Sends one mail up to the middle of its content and makes the file GO.half; goes
on when GO is there. With --idle as FILE it says only LHLO and waits. Prints
what the server says. Exit: 0 a 2yz, 75 a 4yz after the content or none at all.
"""

import os
import socket
import sys
import time


def main():
    """One connection, one mail."""
    path, sender, recipient, file, go = sys.argv[1:]
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    stream = sock.makefile("rwb")

    def reply():
        while True:
            line = stream.readline()
            sys.stdout.write("S: %s\n" % line.decode().rstrip())
            if line[3:4] != b"-":
                return line[:3]

    def say(line):
        stream.write(line)
        stream.flush()

    reply()
    say(b"LHLO slow.test\r\n")
    reply()
    if file == "--idle":
        mail = b""
    else:
        with open(file, "rb") as content:
            mail = content.read().replace(b"\n", b"\r\n")
        for command in ("MAIL FROM:<%s>" % sender, "RCPT TO:<%s>" % recipient,
                        "DATA"):
            say(command.encode() + b"\r\n")
            reply()
        say(mail[:len(mail) // 2])
    with open(go + ".half", "w", encoding="ascii"):
        pass
    if mail:
        while not os.path.exists(go):
            time.sleep(0.05)  # between two looks
        try:
            say(mail[len(mail) // 2:] + b".\r\n")
        except OSError:
            pass
    code = reply()
    sys.exit(0 if code[:1] == b"2" else 75)


if __name__ == "__main__":
    main()
