#!/usr/bin/python3
"""Read Prometheus's text format 0.0.4, and believe nothing.

usage: metrics.py check URL         fetch, and say what is wrong with it
       metrics.py get URL SERIES... the values of these series, one a line:
                                    NAME or NAME{LABEL="VALUE"}
       metrics.py slow HOST PORT N  N clients that never end their request, one
                                    octet more each second; a line "ready", and
                                    they stay until a signal

An answer may take $METRICS_TIMEOUT seconds, 30 if it is not set.

Exit status: 0, or 1 if something is wrong or a series is missing.
"""

import contextlib
import math
import os
import re
import socket
import sys
import time
import urllib.request

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
SAMPLE = re.compile(
    r"(%s)(?:\{(%s(?:,%s)*),?\})? (\S+)(?: (-?\d+))?$" % (NAME, LABEL, LABEL)
)
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")
SUFFIXES = ("_bucket", "_sum", "_count")


class Wrong(Exception):
    """What a strict reader would refuse."""


def number(text):
    """A value; Python reads a little more than Go does."""
    if not re.match(r"[-+]?(\d+(\.\d*)?([eE][-+]?\d+)?|Inf)$|NaN$", text):
        raise Wrong("not a number: " + text)
    return float(text.replace("Inf", "inf"))


class Page:
    """All of an answer: types, helps and samples, in their order."""

    def __init__(self, text):
        self.types = {}
        self.helps = {}
        self.samples = {}
        self.finished = set()
        self.family = None
        if not text.endswith("\n"):
            raise Wrong("the last line does not end")
        for line in text[:-1].split("\n"):
            try:
                self.take(line)
            except Wrong as wrong:
                raise Wrong("%s in line: %s" % (wrong, line)) from wrong
        for name, kind in self.types.items():
            if kind == "histogram":
                self.check_histogram(name)

    def begin(self, name):
        """All lines of a family stand together."""
        if name == self.family:
            return
        if name in self.finished:
            raise Wrong("the family comes a second time")
        if self.family:
            self.finished.add(self.family)
        self.family = name

    def take(self, line):
        """One line."""
        if line.startswith("#"):
            self.take_comment(line)
            return
        match = SAMPLE.match(line)
        if not match:
            raise Wrong("no sample")
        name, labels, value, stamp = match.groups()
        if stamp is not None:
            raise Wrong("a time of its own")
        self.begin(self.family_of(name))
        series = name + ("{%s}" % labels if labels else "")
        if series in self.samples:
            raise Wrong("the series comes a second time")
        self.samples[series] = number(value)
        kind = self.types[self.family]
        if kind != "gauge" and not self.samples[series] >= 0:
            raise Wrong("less than nothing")
        if kind == "counter" and not name.endswith("_total"):
            raise Wrong("a counter's name ends with _total")

    def take_comment(self, line):
        """HELP and TYPE; nothing else is expected of us."""
        match = re.match(r"# (HELP|TYPE) (%s) (.+)$" % NAME, line)
        if not match:
            raise Wrong("no HELP and no TYPE")
        word, name, rest = match.groups()
        self.begin(name)
        table = self.helps if word == "HELP" else self.types
        if name in table:
            raise Wrong("said a second time")
        if word == "TYPE" and rest not in TYPES:
            raise Wrong("no such type")
        table[name] = rest

    def family_of(self, name):
        """The family of a sample, which has its HELP and TYPE before it."""
        for suffix in SUFFIXES:
            base = name[: -len(suffix)]
            if name.endswith(suffix) and self.types.get(base) == "histogram":
                return base
        if self.types.get(name) in (None, "histogram"):
            raise Wrong("no TYPE")
        if name not in self.helps:
            raise Wrong("no HELP")
        return name

    def check_histogram(self, name):
        """Buckets grow, in both ways, and the last is the count."""
        bounds, counts = [], []
        for series, value in self.samples.items():
            match = re.match(name + r'_bucket\{le="([^"]+)"\}$', series)
            if match:
                bounds.append(number(match.group(1)))
                counts.append(value)
        if len(bounds) < 2 or bounds[-1] != math.inf:
            raise Wrong(name + " has no bucket +Inf at its end")
        if bounds != sorted(set(bounds)):
            raise Wrong(name + "'s bounds do not grow")
        if counts != sorted(counts):
            raise Wrong(name + "'s buckets do not add up")
        if self.samples.get(name + "_count") != counts[-1]:
            raise Wrong(name + "_count is not its last bucket")
        if name + "_sum" not in self.samples:
            raise Wrong(name + " has no sum")


def fetch(url):
    """The page behind a URL."""
    patience_s = float(os.environ.get("METRICS_TIMEOUT", "30"))
    with urllib.request.urlopen(url, timeout=patience_s) as answer:
        kind = answer.headers["Content-Type"]
        if kind != "text/plain; version=0.0.4; charset=utf-8":
            raise Wrong("Content-Type is " + kind)
        return Page(answer.read().decode("ascii"))


def get(url, wanted):
    """Some series of it."""
    page = fetch(url)
    status = 0
    for series in wanted:
        if series in page.samples:
            print("%.15g" % page.samples[series])
        else:
            print("there is no %s" % series)
            status = 1
    return status


def slow(host, port, count):
    """Hold connections open, half of a request each."""
    clients = []
    for _ in range(count):
        client = socket.create_connection((host, port), timeout=10)
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        clients.append(client)
    print("ready", flush=True)
    while True:
        time.sleep(1)  # a byte each second
        for client in clients:
            with contextlib.suppress(OSError):
                client.send(b"x")


def main(arguments):
    """See above."""
    try:
        if arguments[0] == "check":
            page = fetch(arguments[1])
            print("%d series" % len(page.samples))
            return 0
        if arguments[0] == "get":
            return get(arguments[1], arguments[2:])
        slow(arguments[1], int(arguments[2]), int(arguments[3]))
    except (Wrong, OSError) as wrong:
        print(wrong)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
