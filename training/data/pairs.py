"""Read a dataset folder: `train.jsonl` and `test.jsonl`, one preference pair a line."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, TypeVar

from training.recipes.errors import DatasetError

SOURCES = ("person", "judge", "imported")


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """`target` is the probability that `chosen` is the better one: 1, or 0.5 for a tie.

    `annotator`: a pseudonym, empty where rows do not tell. `label`: that probability where
    somebody else than the annotator says it (`training/data/filters.py`). `cut_off`: of chosen and
    rejected, whether it is a sample that reached its longest length before it came to an end.
    """

    id: int
    prompt_id: int
    prompt: tuple[dict[str, str], ...]
    chosen: str
    rejected: str
    margin: float | None = None
    weight: float = 1.0
    source: str = "person"
    tie: bool = False
    annotator: str = ""
    label: float | None = None
    cut_off: tuple[bool, bool] = (False, False)

    @property
    def target(self) -> float:
        if self.label is not None:
            return self.label
        return 0.5 if self.tie else 1.0


@dataclass(frozen=True)
class PairSplits:
    train: list[PreferencePair]
    test: list[PreferencePair]
    fingerprint: str
    """sha256 of both files: one value for one dataset."""
    dropped: dict[str, int]
    """How many training rows each rule left out."""
    filtered: dict[str, Any] = dataclass_field(default_factory=dict)
    """What each filter by models did, and what it saw."""


def read_splits(folder: Path, *, tie_rule: str) -> PairSplits:
    """Read both files, check them and apply the tie rule to the training rows.

    Test rows keep their ties: evaluation counts them apart. Raises DatasetError when a file is
    missing or malformed, no training row is left, or a prompt is in both splits.
    """
    train, test = (list(read_pairs(folder / f"{name}.jsonl")) for name in ("train", "test"))
    _require_disjoint(train, test)
    return filter_splits(train, test, tie_rule=tie_rule, fingerprint=_fingerprint(folder))


def filter_splits(
    train: list[PreferencePair], test: list[PreferencePair], *, tie_rule: str, fingerprint: str
) -> PairSplits:
    """Leave out training rows that teach nothing. Raises DatasetError if none is left."""
    identical = sum(pair.chosen == pair.rejected for pair in train)
    kept = [pair for pair in train if pair.chosen != pair.rejected]
    ties = sum(pair.tie for pair in kept) if tie_rule == "drop" else 0
    if tie_rule == "drop":
        kept = [pair for pair in kept if not pair.tie]
    weightless = sum(pair.weight == 0 for pair in kept)
    kept = [pair for pair in kept if pair.weight > 0]
    dropped = {"identical_responses": identical, "ties": ties, "zero_weight": weightless}
    if not any(not pair.tie for pair in kept):
        raise DatasetError(
            f"There are {len(train)} training pairs and none with a preference is left "
            f"after dropping {dropped}. Add judgements or choose another snapshot."
        )
    return PairSplits(train=kept, test=test, fingerprint=fingerprint, dropped=dropped)


def read_pairs(path: Path) -> Iterator[PreferencePair]:
    """Pairs of one JSONL file. Raises DatasetError with file, line and field."""
    if not path.is_file():
        raise DatasetError(f"{path} does not exist; a dataset folder holds train and test files.")
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _pair(line, where=f"{path}, line {number}")


def group_by_prompt(pairs: Iterable[PreferencePair]) -> dict[int, list[PreferencePair]]:
    groups: dict[int, list[PreferencePair]] = {}
    for pair in pairs:
        groups.setdefault(pair.prompt_id, []).append(pair)
    return groups


class OfPrompt(Protocol):
    """Any row that belongs to a prompt."""

    @property
    def prompt_id(self) -> int: ...


Row = TypeVar("Row", bound=OfPrompt)


def distinct_prompts(pairs: Iterable[PreferencePair]) -> list[PreferencePair]:
    """The first pair of every prompt as models read it, in order.

    What a task states stands at the end of its prompt, so that one prompt_id may have several.
    """
    found: dict[tuple[int, str], PreferencePair] = {}
    for pair in pairs:
        found.setdefault((pair.prompt_id, pair.prompt[-1]["content"]), pair)
    return list(found.values())


def hold_out_prompts(
    rows: Sequence[Row], *, fraction: float, seed: int
) -> tuple[list[Row], list[Row]]:
    """Split by prompt into (rest, held out), about `fraction` of the prompts held out.

    The order is by a hash of seed and prompt, so adding prompts moves no other prompt.
    """

    def share(prompt_id: int) -> float:
        digest = sha256(f"{seed}:{prompt_id}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    held = {row.prompt_id for row in rows if share(row.prompt_id) < fraction}
    rest = [row for row in rows if row.prompt_id not in held]
    return rest, [row for row in rows if row.prompt_id in held]


def _pair(line: str, *, where: str) -> PreferencePair:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DatasetError(f"{where}: not JSON ({error}).") from error
    if not isinstance(row, dict):
        raise DatasetError(f"{where}: a {type(row).__name__}; each line must be one object.")
    for field in ("id", "prompt_id", "prompt", "chosen", "rejected"):
        if field not in row:
            raise DatasetError(f"{where}: field {field} is missing.")
    for field in ("chosen", "rejected"):
        if not isinstance(row[field], str):
            raise DatasetError(f"{where}, field {field}: {row[field]!r:.60} is not text.")
    margin, weight = row.get("margin"), row.get("weight", 1.0)
    _require_number(margin, where=f"{where}, field margin", optional=True)
    _require_number(weight, where=f"{where}, field weight")
    if weight < 0:
        raise DatasetError(f"{where}, field weight: {weight} is negative.")
    source = row.get("source", "person")
    if source not in SOURCES:
        raise DatasetError(f"{where}, field source: {source!r} is none of {', '.join(SOURCES)}.")
    return PreferencePair(
        id=row["id"],
        prompt_id=row["prompt_id"],
        prompt=_conversation(row["prompt"], where=f"{where}, field prompt"),
        chosen=row["chosen"],
        rejected=row["rejected"],
        margin=margin,
        weight=float(weight),
        source=source,
        tie=bool(row.get("tie", False)),
    )


def _conversation(value: Any, *, where: str) -> tuple[dict[str, str], ...]:
    if not isinstance(value, list) or not value:
        raise DatasetError(f"{where}: must be a non-empty list of messages.")
    for position, message in enumerate(value):
        if not (
            isinstance(message, dict)
            and isinstance(message.get("role"), str)
            and isinstance(message.get("content"), str)
        ):
            raise DatasetError(f"{where}[{position}]: needs text in role and in content.")
    return tuple({"role": message["role"], "content": message["content"]} for message in value)


def _require_number(value: Any, *, where: str, optional: bool = False) -> None:
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DatasetError(f"{where}: {value!r} is not a finite number.")


def _require_disjoint(train: list[PreferencePair], test: list[PreferencePair]) -> None:
    shared = sorted({p.prompt_id for p in train} & {p.prompt_id for p in test})
    if shared:
        shown = ", ".join(map(str, shared[:5]))
        raise DatasetError(
            f"{len(shared)} prompts are in both train and test (prompt_id {shown}); test figures "
            "would be too good. Split the snapshot by prompt."
        )


def _fingerprint(folder: Path) -> str:
    digest = sha256()
    for name in ("train.jsonl", "test.jsonl"):
        content = (folder / name).read_bytes()
        digest.update(f"{name}:{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()
