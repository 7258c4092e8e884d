"""A scripted LMTP server on a UNIX socket, for tests of LMTP clients.

    with LmtpPeer({"RCPT": ["550 5.1.1 who?"]}) as peer:
        ... let a client talk to peer.path ...
    peer.commands, peer.content, peer.ended; peer.wait_ended()

Each key of the script is a stage: greeting, LHLO, XFORWARD, MAIL, RCPT, BDAT
(a chunk that is not the last), LAST (the last chunk), QUIT. Its value is a list
of what to answer, one entry a command (for LAST: one a recipient); when the
list is used up, or the stage is not there, the answer is a friendly one. An
entry is

    text          the reply, CR LF is added
    bytes         sent as they are
    DROP          close the connection
    (bytes, DROP) the one, then the other
    STALL         say nothing more, but keep the connection open

One connection, served by a thread. Everything goes away with the block.
"""

import os
import shutil
import socket
import tempfile
import threading

DROP = object()
STALL = object()

LHLO = ("250-peer\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-BINARYMIME\r\n"
        "250-SMTPUTF8\r\n250 XFORWARD IDENT PROTO")
FRIENDLY = {"greeting": "220 peer LMTP", "LHLO": LHLO, "QUIT": "221 2.0.0 bye"}


class _Over(Exception):
    """The conversation ends here."""


class LmtpPeer:
    def __init__(self, script=None, backlog=5):
        self.script = {key: list(value) for key, value in
                       (script or {}).items()}
        self.commands = []    # command lines, without CR LF
        self.chunks = []      # (bytes, was it the last)
        self._whole = threading.Event()
        self._accepted = 0    # recipients
        self._done = threading.Event()
        self._directory = tempfile.mkdtemp(prefix="peer", dir="/tmp")
        self.path = os.path.join(self._directory, "s")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(backlog)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def content(self):
        return b"".join(piece for piece, _ in self.chunks)

    @property
    def ended(self):
        """Did a chunk with LAST come in whole?"""
        return self._whole.is_set()

    def wait_ended(self):
        """Until it has."""
        assert self._whole.wait(60)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        try:  # wakes accept()
            with socket.socket(socket.AF_UNIX) as waker:
                waker.connect(self.path)
        except OSError:
            pass
        self._thread.join(10)
        self._listener.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _answer(self, stage):
        queue = self.script.get(stage, [])
        entry = queue.pop(0) if queue else FRIENDLY.get(stage, "250 2.0.0 ok")
        if isinstance(entry, tuple):
            self._connection.sendall(entry[0])
            entry = entry[1]
        if entry is DROP:
            raise _Over
        if entry is STALL:
            self._done.wait(60)
            raise _Over
        if isinstance(entry, str):
            entry = entry.encode() + b"\r\n"
        self._connection.sendall(entry)
        return entry[:1] == b"2"

    def _serve(self):
        self._connection, _ = self._listener.accept()
        if self._done.is_set():
            self._connection.close()
            return
        self._file = self._connection.makefile("rb")
        try:
            self._answer("greeting")
            while True:
                line = self._file.readline()
                if not line.endswith(b"\r\n"):
                    return
                self._command(line[:-2].decode("utf-8", "surrogateescape"))
        except (_Over, OSError):
            pass
        finally:
            self._file.close()
            self._connection.close()

    def _command(self, line):
        self.commands.append(line)
        verb = line.split(" ")[0]
        if verb == "BDAT":
            self._chunk(line.split(" "))
            return
        good = self._answer(verb)
        if verb == "RCPT" and good:
            self._accepted += 1

    def _chunk(self, words):
        size = int(words[1])
        piece = self._file.read(size)
        if len(piece) < size:
            raise _Over
        last = words[2:] == ["LAST"]
        self.chunks.append((piece, last))
        if not last:
            self._answer("BDAT")
            return
        self._whole.set()
        for _ in range(self._accepted):
            self._answer("LAST")
