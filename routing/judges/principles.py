"""Principles behind choices: proposed from pairs by a language model, gathered, and voted by.

After inverse constitutional AI (Findeis, Kaufmann, Hüllermeier, Albanie and Mullins 2024,
arXiv:2406.06560). Otherwise than there each vote is asked in both orders, and a model gathers
principles of one meaning in the place of clusters of embeddings.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from annotate.chat.completions import Completion
from annotate.inputs import InvalidValue, clean_integer, clean_text
from annotate.kinds.answers import clean_list, clean_object
from routing.judges import Question
from routing.judges.asking.contract import (
    InvalidAnswer,
    Reading,
    Wording,
    compose,
    object_schema,
    read_object,
)
from routing.judges.desk import Key
from routing.judges.errands import Errand
from routing.judges.quoting import RULE, mark_of, quoted

PROPOSE_TEMPLATE = "principles proposed/1"
MOST_EACH = 3  # that a pair may give
MOST_TESTED = 20  # that are voted by at once
MAX_TEXT = 200  # characters of one
NEITHER = "neither"
SAYINGS = ("A", "B", NEITHER)

PROPOSE_TASK = (
    "People preferred RESPONSE {better} to RESPONSE {worse}. Say why, as 1 to {most} short "
    "principles of the form “Prefer the response that …”. Each is about one property, holds for "
    "other prompts too, and can be told from two responses alone. "
    'Answer with one JSON object: {{"principles": ["…"]}}.'
)
GATHER_TASK = (
    "These principles were written independently of each other. Gather those that mean the same, "
    "or nearly so, and word each group in one short sentence; give the most frequent first, at "
    "most {most}. Keep principles apart that can disagree on two responses. "
    'Answer with one JSON object: {{"groups": [{{"text": "…", "members": [numbers]}}]}}.'
)
VOTE_TASK = (
    "For each of the numbered principles below, say which response it favours: A, B, or neither "
    "where it does not tell them apart. Go by that principle alone, not by which response is "
    "better all in all.\n{principles}\n"
    'Answer with one JSON object that names each number: {{"1": "A", "2": "neither"}}.'
)


def propose_errand(question: Question, better: int, worse: int) -> Errand:
    """One call: why is one response of the question preferred. The better one is A in half of all
    tasks, so that no principle can come of its place.
    """
    shown = (better, worse) if question.task_id % 2 else (worse, better)
    names = ("A", "B") if shown[0] == better else ("B", "A")
    task = PROPOSE_TASK.format(better=names[0], worse=names[1], most=MOST_EACH)
    return Errand(
        # The better one is the first of the key: people may change their minds.
        Key(question.task_id, (better, worse)),
        PROPOSE_TEMPLATE,
        compose(question, shown, task=task, wording=Wording()),
        object_schema({"principles": {"type": "array", "items": {"type": "string"}}}),
        read_proposed,
    )


def read_proposed(said: Completion) -> Reading:
    """{"principles": [text]}. Raises InvalidAnswer."""
    try:
        listed = clean_list(
            "principles", read_object(said).get("principles"), low=1, high=4 * MOST_EACH
        )
        texts = [_text(f"principles[{n}]", one) for n, one in enumerate(listed[:MOST_EACH])]
    except InvalidValue as error:
        raise InvalidAnswer.of(error) from error
    return Reading(value={"principles": texts})


def _text(field: str, given: object) -> str:
    text = clean_text(field, given, max_chars=10_000, required=True)
    return " ".join(text.split())[:MAX_TEXT]


def gather_errand(task_id: int, texts: Sequence[str]) -> Errand:
    """One call that puts principles of one meaning together."""
    listed = [f"{number}. {text}" for number, text in enumerate(texts, 1)]
    mark = mark_of(listed)
    task = GATHER_TASK.format(most=MOST_TESTED)
    messages = [
        {"role": "system", "content": "\n\n".join([RULE.format(mark=mark), task])},
        {
            "role": "user",
            "content": "\n\n".join([quoted("PRINCIPLES", "\n".join(listed), mark), task]),
        },
    ]
    members = {"type": "array", "items": {"type": "integer"}}
    group = object_schema({"text": {"type": "string"}, "members": members})
    schema = object_schema({"groups": {"type": "array", "items": group}})

    def read(said: Completion) -> Reading:
        return _read_gathered(said, len(texts))

    return Errand(Key(task_id, ()), template_of("gathered", texts), messages, schema, read)


def _read_gathered(said: Completion, count: int) -> Reading:
    """{"groups": [{"text", "members": [place of each, from 0]}]}, each in one group at most."""
    taken: set[int] = set()
    groups: list[dict[str, Any]] = []
    try:
        listed = clean_list("groups", read_object(said).get("groups"), low=1, high=count)
        for number, given in enumerate(listed):
            field = f"groups[{number}]"
            raw = clean_object(field, given, ("text", "members"))
            members = []
            for one in clean_list(f"{field}.members", raw.get("members"), low=0, high=count):
                place = clean_integer(f"{field}.members", one, low=1, high=count) - 1
                if place not in taken:
                    taken.add(place)
                    members.append(place)
            if members:
                groups.append({"text": _text(f"{field}.text", raw.get("text")), "members": members})
        if not groups:
            raise InvalidValue("groups", "must name the principles that each is made of")
    except InvalidValue as error:
        raise InvalidAnswer.of(error) from error
    return Reading(value={"groups": groups})


def vote_errands(question: Question, pair: tuple[int, int], texts: Sequence[str]) -> list[Errand]:
    """Two calls: which response each principle favours, in both orders."""
    numbered = "\n".join(f"{number}. {text}" for number, text in enumerate(texts, 1))
    task = VOTE_TASK.format(principles=numbered)
    schema = object_schema(
        {str(n): {"type": "string", "enum": list(SAYINGS)} for n in range(1, len(texts) + 1)}
    )

    def read(said: Completion) -> Reading:
        return _read_votes(said, len(texts))

    return [
        Errand(
            Key(question.task_id, shown),
            template_of("voted", texts),
            compose(question, shown, task=task, wording=Wording()),
            schema,
            read,
        )
        for shown in (pair, pair[::-1])
    ]


def _read_votes(said: Completion, count: int) -> Reading:
    """{"votes": ["A" | "B" | "neither", …]}. Raises InvalidAnswer."""
    given = read_object(said)
    votes = []
    for number in range(1, count + 1):
        vote = given.get(str(number))
        if vote not in SAYINGS:
            raise InvalidAnswer(
                "principle {number} must be A, B or neither, not {said!r}",
                number=number,
                said=str(vote)[:100],
            )
        votes.append(vote)
    return Reading(value={"votes": votes})


def favoured(forward: Sequence[str], backward: Sequence[str]) -> list[int]:
    """By principle: 1 for the first response of the pair, -1 for the second, and 0 where the two
    orders do not say the same: such a vote tells of the place.
    """
    sign = {"A": 1, "B": -1, NEITHER: 0}
    both = ((sign[one], -sign[other]) for one, other in zip(forward, backward, strict=True))
    return [one if one == other else 0 for one, other in both]


def template_of(what: str, texts: Sequence[str]) -> str:
    """The call's name on record: the same for the same list."""
    digest = hashlib.sha256(json.dumps(list(texts), ensure_ascii=True).encode()).hexdigest()
    return f"principles {what}/1 {digest[:16]}"
