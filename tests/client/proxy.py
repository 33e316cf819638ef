"""A wire between client and server that can be cut, or answer by itself, on the loopback."""

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# What happens to a request: given the whole of what the server answered, what the client gets.
Fate = Callable[[bytes], bytes]


@dataclass
class Proxy:
    """One request a connection, which it closes. `fates` are for the next requests, in turn.

    A text is answered without asking the server; a function cuts the server's answer; None lets
    it through. `seen` holds each request's head.
    """

    url: str
    fates: deque[Fate | bytes | None] = field(default_factory=deque)
    seen: list[bytes] = field(default_factory=list)


def answering(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def nothing(answer: bytes) -> bytes:
    """The server did it, and nobody hears of it."""
    return b""


def half(answer: bytes) -> bytes:
    """The head, and the body up to its middle, told as long as it was."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"content-length" not in head.lower():
        head += b"\r\nContent-Length: %d" % len(body)
    return head + b"\r\n\r\n" + body[: len(body) // 2]


@contextmanager
def serve_proxy(target: str) -> Iterator[Proxy]:
    place = urlsplit(target)
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = Proxy(f"http://127.0.0.1:{listener.getsockname()[1]}")
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=serve, args=(client,))
            threads.append(thread)
            thread.start()

    def serve(client: socket.socket) -> None:
        with client, suppress(ConnectionError):
            head, rest = _head(client)
            if not head:
                return
            proxy.seen.append(head)
            fate = proxy.fates.popleft() if proxy.fates else None
            if isinstance(fate, bytes):
                _drain(client, head, rest)
                client.sendall(fate)
                return
            answer = _ask(place, head, client, rest)
            client.sendall(fate(answer) if fate else answer)

    accepting = threading.Thread(target=accept)
    accepting.start()
    yield proxy
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    accepting.join()
    for thread in threads:
        thread.join()


def _head(client: socket.socket) -> tuple[bytes, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = client.recv(65536)
        if not piece:
            return b"", b""
        received += piece
    head, _, rest = received.partition(b"\r\n\r\n")
    return head, rest


def _body(client: socket.socket, head: bytes, rest: bytes) -> Iterator[bytes]:
    """The body as it comes, by its length or in chunks."""
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    if b"content-length" in fields:
        left = int(fields[b"content-length"]) - len(rest)
        yield rest
        while left > 0:
            piece = client.recv(65536)
            if not piece:
                return
            left -= len(piece)
            yield piece
    elif b"transfer-encoding" in fields:
        tail = rest
        yield rest
        while not tail.endswith(b"0\r\n\r\n"):
            piece = client.recv(65536)
            if not piece:
                return
            tail = (tail + piece)[-5:]
            yield piece


def _drain(client: socket.socket, head: bytes, rest: bytes) -> None:
    for _ in _body(client, head, rest):
        pass


def _ask(place, head: bytes, client: socket.socket, rest: bytes) -> bytes:
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    received = []
    with socket.create_connection((place.hostname, place.port)) as server:
        server.sendall(b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n")
        for piece in _body(client, head, rest):
            server.sendall(piece)
        while piece := server.recv(65536):
            received.append(piece)
    answer = b"".join(received)
    # Without a length, only the connection's end says that an answer is over.
    found, _, body = answer.partition(b"\r\n\r\n")
    if b"connection: close" not in found.lower():
        found += b"\r\nConnection: close"
    return found + b"\r\n\r\n" + body
