#!/usr/bin/python3
"""Mail that goes on and on into Maildirs, each noted before it is there.

usage: imap_put.py --name NAME --ledger FILE --until FILE FOLDER=DIR=QUEUE...

The ledger is for imap_oracle.py. Some mails are larger than a batch, some have no
Message-ID, and some have the subject "Spare": those are in FILE.spare, too, and
another client may throw them away. Each is whole before it is seen.
"""

import argparse
import hashlib
import os
import random
import time


def write_mail(name, number):
    """Its bytes, with LF, and whether it is a spare one."""
    spare = number % 7 == 3
    lines = ["From: Some Person <%s-%d@customers.test>" % (name, number),
             "To: support@desk.test",
             "Subject: %s %s %d" % ("Spare" if spare else "Question", name,
                                    number),
             "Date: Sat, 21 Nov 2026 10:00:00 +0000"]
    if number % 10 != 5:
        lines.append("Message-ID: <%s-%d@mua.test>" % (name, number))
    lines += ["", "This is %s %d, and it does not work." % (name, number)]
    if number % 25 == 7:
        lines += ["%070d" % random.getrandbits(200) for _ in range(9000)]
    elif number % 4 == 1:
        lines += ["%070d" % random.getrandbits(200) for _ in range(300)]
    return "\n".join(lines).encode() + b"\n", spare


def note(path, content, queue, folder):
    """On disk before the mail can be seen: it is promised from then on."""
    digest = hashlib.sha256(content.replace(b"\n", b"\r\n")).hexdigest()
    with open(path, "a", encoding="ascii") as ledger:
        ledger.write("%s\t%s\t%s\n" % (digest, queue, folder))


def put(directory, file_name, content):
    """Into new, as a delivery agent does it."""
    path = os.path.join(directory, "tmp", file_name)
    with open(path, "wb") as file:
        file.write(content)
    os.rename(path, os.path.join(directory, "new", file_name))


def main():
    """To each folder in turn, until somebody says that it is enough."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--until", required=True)
    parser.add_argument("--pause", type=float, default=0.1)
    parser.add_argument("folders", nargs="+")
    options = parser.parse_args()
    number = 0
    while not os.path.exists(options.until):
        for place in options.folders:
            folder, directory, queue = place.split("=")
            content, spare = write_mail(options.name, number)
            note(options.ledger, content, queue, folder)
            if spare:
                note(options.ledger + ".spare", content, queue, folder)
            put(directory, "%d.%s_%d.test" % (
                time.time(), options.name, number), content)
            number += 1
        time.sleep(options.pause)  # how fast mail comes


if __name__ == "__main__":
    main()
