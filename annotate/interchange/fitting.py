"""What an imported item becomes in a project: its tasks, with the answers that fit its kind.

Pure. In a pairwise project an item keeps its labels, one for each pair. Elsewhere labels become
answers of the project's kind where that can hold them: a preference under a context, a ranking,
a form's question of one of these kinds or of pairs. Answers of other kinds fit a project of that
kind, or a form that asks it, if as many responses as they are about make a task there. What does
not fit is put aside, of ratings those by other criteria (see rated.py)::

    {"labels": [{"pair": [0, 1], "verdict": "prefer", "preferred": 1, …}, …],
     "answers": [{"kind": "spans", "responses": [0], "value": {…}, …}, …]}

So is a preference's label with a margin, for which other kinds have no place. A file knows part
of what a form asks and nothing of a rationale, so an imported answer may leave questions out, and
confidence, criteria and rationale are not asked of it.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from annotate import kinds
from annotate.interchange.aside import answer_entry, label_entry
from annotate.interchange.gathered import Gathered, Part
from annotate.interchange.given import together
from annotate.interchange.orders import order_of
from annotate.interchange.rated import Criteria, fewer_asked
from annotate.interchange.recorded import recorded_value, renamed_value
from annotate.interchange.records import (
    ImportedAnswer,
    ImportedGold,
    ImportedItem,
    ImportedLabel,
    ItemTask,
    RowProblem,
)
from annotate.interchange.renaming import named_value
from annotate.interchange.shown_items import identity_of, shown_of
from annotate.kinds import InvalidValue, context, form, joint, rating, similarity
from annotate.kinds.contract import Shown
from annotate.kinds.known import can_be_known, grade
from annotate.kinds.relaxed import relaxed
from annotate.wording import Sentence, Told, translatable

# How many responses a task without answers takes.
GROUPS = {
    "auto": translatable(
        "All responses of a row together, or every pair, as the questions take them"
    ),
    "one": translatable("Each response by itself"),
    "pairs": translatable("Every pair"),
    "all": translatable("All responses of a row together"),
    "none": translatable("No tasks: the project’s comparison plan makes them"),
}
PREFERENCES = ("pairwise", context.NAME, joint.NAME)
# What a task's context must state for a kind; each raises InvalidValue.
CONTEXT_CHECKS = {
    context.NAME: context.statements_of,
    joint.NAME: joint.prompts_of,
    similarity.NAME: similarity.anchor_of,
    rating.NAME: rating.words_of,
}


class Fit:
    """Fits items to a kind of feedback and its settings, under one of GROUPS.

    `mapping` may choose the ratings for criteria; `criteria.uses` tells what became of ratings.
    Raises NoSuchCriterion.
    """

    def __init__(
        self,
        kind: str,
        settings: Any,
        group: str = "auto",
        mapping: Mapping[str, str] | None = None,
    ) -> None:
        self.kind, self.group = kind, group
        self._known, self._full = relaxed(settings), settings
        self.settings = fewer_asked(self._known)
        self._module = kinds.get(kind)
        self._low, self._high = kinds.response_range(self._module, settings)
        self._questions: dict[str, form.Question] = {}  # a form's first of each kind
        if kind == form.NAME:
            for question in self.settings.questions:
                self._questions.setdefault(question.kind, question)
        asked = self._questions.get(rating.NAME)
        rated = asked.settings if asked else self.settings if kind == rating.NAME else None
        self.criteria = Criteria(rated, mapping or {})

    def __call__(self, item: ImportedItem) -> ImportedItem:
        """The item with `tasks` and `aside`. Raises RowProblem if the project cannot take it."""
        fitted = self._fitted(item)
        if item.answers:
            self.criteria.count(item, fitted)
        return fitted

    def _fitted(self, item: ImportedItem) -> ImportedItem:
        if item.gold is not None:
            return self._fit_gold(item, item.gold)
        if any(answer.origin for answer in item.answers):
            return self._fit_recorded(item)
        if self.kind == "pairwise":
            if self.group == "none" and not item.labels and not item.answers:
                return replace(item, tasks=())
            if len(item.responses) == 2 and not item.answers and self.group != "one":
                return item
            return self._fit_pairs(item)
        self._check_context(item)
        fitting = Gathered()
        for answer in item.answers:
            if not self._takes(answer.kind, answer.responses, item):
                fitting.left_answers.append(answer)
                continue
            taken: ImportedAnswer | None = answer
            source: ImportedAnswer | None = answer
            if answer.kind == rating.NAME:
                taken, source, left = self.criteria.split(answer)
                fitting.left_answers += [left] if left else []
            if taken and source:
                question = self._question(answer.kind)
                fitting.add(answer.responses, answer.annotator, question, taken, source=source)
        self._fit_labels(item, fitting)
        tasks = [
            task
            for positions, annotator, parts in fitting.groups
            if (task := self._task(item, positions, annotator, parts, fitting)) is not None
        ]
        merged: dict[tuple[int, ...], list[ImportedAnswer]] = {}
        for task in tasks:
            merged.setdefault(task.positions, []).extend(task.answers)
        found = tuple(ItemTask(places, tuple(said)) for places, said in merged.items())
        return _with_aside(item, found or self._unlabelled(item), fitting)

    def _fit_recorded(self, item: ImportedItem) -> ImportedItem:
        """A task with the answer of a raw row as it was given, if it is of the project's kind."""
        [answer] = item.answers
        everything = tuple(range(len(item.responses)))
        if answer.kind != self.kind or not self._takes(answer.kind, everything, item):
            left = [answer_entry(answer)]
            return replace(item, tasks=(), aside={"answers": left})
        self._check_context(item)
        shown = shown_of(item, everything)
        try:
            value = recorded_value(self.kind, answer, shown, self._full)
        except InvalidValue as error:
            raise RowProblem.of(error.field, answer.value, Sentence(error)) from error
        return replace(item, tasks=(ItemTask(everything, (replace(answer, value=value),)),))

    def stored_recorded(
        self, item: ImportedItem, answer: ImportedAnswer, ids: Sequence[int]
    ) -> dict[str, Any]:
        """As `stored`, of the answer of a raw row."""
        names = dict(enumerate(ids))
        named = replace(answer, value=renamed_value(self.kind, answer.value, names))
        shown = shown_of(item, answer.responses, names)
        return recorded_value(self.kind, named, shown, self._full)

    def stored(
        self, item: ImportedItem, task: ItemTask, value: Mapping[str, Any], ids: Sequence[int]
    ) -> dict[str, Any]:
        """An answer of `task` as it is stored, with the ids of the item's responses."""
        names = dict(enumerate(ids))
        named = named_value(self.kind, value, names, self.settings)
        shown = shown_of(item, task.positions, names)
        return self._module.clean_value(named, shown=shown, settings=self.settings)

    @property
    def schema_version(self) -> int:
        return self._module.SCHEMA_VERSION

    def _fit_gold(self, item: ImportedItem, gold: ImportedGold) -> ImportedItem:
        """One task, which has the known answer; labels that the row has as well are put aside."""
        if not can_be_known(self.kind, self.settings):
            raise RowProblem(
                "gold",
                gold.value,
                "Answers of kind {kind} are never right or wrong. Leave the field out.",
                kind=self.kind,
            )
        self._check_context(item)
        positions, value = tuple(range(len(item.responses))), gold.value
        if value is None:
            positions, value = self._gold_of_labels(item, gold)
        elif not self._takes(self.kind, positions, item):
            raise self._wrong_number(item)
        shown = shown_of(item, positions)
        try:
            known = self._module.clean_value(value, shown=shown, settings=self._known)
        except InvalidValue as error:
            raise RowProblem.of(f"gold.{error.field}", value, Sentence(error)) from error
        if not grade(self.kind, known, known, positions).right:
            raise RowProblem("gold", value, "It says nothing to compare answers with.")
        task = ItemTask(positions, gold=replace(gold, value=value))
        left = {
            "labels": [label_entry(label) for label in item.labels],
            "answers": [answer_entry(answer) for answer in item.answers],
        }
        aside = {name: entries for name, entries in left.items() if entries}
        return replace(item, tasks=(task,), aside=aside or None)

    def _gold_of_labels(
        self, item: ImportedItem, gold: ImportedGold
    ) -> tuple[tuple[int, ...], dict[str, Any]]:
        if self.kind == "pairwise" and len(gold.labels) == 1:
            label = gold.labels[0]
            return (label.first, label.second), _preference(label, self.settings.strength_levels)
        fitting = Gathered()
        if self.kind != "pairwise":
            self._fit_labels(replace(item, labels=gold.labels), fitting)
        if len(fitting.groups) == 1 and not fitting.left_labels:
            [(positions, annotator, parts)] = fitting.groups
            task = self._task(item, positions, annotator, parts, fitting)
            if task is not None:
                return positions, task.answers[0].value
        raise RowProblem(
            "gold",
            [label_entry(label) for label in gold.labels],
            "It does not fit what the project asks. Give the answer as an object with `value`.",
        )

    def _fit_pairs(self, item: ImportedItem) -> ImportedItem:
        """A pairwise project keeps labels as they are; all other answers are put aside."""
        count = len(item.responses)
        if count < 2 or {"one": 1, "all": count}.get(self.group, 2) != 2:
            raise self._wrong_number(item)
        if not item.answers:
            return item
        return replace(item, aside={"answers": [answer_entry(one) for one in item.answers]})

    def _check_context(self, item: ImportedItem) -> None:
        for kind in CONTEXT_CHECKS.keys() & {self.kind, *self._questions}:
            if item.responses:
                try:
                    CONTEXT_CHECKS[kind](shown_of(item, range(len(item.responses))))
                except InvalidValue as error:
                    raise RowProblem.of(error.field, item.context, Sentence(error)) from error

    def _question(self, kind: str) -> str:
        return self._questions[kind].name if kind in self._questions else ""

    def _takes(self, kind: str, responses: Sequence[int], item: ImportedItem) -> bool:
        """Whether such an answer about these responses fits the project."""
        return (
            (kind == self.kind or kind in self._questions)
            and self._low <= len(responses) <= self._high
            and len({identity_of(item, place) for place in responses}) == len(responses)
        )

    def _fit_labels(self, item: ImportedItem, fitting: Gathered) -> None:
        everything = tuple(range(len(item.responses)))
        offered = [self.kind, *self._questions]
        preference = next((kind for kind in PREFERENCES if kind in offered), None)
        if preference is not None and self._low <= 2 <= self._high:
            for label in item.labels:
                positions = (label.first, label.second)
                fits = self._takes(preference, positions, item)
                if not fits or label.margin is not None:
                    fitting.left_labels.append(label)
                if not fits:
                    continue
                value = _preference(label, self._levels(preference))
                answer = ImportedAnswer(
                    preference, positions, value, label.annotator, given=label.given
                )
                fitting.add(positions, label.annotator, self._question(preference), answer, label)
            return
        by_annotator: dict[str | None, list[ImportedLabel]] = {}
        for label in item.labels:
            by_annotator.setdefault(label.annotator, []).append(label)
        for annotator, labels in by_annotator.items():
            order = order_of(labels, len(everything))
            if order is None or not self._takes("ranking", everything, item):
                fitting.left_labels.extend(labels)
                continue
            given = together(label.given for label in labels)
            answer = ImportedAnswer("ranking", everything, order, annotator, given=given)
            fitting.add(everything, annotator, self._question("ranking"), answer, *labels)

    def _levels(self, kind: str) -> int:
        settings = self._questions[kind].settings if kind in self._questions else self.settings
        return int(settings.strength_levels)

    def _task(
        self,
        item: ImportedItem,
        positions: tuple[int, ...],
        annotator: str | None,
        parts: Mapping[str, Part],
        fitting: Gathered,
    ) -> ItemTask | None:
        """One task's answer, checked; None if the form does not ask it after its other answers.

        Raises RowProblem for an answer that its kind refuses.
        """
        shown = shown_of(item, positions)
        for name, part in parts.items():
            self._check_part(item, name, part, shown)
        values = {name: part.answer.value for name, part in parts.items()}
        value = {"answers": values} if self._questions else values[""]
        if self._questions:
            try:
                form.clean_value(value, shown=shown, settings=self.settings)
            except InvalidValue:
                for part in parts.values():
                    fitting.leave(part)
                return None
        given = together(part.answer.given for part in parts.values())
        answer = ImportedAnswer(self.kind, positions, value, annotator, given=given)
        return ItemTask(positions, (answer,))

    def _check_part(self, item: ImportedItem, name: str, part: Part, shown: Shown) -> None:
        kind = part.answer.kind
        settings = self._questions[kind].settings if name else self.settings
        try:
            kinds.get(kind).clean_value(part.answer.value, shown=shown, settings=settings)
        except InvalidValue as error:
            place = item.answers.index(part.answer) if part.answer in item.answers else None
            path = error.field if place is None else f"answers[{place}].{error.field}"
            raise RowProblem.of(path, part.answer.value, Sentence(error)) from error

    def _unlabelled(self, item: ImportedItem) -> tuple[ItemTask, ...]:
        """Tasks for people; of responses with the same text only the first is asked about."""
        if self.group == "none":
            return ()
        ahead = reversed([*enumerate(item.responses)])
        first = {response.content: place for place, response in ahead}
        distinct = sorted(first.values())
        size = {"one": 1, "pairs": 2, "all": len(distinct)}.get(self.group)
        if size is None:
            wished = (len(distinct), 2, 1) if len(distinct) > 1 else (len(distinct),)
            size = next((n for n in wished if self._low <= n <= self._high), None)
        if size is None or not self._low <= size <= self._high or size > len(distinct):
            raise self._wrong_number(item)
        return tuple(ItemTask(places) for places in itertools.combinations(distinct, size))

    def _wrong_number(self, item: ImportedItem) -> RowProblem:
        count = len(item.responses)
        low, high = self._low, self._high
        wanted = Told("{low} to {high}", low=low, high=high) if low != high else low
        texts = [str(r.content) for r in item.responses]
        if self.group == "auto":
            return RowProblem(
                "responses",
                texts,
                "A {kind} task takes {wanted} different responses; the row has {count}.",
                kind=self.kind,
                wanted=wanted,
                count=count,
            )
        return RowProblem(
            "responses",
            texts,
            "A {kind} task takes {wanted} different responses; the row has {count}. "
            "The rule for tasks is {rule!r}.",
            kind=self.kind,
            wanted=wanted,
            count=count,
            rule=self.group,
        )


def _with_aside(item: ImportedItem, tasks: tuple[ItemTask, ...], fitting: Gathered) -> ImportedItem:
    left = {
        "labels": [label_entry(label) for label in fitting.left_labels],
        "answers": [answer_entry(answer) for answer in fitting.left_answers],
    }
    aside = {name: entries for name, entries in left.items() if entries}
    return replace(item, tasks=tasks, aside=aside or None)


def _preference(label: ImportedLabel, levels: int) -> dict[str, Any]:
    if label.preferred is None:
        return {"verdict": label.verdict}
    strength = min(label.strength or 1, levels)
    return {"verdict": "prefer", "preferred": label.preferred, "strength": strength}
