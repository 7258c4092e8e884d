#!/usr/bin/python3
"""Answer every mail that the SMTP sink keeps, as the worst robot does.

usage: mirror.py --sink DIR --socket PATH [--lose FIELD,...]
                 [--only ADDRESS,...] [--author ADDRESS]

For each recipient of each new mail in the sink an answer goes by LMTP to the
address in its From, null sender or not, automatic or not. The answer has
In-Reply-To, References and "Re: " before the subject unless --lose names them
("subject" leaves a subject of its own), and says nowhere that a machine wrote
it. --only answers for these recipients and nobody else; --author is who answers
instead of them, as the members of a mailing list do.

How many mails it has seen is in DIR/mirrored.
"""

import argparse
import email
import email.policy
import os
import smtplib
import time


def answer(mail, author, number, lose):
    """The text of an answer to `mail` by `author`."""
    fields = ["From: <%s>" % author, "To: %s" % mail["From"],
              "Message-ID: <mirror%d.%s>" % (time.time_ns(), author)]
    if "subject" in lose:
        fields.append("Subject: I have read your mail %d" % number)
    else:
        fields.append("Subject: Re: %s" % mail["Subject"])
    if "in-reply-to" not in lose:
        fields.append("In-Reply-To: %s" % mail["Message-ID"])
    if "references" not in lose:
        fields.append("References: %s %s" % (mail.get("References", ""),
                                             mail["Message-ID"]))
    text = "\r\n".join(fields) + "\r\n\r\nThank you for your mail.\r\n"
    return text.encode("ascii", "replace")


def recipients(path):
    """RCPT TO of a mail in the sink."""
    with open(path.replace(".eml", ".envelope"), encoding="utf-8") as lines:
        return [line[line.index("<") + 1:line.index(">")] for line in lines
                if line.upper().startswith("RCPT")]


def mirror(path, number, options):
    """Answer one mail for each of its recipients."""
    with open(path, "rb") as file:
        mail = email.message_from_binary_file(
            file, policy=email.policy.default)
    to = mail["From"].addresses[0].addr_spec
    for recipient in recipients(path):
        if options.only and recipient not in options.only.split(","):
            continue
        author = options.author or recipient
        with smtplib.LMTP(options.socket) as client:
            client.sendmail(author, [to], answer(
                mail, author, number, options.lose.split(",")))


def main():
    """Look, answer, sleep; until a signal comes."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--sink", required=True)
    parser.add_argument("--socket", required=True)
    parser.add_argument("--lose", default="")
    parser.add_argument("--only", default="")
    parser.add_argument("--author", default="")
    options = parser.parse_args()
    seen = 0
    while True:
        path = os.path.join(options.sink, "%06d.eml" % (seen + 1))
        if not os.path.exists(path):
            time.sleep(0.05)  # between two looks
            continue
        mirror(path, seen + 1, options)
        seen += 1
        with open(os.path.join(options.sink, "mirrored.new"), "w",
                  encoding="ascii") as file:
            file.write("%d\n" % seen)
        os.rename(os.path.join(options.sink, "mirrored.new"),
                  os.path.join(options.sink, "mirrored"))


if __name__ == "__main__":
    main()
