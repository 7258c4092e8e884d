#!/usr/bin/python3
"""An IMAP server with any folders that a test can think of, and any oddity.

usage: imap_odd_server.py PORT STATE LEDGER

STATE is JSON and is read again before each command:

    {"INBOX": {"validity": 7, "mails": [[1, 100]], "gone": [[4, 9]], ...}}

Mails are numbers, written as ranges; the mail of a number is the same in each
folder of the same "seed". Of a folder:

    seed      what the mails are made of (the folder's name)
    next      UIDNEXT (behind the last one); 0: it is not said
    gone      found by a search, but not fetched
    large     said to have 1 GiB
    unsized   fetching their size is answered NO
    silent    their size is left out
    empty     they come without a single octet
    stalled   fetching them is not answered
    padding   octets that are added to each
    hang_up   so many connections end where a mail is fetched
    endless   so many times a search finds mail 1
    idle      "no": not offered; "bye": the connection ends there
    chatty    each command is answered with EXISTS as well
    says      lines that each command is answered with as well
    late      mails that come, and are told of, while sizes are asked for
    read_only true: it may not be written to
    store     how UID STORE is answered ("OK"); null: the connection ends

Each command is a line of LEDGER. It stays until a signal.
"""

import json
import re
import socketserver
import sys
import threading

GIB = 1024 * 1024 * 1024


def numbers(ranges):
    """What [[1, 3], [5, 5]] is."""
    return [n for first, last in ranges for n in range(first, last + 1)]


def wanted(text, highest):
    """The set "1,3:5,9:*" as ranges."""
    result = []
    for part in text.split(","):
        ends = [highest if end == "*" else int(end) for end in part.split(":")]
        result.append((min(ends), max(ends)))
    return result


class Session(socketserver.StreamRequestHandler):
    """One connection."""

    hung_up = {}
    grown = set()
    guard = threading.Lock()

    def setup(self):
        super().setup()
        self.name = None

    @property
    def folder(self):
        with open(sys.argv[2], encoding="ascii") as file:
            return json.load(file)[self.name]

    def set_of(self, key):
        return set(numbers(self.folder.get(key, [])))

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def mail(self, uid):
        seed = self.folder.get("seed", self.name).lower()
        who = f"{seed}-{uid}"
        return (
            f"From: {who}@customers.test\r\nTo: support@desk.test\r\n"
            f"Subject: Question {who}\r\nMessage-ID: <{who}@mua.test>\r\n"
            f"\r\nHow about {who}?\r\n"
        ).encode() + b"padding\r\n" * (self.folder.get("padding", 0) // 9)

    def mails(self):
        late = self.folder.get("late", []) if self.name in self.grown else []
        return numbers(self.folder["mails"] + late)

    def chosen(self, text):
        mails = self.mails()
        ranges = wanted(text, max(mails, default=0))
        return [
            uid for uid in mails if any(a <= uid <= b for a, b in ranges)
        ]

    def exists(self):
        self.say(f"* {len(self.mails())} EXISTS")

    # ---- commands: each returns what is said in the end, None: nothing more

    def do_capability(self, unused):
        idle = ""
        with open(sys.argv[2], encoding="ascii") as file:
            if all(f.get("idle") != "no" for f in json.load(file).values()):
                idle = " IDLE"
        self.say("* CAPABILITY IMAP4rev1 UIDPLUS" + idle)
        return "OK"

    def do_login(self, unused):
        return "OK"

    def do_select(self, args):
        self.name = args.strip('"')
        folder = self.folder
        mails = self.mails()
        self.exists()
        self.say(f"* OK [UIDVALIDITY {folder['validity']}] is it")
        after = folder.get("next", max(mails, default=0) + 1)
        if after:
            self.say(f"* OK [UIDNEXT {after}] is it")
        return "OK [READ-%s]" % ("ONLY" if folder.get("read_only") else "WRITE")

    do_examine = do_select

    def do_uid_search(self, args):
        found = self.chosen(re.search(r"UID (\S+)", args).group(1))
        endless = "1 " * self.folder.get("endless", 0)
        self.say("* SEARCH " + endless + " ".join(map(str, found)))
        return "OK"

    def do_uid_store(self, unused):
        return self.folder.get("store", "OK")

    def do_uid_expunge(self, unused):
        return "OK"

    def do_uid_fetch(self, args):
        which, what = args.split(" ", 1)
        gone = self.set_of("gone")
        uids = [uid for uid in self.chosen(which) if uid not in gone]
        if "SIZE" in what:
            return self.tell_sizes(uids)
        with self.guard:
            times = self.hung_up.get(self.name, 0)
            self.hung_up[self.name] = times + 1
        if times < self.folder.get("hang_up", 0):
            return None
        return self.hand_out(uids)

    def tell_sizes(self, uids):
        if self.set_of("unsized") & set(uids):
            return "NO one of them is broken"
        for uid in sorted(set(uids) - self.set_of("silent")):
            large = uid in self.set_of("large")
            size = GIB if large else len(self.mail(uid))
            self.say(f"* {uid} FETCH (UID {uid} RFC822.SIZE {size})")
        if "late" in self.folder and self.name not in self.grown:
            self.grown.add(self.name)
            self.exists()
        return "OK"

    def hand_out(self, uids):
        for uid in uids:
            if uid in self.set_of("stalled"):
                self.rfile.read()
                return None
            mail = b"" if uid in self.set_of("empty") else self.mail(uid)
            self.say(f"* {uid} FETCH (UID {uid} BODY[] {{{len(mail)}}}")
            self.wfile.write(mail + b")\r\n")
        return "OK"

    def do_idle(self, unused):
        if self.folder.get("idle") == "bye":
            return None
        self.say("+ idling")
        return "OK" if self.rfile.readline() else None

    def do_logout(self, unused):
        self.say("* BYE")
        return "OK"

    # ---- the session

    def note(self, line):
        with self.guard, open(sys.argv[3], "a", encoding="ascii") as file:
            file.write(f"{self.name} {line}\n")

    def handle(self):
        self.say("* OK hello")
        for raw in self.rfile:
            tag, line = raw.decode("ascii").rstrip("\r\n").split(" ", 1)
            self.note(line)
            words = line.split(" ", 2 if line.upper().startswith("UID") else 1)
            args = words.pop() if len(words) > 1 else ""
            name = "do_" + "_".join(words).lower()
            done = getattr(self, name, lambda unused: "BAD what?")(args)
            if done is None:
                return
            if self.name and self.folder.get("chatty"):
                self.exists()
            for says in self.folder.get("says", []) if self.name else []:
                self.say(says)
            self.say(f"{tag} {done} done")


class Server(socketserver.ThreadingTCPServer):
    """Each connection has a thread."""

    allow_reuse_address = True
    daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Session).serve_forever()
