"""The broker of a machine without Redis or RabbitMQ: a folder of messages, `spool://`.

kombu's own filesystem transport lets a reader see a message before it is written and moves
messages through the temporary folder, which is not atomic across file systems: a message can be
lost or delivered twice. Here a message appears and is taken by one rename inside one folder.
Any number of processes may read and write; folders removed under way are made again.
"""

import fcntl
import os
import time
import uuid
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

SCHEME = "spool"
TRANSPORT_ALIASES[SCHEME] = "config.broker:Transport"


def transport_options(folder: Path) -> dict[str, Any]:
    """Celery's `broker_transport_options` for a spool at `folder`."""
    return {
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"),
        "processed_folder": str(folder / "taken"),
        "polling_interval": 0.2,
    }


def _write_whole(path: Path, text: str) -> None:
    """Make `path` appear with all of `text`, or not at all."""
    partial = path.with_name(f".{uuid.uuid4().hex}")
    try:
        partial.write_text(text)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text)
    partial.replace(path)


def _take(message: Path, folder: Path) -> Path | None:
    """Move the message into `folder`, its new path; None when another reader was faster."""
    for _ in range(2):
        try:
            return message.rename(folder / message.name)
        except FileNotFoundError:  # the message, or the folder, is gone
            folder.mkdir(parents=True, exist_ok=True)
    return None


class Channel(filesystem.Channel):
    """kombu's channel with atomic writes, reads and binding tables."""

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        entry = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        self.control_folder.mkdir(parents=True, exist_ok=True)
        with (self.control_folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            table = self.get_table(exchange)
            if entry not in table:
                _write_whole(self._exchange_file(exchange), dumps([entry, *table]))

    def _put(self, queue: str, payload: dict[str, Any], **kwargs: Any) -> None:
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}.{queue}.msg"
        _write_whole(Path(self.data_folder_out) / name, dumps(payload))

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        """The oldest message of `queue`; raises Empty when there is none left to take."""
        for name in sorted(self._names(queue)):
            taken = _take(Path(self.data_folder_in) / name, Path(self.processed_folder))
            if taken is not None:
                message: dict[str, Any] = loads(taken.read_text())
                taken.unlink()
                return message
        raise Empty

    def _names(self, queue: str) -> list[str]:
        try:
            names = os.listdir(self.data_folder_in)
        except FileNotFoundError:
            return []
        return [name for name in names if name.partition(".")[2] == f"{queue}.msg"]

    def _size(self, queue: str) -> int:
        return len(self._names(queue))

    def _purge(self, queue: str) -> int:
        count = 0
        for name in self._names(queue):
            with suppress(FileNotFoundError):
                (Path(self.data_folder_in) / name).unlink()
                count += 1
        return count


class Transport(filesystem.Transport):
    Channel = Channel
    driver_type = SCHEME
    driver_name = SCHEME
