"""Principles of people's choices, as a judge's run: proposed, gathered, voted by, scored.

Whatever the run needs again when it goes on (a slice later, or after its worker was killed) is on
record: the choices in its report, each answer as a call. So it asks nothing twice, and begins each
time at the beginning.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from annotate.models import Judge, Project
from annotate.wording import Told
from routing.judges import JudgeError, Question, openai
from routing.judges.desk import Key, Outcome
from routing.judges.errands import Errand, run_errands
from routing.judges.principles import (
    MAX_TEXT,
    MOST_TESTED,
    favoured,
    gather_errand,
    propose_errand,
    vote_errands,
)
from routing.models import JudgeRun
from routing.principles.likeness import Candidate, distinct
from routing.services.asked import asked_of
from routing.services.call_ends import price
from routing.services.choices import Choice, Drawn, answered_tasks, draw_choices
from routing.services.judge_watch import RunCancelled, Watch
from routing.services.judging import questions
from routing.services.ledger import Ledger, account_of

DEFAULT_CHOICES = 100
MOST_CHOICES = 1000
LEAST = 10  # choices of each part
MOST_LOOKED = 2500  # tasks that a page looks at before anything is asked
MOST_GATHERED = 150  # principles that one call puts together
EXAMPLES = 5
# What calls are told to cost before they are made; the limits hold whatever they cost.
LONGEST = "x" * MAX_TEXT
WIDER = 3 * MAX_TEXT  # bytes that a principle may have more, since a letter has up to four
BYTES_A_TOKEN, PROPOSED_TOKENS, VOTE_TOKENS, GATHERED_TOKENS = 4, 120, 7, 800


class _Cut(Exception):
    """The time of this slice is over."""


@dataclass(frozen=True)
class Outlook:
    """What a run would ask: choices of each part, calls, and dollars: at most, and about.

    Where few tasks have a choice it is reckoned from the first MOST_LOOKED of them, `looked`, as if
    the others were like them.
    """

    training: int
    held_out: int
    left_out: dict[str, int]
    calls: int
    most: Decimal
    about: Decimal
    looked: int
    tasks: int

    @property
    def is_reckoned(self) -> bool:
        return self.tasks > self.looked

    @property
    def is_enough(self) -> bool:
        return min(self.training, self.held_out) >= LEAST


def outlook(judge: Judge, most_choices: int = DEFAULT_CHOICES) -> Outlook:
    """The bytes of a prompt bound its tokens, and `max_tokens` those of its answer. Calls that must
    be made again cost more.
    """
    drawn = draw_choices(judge.project, most_choices, MOST_LOOKED)
    asked = _questions(judge.project, [*drawn.training, *drawn.held_out])
    list_ = [LONGEST] * MOST_TESTED
    proposals = [
        propose_errand(asked[one.task], one.chosen, one.rejected)
        for one in drawn.training
        if one.task in asked
    ]
    votes = [
        errand
        for one in [*drawn.training, *drawn.held_out]
        if one.task in asked
        for errand in vote_errands(asked[one.task], (one.chosen, one.rejected), list_)
    ]
    tasks = answered_tasks(judge.project) if drawn.is_cut else drawn.looked
    more, half = tasks / max(1, drawn.looked), most_choices // 2
    training, held_out = (
        min(half, round(len(part) * more)) for part in (drawn.training, drawn.held_out)
    )
    of_proposals = training / max(1, len(drawn.training))
    of_votes = (training + held_out) / max(1, len(drawn.training) + len(drawn.held_out))
    likely = round(len(proposals) * of_proposals)
    gathered = [gather_errand(0, [LONGEST] * min(MOST_GATHERED, 3 * likely))]
    account, bound = account_of(judge), judge.config["max_tokens"]
    parts = (
        (proposals, PROPOSED_TOKENS, of_proposals),
        (gathered, GATHERED_TOKENS, 1),
        (votes, VOTE_TOKENS * MOST_TESTED, of_votes),
    )
    most = about = Decimal(0)
    for errands, answered, times in parts:
        for one in errands:
            sent = openai.most_tokens(one.messages)
            named = sum(message["content"].count(LONGEST) for message in one.messages)
            most += Decimal(times) * price(account, sent + WIDER * named, bound)
            about += Decimal(times) * price(account, sent // BYTES_A_TOKEN, min(answered, bound))
    calls = likely + len(gathered) + round(len(votes) * of_votes)
    return Outlook(
        training, held_out, dict(drawn.left_out), calls, most, about, drawn.looked, tasks
    )


def explain_some(run: JudgeRun) -> bool:
    """Whether all is done; False when the time is over before. Raises RunCancelled, JudgeError."""
    work = _Work(run)
    try:
        work.go()
    except _Cut:
        return False
    return True


def _questions(project: Project, choices: Sequence[Choice]) -> dict[int, Question]:
    of_project = asked_of(project)
    found = questions([one.task for one in choices], of_project.kind, of_project.settings)
    return {one.task_id: one for one in found}


class _Work:
    """One slice of a run."""

    def __init__(self, run: JudgeRun) -> None:
        self.run = run
        self.watch = Watch(run, may_cut=True)
        self.ledger = Ledger(run.judge, run=run)
        self.judge = openai.OpenAIJudge(run.judge.config, self.ledger)
        run.labelled = run.failed = 0  # counted anew, from the record

    def go(self) -> None:
        drawn = self._drawn()
        choices = [*drawn.training, *drawn.held_out]
        self.asked = _questions(self.run.project, choices)
        total = len(drawn.training) + 1 + 2 * len(choices)
        self.watch.beat(total=total, message=Told("The judge proposes principles."))
        candidates = self._proposed(drawn.training)
        self.watch.beat(message=Told("The judge gathers principles of one meaning."))
        tested, gathered_by = self._gathered(drawn.training[0].task, candidates)
        self.watch.beat(message=Told("The judge votes by each principle."))
        votes = self._votes(choices, [one.text for one in tested])
        report = self._report(drawn, candidates, tested, votes)
        self.watch.keep(report={**report, "gathered_by": gathered_by})

    def _drawn(self) -> Drawn:
        """Drawn once, so that votes that come meanwhile change nothing."""
        kept = self.run.report.get("drawn")
        if kept is not None:
            return Drawn.from_dict(kept)
        drawn = draw_choices(self.run.project, self.run.most_tasks or DEFAULT_CHOICES)
        there = min(len(drawn.training), len(drawn.held_out))
        if there < LEAST:
            raise JudgeError(
                "Too few choices: {training} to propose principles from and {held_out} held out, "
                "of other prompts; {least} of each are needed. Let people compare more responses.",
                training=len(drawn.training),
                held_out=len(drawn.held_out),
                least=LEAST,
            )
        self.run.report = {"drawn": drawn.as_dict(), "heard": []}
        self.watch.keep(report=self.run.report)
        return drawn

    def _said(self, errands: Sequence[Errand]) -> dict[Key, Outcome]:
        """How each ended. What failed is asked again, if it is to be, until all were heard once.

        Raises RunCancelled, _Cut.
        """
        found: dict[Key, Outcome] = {}
        templates = {one.template for one in errands}
        heard = self.run.report["heard"]
        self.ledger.retry_failed = self.run.retry_failed and not templates <= set(heard)
        with closing(run_errands(self.judge, errands, self.watch.should_stop)) as said:
            for errand, outcome in said:
                self.watch.heard += 1
                self.run.labelled += outcome.value is not None
                self.run.failed += outcome.value is None
                found[errand.key] = outcome
        if self.watch.cancelled:
            self.watch.keep()
            raise RunCancelled
        if self.watch.cut:
            raise _Cut
        heard.extend(templates.difference(heard))
        self.watch.keep(report=self.run.report)
        return found

    def _proposed(self, training: Sequence[Choice]) -> list[Candidate]:
        pairs = {Key(one.task, (one.chosen, one.rejected)): one for one in training}
        errands = [
            propose_errand(self.asked[one.task], one.chosen, one.rejected)
            for one in training
            if one.task in self.asked
        ]
        said = self._said(errands)
        texts = [
            (choice.prompt, text)
            for key, choice in pairs.items()
            if key in said and said[key].value is not None
            for text in (said[key].value or {})["principles"]
        ]
        if not texts:
            raise JudgeError(
                "No principle was proposed: all {count} calls failed. See the judge's page for "
                "why, and ask again what failed.",
                count=len(errands),
            )
        return distinct(texts)

    def _gathered(self, task_id: int, candidates: list[Candidate]) -> tuple[list[Candidate], str]:
        """Those that are voted by, and whether the judge gathered them, or, as its call failed,
        their words alone did.
        """
        most = candidates[:MOST_GATHERED]
        if len(most) == 1:
            return most, "words"
        errand = gather_errand(task_id, [one.text for one in most])
        [outcome] = self._said([errand]).values()
        if outcome.value is None:
            return most[:MOST_TESTED], "words"
        groups = [
            Candidate(one["text"], set().union(*(most[at].prompts for at in one["members"])))
            for one in outcome.value["groups"]
        ]
        return sorted(groups, key=lambda one: -len(one.prompts))[:MOST_TESTED], "judge"

    def _votes(self, choices: Sequence[Choice], texts: list[str]) -> dict[int, list[int]]:
        """By task: 1 for the chosen response, -1 for the other, 0 for neither, by principle. Tasks
        of which a call failed are left out.
        """
        errands = [
            errand
            for one in choices
            if one.task in self.asked
            for errand in vote_errands(self.asked[one.task], (one.chosen, one.rejected), texts)
        ]
        said = self._said(errands)
        found = {}
        for one in choices:
            pair = (one.chosen, one.rejected)
            both = [said.get(Key(one.task, shown)) for shown in (pair, pair[::-1])]
            values = [each.value for each in both if each is not None and each.value is not None]
            if len(values) == 2:
                found[one.task] = favoured(values[0]["votes"], values[1]["votes"])
        return found

    def _report(
        self,
        drawn: Drawn,
        candidates: Sequence[Candidate],
        tested: Sequence[Candidate],
        votes: dict[int, list[int]],
    ) -> dict[str, Any]:
        from routing.principles import scores  # numpy, which whoever only starts runs goes without

        training = [one for one in drawn.training if one.task in votes]
        held_out = [one for one in drawn.held_out if one.task in votes]
        if not training or not held_out:
            raise JudgeError(
                "No choice was voted on in both orders: {count} calls failed. See the judge's page "
                "for why, and ask again what failed.",
                count=self.run.failed,
            )
        found = scores.score(_part(training, votes), _part(held_out, votes))
        rows = [
            {
                "text": one.text,
                "prompts": len(one.prompts),
                "examples": _examples(held_out, votes, place),
                **asdict(scored),
            }
            for place, (one, scored) in enumerate(zip(tested, found.principles, strict=True))
        ]
        return {
            "choices": {"training": len(training), "held_out": len(held_out)},
            "prompts": {
                "training": len({one.prompt for one in training}),
                "held_out": len({one.prompt for one in held_out}),
            },
            "left_out": dict(drawn.left_out),
            "failed": len(drawn.training) + len(drawn.held_out) - len(votes),
            "proposed": len(candidates),
            "principles": sorted(rows, key=_order),
            "list": asdict(found.by_list.right),
            "baselines": [
                {"name": name, "right": asdict(one.right), "difference": one.difference}
                for name, one in (("length", found.by_length), ("place", found.by_place))
            ],
        }


def _part(choices: Sequence[Choice], votes: dict[int, list[int]]) -> Any:
    import numpy as np

    from routing.principles.scores import Part

    return Part(
        np.array([votes[one.task] for one in choices], dtype=np.int64),
        np.array([one.prompt for one in choices], dtype=np.int64),
        np.array([one.longer for one in choices], dtype=np.int64),
        np.array([1 if one.first else -1 for one in choices], dtype=np.int64),
    )


def _examples(
    choices: Sequence[Choice], votes: dict[int, list[int]], place: int
) -> dict[str, list[int]]:
    """Tasks held out on which the principle is right, and wrong."""
    return {
        name: [one.task for one in choices if votes[one.task][place] == sign][:EXAMPLES]
        for name, sign in (("right", 1), ("wrong", -1))
    }


def _order(row: dict[str, Any]) -> tuple[bool, float]:
    """Those of the list first, by how many choices each gets right beyond chance."""
    share = row["training"]["share"]
    beyond = 0.0 if share is None else abs(share - 0.5) * row["training"]["count"]
    return not row["listed"], -beyond
