#!/usr/bin/python3
"""A bad wire between an IMAP client and its server.

usage: imap_proxy.py --listen PORT --server PORT --control FILE [--seed N]

FILE says what becomes of each connection that is begun from then on, in one line;
no file or "pass": nothing. LOW and HIGH are between how many bytes from the
server it happens, by chance:

    cut LOW HIGH           reset
    half LOW HIGH          the server's side is closed, the client's is not
    stall LOW HIGH         nothing comes any more, and nothing ends
    drip LOW HIGH          from there on a byte now and then, for ten seconds

FILE.done has a line for each time that it did.
"""

import argparse
import random
import select
import socket
import struct
import threading
import time

CHUNK = 4096
DRIP_PAUSE_S = 0.05
DRIP_BYTES = 200


def reset(peer):
    """As a machine does that knows of no connection."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    peer.close()


class Session:
    """One client, its own connection to the server, and its fate."""

    def __init__(self, client, server, order, note):
        self.client = client
        self.server = server
        self.act = order[0]
        self.note = note
        self.left = random.randint(*map(int, order[1:])) if order[1:] else -1
        self.said = False

    def run(self):
        """Until one of them has had enough."""
        try:
            while self.step():
                pass
        except OSError:
            pass
        for peer in (self.client, self.server):
            peer.close()

    def step(self):
        """Something from either side; false at the end."""
        for peer in select.select([self.client, self.server], [], [])[0]:
            data = peer.recv(CHUNK)
            if not data:
                return False
            if peer is self.client:
                self.server.sendall(data)
            elif not self.answer(data):
                return False
        return True

    def answer(self, data):
        """What the server says, as far as it gets."""
        if self.act == "pass" or len(data) < self.left:
            self.left -= len(data)
            self.client.sendall(data)
            return True
        good, rest = data[:self.left], data[self.left:]
        self.left = 0
        self.client.sendall(good)
        if not self.said:
            self.note(self.act)
            self.said = True
        return getattr(self, "act_" + self.act)(rest)

    def act_cut(self, _):
        """Both sides are told so."""
        reset(self.client)
        return False

    def act_half(self, _):
        """The client may go on to speak, to nobody."""
        self.client.shutdown(socket.SHUT_WR)
        while self.client.recv(CHUNK):
            pass
        return False

    def act_stall(self, _):
        """Until the client has lost its patience."""
        while self.client.recv(CHUNK):
            pass
        return False

    def act_drip(self, rest):
        """Each byte is a sign of life."""
        for index in range(min(len(rest), DRIP_BYTES)):
            self.client.sendall(rest[index:index + 1])
            time.sleep(DRIP_PAUSE_S)  # a byte now and then
        self.act = "pass"
        self.client.sendall(rest[DRIP_BYTES:])
        return True


def read_order(control):
    """The order of the day, in words."""
    try:
        with open(control, encoding="ascii") as file:
            return file.read().split() or ["pass"]
    except OSError:
        return ["pass"]


def main():
    """A thread for each connection."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--listen", type=int, required=True)
    parser.add_argument("--server", type=int, required=True)
    parser.add_argument("--control", required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)
    listener = socket.create_server(("127.0.0.1", options.listen))

    def note(act):
        with open(options.control + ".done", "a", encoding="ascii") as file:
            file.write(act + "\n")

    while True:
        client, _ = listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", options.server))
        except OSError:
            client.close()
            continue
        session = Session(client, server, read_order(options.control), note)
        threading.Thread(target=session.run, daemon=True).start()


if __name__ == "__main__":
    main()
