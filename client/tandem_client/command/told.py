"""What the command prints: lines to read, or JSON with --json."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from tandem_client.core.bodies import Progress
from tandem_client.core.waiting import Watch
from tandem_client.progress import job_bar, upload_bar
from tandem_client.shapes import Row


class Wrong(Exception):
    """An argument that cannot be; the message says what would."""


def tell(options: Namespace, result: object, words: str) -> None:
    """The result as one JSON object, or these words."""
    print(json.dumps(result, ensure_ascii=False) if options.json else words)


def tell_rows(options: Namespace, rows: Iterable[Mapping[str, Any]], *columns: str) -> None:
    """JSON lines, or a line of these columns each."""
    for row in rows:
        if options.json:
            print(json.dumps(row, ensure_ascii=False))
        else:
            print("\t".join(_cell(row.get(name)) for name in columns))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return " ".join(str(value).split())


def read_object(text: str | None, name: str) -> dict[str, Any] | None:
    """The JSON object of an option."""
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Wrong(f"{name} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Wrong(f"""{name} must be one JSON object, such as '{{"verdict": "tie"}}'""")
    return found


def read_rows(path: str) -> Iterator[Row]:
    """The JSON objects of a file's lines, one by one; - reads standard input. Raises Wrong, and
    OSError at once.
    """
    file = sys.stdin if path == "-" else open(path, encoding="utf-8")  # noqa: SIM115
    return _rows_of(file)


def _rows_of(file: TextIO) -> Iterator[Row]:
    with file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _row(number, line)


def _row(number: int, line: str) -> Row:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise Wrong(f"line {number} is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise Wrong(f"line {number} must be one JSON object")
    return row


def read_pairs(texts: Iterable[str] | None, sign: str, name: str) -> dict[str, str] | None:
    """name=value options, given several times."""
    pairs: dict[str, str] = {}
    for text in texts or ():
        key, found, value = text.partition(sign)
        if not found or not key:
            raise Wrong(f"{name} {text!r} must read name{sign}value")
        pairs[key] = value
    return pairs or None


def _shown(options: Namespace) -> bool:
    return not options.quiet and sys.stderr.isatty()


@contextmanager
def sending(options: Namespace, label: str) -> Iterator[Progress | None]:
    """A bar where somebody looks on."""
    if not _shown(options):
        yield None
        return
    with upload_bar(label, sys.stderr) as told:
        yield told


@contextmanager
def watching(options: Namespace, label: str) -> Iterator[Watch | None]:
    """A bar where somebody looks on."""
    if not _shown(options):
        yield None
        return
    with job_bar(label, sys.stderr) as watch:
        yield watch
