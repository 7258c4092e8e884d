#!/usr/bin/python3
"""Hand a mail to an SMTP or LMTP server and say what it answered.

usage: smtp_send.py (--port PORT | --socket PATH) [--lmtp] [--from ADDRESS]
                    [--to ADDRESS]... [--ledger FILE] FILE...

Each FILE is one mail, sent as it is but for bare LF, which become CRLF, and
dots, which are doubled; "-" is standard input. Prints each reply. A mail that
was accepted for a recipient adds the line "sha256 TAB recipient" to the ledger,
the digest being that of the bytes on the wire before dots were doubled.

Exit: 0 all accepted, 75 some 4xx or no answer, 65 some 5xx.
"""

import argparse
import hashlib
import re
import socket
import sys


class Refused(Exception):
    """A reply other than 2xx or 3xx."""


class Client:
    """As much SMTP as a test needs, with nothing repaired on the way."""

    def __init__(self, options):
        if options.socket:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(60)
            sock.connect(options.socket)
        else:
            sock = socket.create_connection(("127.0.0.1", options.port), 60)
        self.stream = sock.makefile("rwb")
        self.expect("greeting")
        self.command("%s client.test" % ("LHLO" if options.lmtp else "EHLO"))

    def reply(self):
        """One reply, all its lines; its code."""
        while True:
            line = self.stream.readline()
            if not line:
                raise EOFError("the server left")
            print("S: " + line.decode("utf-8", "replace").rstrip())
            if line[3:4] != b"-":
                return int(line[:3])

    def expect(self, what):
        """A reply that must be good."""
        code = self.reply()
        if code >= 400:
            raise Refused(code, what)

    def command(self, line):
        """Send one command; its reply must be good."""
        print("C: " + line)
        self.stream.write(line.encode() + b"\r\n")
        self.stream.flush()
        self.expect(line)

    def send(self, mail, options):
        """One mail; the code for each recipient after the dot."""
        self.command("MAIL FROM:<%s>" % options.sender)
        for recipient in options.to:
            self.command("RCPT TO:<%s>" % recipient)
        self.command("DATA")
        stuffed = re.sub(rb"(?m)^\.", b"..", mail)
        self.stream.write(stuffed + b".\r\n")
        self.stream.flush()
        if options.lmtp:
            return [self.reply() for _ in options.to]
        return [self.reply()] * len(options.to)


def read_mail(path):
    """The file with CRLF at every end of line and at the end."""
    if path == "-":
        mail = sys.stdin.buffer.read()
    else:
        with open(path, "rb") as file:
            mail = file.read()
    mail = re.sub(rb"\r?\n", b"\r\n", mail)
    return mail if mail.endswith(b"\r\n") else mail + b"\r\n"


def note(ledger, mail, recipients):
    """Write down what the server has promised to keep."""
    if ledger:
        with open(ledger, "a", encoding="utf-8") as lines:
            for recipient in recipients:
                lines.write("%s\t%s\n" % (hashlib.sha256(mail).hexdigest(),
                                          recipient))


def main():
    """Send each file in turn over one connection."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--port", type=int)
    parser.add_argument("--socket")
    parser.add_argument("--lmtp", action="store_true")
    parser.add_argument("--from", dest="sender", default="")
    parser.add_argument("--to", action="append", default=[])
    parser.add_argument("--ledger")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    codes = []
    try:
        client = Client(options)
        for path in options.files:
            mail = read_mail(path)
            answers = client.send(mail, options)
            note(options.ledger, mail, [
                recipient for recipient, code in zip(options.to, answers)
                if code < 300])
            codes += answers
        client.command("QUIT")
    except Refused as refused:
        codes.append(refused.args[0])
    except (OSError, EOFError) as error:
        print("lost: %s" % error)
        codes.append(400)
    if all(code < 400 for code in codes):
        return 0
    return 75 if any(400 <= code < 500 for code in codes) else 65


if __name__ == "__main__":
    sys.exit(main())
