"""Lines and array elements to JSON objects that PostgreSQL can store, or the reason why not."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, NoReturn

from annotate.interchange.arrays import split_array
from annotate.interchange.records import RowError, RowProblem, storable
from annotate.interchange.streams import (
    FatalProblem,
    Limits,
    RawLine,
    read_chunks,
    split_lines,
)
from annotate.wording import Refusal, Told, translatable

MAX_BLANK_BYTES = 1 << 20  # before the first row
ERROR_KEY = "_error"  # added to downloaded bad rows; ignored when they come back
_SUSPICIOUS_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# What Python's JSON decoder says, without the " at" that some of it ends with.
_JSON_SAYS = (
    translatable("Expecting value"),
    translatable("Expecting ',' delimiter"),
    translatable("Expecting ':' delimiter"),
    translatable("Expecting property name enclosed in double quotes"),
    translatable("Illegal trailing comma before end of object"),
    translatable("Illegal trailing comma before end of array"),
    translatable("Unterminated string starting"),
    translatable("Invalid control character"),
    translatable("Invalid \\escape"),
    translatable("Invalid \\uXXXX escape"),
    translatable("Extra data"),
)


class Row(NamedTuple):
    line: int
    data: dict[str, Any]
    end: int  # uncompressed bytes up to here, for progress


def read_objects(stream: BinaryIO, limits: Limits) -> Iterator[Row | RowError]:
    """One JSON object a line, or one JSON array of objects. Never raises for bad content."""
    try:
        head, chunks = start(stream, limits)
    except FatalProblem as problem:
        yield problem.at(1)
        return
    yield from objects(head, chunks, limits)


def start(stream: BinaryIO, limits: Limits) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes with something in them, and all chunks, those first ones included."""
    chunks = read_chunks(stream, limits)
    blank: list[bytes] = []
    size = 0
    for chunk in chunks:
        blank.append(chunk)
        size += len(chunk)
        if chunk.strip():
            head = b"".join(blank)
            return head, itertools.chain([head], chunks)
        if size > MAX_BLANK_BYTES:
            raise FatalProblem(
                "The file begins with more than {most} bytes of white space. Remove it.",
                most=MAX_BLANK_BYTES,
            )
    raise FatalProblem("The file holds no row, only white space. Send at least one row.")


def looks_like_json(head: bytes) -> bool:
    return head.lstrip()[:1] in (b"{", b"[")


def objects(head: bytes, chunks: Iterator[bytes], limits: Limits) -> Iterator[Row | RowError]:
    line = 1
    try:
        for raw in _split(head, chunks, limits):
            if isinstance(raw, RowError):
                line = raw.line
                yield raw
                continue
            line = raw.number
            if raw.data.strip():
                yield decode_row(raw, limits)
    except FatalProblem as problem:
        yield problem.at(line)


def count_lines(stream: BinaryIO, limits: Limits) -> tuple[int, RowError | None]:
    """The last row's line, and why the file cannot be read to its end, if so."""
    line = 0
    try:
        head, chunks = start(stream, limits)
        if _is_array(head):
            for raw in split_array(chunks, limits):
                line = raw.line if isinstance(raw, RowError) else raw.number
            return line, None
        last = b""
        for chunk in chunks:
            line += chunk.count(b"\n")
            last = chunk[-1:] or last
    except FatalProblem as problem:
        return line, problem.at(line)
    return line + (last != b"\n"), None


def decode_row(raw: RawLine, limits: Limits) -> Row | RowError:
    try:
        return Row(raw.number, decode_object(raw.data, limits), raw.end)
    except RowProblem as problem:
        return problem.at(raw.number, raw=storable(raw.data.decode("utf-8", "replace")))


def decode_object(data: bytes, limits: Limits) -> dict[str, Any]:
    """Raises RowProblem for whatever is not one storable JSON object."""
    text = decode_text(data)
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        said = error.msg.removesuffix(" at")  # some of json's sentences go on with the place
        raise RowProblem(
            "",
            text,
            "Not JSON: {said} at column {column}. Send one JSON object a line.",
            said=Told(said) if said in _JSON_SAYS else said,
            column=error.colno,
        ) from error
    except RecursionError as error:
        raise _too_deep(text, limits) from error
    except ValueError as error:
        why = error.apart() if isinstance(error, Told) else str(error)
        raise RowProblem("", text, "A number in the row cannot be read: {why}.", why=why) from error
    if not isinstance(value, dict):
        raise RowProblem("", value, "The row is not a JSON object. Send {…} with named fields.")
    _check_depth(value, text, limits)
    if _SUSPICIOUS_ESCAPE.search(text):
        check_characters(value)
    value.pop(ERROR_KEY, None)
    return value


def decode_cell(text: str, name: str, limits: Limits) -> Any:
    """The value whose JSON stands in the field `name`. Raises RowProblem for what is no JSON, or
    could not be stored.
    """
    try:
        value = _decoder.decode(text)
        _check_depth(value, text, limits)
    except json.JSONDecodeError as error:
        raise RowProblem(name, text, "Not JSON: {said}.", said=str(error)) from error
    except RecursionError as error:
        raise _too_deep(text, limits) from error
    except ValueError as error:
        why = error.apart() if isinstance(error, Told) else str(error)
        raise RowProblem(
            name, text, "A number in the row cannot be read: {why}.", why=why
        ) from error
    check_characters({name: value})
    return value


def decode_text(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RowProblem(
            "",
            data.decode("utf-8", "replace"),
            "Not UTF-8 at byte {place} of the line. Save the file as UTF-8.",
            place=error.start + 1,
        ) from error
    if "\0" in text:
        raise RowProblem("", text, "The line holds a NUL byte. Remove it.")
    return text


def check_characters(value: Any) -> None:
    """Raises RowProblem for a NUL or half a surrogate pair in any key or text."""
    for path, text in _strings(value):
        if "\0" in text:
            raise RowProblem(path, text, "The text holds a NUL character. Remove it.")
        if _LONE_SURROGATE.search(text):
            raise RowProblem(
                path,
                text,
                "The text holds half a surrogate pair, which is no character. Remove it.",
            )


def _split(head: bytes, chunks: Iterator[bytes], limits: Limits) -> Iterator[RawLine | RowError]:
    return (split_array if _is_array(head) else split_lines)(chunks, limits)


def _is_array(head: bytes) -> bool:
    return head.lstrip().startswith(b"[")


def _strings(value: Any) -> Iterator[tuple[str, str]]:
    """Every string with its path (`responses[1].text`), without recursion."""
    stack = [("", value)]
    while stack:
        path, node = stack.pop()
        if isinstance(node, str):
            yield path, node
        elif isinstance(node, dict):
            for key, child in node.items():
                yield path, key
                stack.append((f"{path}.{key}" if path else key, child))
        elif isinstance(node, list):
            stack.extend((f"{path}[{i}]", child) for i, child in enumerate(node))


def _check_depth(value: Any, text: str, limits: Limits) -> None:
    if text.count("[") + text.count("{") <= limits.max_depth:
        return
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > limits.max_depth:
            raise _too_deep(text, limits)
        children: list[Any] = []
        for node in level:
            children.extend(node.values() if isinstance(node, dict) else node)
        level = [child for child in children if isinstance(child, dict | list)]


def _too_deep(text: str, limits: Limits) -> RowProblem:
    return RowProblem(
        "",
        text,
        "The row is nested deeper than {levels} levels. Flatten it.",
        levels=limits.max_depth,
    )


def _refuse_constant(name: str) -> NoReturn:
    raise Refusal("{name} is not JSON, write null", name=name)


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)  # made anew it costs more than a row
