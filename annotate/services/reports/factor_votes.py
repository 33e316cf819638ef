"""Votes with the factors of their responses, read in batches: what a factor report reckons with."""

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from annotate.factors.texts import OF_TEXT, factors_of
from annotate.kinds import InvalidValue
from annotate.models import Membership, Project
from annotate.ranking.columns import Columns, Form
from annotate.ranking.votes import Vote
from annotate.services.reports.board_rules import BoardRules
from annotate.services.reports.board_votes import (
    MOST_BETWEEN,
    STYLE_BATCH,
    Beat,
    Context,
    Row,
    author_of,
    batches,
    fetch,
    places_of,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from annotate.factors.table import Table

RULES = ("source", "simulated", "group", "by", "ties")
TEXTS = """
SELECT r.id, coalesce(p.conversation -> -1 ->> 'content', ''),
    coalesce((SELECT string_agg(part ->> 'text', E'\\n\\n' ORDER BY place)
    FROM jsonb_array_elements(r.content) WITH ORDINALITY parts (part, place)
    WHERE part ->> 'type' = 'text'), '')
FROM annotate_response r JOIN annotate_prompt p ON p.id = r.prompt_id WHERE r.id = ANY(%s)
"""
Author = tuple[str, object]


def clean_rules(given: Mapping[str, Any]) -> BoardRules:
    """What somebody sent, of RULES alone. Raises InvalidValue."""
    for name in given:
        if name not in RULES:
            raise InvalidValue(
                str(name)[:100], "is unknown here; known: {known}", known=", ".join(RULES)
            )
    return BoardRules.clean({**given, "style": []})


def kept_rules(rules: BoardRules) -> dict[str, Any]:
    """As a report keeps them."""
    return {name: value for name, value in rules.as_dict().items() if name in RULES}


@dataclass(frozen=True)
class Found:
    """The votes, who gave them, what was left out, and how many models, by number, were named."""

    table: "Table"
    categories: list[str]
    authors: list[Author]
    models: int
    counts: dict[str, int]
    left_out: dict[str, int]


def gather(*, project: Project, rules: BoardRules, beat: Beat = lambda read: None) -> Found:
    """Two queries a batch of judgements, two more where there are conversations, and one for every
    STYLE_BATCH responses. `beat` hears how many judgements are read.
    """
    selection = rules.select(project)
    gathering = _Gathering(rules.by == "criterion")
    for rows, context in batches(selection, rules):
        for row in rows:
            gathering.take(row, context)
        beat(gathering.counts["judgements"])
    return gathering.end(beat)


class _Gathering:
    """Votes as they come, in numbers."""

    def __init__(self, by_criterion: bool) -> None:
        self.by_criterion = by_criterion
        self.models: dict[str, int] = {}
        self.categories: dict[str, int] = {}
        self.authors: dict[Author, int] = {}
        self.prompts: dict[int, int] = {}
        self.responses: dict[int, int] = {}
        self.columns: dict[Form, Columns] = {}
        self.judgements: dict[Form, array[int]] = {}
        self.counts: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()

    def take(self, row: Row, context: Context) -> None:
        """A judgement's votes."""
        self.counts["judgements"] += 1
        votes = context.votes(row)
        if not votes:
            self.left_out["compares_nothing"] += 1
        for vote in votes:
            self._add(row, context, vote)

    def _add(self, row: Row, context: Context, vote: Vote) -> None:
        if not vote.is_whole and not self.by_criterion:
            return
        if vote.is_bad:
            self.left_out["all_bad"] += vote.is_whole
            return
        if any(isinstance(one, str) for one in vote.members):
            self.left_out["conversation"] += vote.is_whole
            return
        self.counts["votes"] += vote.is_whole
        named = vote.criterion if self.by_criterion else context.category.get(row.task, "")
        prompt = context.prompt[row.task]
        sizes, unasked = tuple(map(len, vote.groups)), vote.unasked
        if unasked == 1 and len(sizes) == 3 and sizes[1] > MOST_BETWEEN:
            # Orders of so many cannot be summed over: the best alone counts.
            sizes = (1, sum(sizes) - 1)
        form = sizes, unasked
        columns = self.columns.setdefault(form, Columns())
        columns.models.extend(
            _number(self.models, name) if name else -1 for name in context.models(row, vote)
        )
        columns.responses.extend(_number(self.responses, one) for one in vote.members)
        columns.places.extend(places_of(row, vote))
        columns.author.append(_number(self.authors, author_of(row, prompt)))
        columns.prompt.append(_number(self.prompts, prompt))
        columns.category.append(_number(self.categories, named) if named else -1)
        columns.whole.append(vote.is_whole)
        self.judgements.setdefault(form, array("q")).append(row.id)

    def end(self, beat: Beat) -> Found:
        """All of it, with the factors of responses; numpy is needed from here on."""
        from annotate.factors.table import table_of

        table = table_of(self.columns, self.judgements, self._factors(beat))
        return Found(
            table,
            list(self.categories),
            list(self.authors),
            len(self.models),
            {**self.counts, "authors": len(self.authors), "prompts": len(self.prompts)},
            dict(self.left_out),
        )

    def _factors(self, beat: Beat) -> "NDArray[np.float64]":
        import numpy as np

        found = np.zeros((len(self.responses), len(OF_TEXT)))
        ids = list(self.responses)
        for start in range(0, len(ids), STYLE_BATCH):
            beat(self.counts["judgements"])
            for pk, prompt, text in fetch(TEXTS, [ids[start : start + STYLE_BATCH]]):
                found[self.responses[pk]] = factors_of(prompt, text)
        return found


def _number(known: dict[Any, int], name: Any) -> int:
    return known.setdefault(name, len(known))


def groups_of(project: Project, authors: list[Author]) -> dict[tuple[str, str], frozenset[int]]:
    """Sort and name of each group of people, with the numbers of its authors: by role, by tier, by
    team, as they are in the project now. A sort with one group alone is left out.
    """
    number = {author: at for at, author in enumerate(authors)}
    found: dict[tuple[str, str], set[int]] = {}
    members = Membership.objects.filter(project=project)
    for user, role, tier, team in members.values_list("user", "role", "tier", "team__name"):
        at = number.get(("person", user))
        if at is None:
            continue
        for sort, name in (("role", role), ("tier", tier), ("team", team or "")):
            if name:
                found.setdefault((sort, name), set()).add(at)
    sorts = Counter(sort for sort, _ in found)
    return {
        (sort, name): frozenset(them)
        for (sort, name), them in sorted(found.items())
        if sorts[sort] > 1
    }
