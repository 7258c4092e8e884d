#!/usr/bin/python3
"""Compare what was promised, what is stored and what was sent.

usage: oracle.py --ledger FILE --sink DIR

FILE is the ledger of smtp_send.py: what was accepted, by SHA-256 and recipient.
DIR is what the SMTP sink keeps. The database is asked by psql(1), which finds it
in the environment; digests are computed there anew from the stored bytes. No
code of ours is asked, and no column believed that could be computed.

Each mail in the ledger must be a ticket of its own. Prints one line for each
broken promise; exit 1 if there is any:

    lost, half, doubled    an accepted mail is not in exactly one ticket
    unpromised             a stored mail that nobody was promised to keep
    silent, chatty         a mail with no acknowledgement and no reason for it,
                           or with more than one
    missing, changed       a reply or notice that did not leave, or not always
                           with the same bytes
    uncounted              somebody has it more often than the outbox admits
"""

import argparse
import collections
import email
import glob
import hashlib
import os
import subprocess
import sys

DELIVERIES = """
SELECT encode(sha256(r.bytes), 'hex'), d.envelope_recipient, d.state,
       coalesce(d.ticket_id, 0), coalesce(d.message_id_no, 0),
       coalesce(m.ticket_id, 0), coalesce(m.message_id, '')
  FROM delivery d JOIN raw_mail r ON r.digest = d.raw_digest
  LEFT JOIN message m ON m.id = d.message_id_no
"""
OUTGOING = """
SELECT o.kind, o.state, o.message_id, o.repeats, coalesce(m.message_id, '')
  FROM outgoing o LEFT JOIN message m ON m.id = o.message_id_no
"""

Sent = collections.namedtuple(
    "Sent", "message_id in_reply_to digest recipients")


def ask(sql):
    """Rows of the database, as lists of texts."""
    output = subprocess.run(
        ["psql", "-X", "-At", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", sql],
        check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    return [line.split("\t") for line in output.splitlines()]


def read_sink(directory):
    """Every mail that left, as the relay had it."""
    mails = []
    for path in sorted(glob.glob(os.path.join(directory, "*.eml"))):
        with open(path, "rb") as file:
            content = file.read()
        mail = email.message_from_bytes(content)
        with open(path[:-len("eml")] + "envelope", encoding="utf-8") as lines:
            recipients = [line.strip() for line in lines
                          if line.startswith("RCPT")]
        mails.append(Sent(mail["Message-ID"].strip("<> \r\n"),
                          (mail["In-Reply-To"] or "").strip("<> \r\n"),
                          hashlib.sha256(content).hexdigest(), recipients))
    return mails


def judge_deliveries(promised, deliveries):
    """Accepted means: in one ticket, byte for byte."""
    found = collections.Counter()
    tickets = collections.Counter()
    for digest, recipient, state, ticket, message, in_ticket, _ in deliveries:
        found[digest, recipient] += 1
        tickets[ticket] += 1
        if state != "settled" or message == "0" or ticket != in_ticket:
            yield "half: %s for %s is %s" % (digest, recipient, state)
    for mail in promised:
        if found[mail] == 0:
            yield "lost: %s for %s" % mail
    for mail, times in found.items():
        if times > 1:
            yield "doubled: %s for %s is there %d times" % (*mail, times)
        if mail not in promised:
            yield "unpromised: %s for %s" % mail
    for ticket, times in tickets.items():
        if times > 1:
            yield "doubled: %d mails are in ticket %s" % (times, ticket)


def judge_acknowledgements(deliveries, outgoing, sent):
    """One for each mail, or none and the outbox is unsure."""
    answered = collections.Counter(
        mail.in_reply_to for mail in sent if mail.message_id.startswith("ack."))
    unsure = {row[4] for row in outgoing
              if row[0] == "acknowledgement" and row[1] == "unsure"}
    for row in deliveries:
        if answered[row[6]] > 1:
            yield "chatty: %s has %d" % (row[6], answered[row[6]])
        if answered[row[6]] == 0 and row[6] not in unsure:
            yield "silent: %s" % row[6]


def judge_rest(outgoing, sent):
    """At least once, always the same, and repeated only where it is counted."""
    copies = collections.defaultdict(list)
    most = collections.Counter()  # copies that one recipient has
    for mail in sent:
        copies[mail.message_id].append(mail.digest)
        for recipient in mail.recipients:
            most[mail.message_id, recipient] += 1
    times = collections.Counter()
    for (message_id, _), number in most.items():
        times[message_id] = max(times[message_id], number)
    for kind, state, message_id, repeats, _ in outgoing:
        if kind != "acknowledgement" and (
                state != "sent" or not copies[message_id]):
            yield "missing: %s %s is %s" % (kind, message_id, state)
        if len(set(copies[message_id])) > 1:
            yield "changed: %s" % message_id
        if times[message_id] > 1 + int(repeats):
            yield "uncounted: %s left %d times, the outbox says %s" % (
                message_id, times[message_id], repeats)


def main():
    """All three, whatever the first of them says."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--sink", required=True)
    options = parser.parse_args()
    with open(options.ledger, encoding="utf-8") as lines:
        promised = {tuple(line.rstrip("\n").split("\t")) for line in lines}
    deliveries = ask(DELIVERIES)
    outgoing = ask(OUTGOING)
    sent = read_sink(options.sink)
    broken = [*judge_deliveries(promised, deliveries),
              *judge_acknowledgements(deliveries, outgoing, sent),
              *judge_rest(outgoing, sent)]
    print("%d promised, %d stored, %d sent, %d of them again" % (
        len(promised), len(deliveries), len(sent),
        len(sent) - len({(mail.message_id, *mail.recipients)
                         for mail in sent})))
    for line in broken:
        print(line)
    return 1 if broken or not promised else 0


if __name__ == "__main__":
    sys.exit(main())
