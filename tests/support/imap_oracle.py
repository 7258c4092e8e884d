#!/usr/bin/python3
"""Compare what was put into IMAP folders with what is in the database.

usage: imap_oracle.py --ledger FILE [--gone FILE] [--moved FOLDER=DIR]
                      [--emptied FOLDER=DIR] [--meddled]

FILE has a line for each mail that was put into a folder: its SHA-256 as it is on
the wire, with CRLF, the folder's queue and the folder, with tabs between them.
--gone: those that somebody else took out of the folder, in the same form; they
may be in a ticket or not. --moved: each mail of that folder is in this Maildir by
now, but for those that are gone; --emptied: none is in this one any more. Both
may be said more than once. --meddled: somebody else moved them, too, at the same
time, and a server may make two of one then.

The database is asked by psql(1), which finds it in the environment; digests are
computed there anew from the stored bytes. No code of ours is asked, and no column
believed that could be computed. Prints one line for each broken promise; exit 1
if there is any:

    lost, half, doubled    a mail that was put there is not in exactly one ticket
    foreign                something is in the database that nobody put there
    unmoved, unfinished    a mail is not where it should be by now
"""

import argparse
import collections
import glob
import hashlib
import os
import subprocess
import sys

# Every hand-over, and the mail it led to, which may have come before.
DELIVERIES = """
SELECT encode(sha256(r.bytes), 'hex'), d.queue, d.state,
       coalesce(d.message_id_no, 0), coalesce(m.ticket_id, 0)
  FROM delivery d JOIN raw_mail r ON r.digest = d.raw_digest
  LEFT JOIN message m ON m.id = d.message_id_no
"""
# Every mail in a ticket, whoever handed it over.
MESSAGES = """
SELECT encode(sha256(r.bytes), 'hex'), m.ticket_id
  FROM message m JOIN raw_mail r ON r.digest = m.raw_digest
 WHERE m.kind = 'mail'
"""


def ask(sql):
    """Rows of the database, as tuples of texts."""
    output = subprocess.run(
        ["psql", "-X", "-At", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", sql],
        check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    return [tuple(line.split("\t")) for line in output.splitlines()]


def read_ledger(path):
    """(digest, queue, folder) of each line."""
    if path is None:
        return set()
    with open(path, encoding="utf-8") as lines:
        return {tuple(line.rstrip("\n").split("\t")) for line in lines}


def read_maildir(directory):
    """Digests of what lies there, as the wire has it."""
    found = collections.Counter()
    for part in ("cur", "new"):
        for path in glob.glob(os.path.join(directory, part, "*")):
            with open(path, "rb") as file:
                content = file.read().replace(b"\r\n", b"\n")
            found[hashlib.sha256(
                content.replace(b"\n", b"\r\n")).hexdigest()] += 1
    return found


def judge_tickets(put, gone, deliveries, messages):
    """Put there means: in one ticket of its own, byte for byte."""
    tickets = collections.defaultdict(list)
    for digest, ticket in messages:
        tickets[digest].append(ticket)
    queues = collections.defaultdict(set)
    for digest, queue, state, message, ticket in deliveries:
        queues[digest].add(queue)
        if state != "settled" or message == "0" or ticket == "0":
            yield "half: %s is %s" % (digest, state)
    for mail in sorted(put):
        digest, queue, _ = mail
        if len(tickets[digest]) > 1:
            yield "doubled: %s is in tickets %s" % (
                digest, ", ".join(tickets[digest]))
        if not tickets[digest] and mail not in gone:
            yield "lost: %s for %s" % (digest, queue)
        if tickets[digest] and queues[digest] != {queue}:
            yield "lost: %s for %s went to %s" % (
                digest, queue, sorted(queues[digest]))
    known = {mail[0] for mail in put}
    for digest in sorted(set(tickets) - known):
        if tickets[digest]:
            yield "foreign: %s" % digest
    shared = collections.Counter(ticket for _, ticket in messages)
    for ticket, times in shared.items():
        if times > 1:
            yield "doubled: %d mails are in ticket %s" % (times, ticket)


def judge_moved(put, gone, moved, meddled):
    """Once in the other folder."""
    for place in moved:
        folder, directory = place.split("=", 1)
        there = read_maildir(directory)
        for digest, _, its_folder in sorted(put - gone):
            if its_folder == folder and there[digest] != 1 and (
                    there[digest] == 0 or not meddled):
                yield "unmoved: %s is %d times in %s" % (
                    digest, there[digest], directory)


def judge_emptied(put, emptied):
    """None of ours is there any more."""
    for place in emptied:
        folder, directory = place.split("=", 1)
        there = read_maildir(directory)
        for digest, _, its_folder in sorted(put):
            if its_folder == folder and there[digest] > 0:
                yield "unfinished: %s is still in %s" % (digest, directory)


def parse_options():
    """What the command line says."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--gone")
    parser.add_argument("--moved", action="append", default=[])
    parser.add_argument("--emptied", action="append", default=[])
    parser.add_argument("--meddled", action="store_true")
    return parser.parse_args()


def main():
    """All of it, whatever the first part says."""
    options = parse_options()
    put = read_ledger(options.ledger)
    gone = read_ledger(options.gone)
    deliveries = ask(DELIVERIES)
    messages = ask(MESSAGES)
    broken = [*judge_tickets(put, gone, deliveries, messages),
              *judge_moved(put, gone, options.moved, options.meddled),
              *judge_emptied(put, options.emptied)]
    print("%d put, %d gone, %d hand-overs, %d in tickets" % (
        len(put), len(gone), len(deliveries), len(messages)))
    for line in broken:
        print(line)
    return 1 if broken or not put else 0


if __name__ == "__main__":
    sys.exit(main())
