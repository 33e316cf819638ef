"""What every reader hands over: items and errors, free of the file format they came from."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from annotate.media.as_text import as_text
from annotate.wording import Told

Message = dict[str, Any]  # "role", and "content": a text or Parts
Verdict = Literal["prefer", "tie", "both_good", "both_bad"]
ROLES = ("system", "user", "assistant", "tool")
EXCERPT_CHARS = 80

_encoder = json.JSONEncoder(ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True)
class Parts:
    """Content that is more than one text: as the file writes it, then as it is stored.

    `path` is where in its row it stands; equal entries are equal wherever they stand.
    """

    entries: Any
    path: str = field(default="", compare=False)

    def __hash__(self) -> int:
        return hash(json.dumps(self.entries, sort_keys=True))

    def __str__(self) -> str:
        return as_text(self.entries)


# The three that every row makes are not frozen: setting a field then takes six times as long.
# Nobody changes them all the same.


@dataclass(slots=True)
class ImportedResponse:
    """`parts` holds the content where that is more than one text; `text` is then empty.

    `author` is the person who wrote it, by pseudonym or user name.
    """

    text: str
    generator: str = ""
    generator_version: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    parts: Parts | None = None
    author: str = ""

    @property
    def content(self) -> str | Parts:
        return self.text if self.parts is None else self.parts


@dataclass(frozen=True, slots=True)
class Given:
    """What a file tells beside an answer: why, when (an ISO text, UTC), and in how many seconds."""

    rationale: str = ""
    submitted_at: str | None = None
    seconds_active: float | None = None


@dataclass(slots=True, unsafe_hash=True)
class ImportedLabel:
    """One comparison of `responses[first]` with `responses[second]`.

    `preferred` is `first` or `second` for the verdict "prefer" and None for the three others.
    `strength` runs from 1 (slightly) to 3 (much better); None when the file does not say.
    `margin` is a reward difference the file brought along, in the units of whoever wrote it.
    """

    verdict: Verdict
    first: int = 0
    second: int = 1
    preferred: int | None = None
    strength: int | None = None
    annotator: str | None = None
    margin: float | None = None
    given: Given | None = None

    def __post_init__(self) -> None:
        if (self.verdict == "prefer") != (self.preferred in (self.first, self.second)):
            raise ValueError(f"verdict {self.verdict!r} with preferred={self.preferred!r}")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a judgement of a raw row comes from: what it keeps beside its answer.

    `id` and `supersedes` are those of the row, as `installation` counts (empty in old files);
    `first` is what its first installation tells of it (`installation`, `id`, `source`,
    `annotator`, `judge`, `form_version`, `supersedes`); `shown_order` are positions. Times are ISO
    texts with a zone.
    """

    id: int
    first: dict[str, Any]
    schema_version: int
    submitted_at: str
    installation: str = ""
    supersedes: int | None = None
    started_at: str | None = None
    seconds_active: float | None = None
    rationale: str = ""
    flag: str = ""
    shown_order: tuple[int, ...] = ()
    simulated: bool = False
    late: bool = False
    gold: bool = False


@dataclass(frozen=True, slots=True)
class ImportedAnswer:
    """An answer of a kind other than pairwise to a task with the responses at these positions.

    `value` is the kind's, with positions in place of response ids. With an `origin`, of any kind.
    Ratings come as rated.py has them, with the `path` of one: "completions[{place}].{name}".
    """

    kind: str
    responses: tuple[int, ...]
    value: dict[str, Any]
    annotator: str | None = None
    origin: Origin | None = None
    given: Given | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class ImportedGold:
    """The known answer of an item: `labels`, or a `value` of the project's kind with positions in
    place of response ids. `use` and `tolerance` as the item's, None where the file does not say.
    """

    labels: tuple[ImportedLabel, ...] = ()
    value: dict[str, Any] | None = None
    explanation: str = ""
    use: str | None = None
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class ItemTask:
    """A task that an item makes, of the responses at these positions, with its answers.

    The answers are of the project's kind, their values with positions in place of ids; so is that
    of `gold`, which is the only answer of its task.
    """

    positions: tuple[int, ...]
    answers: tuple[ImportedAnswer, ...] = ()
    gold: ImportedGold | None = None


@dataclass(slots=True)
class ImportedItem:
    """One prompt with its responses and what people already said about them.

    `conversation` holds the turns before the responses, without the system turn. A passage is
    {"title", "sentences": […]}. `context` is what its tasks say beside the prompt, with positions
    in place of response ids. `stratum`, `skills` and `authors` are its tasks' (see asked.py).

    `tasks` is what `fitting.Fit` made of it; None: its labels, or every pair. `aside` holds the
    `labels` and `answers` that did not fit. `raw` is the row as it stood, kept where parts are
    yet to be resolved.
    """

    line: int
    conversation: list[Message]
    responses: tuple[ImportedResponse, ...]
    external_id: str | None = None
    system: str = ""
    language: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    labels: tuple[ImportedLabel, ...] = ()
    answers: tuple[ImportedAnswer, ...] = ()
    passages: tuple[dict[str, Any], ...] = ()
    context: dict[str, Any] | None = None
    gold: ImportedGold | None = None
    stratum: str = ""
    skills: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    tasks: tuple[ItemTask, ...] | None = None
    aside: dict[str, list[dict[str, Any]]] | None = None
    raw: dict[str, Any] | None = None

    @property
    def has_parts(self) -> bool:
        for response in self.responses:
            if response.parts is not None:
                return True
        return any(type(message["content"]) is not str for message in self.conversation)

    @property
    def fingerprint(self) -> int:
        """Equal for equal prompts and responses; within this process only. Labels do not count."""
        turns = tuple([message["content"] for message in self.conversation])
        said = tuple([(r.text, r.parts, r.generator) for r in self.responses])
        return hash((self.system, turns, said))


@dataclass(frozen=True, slots=True)
class RowError:
    """Why one row, or with `fatal` the rest of the file, was not read.

    `raw` is the row as it stood (a JSON object where it could be parsed, else its text), so that
    it can be downloaded, mended and sent again; None when it was too long to keep.
    """

    line: int
    field: str
    value: str
    why: Told
    fatal: bool = False
    raw: Any = None

    @property
    def message(self) -> str:
        """Why, in English; pages say it in the reader's words."""
        return self.why.message

    def as_json(self) -> dict[str, Any]:
        return {
            "line": self.line,
            "field": self.field,
            "value": self.value,
            "message": self.message,
        }


class RowProblem(Exception):
    """Raised inside a reader for one bad row; never leaves `annotate.interchange`.

    `reason` is a message of the catalogues with {names}, `values` stand in their place.
    """

    def __init__(self, field: str, value: object, reason: str, /, **values: object) -> None:
        self._say(field, value, Told(reason, **values))

    @classmethod
    def of(cls, field: str, value: object, why: Told) -> "RowProblem":
        """For what somebody else refused."""
        problem = cls.__new__(cls)
        problem._say(field, value, why)
        return problem

    def _say(self, field: str, value: object, why: Told) -> None:
        self.args = (why.message,)
        self.field = field
        self.value = excerpt(value)
        self.why = why

    @property
    def message(self) -> str:
        return self.why.message

    def at(self, line: int, *, raw: Any = None) -> RowError:
        """As it is told of the row on this line."""
        return RowError(line, self.field, self.value, self.why, raw=raw)


def excerpt(value: object) -> str:
    """A short, storable rendering of any value: no NUL, no lone surrogate."""
    if isinstance(value, str):
        text = value if len(value) <= EXCERPT_CHARS else value[: EXCERPT_CHARS - 1] + "…"
    else:
        text = _as_json(value)
        text = text if len(text) <= EXCERPT_CHARS else text[: EXCERPT_CHARS - 1] + "…"
    return storable(text)


def _as_json(value: object) -> str:
    """The beginning of a value as JSON, of a large one no more than is shown."""
    pieces, size = [], 0
    try:
        for piece in _encoder.iterencode(value):
            pieces.append(piece[: EXCERPT_CHARS + 1])
            size += len(piece)
            if size > EXCERPT_CHARS:
                break
    except RecursionError:
        pieces.append("…")
    return "".join(pieces)


def storable(text: str) -> str:
    """`text` with what PostgreSQL and UTF-8 cannot hold replaced by U+FFFD."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
