#!/usr/bin/python3
"""A stranger who wants to stop the desk, by LMTP.

usage: siege.py --socket SOCKET KIND N [--size N]

  ids N        N mails, each with a hundred References that all of them share
  flood N      N mails of one sender, as fast as they are taken
  crowd N      one mail without Message-ID for N recipients, support+1@ ...
  locks N      N mails, each with References that no other one has
  --size N     octets of text in each mail, lines of "@" (default 100)

The sender is NAME@siege.test, KIND being its name. Exit: 0 all were taken.
"""

import argparse
import socket
import sys

IDS = 100


class Lmtp:
    """A connection on which several mails are handed over."""

    def __init__(self, path):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(120)
        sock.connect(path)
        self.stream = sock.makefile("rwb")
        self.reply()
        self.say("LHLO siege.test")

    def reply(self):
        """One reply; it must be a good one."""
        while True:
            line = self.stream.readline()
            if line[:1] not in (b"2", b"3"):
                sys.exit("refused: %r" % line)
            if line[3:4] != b"-":
                return

    def say(self, line):
        """A command and its reply."""
        self.stream.write(line.encode() + b"\r\n")
        self.stream.flush()
        self.reply()

    def send(self, sender, recipients, text):
        """One mail; all recipients must be taken."""
        self.say("MAIL FROM:<%s>" % sender)
        for recipient in recipients:
            self.say("RCPT TO:<%s>" % recipient)
        self.say("DATA")
        self.stream.write(text.replace("\n", "\r\n").encode() + b"\r\n.\r\n")
        self.stream.flush()
        for _ in recipients:
            self.reply()


def header(kind, number, fields):
    """What every mail has, and some fields more."""
    return "".join(
        ["From: Siege <%s@siege.test>\n" % kind, "To: support@desk.test\n",
         "Subject: %s %d\n" % (kind, number)] + [f + "\n" for f in fields])


def references(ids):
    """A References field, an id a line."""
    return "References:" + "".join("\n <%s@siege.test>" % i for i in ids)


def fields_of(kind, number):
    """The fields that make the mail what it is."""
    if kind == "crowd":
        return []
    fields = ["Message-ID: <%s-%d@siege.test>" % (kind, number)]
    if kind == "ids":
        fields.append(references("shared%d" % i for i in range(IDS)))
    if kind == "locks":
        fields.append(references("own%d-%d" % (number, i) for i in range(IDS)))
    return fields


def main():
    """Read the arguments and hand over."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", required=True)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("kind", choices=["ids", "flood", "crowd", "locks"])
    parser.add_argument("count", type=int)
    options = parser.parse_args()
    body = "\n" + "@\n" * (options.size // 2)
    lmtp = Lmtp(options.socket)
    kind = options.kind
    sender = kind + "@siege.test"
    if kind == "crowd":
        crowd = ["support+%d@desk.test" % i for i in range(options.count)]
        lmtp.send(sender, crowd, header(kind, 0, []) + body)
        return
    for number in range(options.count):
        lmtp.send(sender, ["support@desk.test"],
                  header(kind, number, fields_of(kind, number)) + body)


if __name__ == "__main__":
    main()
