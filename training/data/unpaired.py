"""Single responses that somebody called good or bad, from ratings and from signals of a product."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotate.kinds import rating, scales
from training.data.conversation import Message
from training.data.judged import JudgedRow
from training.recipes.errors import DatasetError

MIDDLE = 0.5
COIN = 0.5
SIGNAL_FIELDS = ("id", "prompt", "response", "good", "noise")


@dataclass(frozen=True, slots=True)
class VotedResponse:
    """`noise`: the probability that `desirable` is wrong."""

    id: int
    prompt_id: int
    prompt: tuple[Message, ...]
    response: str
    desirable: bool
    source: str
    noise: float = 0.0


def voted_responses(rows: Iterable[JudgedRow]) -> tuple[list[VotedResponse], int]:
    """A vote for each rating by the criterion that makes preferences, and how many are neither.

    Above the middle of the scale, or yes, is desirable; below it, or no, is not; what lies on
    it, or is unsure, is counted and left out. Ratings that do not apply count nowhere.
    """
    found, undecided = [], 0
    for row in rows:
        for answer in row.answers:
            if answer.kind != rating.NAME:
                continue
            overall = answer.value["overall"]
            for pk in answer.response_ids:
                given = answer.value["ratings"].get(str(pk), {}).get(overall)
                if given is None:
                    continue
                place = scales.position(given, answer.value["scales"][overall])
                if place == MIDDLE:
                    undecided += 1
                    continue
                said, good = row.said[pk], place > MIDDLE
                found.append(
                    VotedResponse(row.id, row.prompt_id, row.prompt, said, good, row.source)
                )
    return found, undecided


def signalled_responses(
    path: Path, prompt_ids: Mapping[str, int]
) -> tuple[list[VotedResponse], dict[str, int]]:
    """The votes of signals.jsonl, and how many rows are none: their noise is not known, or they are
    coins, wrong every other time.

    prompt_ids: by `prompt_key`, of prompts that the project has; others get negative ones. Raises
    DatasetError with line and field.
    """
    ids = dict(prompt_ids)
    left_out = {"noise_unknown": 0, "coins": 0}
    found = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            row = json.loads(line)
            missing = [name for name in SIGNAL_FIELDS if name not in row]
            if missing:
                raise DatasetError(f"{path}, line {number}: field {missing[0]} is missing.")
            if row["noise"] is None or row["noise"] >= COIN:
                left_out["noise_unknown" if row["noise"] is None else "coins"] += 1
                continue
            prompt = tuple(row["prompt"])
            prompt_id = ids.setdefault(prompt_key(prompt), -1 - len(ids))
            vote = VotedResponse(
                id=row["id"],
                prompt_id=prompt_id,
                prompt=prompt,
                response=row["response"],
                desirable=row["good"],
                source="signal",
                noise=row["noise"],
            )
            found.append(vote)
    return found, left_out


def prompt_key(prompt: Iterable[Mapping[str, Any]]) -> str:
    """The same for the same messages."""
    return json.dumps([[turn["role"], turn["content"]] for turn in prompt])
