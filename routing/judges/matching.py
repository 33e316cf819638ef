"""Regular expressions of managers, with a limit of time.

Python's `re` can take years for a short pattern and a short text, holds the interpreter meanwhile
and cannot be stopped. So a child process searches, and is killed when it takes too long.
"""

import json
import re
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from annotate.kinds.errors import InvalidValue
from annotate.wording import Told, brief

SECONDS = 2.0  # for all patterns and one text
MAX_PATTERN = 500
MAX_TEXT = 100_000  # characters that are searched; what follows is not
CHILD = Path(__file__).with_name("matching_child.py")


class TooSlow(Told, Exception):
    """A pattern did not come to an end on a text."""

    def __init__(self, reason: str, /, **values: object) -> None:
        Told.__init__(self, reason, **values)
        self.args = (self.message,)


def clean_pattern(field: str, value: object) -> str:
    """A pattern that compiles. Raises InvalidValue."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_PATTERN or "\0" in value:
        raise InvalidValue(field, "must be a pattern of 1 to {most} characters", most=MAX_PATTERN)
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidValue(field, "is no regular expression: {error}", error=str(error)) from error
    return value


class Matcher:
    """`with Matcher(["a+b", …]) as matcher: matcher.search(text)`; one child for all texts."""

    def __init__(self, patterns: Sequence[str], *, seconds: float | None = None) -> None:
        self.patterns = list(patterns)
        self.seconds = SECONDS if seconds is None else seconds
        self._child: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Matcher":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._end()

    def search(self, text: str) -> list[bool]:
        """Whether each pattern is found. Raises TooSlow; the next text gets a new child."""
        if not self.patterns:
            return []
        child = self._child = self._child or _start()
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps({"patterns": self.patterns, "text": text[:MAX_TEXT]}) + "\n")
        child.stdin.flush()
        ready, _, _ = select.select([child.stdout], [], [], self.seconds)
        line = child.stdout.readline() if ready else ""
        if not line:
            self._end()
            raise TooSlow(
                "the patterns took longer than {seconds} s on a text", seconds=brief(self.seconds)
            )
        return list(json.loads(line))

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()


def _start() -> "subprocess.Popen[str]":
    """Returns when it has started: how long that takes says nothing of the patterns."""
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", str(CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert child.stdout is not None
    child.stdout.readline()
    return child
