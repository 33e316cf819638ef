"""The serving child seen from its worker: one process, its requests, its deaths and its rests.

A host owns at most one child (`python -m training.serve`), started with the first request and
ended after a while without any, so that an idle worker is small. Threads of the worker ask; one
thread of the host talks to the child over its pipes. Requests to score with the same model that
wait together go to it together. A child that dies, or that is killed for taking too long, is
started again by the next request.
"""

import contextlib
import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.child import before_start, environment, how_it_died, log_tail

logger = logging.getLogger(__name__)

BEAT = 2.0  # seconds between two calls of a waiting asker's `beat`
LOOK = 0.2  # seconds between two looks at who still wants the answer
CANCEL_GRACE = 3.0  # seconds for a cancelled request to end by itself
MOST_ROWS = 128  # that go to the child together
DEATHS = 2  # of the child with the same request, and it is given up
LOG_BYTES = 1_000_000
NICENESS = 5  # behind the web, before training
SHUTS_DOWN = "The serving worker shuts down."

Order = dict[str, Any]
Rows = list[dict[str, Any]]


class CannotAnswer(Exception):
    """The model cannot do what is asked, whatever the rows: its files are gone, it is too short."""


class RowsFailed(Exception):
    """These rows brought the child down, or took too long; others may go well."""


@dataclass(eq=False)
class _Ticket:
    order: Order
    rows: Rows
    over: threading.Event = field(default_factory=threading.Event)
    answers: Rows | None = None
    error: Exception | None = None
    unwanted: bool = False
    deaths: int = 0

    def settle(self, answers: Rows | None = None, error: Exception | None = None) -> None:
        self.answers, self.error = answers, error
        self.over.set()


class Host:
    """`room`: bytes of weights kept; `patience`: seconds for one request with its loading;
    `idle`: seconds without a request after which the child ends.
    """

    def __init__(self, folder: Path, *, room: int, patience: float, idle: float) -> None:
        self.folder = folder
        self.room = room
        self.patience = patience
        self.idle = idle
        self._waiting: deque[_Ticket] = deque()
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._pipe: _Pipe | None = None
        self._number = 0

    @property
    def pid(self) -> int | None:
        """The child's; None while there is none."""
        pipe = self._pipe
        return pipe.process.pid if pipe is not None and pipe.is_alive() else None

    def ask(self, order: Order, rows: Rows, beat: Callable[[], None]) -> Rows:
        """An answer to each row. `beat` is called every BEAT s while it waits and may raise,
        which withdraws the request. Raises CannotAnswer, RowsFailed.
        """
        ticket = _Ticket(order, rows)
        with self._news:
            if self._closing:
                raise CannotAnswer(SHUTS_DOWN)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="host", daemon=True)
                self._thread.start()
            self._waiting.append(ticket)
            self._news.notify_all()
        try:
            while not ticket.over.wait(BEAT):
                beat()
        except BaseException:
            ticket.unwanted = True
            raise
        if ticket.error is not None:
            raise ticket.error
        assert ticket.answers is not None
        return ticket.answers

    def close(self) -> None:
        """End the child and the thread; whoever still waits gets CannotAnswer."""
        with self._news:
            self._closing = True
            self._news.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=10)
        self._end_child()

    # The host's own thread ------------------------------------------------------------------

    def _work(self) -> None:
        while not self._closing:
            tickets = self._next()
            try:
                if tickets:
                    self._serve(tickets)
                elif tickets is None:
                    self._end_child()
            except Exception as error:
                logger.exception("The host stumbled")
                self._end_child()
                for ticket in tickets or []:
                    ticket.settle(error=RowsFailed(f"{type(error).__name__}: {error}"))
        for ticket in self._waiting:
            ticket.settle(error=CannotAnswer(SHUTS_DOWN))

    def _next(self) -> list[_Ticket] | None:
        """What goes to the child together; None after `idle` seconds without anything."""
        with self._news:
            if not self._waiting and not self._news.wait_for(self._is_wanted, self.idle):
                return None
            if self._closing:
                return []
            first = self._waiting.popleft()
            together, count = [first], len(first.rows)
            if first.order["do"] == "score" and not first.deaths:
                for ticket in list(self._waiting):
                    fits = count + len(ticket.rows) <= MOST_ROWS and not ticket.deaths
                    if fits and ticket.order == first.order:
                        self._waiting.remove(ticket)
                        together.append(ticket)
                        count += len(ticket.rows)
        return [ticket for ticket in together if not ticket.unwanted]

    def _is_wanted(self) -> bool:
        return bool(self._waiting) or self._closing

    def _serve(self, tickets: list[_Ticket]) -> None:
        self._number += 1
        rows = [row for ticket in tickets for row in ticket.rows]
        try:
            answer = self._exchange({"id": self._number, **tickets[0].order, "rows": rows}, tickets)
        except (EOFError, OSError) as error:
            self._child_died(tickets, error)
            return
        if answer is None:
            return
        if answer["status"] == "done":
            answers = iter(answer["answers"])
            for ticket in tickets:
                ticket.settle([next(answers) for _ in ticket.rows])
        else:
            kind = CannotAnswer if answer["status"] == "refused" else RowsFailed
            for ticket in tickets:
                ticket.settle(error=kind(answer.get("message", answer["status"])))

    def _exchange(self, request: Order, tickets: list[_Ticket]) -> Order | None:
        """Send it and wait for its answer; None where the tickets are settled or unwanted.

        Raises EOFError or OSError when the child dies.
        """
        if self._pipe is None or not self._pipe.is_alive():
            self._end_child()
            self._pipe = _Pipe(self.folder, self.room)
        pipe = self._pipe
        pipe.send(request)
        deadline = time.monotonic() + self.patience
        withdrawn = False
        while (answer := pipe.receive(LOOK)) is None:
            if self._closing or time.monotonic() > deadline:
                self._end_child()
                if not withdrawn:
                    for ticket in tickets:
                        ticket.settle(error=self._gave_up())
                return None
            if not withdrawn and all(ticket.unwanted for ticket in tickets):
                withdrawn = True
                pipe.send({"cancel": request["id"]})
                deadline = time.monotonic() + CANCEL_GRACE
        return answer

    def _gave_up(self) -> Exception:
        if self._closing:
            return CannotAnswer(SHUTS_DOWN)
        return RowsFailed(f"The model took longer than {self.patience:g} s; ask for less at once.")

    def _child_died(self, tickets: list[_Ticket], error: Exception) -> None:
        """Each request is tried again, by itself; the one that kills it again is given up."""
        pipe, self._pipe = self._pipe, None
        said = str(error) if pipe is None else pipe.how_it_died()
        logger.warning("The serving process died: %s", said)
        for ticket in reversed(tickets):
            ticket.deaths += 1
            if ticket.deaths >= DEATHS:
                ticket.settle(error=RowsFailed(said))
            else:
                with self._news:
                    self._waiting.appendleft(ticket)

    def _end_child(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.end()


class _Pipe:
    """A living child and the ends of its pipes."""

    def __init__(self, folder: Path, room: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._rest = b""
        path = folder / "log.txt"
        fresh = not path.exists() or path.stat().st_size > LOG_BYTES
        with path.open("wb" if fresh else "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "training.serve", str(room)],
                cwd=folder,
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                preexec_fn=before_start(NICENESS),
            )

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def send(self, message: Order) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def receive(self, seconds: float) -> Order | None:
        """The next answer, or None if there is none within that time. Raises EOFError."""
        assert self.process.stdout is not None
        number = self.process.stdout.fileno()
        deadline = time.monotonic() + seconds
        while b"\n" not in self._rest:
            ready, _, _ = select.select([number], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            read = os.read(number, 1 << 20)
            if not read:
                raise EOFError("the child closed its output")
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def how_it_died(self) -> str:
        self.end()
        died = how_it_died(self.process.returncode, "The serving process")
        return f"{died}. End of its log:\n{log_tail(self.folder)}"

    def end(self) -> None:
        """SIGKILL: it holds nothing that must be saved."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
