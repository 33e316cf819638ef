"""What people said in words about responses, and preferences that need more than a pair.

Critiques with refinements, preferences with reasons, preferences between two prompts, and
preferences by one criterion beside ratings by others.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotate.kinds import critique, joint, rating
from annotate.media.as_text import as_text, text_turns
from training.data.conversation import Message
from training.data.criteria import rated_responses
from training.data.judged import JudgedRow
from training.data.lists import pairs_of_rows
from training.data.pairs import PreferencePair
from training.data.unpaired import voted_responses

JUDGED = "\n\nJudgement of the answer that follows: "
"""What stands between a prompt and the critique that a response is read under."""
ASK_WHY = (
    "\n\nOf two answers the first was preferred. Why?"
    "\n\nFirst answer: {chosen}\n\nSecond answer: {rejected}"
)
"""What a prompt ends in where the reasons of a preference are to follow."""
Prompt = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Critiqued:
    """A response that somebody read; `critique` and `refined` may be empty."""

    id: int
    prompt_id: int
    prompt: Prompt
    response: str
    critique: str
    refined: str


@dataclass(frozen=True, slots=True)
class CritiqueExample:
    """A good response, or a bad one with its critique."""

    id: int
    prompt_id: int
    prompt: Prompt
    response: str
    critique: str
    good: bool


@dataclass(frozen=True, slots=True)
class Graded:
    """A response that is good or bad."""

    id: int
    prompt_id: int
    prompt: Prompt
    response: str
    good: bool


@dataclass(frozen=True, slots=True)
class Reasoned:
    """A preference and why; `why` may be empty."""

    pair: PreferencePair
    why: str

    @property
    def prompt_id(self) -> int:
        return self.pair.prompt_id


@dataclass(frozen=True, slots=True)
class JointPair:
    """A preference between two prompts, each with its response."""

    id: int
    prompt_id: int
    chosen: tuple[Prompt, str]
    rejected: tuple[Prompt, str]


@dataclass(frozen=True, slots=True)
class CriterionPair:
    """A preference by one criterion; `margins`: chosen less rejected by the others, -1 to 1."""

    pair: PreferencePair
    margins: tuple[float, ...]

    @property
    def prompt_id(self) -> int:
        return self.pair.prompt_id


def critiqued(rows: Iterable[JudgedRow]) -> Iterator[Critiqued]:
    """One for each response that an answer of kind critique is about, also if it says nothing."""
    for row in rows:
        for answer in row.answers:
            if answer.kind != critique.NAME:
                continue
            for pk in answer.response_ids:
                entry = answer.value["responses"].get(str(pk), {})
                yield Critiqued(
                    id=row.id,
                    prompt_id=row.prompt_id,
                    prompt=row.prompt,
                    response=row.said[pk],
                    critique=entry.get("critique", ""),
                    refined=entry.get("refined", ""),
                )


def critique_examples(
    found: Iterable[Critiqued], *, unrefined: str
) -> tuple[list[CritiqueExample], dict[str, int]]:
    """A refined response is bad under its critique, its refinement is good.

    unrefined: what a critique without a refinement says: "bad", "good", or nothing ("drop"). The
    second value counts responses that say nothing: `unrefined` by that rule, `no_critique`.
    """
    examples: list[CritiqueExample] = []
    left_out = {"unrefined": 0, "no_critique": 0}
    for one in found:
        shared = one.id, one.prompt_id, one.prompt
        if one.refined:
            examples.append(CritiqueExample(*shared, one.refined, "", True))
        if not one.critique.strip():
            left_out["no_critique"] += 1
        elif one.refined or unrefined == "bad":
            examples.append(CritiqueExample(*shared, one.response, one.critique, False))
        elif unrefined == "good":
            examples.append(CritiqueExample(*shared, one.response, "", True))
        else:
            left_out["unrefined"] += 1
    return examples, left_out


def refinement_pairs(found: Iterable[Critiqued]) -> list[PreferencePair]:
    """Each refinement before the response that it was written for."""
    return [
        PreferencePair(one.id, one.prompt_id, one.prompt, one.refined, one.response)
        for one in found
        if one.refined
    ]


def preferences(rows: Sequence[JudgedRow]) -> list[PreferencePair]:
    """What the rows prefer, decided or tied, and each refinement before its response."""
    return [*pairs_of_rows(rows), *refinement_pairs(critiqued(rows))]


def graded(rows: Sequence[JudgedRow]) -> list[Graded]:
    """The good and bad responses of decided preferences and refinements; of rows that hold none,
    of their ratings. Each grade of a response counts once under what its task states.
    """
    decided = [pair for pair in preferences(rows) if not pair.tie]
    paired = {pair.id for pair in decided}
    found = [
        Graded(pair.id, pair.prompt_id, pair.prompt, said, good)
        for pair in decided
        for said, good in ((pair.chosen, True), (pair.rejected, False))
    ]
    votes, _ = voted_responses(row for row in rows if row.id not in paired)
    found += [Graded(v.id, v.prompt_id, v.prompt, v.response, v.desirable) for v in votes]
    once = {(str(one.prompt), one.prompt_id, one.response, one.good): one for one in found}
    return list(once.values())


def reasoned(rows: Sequence[JudgedRow]) -> list[Reasoned]:
    """Decided preferences, each with its rationale and the reasons given by criteria."""
    why = {row.id: why_of(row) for row in rows}
    return [Reasoned(pair, why[pair.id]) for pair in pairs_of_rows(rows) if not pair.tie]


def why_of(row: JudgedRow) -> str:
    """The rationale in words, then the reasons ticked and written by criterion, a line each."""
    lines = [row.rationale.strip()]
    for answer in row.answers:
        for name, given in (answer.value.get("criteria") or {}).items():
            if not isinstance(given, Mapping):
                continue
            said = [*given.get("reasons", ()), given.get("own_reason", "")]
            said = [text.strip() for text in said if text.strip()]
            lines += [f"{name}: {', '.join(said)}"] if said else []
    return "\n".join(line for line in lines if line)


def joint_pairs(rows: Iterable[JudgedRow]) -> tuple[list[JointPair], int]:
    """Decided joint preferences, each response with its own prompt, and how many are ties."""
    found, ties = [], 0
    for row in rows:
        for answer in row.answers:
            if answer.kind != joint.NAME:
                continue
            pair = joint.joint_pair(answer.value, answer.response_ids)
            ties += pair.tie
            if not pair.tie:
                sides = [
                    (_own_prompt(row, pk), row.said[pk]) for pk in (pair.chosen, pair.rejected)
                ]
                found.append(JointPair(row.id, row.prompt_id, *sides))
    return found, ties


def _own_prompt(row: JudgedRow, pk: int) -> Prompt:
    given = row.context.get("prompts", {}).get(str(pk))
    if given is None:
        return row.prompt
    if isinstance(given, str):
        return ({"role": "user", "content": as_text(given)},)
    return tuple(text_turns(list(given)))


def criterion_pairs(
    rows: Iterable[JudgedRow], *, criterion: str, others: Sequence[str]
) -> tuple[list[CriterionPair], dict[str, int]]:
    """Every two responses of a rating that `criterion` tells apart, with margins by `others`.

    Ratings count by their place on their scale, from 0 to 1. The second value counts what gives
    no pair: `equal` by the criterion, `unrated` by it or one of the others.
    """
    found: list[CriterionPair] = []
    left_out = {"equal": 0, "unrated": 0}
    for row in rows:
        for a, b in itertools.combinations(rated_responses([row]), 2):
            if any(name not in one.ratings for one in (a, b) for name in (criterion, *others)):
                left_out["unrated"] += 1
                continue
            gap = a.ratings[criterion] - b.ratings[criterion]
            if gap == 0 or a.response == b.response:
                left_out["equal"] += 1
                continue
            chosen, rejected = (a, b) if gap > 0 else (b, a)
            shared: Mapping[str, Any] = {"id": row.id, "prompt_id": row.prompt_id}
            pair = PreferencePair(
                **shared,
                prompt=row.prompt,
                chosen=chosen.response,
                rejected=rejected.response,
                margin=abs(gap),
                source=row.source,
                annotator=row.annotator,
            )
            margins = [chosen.ratings[name] - rejected.ratings[name] for name in others]
            found.append(CriterionPair(pair, tuple(margins)))
    return found, left_out


def criteria_names(rows: Iterable[JudgedRow]) -> tuple[list[str], str]:
    """All criteria that responses are rated by, in alphabetical order, and the overall one."""
    names: set[str] = set()
    overall = ""
    for row in rows:
        for answer in row.answers:
            if answer.kind == rating.NAME:
                names |= set(answer.value["scales"])
                overall = overall or answer.value["overall"]
    return sorted(names), overall


def with_critique(prompt: Prompt, said: str) -> Prompt:
    """The prompt with a critique at its end: the condition under which a bad response is right."""
    return _ending(prompt, JUDGED + said.strip())


def asking_why(pair: PreferencePair) -> Prompt:
    """The prompt with both responses and the question which reasons spoke for the first."""
    return _ending(pair.prompt, ASK_WHY.format(chosen=pair.chosen, rejected=pair.rejected))


def _ending(prompt: Prompt, text: str) -> Prompt:
    """With `text` at the end of the last message, or as one of its own after an assistant's."""
    *before, last = prompt
    if last["role"] == "user":
        return (*before, {**last, "content": last["content"] + text})
    return (*prompt, {"role": "user", "content": text.strip()})
