"""The votes of a project, read in batches into columns: what a leaderboard is computed from."""

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection

from annotate.kinds.chat import LETTERS
from annotate.models import ChatModel, ChatReply, ChatSession, Project
from annotate.ranking.columns import Columns, Form
from annotate.ranking.style import FEATURES, style_of
from annotate.ranking.votes import Vote, compares, votes_of
from annotate.services.outgoing.selection import Selection
from annotate.services.reports.board_rules import BoardRules
from annotate.wording import Refusal

if TYPE_CHECKING:
    from annotate.ranking.report import Gathered

MOST_MODELS = 500
MOST_BETWEEN = 7  # models between best and worst whose orders are summed over
MOST_CATEGORY = 200  # characters of its name
STYLE_BATCH = 2000
COLUMNS = (
    "j.id, j.task_id, j.kind, j.value::text, j.source, j.annotator_id, j.judge_id,"
    " j.imported_author, j.shown_order"
)
TASKS = """
SELECT t.id, t.prompt_id, {} FROM annotate_task t JOIN annotate_prompt p ON p.id = t.prompt_id
WHERE t.id = ANY(%s)
"""
OF_TASK = {
    "language": "p.language",
    "taxonomy": "p.taxonomy",
    "stratum": "t.stratum",
    "metadata": "p.metadata ->> %s",
}
RESPONSES = """
SELECT l.task_id, r.id, r.generator, r.generator_version
FROM annotate_taskresponse l JOIN annotate_response r ON r.id = l.response_id
WHERE l.task_id = ANY(%s) ORDER BY l.task_id, l.position
"""
TEXTS = """
SELECT id, coalesce((SELECT string_agg(part ->> 'text', E'\\n\\n' ORDER BY place)
    FROM jsonb_array_elements(content) WITH ORDINALITY parts (part, place)
    WHERE part ->> 'type' = 'text'), '')
FROM annotate_response WHERE id = ANY(%s)
"""
Beat = Callable[[int], object]


class Row(NamedTuple):
    """A judgement, as COLUMNS reads it."""

    id: int
    task: int
    kind: str
    value: str
    source: str
    annotator: int | None
    judge: int | None
    imported_author: str
    shown_order: list[int] | None


@dataclass
class Context:
    """Of a batch's tasks: the prompt and its category, the responses with their models; and of its
    conversations who replied at each turn, and the models by letter.
    """

    prompt: dict[int, int] = field(default_factory=dict)
    category: dict[int, str] = field(default_factory=dict)
    responses: dict[int, list[int]] = field(default_factory=dict)
    model_of: dict[int, str] = field(default_factory=dict)
    replied: dict[tuple[int, int], list[list[str]]] = field(default_factory=dict)
    letters: dict[tuple[int, int], dict[str, str]] = field(default_factory=dict)

    def votes(self, row: Row) -> list[Vote]:
        """What the judgement says of its responses, or of a conversation's letters."""
        replied = self.replied.get((row.task, row.annotator or 0), ())
        return votes_of(row.kind, json.loads(row.value), self.responses.get(row.task, []), replied)

    def models(self, row: Row, vote: Vote) -> list[str]:
        """The model of each of the vote's members; "" where it is not known."""
        letters = self.letters.get((row.task, row.annotator or 0), {})
        return [
            letters.get(one, "") if isinstance(one, str) else self.model_of.get(one, "")
            for one in vote.members
        ]


@dataclass(frozen=True)
class Found:
    """What was gathered, how much of it, what could not be counted, and the hash of it all."""

    gathered: "Gathered"
    counts: dict[str, int]
    left_out: dict[str, int]
    sha256: str
    last_judgement: int


def gather(*, project: Project, rules: BoardRules, beat: Beat = lambda read: None) -> Found:
    """Read all votes. Three queries a batch of judgements, two more where there are conversations,
    and one for every 2,000 responses whose style is asked for. `beat` hears how many are read.

    Raises Refusal for more than MOST_MODELS models.
    """
    selection = rules.select(project)
    gathering = _Gathering(rules)
    for rows, context in batches(selection, rules):
        for row in rows:
            gathering.take(row, context)
        if len(gathering.models) > MOST_MODELS:
            raise Refusal(
                "responses name {count} models or more; a leaderboard takes at most {most}: "
                "give the same model the same name",
                count=len(gathering.models),
                most=MOST_MODELS,
            )
        beat(gathering.counts["judgements"])
    return gathering.end(selection.last_id, beat)


def batches(selection: Selection, rules: BoardRules) -> Iterator[tuple[list[Row], Context]]:
    """Judgements that may hold votes, with what their votes are read with."""
    names = dict(ChatModel.objects.filter(project=selection.project).values_list("pk", "name"))
    for found in selection.batches(COLUMNS):
        rows = [row for row in map(Row._make, found) if compares(row.kind)]
        yield rows, context_of(rows, rules, names)


def context_of(rows: list[Row], rules: BoardRules, chat_models: dict[int, str]) -> Context:
    """Two queries, three more where there are conversations."""
    context, ids = Context(), list({row.task for row in rows})
    key = rules.metadata_key
    of_task = OF_TASK.get("metadata" if key is not None else rules.by, "''")
    for task, prompt, category in fetch(TASKS.format(of_task), [*([key] if key else []), ids]):
        context.prompt[task] = prompt
        context.category[task] = (category or "")[:MOST_CATEGORY]
    for task, response, generator, version in fetch(RESPONSES, [ids]):
        context.responses.setdefault(task, []).append(response)
        context.model_of[response] = f"{generator} {version}".strip() if generator else ""
    _add_conversations(context, {r.task for r in rows if r.kind in ("chat", "form")}, chat_models)
    return context


def _add_conversations(context: Context, tasks: set[int], names: dict[int, str]) -> None:
    if not tasks or not names:
        return
    held = ChatSession.objects.filter(task__in=tasks)
    sessions = {}
    for pk, task, annotator, model_ids in held.values_list("pk", "task", "annotator", "model_ids"):
        sessions[pk] = (task, annotator)
        letters = zip(LETTERS, (names.get(one, "") for one in model_ids), strict=False)
        context.letters[task, annotator] = dict(letters)
    replies = ChatReply.objects.standing().filter(turn__session__in=list(sessions))
    said = replies.values_list("turn__session", "turn__number", "letter")
    for pk, turn, letter in said.order_by("turn__session", "turn__number", "letter"):
        turns = context.replied.setdefault(sessions[pk], [])
        turns += [[] for _ in range(turn + 1 - len(turns))]
        turns[turn].append(letter)


class _Gathering:
    """Votes as they come, in numbers."""

    def __init__(self, rules: BoardRules) -> None:
        self.rules = rules
        self.models: dict[str, int] = {}
        self.categories: dict[str, int] = {}
        self.authors: dict[tuple[str, object], int] = {}
        self.prompts: dict[int, int] = {}
        self.responses: dict[int, int] = {}
        self.columns: dict[Form, Columns] = {}
        self.bad = (array("q"), array("q"), array("b"))
        self.counts: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.digest = hashlib.sha256(json.dumps(rules.as_dict(), sort_keys=True).encode())

    def take(self, row: Row, context: Context) -> None:
        """A judgement's votes."""
        self.counts["judgements"] += 1
        votes = context.votes(row)
        if not votes:
            self.left_out["compares_nothing"] += 1
        for vote in votes:
            self._add(row, context, vote)

    def _add(self, row: Row, context: Context, vote: Vote) -> None:
        by_criterion = self.rules.by == "criterion"
        if not vote.is_whole and not by_criterion:
            return
        names = context.models(row, vote)
        if "" in names or len(set(names)) < len(names):
            self.left_out["unnamed_model" if "" in names else "same_model"] += 1
            return
        named = vote.criterion if by_criterion else context.category.get(row.task, "")
        category = self._number(self.categories, named) if named else -1
        models = [self._number(self.models, name) for name in names]
        prompt = context.prompt[row.task]
        author = self._number(self.authors, author_of(row, prompt))
        line = (row.id, author, named, vote.is_whole, vote.is_bad, vote.unasked, names, vote.groups)
        self.digest.update(json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        if vote.is_bad:
            self.counts["all_bad"] += vote.is_whole
            for model in models:
                for column, value in zip(self.bad, (model, category, vote.is_whole), strict=True):
                    column.append(value)
            return
        self.counts["votes"] += vote.is_whole
        sizes, unasked = tuple(map(len, vote.groups)), vote.unasked
        if unasked == 1 and len(sizes) == 3 and sizes[1] > MOST_BETWEEN:
            # Orders of so many cannot be summed over: the best alone counts.
            self.left_out["worst_of_many"] += 1
            sizes = (1, sum(sizes) - 1)
        columns = self.columns.setdefault((sizes, unasked), Columns())
        columns.models.extend(models)
        columns.responses.extend(self._style_row(one) for one in vote.members)
        columns.places.extend(places_of(row, vote))
        columns.author.append(author)
        columns.prompt.append(self._number(self.prompts, prompt))
        columns.category.append(category)
        columns.whole.append(vote.is_whole)

    @staticmethod
    def _number(known: dict[Any, int], name: Any) -> int:
        return known.setdefault(name, len(known))

    def _style_row(self, member: Any) -> int:
        """Replies of conversations have no style."""
        return -1 if isinstance(member, str) else self._number(self.responses, member)

    def end(self, last_id: int, beat: Beat) -> Found:
        """All of it, with the styles of responses; numpy is needed from here on."""
        import numpy as np

        from annotate.ranking.report import Gathered
        from annotate.ranking.table import as_ints

        models, categories, whole = self.bad
        gathered = Gathered(
            models=list(self.models),
            categories=list(self.categories),
            columns=self.columns,
            style_RF=np.array(self._styles(beat), dtype=float).reshape(-1, len(FEATURES)),
            bad_model=as_ints(models),
            bad_category=as_ints(categories),
            bad_whole=as_ints(whole).astype(bool),
        )
        counts = {**self.counts, "authors": len(self.authors), "prompts": len(self.prompts)}
        return Found(gathered, counts, dict(self.left_out), self.digest.hexdigest(), last_id)

    def _styles(self, beat: Beat) -> "array[int]":
        """FEATURES of every response, in the order of their numbers; none where none are asked."""
        found = array("q", bytes(8 * len(FEATURES) * len(self.responses)))
        if not set(self.rules.style) & set(FEATURES):
            return found
        ids = list(self.responses)
        for start in range(0, len(ids), STYLE_BATCH):
            beat(self.counts["judgements"])
            for pk, text in fetch(TEXTS, [ids[start : start + STYLE_BATCH]]):
                at = self.responses[pk] * len(FEATURES)
                found[at : at + len(FEATURES)] = array("q", style_of(text))
        return found


def author_of(row: Row, prompt: int) -> tuple[str, object]:
    """Who gave it; of an imported label without an author only the prompt is known."""
    if row.annotator is not None:
        return "person", row.annotator
    if row.judge is not None:
        return "judge", row.judge
    return ("imported", row.imported_author) if row.imported_author else ("prompt", prompt)


def places_of(row: Row, vote: Vote) -> list[int]:
    """Where each member was shown, from 0 among them; -1 where that was not kept."""
    shown = row.shown_order or []
    if any(one not in shown for one in vote.members):
        return [-1] * len(vote.members)
    order = sorted(vote.members, key=shown.index)
    return [order.index(one) for one in vote.members]


def fetch(statement: str, params: list[Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()
