"""A JSON array of any length to its elements, without parsing or holding more than one."""

import re
from collections.abc import Iterator

from annotate.interchange.records import RowError
from annotate.interchange.streams import FatalProblem, Limits, RawLine, too_long

_IN_STRING = re.compile(rb'["\\]')
_IN_ARRAY = re.compile(rb'["\[\]{},]')
_IN_ELEMENT = re.compile(rb'["\[\]{}]')
_QUOTE, _BACKSLASH, _COMMA = b'"\\,'
_OPENING = b"[{"


def split_array(chunks: Iterator[bytes], limits: Limits) -> Iterator[RawLine | RowError]:
    """Each element as bytes with the line it starts on. Raises FatalProblem.

    Only quotes and brackets are looked at: whether an element is sound JSON is for the reader of
    the element to say, so one bad element does not cost the rest.
    """
    splitter = _Splitter(limits)
    for chunk in chunks:
        yield from splitter.feed(chunk)
    if not splitter.closed:
        raise FatalProblem(
            "The JSON array is not closed at the end of the file (line {line}). "
            "It was cut short, or a bracket or quote is missing.",
            line=splitter.line,
        )


class _Splitter:
    """Where we are between two chunks: nesting depth, inside a string, after a backslash."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.line, self.consumed = 1, 0
        self.depth, self.in_string, self.escaped, self.closed = 0, False, False, False
        self.parts: list[bytes] = []
        self.size, self.dropped = 0, False

    def feed(self, chunk: bytes) -> Iterator[RawLine | RowError]:
        start, position = 0, int(self.escaped)
        self.escaped = False
        while not self.closed:
            match = self._pattern().search(chunk, position)
            if match is None:
                break
            at, position = match.start(), match.end()
            symbol = chunk[at]
            if self.in_string:
                self.in_string = symbol != _QUOTE
                if symbol == _BACKSLASH:
                    position += 1
                    self.escaped = position > len(chunk)
            elif symbol == _QUOTE:
                self.in_string = True
            elif symbol in _OPENING:
                self.depth += 1
                if self.depth == 1:
                    self._count(chunk[:position])
                    start = position
            elif symbol == _COMMA or self._closes_array():
                yield from self._keep(chunk[start:at])
                yield from self._element()
                self._count(chunk[at:position])
                start = position
        if self.closed:
            self._only_space(chunk[start:])
        else:
            yield from self._keep(chunk[start:])

    def _pattern(self) -> re.Pattern[bytes]:
        if self.in_string:
            return _IN_STRING
        return _IN_ARRAY if self.depth == 1 else _IN_ELEMENT

    def _closes_array(self) -> bool:
        self.depth -= 1
        self.closed = self.depth == 0
        return self.closed

    def _count(self, data: bytes) -> None:
        self.line += data.count(b"\n")
        self.consumed += len(data)

    def _keep(self, data: bytes) -> Iterator[RowError]:
        self.size += len(data)
        if self.dropped or self.size > self.limits.max_line_bytes:
            if not self.dropped:
                yield too_long(self.line, b"".join(self.parts) or data, self.limits)
            self.parts, self.dropped = [], True
            self._count(data)
        else:
            self.parts.append(data)

    def _element(self) -> Iterator[RawLine]:
        data = b"".join(self.parts)
        body = data.lstrip()
        self._count(data)
        if body:
            line = self.line - body.count(b"\n")
            yield RawLine(line, body.rstrip(), self.consumed)
        self.parts, self.size, self.dropped = [], 0, False

    def _only_space(self, rest: bytes) -> None:
        if rest.strip():
            raise FatalProblem(
                "There is text after the end of the JSON array on line {line}. "
                "Send one array, or one JSON object a line.",
                line=self.line,
            )
