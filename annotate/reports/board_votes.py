"""The votes behind a leaderboard's figures: those that had both of two models, the latest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotate.models import ChatModel, Judgement, Project
from annotate.ranking.votes import Vote
from annotate.services.reports.board_rules import BoardRules
from annotate.services.reports.board_votes import COLUMNS, Context, Row, context_of, fetch

PAGE = 50
WINDOW = 2000  # judgements read at once
WINDOWS = 5  # for one page


@dataclass(frozen=True)
class Said:
    """A vote: its judgement, whose response was better (None for neither), and in which words."""

    judgement: Judgement
    winner: str | None
    is_bad: bool
    order: str
    criterion: str


def votes_between(
    *,
    project: Project,
    rules: BoardRules,
    last_id: int,
    models: tuple[str, str] | tuple[str],
    category: str = "",
    before: int | None = None,
) -> tuple[list[Said], int | None]:
    """Up to PAGE and a few votes that had all of `models`, and the id that the next page is before.

    At most WINDOWS times WINDOW judgements are read, so a page may be short, even empty, and yet
    have a next one.
    """
    selection = rules.select(project, last_id)
    names = dict(ChatModel.objects.filter(project=project).values_list("pk", "name"))
    found: list[tuple[Row, list[tuple[Vote, list[str]]]]] = []
    count = 0
    for _ in range(WINDOWS):
        below, bound = ("AND j.id < %s", [before]) if before is not None else ("", [])
        rows = [
            Row._make(row)
            for row in fetch(
                f"SELECT {COLUMNS} FROM {selection.source} WHERE {selection.where}"
                f" AND j.id <= %s {below} ORDER BY j.id DESC LIMIT {WINDOW}",
                [*selection.params, last_id, *bound],
            )
        ]
        context = context_of(rows, rules, names)
        for row in rows:
            mine = _counted(row, context, rules, set(models), category)
            if mine:
                found.append((row, mine))
                count += len(mine)
            if count >= PAGE:
                return _told(found), row.id
        if len(rows) < WINDOW:
            return _told(found), None
        before = rows[-1].id
    return _told(found), before


def _counted(
    row: Row, context: Context, rules: BoardRules, models: set[str], category: str
) -> list[tuple[Vote, list[str]]]:
    """The judgement's votes that the category's board counts and that had all the models."""
    shown = {context.model_of[pk] for pk in context.responses.get(row.task, ())}
    shown.update(context.letters.get((row.task, row.annotator or 0), {}).values())
    if not models <= shown:
        return []
    found = []
    for vote in context.votes(row):
        names = context.models(row, vote)
        if not models <= set(names) or "" in names or len(set(names)) < len(names):
            continue
        by_criterion = rules.by == "criterion"
        named = vote.criterion if by_criterion else context.category.get(row.task, "")
        counts = named == category and (by_criterion or vote.is_whole)
        if counts if category else vote.is_whole:
            found.append((vote, names))
    return found


def _told(found: list[tuple[Row, list[tuple[Vote, list[str]]]]]) -> list[Said]:
    rows: Mapping[int, Judgement] = Judgement.objects.select_related("annotator", "judge").in_bulk(
        [row.id for row, _ in found]
    )
    return [
        Said(
            judgement=rows[row.id],
            winner=names[0] if len(vote.groups[0]) == 1 else None,
            is_bad=vote.is_bad,
            order=_in_order(vote, names),
            criterion=vote.criterion,
        )
        for row, votes in found
        for vote, names in votes
    ]


def _in_order(vote: Vote, names: list[str]) -> str:
    """Such as "a > b = c": the models of one group are equal or were not put in order."""
    at, groups = 0, []
    for group in vote.groups:
        groups.append(" = ".join(names[at : at + len(group)]))
        at += len(group)
    return " > ".join(groups)


def models_of(result: Mapping[str, Any], first: int | None, second: int | None) -> tuple[str, ...]:
    """The names of the models at these places; () for a place that is none."""
    known = result["models"]
    places = [first] if second is None else [first, second]
    if any(place is None or not 0 <= place < len(known) for place in places):
        return ()
    return tuple(known[place] for place in places if place is not None)
