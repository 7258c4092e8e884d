#!/usr/bin/python3
"""Measure a desk that runs.

usage: figures.py road --socket PATH --sink DIR [--mails N]
       figures.py idle --seconds N PID...
       figures.py pipe --mails N COMMAND...

road  milliseconds from our 250 to the relay's receipt of the acknowledgement,
      one mail at a time, with the desk at rest between them
idle  CPU time of these processes in percent of one CPU
pipe  COMMAND with a mail on its standard input: milliseconds, and the largest
      resident size
"""

import argparse
import os
import smtplib
import statistics
import subprocess
import time

MAIL = ("From: <%(who)s>\r\nTo: <support@desk.test>\r\nSubject: Figures\r\n"
        "Message-ID: <%(id)s@mua.test>\r\n\r\nHow long does it take?\r\n")


def mail_of(number):
    """A mail that is nobody's yet, and its sender."""
    who = "figure%d@customers.test" % number
    return who, (MAIL % {"who": who, "id": time.time_ns()}).encode()


def show(what, values, unit):
    """Median and spread."""
    values = sorted(values)
    print("%-46s median %.1f %s, 95%% %.1f, worst %.1f (n = %d)" % (
        what, statistics.median(values), unit,
        values[int(len(values) * 0.95)], values[-1], len(values)))


def received_at(path):
    """When the relay had written it; it must come within seconds."""
    for _ in range(20000):
        try:
            return os.stat(path).st_mtime_ns
        except FileNotFoundError:
            time.sleep(0.001)  # as exact as what is told
    raise SystemExit("no acknowledgement came: %s" % path)


def road(options):
    """From 250 to the relay."""
    took_ms = []
    kept = len([name for name in os.listdir(options.sink)
                if name.endswith(".eml")])
    for number in range(options.mails):
        who, mail = mail_of(number)
        with smtplib.LMTP(options.socket) as client:
            client.sendmail(who, ["support@desk.test"], mail)
            accepted_ns = time.time_ns()
        kept += 1
        path = os.path.join(options.sink, "%06d.eml" % kept)
        took_ms.append(max(received_at(path) - accepted_ns, 0) / 1e6)
        time.sleep(0.1)  # the desk rests in between
    show("250 to the relay's receipt:", took_ms, "ms")


def cpu_ns(pid):
    """Time on a CPU since the process began."""
    with open("/proc/%s/schedstat" % pid, encoding="ascii") as file:
        return int(file.read().split()[0])


def idle(options):
    """What it costs to wait."""
    before = sum(cpu_ns(pid) for pid in options.words)
    began_ns = time.monotonic_ns()
    time.sleep(options.seconds)  # what is measured
    used = sum(cpu_ns(pid) for pid in options.words) - before
    print("%-46s %.3f %% of a CPU over %d s" % (
        "%d idle processes:" % len(options.words),
        100 * used / (time.monotonic_ns() - began_ns), options.seconds))


def largest_kib(pid):
    """VmHWM; getrusage(2) would tell of ourselves, before exec, too."""
    with open("/proc/%d/status" % pid, encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines
                    if line.startswith("VmHWM:"))


def pipe_memory(options):
    """Its size with most of a large mail behind it."""
    with subprocess.Popen(options.words, stdin=subprocess.PIPE) as child:
        child.stdin.write(mail_of(0)[1] + b"a long line of text\r\n" * 100000)
        child.stdin.flush()
        time.sleep(0.3)  # until it has read that
        kib = largest_kib(child.pid)
    print("%-46s %.1f MiB" % ("postern-deliver, resident, with a mail of 2 MB:",
                              kib / 1024))


def pipe(options):
    """What it costs an MTA to call us."""
    took_ms = []
    for number in range(options.mails):
        _, mail = mail_of(number)
        began_ns = time.monotonic_ns()
        with subprocess.Popen(options.words, stdin=subprocess.PIPE) as child:
            child.stdin.write(mail)
        took_ms.append((time.monotonic_ns() - began_ns) / 1e6)
        if child.returncode != 0:
            raise SystemExit("exit %d" % child.returncode)
    show("postern-deliver:", took_ms, "ms")
    pipe_memory(options)


def main():
    """One figure a call."""
    parser = argparse.ArgumentParser(usage=__doc__)
    figures = parser.add_subparsers(required=True)
    figure = figures.add_parser("road")
    figure.set_defaults(run=road)
    figure.add_argument("--socket", required=True)
    figure.add_argument("--sink", required=True)
    figure.add_argument("--mails", type=int, default=50)
    figure = figures.add_parser("idle")
    figure.set_defaults(run=idle)
    figure.add_argument("--seconds", type=int, default=60)
    figure.add_argument("words", nargs="+", metavar="PID")
    figure = figures.add_parser("pipe")
    figure.set_defaults(run=pipe)
    figure.add_argument("--mails", type=int, default=50)
    figure.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
