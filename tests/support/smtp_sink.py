#!/usr/bin/python3
"""An SMTP server that keeps what it gets, and misbehaves when told to.

usage: smtp_sink.py --dir DIR [--port PORT] [--address IP] [--tls off|starttls|tls]
                    [--cert FILE --key FILE] [--login USER:PASSWORD]
                    [--without KEYWORD,...]

Listens on 127.0.0.1 (or IP) and writes the port to DIR/port. For each mail it keeps

    DIR/000001.eml       the content, byte for byte, dots taken off
    DIR/000001.envelope  MAIL and RCPT as they came, one a line
    DIR/ledger           one line: number, sha256 of the content, what was
                         answered ("250", "551", "closed"), sender, recipients;
                         separated by tabs, written before the answer

The ledger also has the contents that came whole but were refused; these have
no files and the number "-". A log goes to stderr.

DIR/control says how to misbehave; it is read at every command and may change
at any time (replace it by mv). A line is a rule, the first that fits counts:

    STAGE[=TEXT] TIMES ACTION

STAGE   connect, ehlo, starttls, auth, mail, rcpt, data, body, dot, rset or
        quit; =TEXT: only if the command (at dot: the content) has TEXT in it,
        at mail, data and body also if another of this mail's commands has that
        is here already. body is after 354, when the first bytes of the content
        are here
TIMES   how often, counted since control changed; * is always
ACTION  reply CODE TEXT   answer that; at dot the mail is kept if CODE is 250
        drop              close the connection, nothing is kept
        reset             the same by RST
        keep-drop         dot only: keep the mail, close without an answer
        cut TEXT          answer TEXT without an end of line, then close
        keep-cut TEXT     dot only: keep the mail, the rest as cut
        stall SECONDS     wait, then go on as if nothing were
        keep-stall SECONDS   dot only: keep the mail, then wait, then answer
        garbage           answer with bytes that are no SMTP
        long              answer with a line of 100,000 bytes
        many              answer right, after 1,000 continuation lines
        flood BYTES       the same with so many bytes of them
        drip SECONDS      answer right, one byte every SECONDS
"""

import argparse
import base64
import hashlib
import os
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time

LINE_BYTES_MAX = 1 << 20
CONTENT_BYTES_MAX = 1 << 28
STAGES = {
    "EHLO": "ehlo", "HELO": "ehlo", "STARTTLS": "starttls", "AUTH": "auth",
    "MAIL": "mail", "RCPT": "rcpt", "DATA": "data", "RSET": "rset",
    "NOOP": "noop", "QUIT": "quit",
}


class Closed(Exception):
    """The connection ends here, by either side."""


class Rules:
    """DIR/control, read anew when it changed; counts how often each applied."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.stamp = None
        self.rules = []

    def _refresh(self):
        try:
            status = os.stat(self.path)
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        except FileNotFoundError:
            stamp = None
        if stamp == self.stamp:
            return
        self.stamp = stamp
        self.rules = []
        if stamp is None:
            return
        with open(self.path, encoding="utf-8") as lines:
            for line in lines:
                words = line.split(None, 2)
                if len(words) < 3 or line.startswith("#"):
                    continue
                stage, _, text = words[0].partition("=")
                left = -1 if words[1] == "*" else int(words[1])
                self.rules.append([stage, text, left, words[2].strip()])

    def action(self, stage, text):
        """What to do at this stage, or None for the ordinary thing."""
        with self.lock:
            self._refresh()
            for rule in self.rules:
                if rule[0] == stage and rule[1] in text and rule[2] != 0:
                    rule[2] -= 1 if rule[2] > 0 else 0
                    return rule[3]
        return None


class Store:
    """The files and the ledger. A mail is whole before its line is there."""

    def __init__(self, directory):
        self.directory = directory
        self.lock = threading.Lock()
        self.number = len([name for name in os.listdir(directory)
                           if name.endswith(".eml")])

    def _write(self, name, content):
        path = os.path.join(self.directory, name)
        with open(path + ".new", "wb") as file:
            file.write(content)
        os.rename(path + ".new", path)

    def add(self, mail, answer, kept):
        """Note one mail that came whole, and keep it if `kept`."""
        digest = hashlib.sha256(mail.content).hexdigest()
        with self.lock:
            number = "-"
            if kept:
                self.number += 1
                number = "%06d" % self.number
                self._write(number + ".envelope", mail.envelope())
                self._write(number + ".eml", mail.content)
            line = "\t".join((number, digest, answer, mail.sender,
                              ",".join(mail.recipients)))
            path = os.path.join(self.directory, "ledger")
            with open(path, "ab") as ledger:
                ledger.write(line.encode("utf-8", "surrogateescape") + b"\n")


class Mail:
    """What one transaction has gathered so far."""

    def __init__(self):
        self.commands = []
        self.sender = None
        self.recipients = []
        self.content = b""

    def envelope(self):
        """MAIL and RCPT as they came."""
        text = "".join(line + "\n" for line in self.commands)
        return text.encode("utf-8", "surrogateescape")


def path_of(command):
    """The address between < and > of a MAIL or RCPT command, or None."""
    start, end = command.find("<"), command.find(">")
    if start < 0 or end < start:
        return None
    return command[start + 1:end]


class Session(socketserver.BaseRequestHandler):
    """One connection, one thread, blocking calls."""

    def setup(self):
        self.sock = self.request
        # Two small replies in a row must not wait for the client's kernel.
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.mail = Mail()
        self.secure = False
        self.authenticated = False
        self.options = self.server.options
        if self.options.tls == "tls":
            self._wrap()

    def finish(self):
        try:
            self.sock.close()
        except OSError:
            pass

    def handle(self):
        try:
            self._log("connected")
            self._say("connect", "", "220 sink.test ESMTP")
            while True:
                self._command(self._line())
        except (Closed, ConnectionError, ssl.SSLError, TimeoutError) as why:
            self._log("closed: %s" % (why or type(why).__name__))

    # --- the wire

    def _log(self, text):
        sys.stderr.write("%s %s\n" % (self.client_address[1],
                                      ascii(text)[1:-1]))
        sys.stderr.flush()

    def _wrap(self):
        self.sock = self.server.tls.wrap_socket(self.sock, server_side=True)
        self.secure = True

    def _fill(self):
        chunk = self.sock.recv(65536)
        if not chunk:
            raise Closed("end of input")
        self.buffer += chunk

    def _line(self):
        while b"\n" not in self.buffer:
            if len(self.buffer) > LINE_BYTES_MAX:
                raise Closed("endless line")
            self._fill()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "surrogateescape")

    def _content(self):
        """Up to CRLF.CRLF and nothing else; returns it with dots taken off."""
        data = b"\r\n" + self.buffer
        seen = 0
        while True:
            end = data.find(b"\r\n.\r\n", max(0, seen - 4))
            if end >= 0:
                break
            seen = len(data)
            if seen > CONTENT_BYTES_MAX:
                raise Closed("endless content")
            self.buffer = b""
            self._fill()
            data += self.buffer
        self.buffer = data[end + 5:]
        return data[:end + 2].replace(b"\r\n.", b"\r\n")[2:]

    def _send(self, reply):
        self._log("S: %s" % reply)
        self.sock.sendall(reply.encode("utf-8", "surrogateescape") + b"\r\n")

    def _drop(self, reset=False):
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
        raise Closed("by rule")

    # --- the rules

    def _say(self, stage, text, reply):
        """Answer `reply`, or what the rules want; returns what was said."""
        action = self.server.rules.action(stage, text)
        if action is None:
            self._send(reply)
            return reply
        self._log("rule: %s" % action)
        word, _, rest = action.partition(" ")
        return self._obey(word, rest, reply)

    def _obey(self, word, rest, reply):
        if word == "reply":
            self._send(rest)
            return rest
        if word in ("drop", "keep-drop", "reset"):
            self._drop(word == "reset")
        if word in ("cut", "keep-cut"):
            self.sock.sendall(rest.encode("utf-8", "surrogateescape"))
            self._drop()
        if word in ("stall", "keep-stall"):
            time.sleep(float(rest))  # as the rule says
        elif word == "garbage":
            self.sock.sendall(b"\x00\xff\x16\x03 no such thing\r\n")
            return ""
        elif word == "long":
            self.sock.sendall(reply[:4].encode() + b"x" * 100000 + b"\r\n")
            return reply
        elif word == "many":
            self.sock.sendall((reply[:3] + "-still\r\n").encode() * 1000)
        elif word == "flood":
            line = (reply[:3] + "-" + "x" * 70 + "\r\n").encode()
            self.sock.sendall(line * (int(rest) // len(line) + 1))
        elif word == "drip":
            for byte in reply.encode() + b"\r\n":
                self.sock.sendall(bytes((byte,)))
                time.sleep(float(rest))  # as the rule says
            return reply
        else:
            raise Closed("unknown rule: %s" % word)
        self._send(reply)
        return reply

    def _envelope(self, line):
        """A command among those of its mail, said before or pipelined."""
        return "\n".join((line, *self.mail.commands,
                          self.buffer.decode("utf-8", "surrogateescape")))

    # --- the commands

    def _command(self, line):
        self._log("C: %s" % line)
        verb = line.split(" ", 1)[0].upper()
        stage = STAGES.get(verb)
        if stage is None:
            self._send("500 5.5.2 what is %s?" % ascii(verb))
            return
        getattr(self, "_do_" + stage)(line)

    def _do_ehlo(self, line):
        self.mail = Mail()
        words = ["sink.test", "PIPELINING", "8BITMIME", "SMTPUTF8",
                 "ENHANCEDSTATUSCODES", "SIZE 52428800"]
        if self.options.tls == "starttls" and not self.secure:
            words.append("STARTTLS")
        if self.options.login:
            words.append("AUTH PLAIN")
        without = self.options.without.upper().split(",")
        words = [word for word in words if word.split()[0] not in without]
        if line.upper().startswith("HELO"):
            words = words[:1]
        lines = ["250-" + word for word in words[:-1]] + ["250 " + words[-1]]
        self._say("ehlo", line, "\r\n".join(lines))

    def _do_starttls(self, line):
        if self.options.tls != "starttls" or self.secure:
            self._send("503 5.5.1 not here")
            return
        if self._say("starttls", line, "220 2.0.0 go ahead")[:3] == "220":
            if self.buffer:
                raise Closed("text after STARTTLS")
            self._wrap()

    def _do_auth(self, line):
        words = line.split()
        wanted = "\0" + self.options.login.replace(":", "\0", 1)
        if len(words) == 2:
            self._send("334 ")
            words.append(self._line())
        given = words[2].encode() if len(words) > 2 else b""
        good = given == base64.b64encode(wanted.encode())
        if self._say("auth", line, "235 2.7.0 welcome" if good else
                     "535 5.7.8 no")[:3] == "235":
            self.authenticated = True

    def _do_mail(self, line):
        sender = path_of(line)
        if self.options.login and not self.authenticated:
            self._send("530 5.7.0 who are you?")
        elif sender is None or self.mail.sender is not None:
            self._send("503 5.5.1 not now" if sender is not None else
                       "501 5.5.4 no address")
        elif self._say("mail", self._envelope(line),
                       "250 2.1.0 ok")[:1] == "2":
            self.mail.sender = sender
            self.mail.commands.append(line)

    def _do_rcpt(self, line):
        recipient = path_of(line)
        if self.mail.sender is None or not recipient:
            self._send("503 5.5.1 not now" if recipient else
                       "501 5.5.4 no address")
        elif self._say("rcpt", line, "250 2.1.5 ok")[:1] == "2":
            self.mail.recipients.append(recipient)
            self.mail.commands.append(line)

    def _do_data(self, line):
        if not self.mail.recipients:
            self._send("554 5.5.1 no valid recipients")
            return
        if self._say("data", self._envelope(line),
                     "354 go ahead")[:3] != "354":
            return
        action = self.server.rules.action("body", self._envelope(line))
        if action is not None:
            self._fill()
            self._obey(*action.partition(" ")[::2], "")
        self.mail.content = self._content()
        self._dot()
        self.mail = Mail()

    def _dot(self):
        """The mail is here whole. First the ledger, then the answer."""
        store = self.server.store
        action = self.server.rules.action(
            "dot", self.mail.content.decode("latin-1")) or "reply 250 2.0.0 ok"
        self._log("dot: %s" % action)
        word, _, rest = action.partition(" ")
        if word == "reply":
            kept = rest.startswith("250")
            store.add(self.mail, rest[:3], kept)
            self._send(rest + (" as %06d" % store.number if kept else ""))
            return
        if word in ("drop", "reset", "cut"):
            store.add(self.mail, "closed", False)
            self._obey(word, rest, "")
        if word == "stall":
            time.sleep(float(rest))  # as the rule says
        closed = word in ("keep-drop", "keep-cut")
        store.add(self.mail, "closed" if closed else "250", True)
        self._obey("stall" if word == "keep-stall" else word,
                   "0" if word == "stall" else rest, "250 2.0.0 ok")

    def _do_rset(self, line):
        self.mail = Mail()
        self._say("rset", line, "250 2.0.0 ok")

    def _do_noop(self, _line):
        self._send("250 2.0.0 ok")

    def _do_quit(self, line):
        self._say("quit", line, "221 2.0.0 bye")
        raise Closed("quit")


class Server(socketserver.ThreadingTCPServer):
    """Loopback only, a thread a connection."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, options):
        super().__init__((options.address, options.port), Session)
        self.options = options
        self.rules = Rules(os.path.join(options.dir, "control"))
        self.store = Store(options.dir)
        self.tls = None
        if options.tls != "off":
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(options.cert, options.key)

    def handle_error(self, request, client_address):
        sys.stderr.write("%s %s\n" % (client_address[1],
                                      ascii(sys.exc_info()[1])))


def main():
    """Listen until a signal comes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter,
        usage=argparse.SUPPRESS)
    parser.add_argument("--dir", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--tls", choices=("off", "starttls", "tls"),
                        default="off")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--login", default="")
    parser.add_argument("--without", default="")
    options = parser.parse_args()
    server = Server(options)
    path = os.path.join(options.dir, "port")
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write("%d\n" % server.server_address[1])
    os.rename(path + ".new", path)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
