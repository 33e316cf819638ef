"""All that a published reward model says of a row: scores, and what its objective knows beside.

Every answer has `scores`, one for each response. What comes with it, by objective:

    ensemble             mean, spread: of the members' rewards, for each response. With `members`
                         also these: for each member a reward a response
    multi_objective      criteria: for each response a rating by name, 0 to 1; weights: what each
                         criterion counts for this prompt, which sum to 1
    span                 segments: for each response [{category, start, end, p_wrong}]
    steps                steps: for each response [{text, p_wrong}]
    general_preference   pairwise: [K][K] probabilities that the row's response is preferred to
    personal             the column's; of people as groups: groups: for each response a reward a
                         group, and group_shares. With `person` scores and pairwise are theirs

`p_wrong` is None for what was cut off, being beyond the model's length.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from math import isfinite
from typing import Any

from training.recipes import runtime  # noqa: F401  # isort: skip  (first: it sets the environment)

import torch
from torch import Tensor

from annotate.finegrained.labels import CATEGORIES
from annotate.kinds.steps import split_steps
from training.data.pairs import PreferencePair
from training.data.segments import join_steps
from training.recipes.head_model import HeadModel
from training.recipes.heads.base import RelationalHead
from training.recipes.heads.features import Row
from training.recipes.heads.multi_objective import MultiObjectiveHead
from training.recipes.heads.personal import GroupsHead, OfPeople
from training.recipes.heads.segments import SpanHead, StepHead
from training.recipes.members import scores_with_members
from training.recipes.score import Scorer

logger = logging.getLogger("training.serve")

Answer = dict[str, Any]
Asked = Mapping[str, Any]
"""prompt: messages; responses: texts; criteria: names, or absent; person: a place, or absent;
members: whether an ensemble is to tell each member's rewards, or absent."""


class RowRefused(Exception):
    """The model cannot answer this row: `field` of it is wrong for this model."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def answer_rows(model: Scorer, rows: Sequence[Asked]) -> list[Answer]:
    """An answer to each row; one that the model cannot answer gets {"error": {field, message}}.

    Rows go through the network together. Where that fails, each is tried by itself, so that one
    row does not cost the others. Texts are forgotten afterwards.
    """
    try:
        return _answer_all(model, rows)
    except RowRefused:
        return [_answer_one(model, row) for row in rows]
    except Exception:
        logger.exception("%d rows failed together; each is tried by itself", len(rows))
        return [_answer_one(model, row) for row in rows]
    finally:
        if isinstance(model, HeadModel):
            model.features.forget()


def _answer_one(model: Scorer, row: Asked) -> Answer:
    try:
        return _answer_all(model, [row])[0]
    except RowRefused as error:
        return {"error": {"field": error.field, "message": str(error)}}
    except Exception as error:
        logger.exception("A row could not be answered")
        return {"error": {"field": "", "message": f"{type(error).__name__}: {error}"}}


def _answer_all(model: Scorer, rows: Sequence[Asked]) -> list[Answer]:
    for row in rows:
        _require_fit(model, row)
    sets = [(row["prompt"], row["responses"]) for row in rows]
    scores, members = scores_with_members(model, sets)
    found: list[Answer] = [{"scores": one} for one in scores]
    if members is not None:
        for answer, row, rewards in zip(found, rows, members, strict=True):
            answer.update(_of_members(rewards))
            if row.get("members"):
                answer["members"] = rewards
    if isinstance(model, HeadModel):
        for kind, tell in TELLS:
            if isinstance(model.head, kind):
                for answer, more in zip(found, tell(model, rows), strict=True):
                    answer.update(more)
    for answer in found:
        if not all(map(isfinite, answer["scores"])):
            raise RowRefused("responses", "the model's score of it is no finite number")
    return found


def _require_fit(model: Scorer, row: Asked) -> None:
    head = model.head if isinstance(model, HeadModel) else None
    objective = model.card.objective
    if row.get("criteria") is not None:
        if not isinstance(head, MultiObjectiveHead):
            raise RowRefused(
                "criteria", f"a model of objective {objective} has no criteria; leave it out"
            )
        there = head.options["criteria"]
        for name in row["criteria"]:
            if name not in there:
                raise RowRefused(
                    "criteria", f"the model has no criterion {name!r}; it has: {', '.join(there)}"
                )
    if row.get("person") is not None:
        if not isinstance(head, OfPeople):
            raise RowRefused(
                "annotator", f"a model of objective {objective} knows no people; leave it out"
            )
        if row["person"] >= head.people:
            raise RowRefused("annotator", "the model was not fitted to this person; leave it out")


# What each kind of head tells --------------------------------------------------------------


def _of_members(rewards: Sequence[Sequence[float]]) -> Answer:
    """Of [M][K] rewards."""
    rewards_MK = torch.tensor(rewards, dtype=torch.float64)
    return {"mean": rewards_MK.mean(0).tolist(), "spread": rewards_MK.std(0).tolist()}


def _criteria(model: HeadModel, rows: Sequence[Asked]) -> Iterator[Answer]:
    head: Any = model.head
    names = head.options["criteria"]
    flat = _flat(rows)
    ratings = _regroup(head.ratings(flat, model.features).tolist(), rows)
    weights = _regroup(head.weights(flat, model.features).tolist(), rows)
    for row, rated, weighed in zip(rows, ratings, weights, strict=True):
        asked = names if row.get("criteria") is None else row["criteria"]
        place = {name: names.index(name) for name in asked}
        yield {
            "criteria": [{name: one[at] for name, at in place.items()} for one in rated],
            "weights": {name: weighed[0][at] for name, at in place.items()},
        }


def _segments(model: HeadModel, rows: Sequence[Asked]) -> Iterator[Answer]:
    head: Any = model.head
    flat = _flat(rows)
    told: list[list[Answer]] = [[] for _ in flat]
    for name in head.options["names"]:
        cut = [(row, CATEGORIES[name].segment(row[1])) for row in flat]
        for place, logits_S in enumerate(head.logits(name, cut, model.features)):
            chances = _chances(logits_S)
            for segment, p_wrong in zip(cut[place][1], chances, strict=True):
                told[place].append(
                    {
                        "category": name,
                        "start": segment.start,
                        "end": segment.end,
                        "p_wrong": p_wrong,
                    }
                )
    return ({"segments": one} for one in _regroup(told, rows))


def _steps(model: HeadModel, rows: Sequence[Asked]) -> Iterator[Answer]:
    head: Any = model.head
    steps, cut = [], []
    for prompt, response in _flat(rows):
        found = split_steps([{"type": "text", "text": response}], head.options["split"])
        text, places = join_steps(found)
        steps.append(found)
        cut.append(((prompt, text), places))
    told = [
        [
            {"text": text, "p_wrong": p_wrong}
            for text, p_wrong in zip(found, _chances(logits_S), strict=True)
        ]
        for found, logits_S in zip(steps, head.logits("steps", cut, model.features), strict=True)
    ]
    return ({"steps": one} for one in _regroup(told, rows))


def _pairwise(model: HeadModel, rows: Sequence[Asked]) -> Iterator[Answer]:
    head: Any = model.head
    pairs = [pair for row in rows for pair in _ordered_pairs(row)]
    first: list[Row] = [(pair.prompt, pair.chosen) for pair in pairs]
    second: list[Row] = [(pair.prompt, pair.rejected) for pair in pairs]
    logits = iter((head.compare(first, second, model.features) / model.card.temperature).tolist())
    for row in rows:
        yield {"pairwise": _probabilities(list(islice(logits, len(row["responses"]) ** 2)), row)}


def _of_person(model: HeadModel, rows: Sequence[Asked]) -> Iterator[Answer]:
    """The scores and probabilities of one person in place of all people's, where one is named."""
    head: Any = model.head
    named = [row for row in rows if row.get("person") is not None]
    pairs = [pair for row in named for pair in _ordered_pairs(row)]
    if not named:
        yield from ({} for _ in rows)
        return
    gaps = iter((head.gaps_of_places(pairs, model.features) / model.card.temperature).tolist())
    for row in rows:
        if row.get("person") is None:
            yield {}
            continue
        count = len(row["responses"])
        logits = list(islice(gaps, count**2))
        yield {
            "scores": [sum(logits[at * count : (at + 1) * count]) / count for at in range(count)],
            "pairwise": _probabilities(logits, row),
        }


def _groups(model: HeadModel, rows: Sequence[Asked]) -> Iterator[Answer]:
    head: Any = model.head
    rewards_NG = head.rewards(_flat(rows), model.features) / model.card.temperature
    shares = head.tensors["responsibilities"].mean(0).tolist()
    for one in _regroup(rewards_NG.tolist(), rows):
        yield {"groups": one, "group_shares": shares}


TELLS: tuple[tuple[type, Callable[[HeadModel, Sequence[Asked]], Iterator[Answer]]], ...] = (
    (MultiObjectiveHead, _criteria),
    (SpanHead, _segments),
    (StepHead, _steps),
    (RelationalHead, _pairwise),
    (GroupsHead, _groups),
    (OfPeople, _of_person),
)


def _flat(rows: Sequence[Asked]) -> list[Row]:
    return [(row["prompt"], text) for row in rows for text in row["responses"]]


def _regroup(values: Sequence[Any], rows: Sequence[Asked]) -> list[list[Any]]:
    """One list a row of what was found for all responses one after the other."""
    rest = iter(values)
    return [list(islice(rest, len(row["responses"]))) for row in rows]


def _ordered_pairs(row: Asked) -> Iterator[PreferencePair]:
    """Every response against every one, itself too, row by row of the matrix."""
    prompt = tuple(row["prompt"])
    person = row.get("person")
    for first in row["responses"]:
        for second in row["responses"]:
            yield PreferencePair(
                id=0,
                prompt_id=0,
                prompt=prompt,
                chosen=first,
                rejected=second,
                annotator="" if person is None else str(person),
            )


def _probabilities(logits: Sequence[float], row: Asked) -> list[list[float]]:
    count = len(row["responses"])
    chances = _sigmoids(logits)
    return [chances[at * count : (at + 1) * count] for at in range(count)]


def _sigmoids(logits: Sequence[float]) -> list[float]:
    return torch.tensor(list(logits), dtype=torch.float64).sigmoid().tolist()


def _chances(logits_S: Tensor) -> list[float | None]:
    return [None if p != p else p for p in logits_S.sigmoid().tolist()]
