"""A receiver of webhooks on the loopback, which checks signatures with code of its own."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Message:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> dict:
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """As the scheme's text has it, written apart from the code that signs."""
        key = base64.b64decode(secret.split("_", 1)[1])
        text = ".".join([self.id, self.headers["webhook-timestamp"], self.body.decode()])
        digest = hmac.digest(key, text.encode(), hashlib.sha256)
        signatures = self.headers["webhook-signature"].split(" ")
        return f"v1,{base64.b64encode(digest).decode()}" in signatures


class Receiver(ThreadingHTTPServer):
    """`messages` are those that came; `script` answers them, 204 at first."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.messages: list[Message] = []
        self.script: Callable[[Handler], None] = lambda handler: handler.answer(204)
        self.ending = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks?from=tandem"

    def handle_error(self, request, client_address) -> None:
        """Those that hang up are part of the play."""


class Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.messages.append(Message(self.path, headers, body))
        self.close_connection = True
        self.server.script(self)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def serve_webhooks() -> Iterator[Receiver]:
    """The receiver, until the block ends."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()
