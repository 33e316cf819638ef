"""A scripted OpenAI-compatible server on the loopback. What it does is told by the model's name."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "sk-test-3141592653"


class ChatServer(ThreadingHTTPServer):
    """`requests` are the bodies that came, `keys` the Authorization headers beside them.

    `go` lets scripts that wait go on; `hung_up` is set when a client left in the middle.
    """

    daemon_threads = True
    request_queue_size = 128  # 5, as it comes, breaks off calls that arrive sixteen at a time

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict] = []
        self.keys: list[str | None] = []
        self.scripts: dict[str, Callable[[Handler, dict], None]] = dict(SCRIPTS)
        self.go = threading.Event()
        self.hung_up = threading.Event()
        self.ending = threading.Event()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address) -> None:
        """Clients that hang up are part of the play."""


class Handler(BaseHTTPRequestHandler):
    server: ChatServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        self.server.keys.append(self.headers["Authorization"])
        self.close_connection = True
        if self.path not in ("/v1/chat/completions", "/v1/systemone"):
            return self.answer(404, {"error": {"message": "no such path"}})
        script = self.server.scripts[body["model"].split(":")[0]]
        try:
            script(self, body)
        except (BrokenPipeError, ConnectionResetError):
            self.server.hung_up.set()

    def answer(self, status: int, body: object, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content_Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()

    def event(self, data: object) -> None:
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        self.wfile.write(f"data: {text}\n\n".encode())
        self.wfile.flush()

    def say(self, *words: str) -> None:
        for word in words:
            self.event({"choices": [{"index": 0, "delta": {"content": word}}]})

    def end(self, completion_tokens: int = 4) -> None:
        self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        usage = {"prompt_tokens": 9, "completion_tokens": completion_tokens}
        self.event({"choices": [], "usage": usage})
        self.event("[DONE]")

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def echo(handler: Handler, body: dict) -> None:
    """Says its own name and the last message, word by word."""
    handler.begin_stream()
    handler.event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
    words = f"**{body['model']}** heard: {body['messages'][-1]['content']}".split(" ")
    handler.say(words[0], *(f" {word}" for word in words[1:]))
    handler.end(len(words))


def rate_limited(handler: Handler, body: dict) -> None:
    handler.answer(429, {"error": {"message": f"slow down, {KEY}"}}, Retry_After="7")


def server_error(handler: Handler, body: dict) -> None:
    handler.answer(500, b"<h1>Internal error</h1>", Content_Type="text/html")


def bad_key(handler: Handler, body: dict) -> None:
    handler.answer(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}})


def malformed(handler: Handler, body: dict) -> None:
    handler.begin_stream()
    handler.say("Well, ")
    handler.event('{"choices": [{"delta": {"conte')
    handler.end()


def cut(handler: Handler, body: dict) -> None:
    handler.begin_stream()
    handler.say("It begins ", "well ")


def redirect(handler: Handler, body: dict) -> None:
    handler.answer(307, b"", Location="http://127.0.0.1:9/v1/chat/completions")


def silent(handler: Handler, body: dict) -> None:
    """Takes the request and says nothing, until the server ends."""
    handler.begin_stream()
    handler.server.ending.wait()


def endless(handler: Handler, body: dict) -> None:
    """Never ends; notices when the client hangs up."""
    handler.begin_stream()
    while not handler.server.ending.wait(0.02):
        handler.say("on and ")


def halting(handler: Handler, body: dict) -> None:
    """Says half, waits for `go` or the server's end, says the rest."""
    handler.begin_stream()
    handler.say("First half, ")
    handler.server.go.wait()
    handler.say("second half.")
    handler.end()


def failing_once(handler: Handler, body: dict) -> None:
    """Breaks off at the first request of each conversation's state, replies at the second."""
    same = [one for one in handler.server.requests if one == body]
    return cut(handler, body) if len(same) == 1 else echo(handler, body)


def whole(handler: Handler, body: dict) -> None:
    """Does not stream."""
    message = {"role": "assistant", "content": "All at once."}
    handler.answer(200, {"choices": [{"message": message, "finish_reason": "stop"}]})


def empty(handler: Handler, body: dict) -> None:
    handler.begin_stream()
    handler.end(0)


def error_inside(handler: Handler, body: dict) -> None:
    handler.begin_stream()
    handler.say("I ")
    handler.event({"error": {"message": "the GPU is gone"}})


SCRIPTS = {
    script.__name__: script
    for script in (
        echo,
        rate_limited,
        server_error,
        bad_key,
        malformed,
        cut,
        redirect,
        silent,
        endless,
        halting,
        failing_once,
        whole,
        empty,
        error_inside,
    )
}


@contextmanager
def serve_chat() -> Iterator[ChatServer]:
    """The server, until the block ends."""
    server = ChatServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.ending.set()
        server.go.set()
        server.shutdown()
        thread.join()
        server.server_close()
