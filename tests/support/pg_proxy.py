#!/usr/bin/env python3
"""A UNIX socket in front of PostgreSQL that breaks at a chosen moment.

usage: pg_proxy.py --listen DIR --server DIR --control FILE

Clients connect to DIR as to the server. The control file holds what is to
happen at the next Sync a client sends, the end of a flight, and a word that
tells this order from the one before; each order is carried out once:

    pass WORD               nothing: bytes go through
    cut-before WORD         close both sides; the server never sees what was
                            sent since the last flush
    cut-after WORD          let the server do it all, then close the client's
                            side before the answer
    stall WORD              let the server do it all, keep the answer
    abort WORD              have the server roll back where it should commit,
                            and say so, which is not an error

    ... WORD TEXT           the same at the next Sync or Flush whose flight has
                            TEXT in it, such as the name of a statement;
                            abort: at the COMMIT of a whole flight that has
    cut-question WORD N     close both sides in place of the n-th message that
                            clients send from now on, of all connections
    cut-answer WORD N       the same with what the server sends

When an order has been carried out, FILE.done holds its words.
"""

import argparse
import os
import socket
import struct
import threading

SOCKET = ".s.PGSQL.5432"
# Parse, Bind, Describe, Execute, Close: a server need not act on them before a
# Sync or Flush, so they are kept until one comes.
KEPT = b"PBDEC"
# CommandComplete, EmptyQueryResponse, PortalSuspended, ErrorResponse: the last
# word about one Execute.
ANSWERS = b"CIsE"
COUNTED = ("cut-question", "cut-answer")


def receive(peer, length):
    """Exactly so many bytes, or None at the end."""
    data = b""
    while len(data) < length:
        piece = peer.recv(length - len(data))
        if not piece:
            return None
        data += piece
    return data


def read_message(peer):
    """One message of the protocol, type byte first."""
    head = receive(peer, 5)
    if head is None:
        return None
    rest = receive(peer, struct.unpack("!I", head[1:])[0] - 4)
    return None if rest is None else head + rest


class Session:
    """One client and its own connection to the server."""

    def __init__(self, client, server, proxy):
        self.client = client
        self.server = server
        self.proxy = proxy
        self.held = threading.Event()  # answers do not go back any more
        self.done = threading.Event()  # all the server had to say was held
        self.expected = 0  # how many commands have no answer yet
        self.until = b""   # what ends the server's part of the held flight

    def run(self):
        threading.Thread(target=self.answers, daemon=True).start()
        try:
            self.requests()
        except OSError:
            pass
        self.close()

    def close(self):
        for peer in (self.client, self.server):
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            peer.close()

    def requests(self):
        head = receive(self.client, 4)  # the start packet has no type byte
        if head is None:
            return
        rest = receive(self.client, struct.unpack("!I", head)[0] - 4)
        if rest is None:
            return
        self.server.sendall(head + rest)
        kept = flight = b""
        while True:
            message = read_message(self.client)
            if message is None or self.proxy.counts("cut-question"):
                return
            if message[:1] in KEPT:
                kept += message
                if message[:1] == b"E":
                    self.expected += 1
                continue
            is_sync = message[:1] == b"S"
            flight += kept
            order = self.proxy.order(is_sync, kept, flight)
            if is_sync:
                flight = b""
            if order == "cut-before":
                return
            if order == "abort":  # the same length
                kept = kept.replace(b"COMMIT\0", b"ABORT \0")
            elif order != "pass":
                self.until = message[:1]
                self.held.set()
            self.server.sendall(kept + message)
            kept = b""
            if order == "cut-after":
                self.done.wait(30)
                return

    def answers(self):
        try:
            while True:
                message = read_message(self.server)
                if message is None or self.proxy.counts("cut-answer"):
                    break
                if message[:1] in ANSWERS:
                    self.expected -= 1
                if not self.held.is_set():
                    self.client.sendall(message)
                elif message[:1] == b"Z" or (
                        self.until == b"H" and self.expected == 0):
                    self.done.set()
        except OSError:
            pass
        if not self.held.is_set():
            self.close()


class Proxy:
    """The order of the day, for all sessions."""

    def __init__(self, control):
        self.control = control
        self.lock = threading.Lock()
        self.carried_out = None
        self.counted = None  # the order that is being counted for ...
        self.left = 0        # ... and how many messages may still pass

    def _read(self):
        """The order that waits, in words; none is []."""
        try:
            with open(self.control, encoding="ascii") as file:
                text = file.read()
        except OSError:
            return []
        return [] if text == self.carried_out else text.split()

    def _done(self, words):
        with open(self.control, encoding="ascii") as file:
            self.carried_out = file.read()
        with open(self.control + ".new", "w", encoding="ascii") as file:
            file.write(" ".join(words) + "\n")
        os.rename(self.control + ".new", self.control + ".done")

    def order(self, is_sync, kept, flight):
        """What is to happen to what was kept, the end of a flight so far."""
        with self.lock:
            words = self._read()
            if len(words) < 2 or words[0] in COUNTED:
                return "pass"
            if words[0] == "abort":  # the COMMIT of a flight with TEXT in it
                meant = b"COMMIT\0" in kept and words[2].encode() in flight
            elif len(words) > 2:
                meant = words[2].encode() in kept
            else:
                meant = is_sync
            if not meant:
                return "pass"
            self._done(words)
            return words[0]

    def counts(self, action):
        """One more message; is it the one to be cut?"""
        with self.lock:
            words = self._read()
            if not words or words[0] != action:
                return False
            if words != self.counted:
                self.counted = words
                self.left = int(words[2])
            self.left -= 1
            if self.left > 0:
                return False
            self._done(words)
            return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--control", required=True)
    options = parser.parse_args()
    proxy = Proxy(options.control)
    listener = socket.socket(socket.AF_UNIX)
    path = os.path.join(options.listen, SOCKET)
    listener.bind(path)
    os.chmod(path, 0o777)
    listener.listen()
    while True:
        client, _ = listener.accept()
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(os.path.join(options.server, SOCKET))
        except OSError:
            client.close()
            continue
        session = Session(client, server, proxy)
        threading.Thread(target=session.run, daemon=True).start()


if __name__ == "__main__":
    main()
