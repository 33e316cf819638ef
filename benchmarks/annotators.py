"""The clients: people who lease and answer over HTTP as fast as they can.

Run as a process of its own, so that the server's figures are the server's. Reads a JSON
description on stdin, prints one line per annotation done: seconds of next, seconds of submit,
task, connection attempts; then ends. Sockets by hand, since a library would cost more CPU than
the server.
"""

import json
import socket
import sys
import threading
import time


class Client:
    """HTTP/1.1 to one server with one token."""

    def __init__(self, port: int, token: str, keep_alive: bool) -> None:
        self.port = port
        self.keep_alive = keep_alive
        self.head = f"Host: 127.0.0.1\r\nAuthorization: Token {token}\r\n"
        if not keep_alive:
            self.head += "Connection: close\r\n"
        self.socket: socket.socket | None = None

    def request(self, method: str, path: str, body: dict | None = None) -> tuple[int, bytes]:
        """Send and wait: the status and the body."""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        payload = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\n{self.head}"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n"
        self.socket.sendall(head.encode() + b"\r\n" + payload)
        status, answer = self._receive()
        if not self.keep_alive:
            self.socket.close()
            self.socket = None
        return status, answer

    def _receive(self) -> tuple[int, bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the server closed the connection")
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        status = int(head[9:12])
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        while len(body) < length:
            body += self.socket.recv(65536)
        return status, body


def work(client: Client, project: int, quota: list[int], lock: threading.Lock, out: list) -> None:
    """Lease and answer until the shared quota is used up or nothing is left."""
    while True:
        with lock:
            if quota[0] <= 0:
                return
            quota[0] -= 1
        began = time.perf_counter()
        status, answer = client.request("GET", f"/api/v1/projects/{project}/next/")
        leased = time.perf_counter()
        if status == 204:
            return
        if status != 200:
            raise RuntimeError(f"next answered {status}: {answer[:300]!r}")
        seat = json.loads(answer)
        value = {"verdict": "prefer", "preferred": seat["responses"][0]["id"], "strength": 2}
        body = {"value": value, "seconds_active": 1.5, "idempotency_key": f"s{seat['seat']}"}
        start = time.perf_counter()
        status, answer = client.request("POST", f"/api/v1/seats/{seat['seat']}/judgement/", body)
        done = time.perf_counter()
        if status != 201:
            raise RuntimeError(f"submit answered {status}: {answer[:300]!r}")
        out.append((leased - began, done - start, seat["task"]))


def main() -> None:
    order = json.load(sys.stdin)
    quota, lock, out = [order["annotations"]], threading.Lock(), []
    clients = [Client(order["port"], token, order["keep_alive"]) for token in order["tokens"]]
    threads = [
        threading.Thread(target=work, args=(client, order["project"], quota, lock, out))
        for client in clients
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    json.dump({"seconds": time.perf_counter() - began, "annotations": out}, sys.stdout)


if __name__ == "__main__":
    main()
