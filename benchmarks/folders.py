"""Folders that are gone when a benchmark ends, also one that is told to end."""

import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType


@contextmanager
def scratch_folder(name: str = "bench") -> Iterator[Path]:
    """Removed at the end, whatever it is; on SIGTERM every `finally` within is run, too."""
    with ending_in_order():
        folder = Path(tempfile.mkdtemp(prefix=f"tandem-{name}-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Within, SIGTERM raises SystemExit(143) once; by itself it would run no `finally`.

    Does nothing in other threads than the first, which alone hears signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # whoever asks again waits for what is being put away
    raise SystemExit(128 + number)
