"""People's votes as choices between two responses, for features of pairs. Needs no numpy to read.

Of a vote on more than two responses the best and the worst count.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from annotate.models import Project, Prompt
from annotate.ranking.votes import Vote
from annotate.services.reports.board_rules import BoardRules
from annotate.services.reports.board_votes import STYLE_BATCH, author_of, batches, fetch
from annotate.services.reports.factor_votes import TEXTS

HALF = 50  # prompts whose bucket (0..99) is lower are held out


@dataclass
class Choices:
    """`pairs`: (task, prompt, first response, second), the smaller id first; the other columns are
    of votes. `sign`: 1 where the first was put first, -1 the second, 0 for a tie.
    """

    pairs: list[tuple[int, int, int, int]] = field(default_factory=list)
    pair: "array[int]" = field(default_factory=lambda: array("q"))
    sign: "array[int]" = field(default_factory=lambda: array("b"))
    author: "array[int]" = field(default_factory=lambda: array("q"))
    judgement: "array[int]" = field(default_factory=lambda: array("q"))
    texts: dict[int, str] = field(default_factory=dict)
    held_out: set[int] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)


def read_choices(
    *, project: Project, rules: BoardRules, most: int, beat: Callable[[int], object]
) -> Choices:
    """At most `most` pairs, drawn by a hash, so that a second run has the same. Of those held out
    are prompts that are kept for tests, and others until it is half. Two queries a batch of
    judgements and one for every STYLE_BATCH responses. `beat` hears how many judgements are read.
    """
    found, numbers, authors, read = Choices(), {}, {}, 0
    for rows, context in batches(rules.select(project), rules):
        for row in rows:
            for vote in context.votes(row):
                chosen = _pair(vote)
                if isinstance(chosen, str):
                    found.left_out[chosen] += vote.is_whole
                elif vote.is_whole:
                    better, worse, tied = chosen
                    prompt = context.prompt[row.task]
                    key = (row.task, prompt, min(better, worse), max(better, worse))
                    found.pair.append(numbers.setdefault(key, len(numbers)))
                    found.sign.append(0 if tied else 1 if better < worse else -1)
                    author = author_of(row, prompt)
                    found.author.append(authors.setdefault(author, len(authors)))
                    found.judgement.append(row.id)
        read += len(rows)
        beat(read)
    drawn = sorted(numbers, key=lambda key: _hash(project.seed, key))
    _read_texts(found, drawn, most)
    _keep(found, {numbers[key]: at for at, key in enumerate(found.pairs)})
    boundary = max(HALF, project.test_percent)
    prompts = Prompt.objects.filter(pk__in={key[1] for key in found.pairs})
    held = prompts.filter(split_bucket__lt=boundary)
    found.held_out = set(held.values_list("pk", flat=True))
    return found


def _pair(vote: Vote) -> tuple[int, int, bool] | str:
    """The better and the worse response and whether they are tied, or why there is no pair."""
    if any(isinstance(one, str) for one in vote.members):
        return "conversation"
    if vote.is_bad:
        return "all_bad"
    best, worst = vote.groups[0], vote.groups[-1]
    if len(vote.groups) > 1:
        return int(best[0]), int(worst[-1]), False
    if len(best) == 2:
        return int(best[0]), int(best[1]), True
    return "all_tied"


def _hash(seed: int, key: tuple[int, ...]) -> bytes:
    return hashlib.sha256(f"{seed} {key}".encode()).digest()


def _read_texts(found: Choices, drawn: list[tuple[int, int, int, int]], most: int) -> None:
    """Pairs in their order, as many as are wanted; each has two texts that differ."""
    for start in range(0, len(drawn), STYLE_BATCH):
        some = drawn[start : start + STYLE_BATCH]
        ids = {one for key in some for one in key[2:]}
        texts = {pk: text for pk, _, text in fetch(TEXTS, [list(ids)])}
        for key in some:
            first, second = (texts[one].strip() for one in key[2:])
            if not first or not second:
                found.left_out["no_text"] += 1
            elif first == second:
                found.left_out["same_text"] += 1
            elif len(found.pairs) == most:
                found.left_out["beyond_most"] += 1
            else:
                found.pairs.append(key)
                found.texts.update({one: texts[one] for one in key[2:]})


def _keep(found: Choices, place_of: Mapping[int, int]) -> None:
    """The votes on pairs that are kept, by their new numbers."""
    kept = [at for at, number in enumerate(found.pair) if number in place_of]
    found.pair = array("q", (place_of[found.pair[at]] for at in kept))
    for name in ("sign", "author", "judgement"):
        column: Any = getattr(found, name)
        setattr(found, name, array(column.typecode, (column[at] for at in kept)))
