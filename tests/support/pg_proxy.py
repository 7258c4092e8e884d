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
        self.done = threading.Event()  # the server was ready again, held

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
        length = struct.unpack("!I", head)[0] - 4
        self.server.sendall(head + receive(self.client, length))
        kept = b""
        while True:
            message = read_message(self.client)
            if message is None:
                return
            if message[:1] in KEPT:
                kept += message
                continue
            order = self.proxy.order() if message[:1] == b"S" else "pass"
            if order == "cut-before":
                return
            if order != "pass":
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
                if message is None:
                    break
                if not self.held.is_set():
                    self.client.sendall(message)
                elif message[:1] == b"Z":
                    self.done.set()
        except OSError:
            pass
        if not self.held.is_set():
            self.close()


class Proxy:
    def __init__(self, control):
        self.control = control
        self.carried_out = None

    def order(self):
        try:
            with open(self.control, encoding="ascii") as file:
                text = file.read()
        except OSError:
            return "pass"
        if text == self.carried_out or not text:
            return "pass"
        self.carried_out = text
        return text.split()[0]


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
        server.connect(os.path.join(options.server, SOCKET))
        session = Session(client, server, proxy)
        threading.Thread(target=session.run, daemon=True).start()


if __name__ == "__main__":
    main()
