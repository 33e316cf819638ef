"""Keep a set of child processes alive, in order, and leave none behind.

Single-threaded on purpose: children are started from the main thread, because the kernel's
"parent died" signal fires when the *thread* that started a child ends.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from config.lifetime import die_with_parent

LONGEST_BACK_OFF = 30.0  # seconds between two starts of a service that keeps dying
STEADY = 60.0  # seconds of life after which a service counts as healthy again


@dataclass(frozen=True)
class Service:
    """One process to keep running.

    `stopping` is the escalation: each signal with the seconds it is given; SIGKILL to the whole
    process group comes after the last. `orphaned` is sent by the kernel if the supervisor is
    killed. `before_start` may block (it runs in a thread) and may raise to postpone the start.
    """

    name: str
    command: list[str]
    stopping: tuple[tuple[signal.Signals, float], ...] = ((signal.SIGTERM, 10.0),)
    orphaned: signal.Signals = signal.SIGTERM
    environment: dict[str, str] = field(default_factory=dict)
    inherit_environment: bool = True
    before_start: Callable[[], None] | None = None
    popen_options: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None


class Child:
    """A running process of a service, its output copied line by line with its name in front."""

    def __init__(self, service: Service, say: Callable[[str, str], None]) -> None:
        self.service = service
        self.say = say
        self.started = time.monotonic()
        self.exited = asyncio.Event()
        self._rest = b""
        self.process = subprocess.Popen(
            service.command,
            cwd=service.folder,
            env=(dict(os.environ) if service.inherit_environment else {}) | service.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(service.orphaned),
            **service.popen_options,
        )
        assert self.process.stdout is not None
        self._output = self.process.stdout.fileno()
        os.set_blocking(self._output, False)
        asyncio.get_running_loop().add_reader(self._output, self._copy_output)

    def _copy_output(self) -> None:
        try:
            chunk = os.read(self._output, 65536)
        except BlockingIOError:
            return
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if not chunk or len(self._rest) > 65536:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            if line:
                self.say(self.service.name, line.decode(errors="replace"))
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._output)

    def notice_exit(self) -> None:
        """Called on every SIGCHLD; also ends what the process left in its group."""
        if self.exited.is_set() or self.process.poll() is None:
            return
        self.kill_group()
        self.exited.set()

    def close(self) -> None:
        """Copy what is left in the pipe and close it."""
        asyncio.get_running_loop().remove_reader(self._output)
        self._copy_output()
        if self.process.stdout:
            self.process.stdout.close()

    def kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """Escalate through the service's signals; returns when the process is gone."""
        for number, seconds in self.service.stopping:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)
            if await self._gone_within(seconds):
                return
            self.say("serve", f"{self.service.name} ignored {number.name} for {seconds:g} s")
        self.kill_group()
        await self.exited.wait()

    async def _gone_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.exited.wait(), seconds)
        return self.exited.is_set()


class Supervisor:
    """Runs services, restarts those that die, stops them in the reverse order of starting.

    `state` names a file that lists the children, so that the next start can end what a
    crash left behind on systems without a "parent died" signal.
    """

    def __init__(self, state: Path, say: Callable[[str, str], None] | None = None) -> None:
        self.state = state
        self.say = say or print_line
        self.children: dict[str, Child] = {}
        self.stopping = asyncio.Event()
        self._keepers: list[asyncio.Task[None]] = []

    def install_signals(self) -> None:
        """First Ctrl-C or SIGTERM: orderly stop; the second: kill everything at once."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_stop, number)

    def _reap(self) -> None:
        for child in self.children.values():
            child.notice_exit()

    def _asked_to_stop(self, number: signal.Signals) -> None:
        if not self.stopping.is_set():
            self.say("serve", f"{number.name}: stopping (once more to kill at once)")
            self.stopping.set()
            return
        self.say("serve", f"{number.name} again: killing everything")
        for child in self.children.values():
            if not child.exited.is_set():
                child.kill_group()

    def start(self, service: Service) -> Child:
        """Start the service and keep it alive until the supervisor stops."""
        child = self._spawn(service)
        self._keepers.append(asyncio.create_task(self._keep(service)))
        return child

    def _spawn(self, service: Service) -> Child:
        child = self.children[service.name] = Child(service, self.say)
        self._write_state()
        return child

    async def _keep(self, service: Service) -> None:
        delay = 0.5
        while True:
            child = self.children[service.name]
            await child.exited.wait()
            child.close()
            if self.stopping.is_set():
                return
            if time.monotonic() - child.started > STEADY:
                delay = 0.5
            self.say(
                "serve",
                f"{service.name} (pid {child.process.pid}) {_ending(child.process.returncode)}; "
                f"starting it again in {delay:g} s",
            )
            await self._pause(delay)
            delay = min(delay * 2, LONGEST_BACK_OFF)
            if not await self._start_again(service):
                return

    async def _start_again(self, service: Service) -> bool:
        """Whether it was started; False when the supervisor stops instead."""
        while not self.stopping.is_set():
            try:
                if service.before_start:
                    await asyncio.to_thread(service.before_start)
                if self.stopping.is_set():
                    return False
                self._spawn(service)
            except (OSError, RuntimeError) as error:
                self.say("serve", f"{service.name} cannot start: {error}")
                await self._pause(LONGEST_BACK_OFF)
            else:
                return True
        return False

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    async def stop(self, groups: list[list[str]] | None = None) -> None:
        """Stop the groups one after the other, the members of one group together."""
        self.stopping.set()
        for group in groups or [[name] for name in reversed(self.children)]:
            living = [self.children[name] for name in group if name in self.children]
            await asyncio.gather(*(c.stop() for c in living if not c.exited.is_set()))
        await asyncio.gather(*self._keepers)
        self.state.unlink(missing_ok=True)

    async def run_once(self, service: Service) -> int:
        """Run a command to its end, with its output; its exit status."""
        child = self._spawn(service)
        stop = asyncio.create_task(self.stopping.wait())
        exited = asyncio.create_task(child.exited.wait())
        await asyncio.wait({stop, exited}, return_when=asyncio.FIRST_COMPLETED)
        if not child.exited.is_set():
            await child.stop()
        for task in (stop, exited):
            task.cancel()
        child.close()
        del self.children[service.name]
        return child.process.returncode

    def _write_state(self) -> None:
        """Process ids with their start times: a number alone may belong to another by then."""
        living = {}
        for name, child in self.children.items():
            with suppress(psutil.NoSuchProcess):
                living[name] = [child.process.pid, psutil.Process(child.process.pid).create_time()]
        self.state.parent.mkdir(parents=True, exist_ok=True)
        partial = self.state.with_suffix(".partial")
        partial.write_text(json.dumps(living))
        partial.replace(self.state)


def end_leftovers(state: Path, say: Callable[[str, str], None], *, patience: float = 20) -> None:
    """End children of an earlier supervisor that was killed and whose children still run."""
    try:
        recorded = json.loads(state.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return
    living = []
    for name, (pid, created) in recorded.items():
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            if process.create_time() == created:
                say("serve", f"ending {name} (pid {pid}), left by a supervisor that was killed")
                process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
                living.append(process)
    _, stubborn = psutil.wait_procs(living, timeout=patience)
    for process in stubborn:
        process.kill()
    state.unlink(missing_ok=True)


def _ending(status: int | None) -> str:
    if status is not None and status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def print_line(name: str, line: str) -> None:
    """Standard output, one writer a line; a closed reader must not take the tree down."""
    with suppress(BrokenPipeError):
        sys.stdout.write(f"{name:>8} | {line}\n")
        sys.stdout.flush()
