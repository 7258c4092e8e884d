#!/usr/bin/python3
"""An OAuth token endpoint in small, by HTTPS, with all moods of a provider.

usage: token_server.py PORT CERT KEY LEDGER

What a POST gets is said by its path; each request is a line of LEDGER: path and
form, decoded. It stays until a signal.

    /good      a token, good for 3599 s, if the client's secret is "s3cret&+"
    /rotate    a token for the refresh token that was given last ("first" at the
               start), and a new one: each may be used once
    /code      the answer to an authorization code, with the refresh token "first"
    /ERROR/STATUS   this error with this status, and a description that repeats
               all that was sent
    /text      no second line: lifetime as text; /unknown: without one
    /garbage /empty /list /deep /huge /lines   200 that is none
    /slow      nothing; /drip: an octet now and then; /close: the end
    /redirect  somewhere else
"""

import http.server
import json
import ssl
import sys
import threading
import time
import urllib.parse

TOKEN = {"token_type": "Bearer", "access_token": "token", "expires_in": 3599}
BODIES = {
    "text": json.dumps(dict(TOKEN, expires_in="3599")),
    "unknown": json.dumps(dict(TOKEN, expires_in=None)),
    "garbage": "<html>Welcome to our hotel</html>",
    "empty": "",
    "list": "[1, 2]",
    "deep": "[" * 60000,
    "huge": " " * 1000000 + "{}",
    "lines": json.dumps(dict(TOKEN, access_token="token\n999")),
}


class Endpoint(http.server.BaseHTTPRequestHandler):
    """One request."""

    given = "first"
    count = 0
    guard = threading.Lock()
    ledger = None

    def log_message(self, *unused):
        pass

    def answer(self, status, body):
        """All that most moods need."""
        if not isinstance(body, str):
            body = json.dumps(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def rotate(self, form):
        """Refresh tokens that may be used once."""
        with self.guard:
            if form.get("refresh_token") != Endpoint.given:
                self.answer(400, {"error": "invalid_grant",
                                  "error_description": "used before"})
                return
            Endpoint.count += 1
            Endpoint.given = "again-%d" % Endpoint.count
            time.sleep(0.05)  # time for others to come with the old one
            self.answer(200, dict(TOKEN, refresh_token=Endpoint.given))

    def do_POST(self):  # pylint: disable=invalid-name
        """Look into the path."""
        length = int(self.headers["Content-Length"])
        text = self.rfile.read(length).decode()
        form = dict(urllib.parse.parse_qsl(text))
        with self.guard:
            self.ledger.write("%s %s\n" % (self.path, json.dumps(form)))
            self.ledger.flush()
        words = self.path.strip("/").split("/")
        if words[0] == "rotate":
            self.rotate(form)
        elif words[0] == "good" and form.get("client_secret") == "s3cret&+":
            self.answer(200, TOKEN)
        elif words[0] == "good":
            self.answer(401, {"error": "invalid_client"})
        elif words[0] == "code":
            self.answer(200, dict(TOKEN, refresh_token="first"))
        elif words[0] in BODIES:
            self.answer(200, BODIES[words[0]])
        elif words[0] == "slow":
            self.connection.recv(1)  # until the client has had enough
        elif words[0] == "drip":
            self.drip()
        elif words[0] == "redirect":
            self.send_response(307)
            self.send_header("Location", "/good")
            self.end_headers()
        elif len(words) == 2:
            self.answer(int(words[1]), {
                "error": words[0],
                "error_description": "AADSTS7000: \x1b[31mno\r\n" + text
                + " " + json.dumps(form)})

    def drip(self):
        """Always something, never enough."""
        self.send_response(200)
        self.end_headers()
        for _ in range(60):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.5)  # an octet now and then


def main(port, certificate, key, ledger):
    """Serve."""
    Endpoint.ledger = open(ledger, "a", encoding="utf-8")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Endpoint)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    server.handle_error = lambda *unused: None
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
