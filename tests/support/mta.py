#!/usr/bin/python3
"""An MTA in small: hands generated mails over and over until they are taken.

usage: mta.py --socket SOCKET --ledger FILE --name NAME
              (--count N | --until FILE) [--at-once N] [--deliver PROGRAM]
              [--octets N] [--large-every N] [--pause SECONDS] [--patience S]
              [--fresh]

Each mail is a stranger's first one, NAME-1, NAME-2, ... and different from all
others; Message-ID is <NAME-n@mua.test>. They go to support@desk.test by LMTP on
kept connections, or through PROGRAM, which is postern-deliver. What was accepted
is in the ledger as smtp_send.py writes it, before anything else is done.

  --count N          so many; --until FILE: go on until there is such a file
  --at-once N        so many clients (default 1)
  --octets N         size of a mail (default: a few lines)
  --large-every N    every n-th has 1.2 MB, more than goes in one statement
  --fresh            a connection for each mail, not a kept one
  --pause SECONDS    between two mails of one client
  --patience S       how long one mail may be in vain (default 120)

Prints "taken N in-vain N longest N.N s", in-vain being the attempts that have to
be repeated. Exit: 0; 1 if somebody said "never" (5yz, another status than 0 or
75) or the patience was at an end, with a line that says so.
"""

import argparse
import hashlib
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time

RECIPIENT = "support@desk.test"
LARGE_BYTES = 1200000


class Never(Exception):
    """It was refused for good, which must not happen for our troubles."""


class Later(Exception):
    """Not taken, or nobody knows: once more."""


class Lmtp:
    """One connection, kept as long as it lives."""

    def __init__(self, path):
        self.path = path
        self.stream = None

    def _reply(self):
        while True:
            line = self.stream.readline()
            if not line.endswith(b"\n"):
                raise Later("the server left")
            if line[3:4] != b"-":
                break
        if line[:1] == b"5":
            raise Never(line.decode("utf-8", "replace").strip())
        if line[:1] == b"4":
            raise Later(line.decode("utf-8", "replace").strip())

    def _say(self, text):
        self.stream.write(text)
        self.stream.flush()
        self._reply()

    def _open(self):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(60)
        sock.connect(self.path)
        self.stream = sock.makefile("rwb")
        sock.close()  # the stream keeps it
        self._reply()
        self._say(b"LHLO mta.test\r\n")

    def hand_over(self, _number, sender, mail):
        """Until this returns nothing is promised."""
        try:
            if self.stream is None:
                self._open()
            self._say(b"MAIL FROM:<%s>\r\n" % sender.encode())
            self._say(b"RCPT TO:<%s>\r\n" % RECIPIENT.encode())
            self._say(b"DATA\r\n")
            self._say(re.sub(rb"(?m)^\.", b"..", mail) + b".\r\n")
        except (OSError, Later, Never) as why:
            self.close()
            if isinstance(why, OSError):
                raise Later(str(why)) from why
            raise

    def close(self):
        """Without a word."""
        if self.stream is not None:
            try:
                self.stream.close()
            except OSError:
                pass
            self.stream = None


class Pipe:
    """postern-deliver, one process a mail. Death by signal defers, as with
    Postfix."""

    def __init__(self, program, path):
        self.program = program
        self.path = path

    def hand_over(self, number, sender, mail):
        """As pipe(8) does it: the status is the answer."""
        done = subprocess.run(
            [self.program, "-s", self.path, "-f", sender, "-i", "Q" + number,
             RECIPIENT], input=mail, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False)
        if done.returncode == 75 or done.returncode < 0:
            raise Later("status %d" % done.returncode)
        if done.returncode != 0:
            raise Never("status %d: %s" % (
                done.returncode, done.stdout.decode("utf-8", "replace")))

    def close(self):
        """Nothing is kept."""


class Load:
    """What all clients share."""

    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.number = 0
        self.taken = 0
        self.in_vain = 0
        self.longest_s = 0.0
        self.trouble = []

    def next_number(self):
        """The number of the next mail, or None: that was all."""
        options = self.options
        with self.lock:
            if self.trouble or (options.until and
                                os.path.exists(options.until)):
                return None
            if options.count and self.number >= options.count:
                return None
            self.number += 1
            return self.number

    def mail(self, name, number):
        """Its bytes; with CRLF but for a pipe."""
        options = self.options
        octets = options.octets
        if options.large_every and number % options.large_every == 0:
            octets = LARGE_BYTES
        lines = ["From: Some Person <%s@customers.test>" % name,
                 "To: " + RECIPIENT, "Subject: It does not work",
                 "Message-ID: <%s@mua.test>" % name,
                 "Date: Sat, 21 Nov 2026 10:00:00 +0000", "",
                 "This is %s, and it does not work." % name,
                 ".A line that begins with a dot."]
        chance = random.Random(name)
        size = sum(len(line) + 2 for line in lines)
        while size < octets:
            lines.append("%060x" % chance.getrandbits(240))
            size += 62
        end = "\n" if options.deliver else "\r\n"
        return "".join(line + end for line in lines).encode()

    def note(self, digest, tries, seconds):
        """It was taken: first of all the ledger."""
        with self.lock:
            with open(self.options.ledger, "a", encoding="ascii") as ledger:
                ledger.write("%s\t%s\n" % (digest, RECIPIENT))
            self.taken += 1
            self.in_vain += tries
            self.longest_s = max(self.longest_s, seconds)

    def hand_over(self, client, number):
        """One mail, until it is taken."""
        name = "%s-%d" % (self.options.name, number)
        mail = self.mail(name, number)
        began, tries = time.monotonic(), 0
        while True:
            try:
                client.hand_over(name, name + "@customers.test", mail)
                break
            except Later as why:
                tries += 1
                if time.monotonic() - began > self.options.patience:
                    raise Never("%s in vain for %d s: %s" % (
                        name, self.options.patience, why)) from why
                # An MTA has a retry time, too.
                time.sleep(random.uniform(0.02, 0.2))
        self.note(hashlib.sha256(mail).hexdigest(), tries,
                  time.monotonic() - began)

    def run(self):
        """One client."""
        options = self.options
        client = (Pipe(options.deliver, options.socket) if options.deliver
                  else Lmtp(options.socket))
        try:
            while True:
                number = self.next_number()
                if number is None:
                    break
                self.hand_over(client, number)
                if options.fresh:
                    client.close()
                if options.pause:
                    time.sleep(options.pause)  # as was asked for
        except Never as why:
            with self.lock:
                self.trouble.append(str(why))
        client.close()


def main():
    """All clients; what came of it."""
    parser = argparse.ArgumentParser(usage=__doc__)
    for name in ("--socket", "--ledger", "--name"):
        parser.add_argument(name, required=True)
    parser.add_argument("--deliver")
    parser.add_argument("--until")
    for name, default in (("--count", 0), ("--at-once", 1), ("--octets", 0),
                          ("--large-every", 0)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--patience", type=float, default=120.0)
    parser.add_argument("--fresh", action="store_true")
    load = Load(parser.parse_args())
    threads = [threading.Thread(target=load.run)
               for _ in range(load.options.at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("taken %d in-vain %d longest %.1f s" % (
        load.taken, load.in_vain, load.longest_s))
    for line in load.trouble:
        print("never: " + line)
    return 1 if load.trouble else 0


if __name__ == "__main__":
    sys.exit(main())
