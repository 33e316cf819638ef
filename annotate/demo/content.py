"""The demo project's prompts and responses, read from the JSON Lines files in `content/`.

The four generators are fictional and keep to their character: Brook is concise and right, Lantern
thorough and structured, Magpie flattering, hedging and now and then wrong, Flint terse or refusing.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONTENT_DIR = Path(__file__).resolve().parent / "content"
ROLES = ("user", "assistant")
MIN_RESPONSES = 2


class DemoContentError(ValueError):
    """A line of the demo content is wrong; the message names file, line, field and remedy."""


@dataclass(frozen=True)
class DemoTurn:
    role: str
    content: str


@dataclass(frozen=True)
class DemoResponse:
    generator: str
    generator_version: str
    text: str


@dataclass(frozen=True)
class DemoPrompt:
    id: str
    system: str
    conversation: tuple[DemoTurn, ...]
    language: str
    taxonomy: str
    responses: tuple[DemoResponse, ...]

    @property
    def text(self) -> str:
        """The turns' contents joined by blank lines, without the system text and the roles."""
        return "\n\n".join(turn.content for turn in self.conversation)


def load_demo_prompts(folder: Path = CONTENT_DIR) -> list[DemoPrompt]:
    """All prompts, ordered by file name and line. Raises DemoContentError at the first bad line."""
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        raise DemoContentError(f"{folder}: no *.jsonl file; the demo content is missing")
    prompts: list[DemoPrompt] = []
    first_seen: dict[str, str] = {}
    for path in paths:
        for number, prompt in _read_file(path):
            place = f"{path.name}:{number}"
            if prompt.id in first_seen:
                raise DemoContentError(
                    f"{place}: id {prompt.id!r} is already used at {first_seen[prompt.id]}; "
                    "give each prompt its own id"
                )
            first_seen[prompt.id] = place
            prompts.append(prompt)
    return prompts


def _read_file(path: Path) -> Iterator[tuple[int, DemoPrompt]]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DemoContentError(f"{path.name}: not UTF-8 ({error}); save it as UTF-8") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, parse_demo_line(line, place=f"{path.name}:{number}")


def parse_demo_line(line: str, *, place: str) -> DemoPrompt:
    """One prompt from one JSON line; `place` opens every error message."""
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DemoContentError(f"{place}: not JSON ({error}); write one object a line") from error
    if not isinstance(row, dict):
        raise DemoContentError(f"{place}: expected an object, got {type(row).__name__}")
    return DemoPrompt(
        id=_text(row, "id", place),
        system=_text(row, "system", place) if "system" in row else "",
        conversation=_conversation(row, place),
        language=_text(row, "language", place),
        taxonomy=_text(row, "taxonomy", place),
        responses=_responses(row, place),
    )


def _conversation(row: Mapping[str, Any], place: str) -> tuple[DemoTurn, ...]:
    turns = []
    for index, item in enumerate(_objects(row, "prompt", place, minimum=1)):
        where = f"{place}: prompt[{index}]"
        turn = DemoTurn(role=_text(item, "role", where), content=_text(item, "content", where))
        expected = ROLES[index % 2]
        if turn.role != expected:
            raise DemoContentError(
                f"{where}.role is {turn.role!r}, expected {expected!r}; turns alternate, user first"
            )
        turns.append(turn)
    if turns[-1].role != "user":
        raise DemoContentError(f"{place}: prompt ends with {turns[-1].role!r}; end with 'user'")
    return tuple(turns)


def _responses(row: Mapping[str, Any], place: str) -> tuple[DemoResponse, ...]:
    responses: list[DemoResponse] = []
    for index, item in enumerate(_objects(row, "responses", place, minimum=MIN_RESPONSES)):
        where = f"{place}: responses[{index}]"
        response = DemoResponse(
            generator=_text(item, "generator", where),
            generator_version=_text(item, "generator_version", where),
            text=_text(item, "text", where),
        )
        if any(response.text == other.text for other in responses):
            raise DemoContentError(f"{where}.text repeats an earlier response; make them distinct")
        if any(_source(response) == _source(other) for other in responses):
            raise DemoContentError(
                f"{where}.generator {response.generator!r} answers twice; keep one of the two"
            )
        responses.append(response)
    return tuple(responses)


def _source(response: DemoResponse) -> tuple[str, str]:
    return response.generator, response.generator_version


def _objects(
    row: Mapping[str, Any], field: str, place: str, *, minimum: int
) -> list[Mapping[str, Any]]:
    value = row.get(field)
    if not isinstance(value, list) or len(value) < minimum:
        raise DemoContentError(f"{place}: {field} must be a list of at least {minimum} object(s)")
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            raise DemoContentError(f"{place}: {field}[{index}] must be an object, got {item!r:.40}")
    return value


def _text(row: Mapping[str, Any], field: str, place: str) -> str:
    value = row.get(field)
    if not isinstance(value, str) or not value.strip():
        raise DemoContentError(f"{place}: {field} must be non-empty text, got {value!r:.40}")
    return value
