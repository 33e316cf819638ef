"""How many requests one may send: counted by all web processes together, at hardly any cost.

A process takes requests from the count that all share in portions (a 50th of the limit, fewer as
it runs low) and hands them out from its memory, so that most requests ask the database nothing.
No more than the limit is ever let through; what a process took and did not need is lost to the
others until the window ends.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from annotate.services.people.rates import count_up

PORTIONS = 50
MOST_REMEMBERED = 10_000


@dataclass
class Window:
    """What this process knows: until when (monotonic), what it holds, what all may still take."""

    until: float
    held: int
    shared: int


@dataclass(frozen=True)
class Allowance:
    """What is left after one request: `remaining` of `most`, all new in `reset` seconds."""

    name: str
    most: int
    seconds: int
    remaining: int
    reset: int
    is_granted: bool


_windows: dict[tuple[str, str, int, int], Window] = {}
_lock = threading.Lock()


def spend(name: str, whose: str, limit: Mapping[str, int]) -> Allowance | None:
    """Take one request of the allowance called `name`; None where its limit is 0, for no limit.

    Up to one statement. Outside of transactions, or those who share the count wait for each other.
    """
    most, seconds = limit["most"], limit["seconds"]
    if not most:
        return None
    key = (name, whose, most, seconds)
    now = time.monotonic()
    with _lock:
        window = _windows.get(key)
        if window is not None and now < window.until and (window.held or not window.shared):
            return _take(name, limit, window, now)
        known = window if window is not None and now < window.until else None
    portion = max(1, min(most // PORTIONS, (known.shared if known else most) // 10))
    count, left = count_up(f"requests.{name}", whose, seconds=seconds, times=portion)
    granted = max(0, min(portion, most - (count - portion)))
    found = Window(now + left, granted, max(0, most - count))
    with _lock:
        window = _windows.get(key)
        if window is not None and window.until > found.until + seconds / 2:
            return _take(name, limit, found, now)  # of the window before, which has just ended
        if window is None or now >= window.until or found.until > window.until + seconds / 2:
            if len(_windows) >= MOST_REMEMBERED:
                _forget_the_past(now)
            _windows[key] = found
            return _take(name, limit, found, now)
        window.held += granted
        window.shared = found.shared
        return _take(name, limit, window, now)


def _take(name: str, limit: Mapping[str, int], window: Window, now: float) -> Allowance:
    is_granted = window.held > 0
    window.held -= is_granted
    return Allowance(
        name=name,
        most=limit["most"],
        seconds=limit["seconds"],
        remaining=window.held + window.shared,
        reset=min(limit["seconds"], max(1, ceil(window.until - now))),
        is_granted=is_granted,
    )


def _forget_the_past(now: float) -> None:
    """All of them, where so many are of the present: then the database is asked once more each."""
    for key in [key for key, window in _windows.items() if window.until <= now]:
        del _windows[key]
    if len(_windows) >= MOST_REMEMBERED:
        _windows.clear()
