"""What features of preferences are, in a judge's words, and how far those words hold.

A feature is described from pairs that it was learned from. The judge then says of held-out pairs,
in both orders and without their votes, which response each description favours.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from annotate.services import jobs
from annotate.wording import Told
from routing.judges import JudgeError, openai
from routing.judges.desk import Key, Outcome
from routing.judges.differences import DESCRIBED, describe_errand
from routing.judges.errands import Errand, run_errands
from routing.judges.principles import favoured, vote_errands
from routing.services.asked import asked_of
from routing.services.judging import questions
from routing.services.ledger import Ledger, end_abandoned
from training.evaluation.preference_features import fidelity
from training.models import PreferenceFeatureRun


def describe(
    run: PreferenceFeatureRun, features: list[dict[str, Any]], texts: Mapping[int, str]
) -> dict[str, Any]:
    """Give the clearest features their `words`, the judge's `fidelity` and how many pairs it is of.

    Returns {"judge", "calls", "failed", "stopped", "why"}: what the judge could not do costs no
    features. All calls are on record at the judge, so none is paid twice.
    """
    assert run.judge is not None
    work = _Work(run)
    chosen = [row for row in features if row["examples"]][:DESCRIBED]
    why: Told | None = None
    try:
        work.name(chosen, texts)
        work.test([row for row in chosen if row.get("words")])
    except JudgeError as error:
        why = Told(error.reason, **error.values)
    return {
        "judge": str(run.judge),
        "calls": work.calls,
        "failed": work.failed,
        "stopped": work.stopped,
        "why": why.as_dict() if why is not None else None,
    }


class _Work:
    """The calls of one run."""

    def __init__(self, run: PreferenceFeatureRun) -> None:
        assert run.judge is not None
        self.run = run
        self.calls = self.failed = 0
        self.stopped = False
        end_abandoned(run.judge)
        self.judge = openai.OpenAIJudge(run.judge.config, Ledger(run.judge))

    def _should_stop(self) -> bool:
        told = Told("The judge describes features: {count} calls.", count=self.calls)
        self.stopped = self.stopped or bool(jobs.heartbeat(self.run, message=told))
        return self.stopped

    def _said(self, errands: Sequence[Errand]) -> dict[tuple[str, Key], Outcome]:
        found: dict[tuple[str, Key], Outcome] = {}
        if self._should_stop():
            return found
        with closing(run_errands(self.judge, errands, self._should_stop)) as said:
            for errand, outcome in said:
                self.calls += 1
                self.failed += outcome.value is None
                found[errand.template, errand.key] = outcome
        return found

    def name(self, rows: Sequence[dict[str, Any]], texts: Mapping[int, str]) -> None:
        errands = [
            describe_errand(
                row["examples"][0]["task"],
                [(texts[one["more"]], texts[one["less"]]) for one in row["examples"]],
            )
            for row in rows
        ]
        said = self._said(errands)
        for row, errand in zip(rows, errands, strict=True):
            outcome = said.get((errand.template, errand.key))
            value = outcome.value if outcome is not None else None
            row["words"] = value["text"] if value is not None else ""

    def test(self, rows: Sequence[dict[str, Any]]) -> None:
        """All descriptions are put to each pair at once, in both orders."""
        if not rows:
            return
        project = self.run.project
        asked = asked_of(project)
        pairs = {(one["task"], one["more"], one["less"]) for row in rows for one in row["tests"]}
        found = {
            one.task_id: one
            for one in questions({task for task, *_ in pairs}, asked.kind, asked.settings)
        }
        words = [row["words"] for row in rows]
        named = {tuple(sorted(pair)): task for task, *pair in pairs if task in found}
        errands = [
            errand
            for pair, task in sorted(named.items())
            for errand in vote_errands(found[task], (pair[0], pair[1]), words)
        ]
        said = {key: outcome.value for (_, key), outcome in self._said(errands).items()}
        votes: dict[tuple[int, ...], list[int]] = {}
        for pair, task in named.items():
            both = [said.get(Key(task, shown)) for shown in (pair, pair[::-1])]
            if both[0] is not None and both[1] is not None:
                votes[pair] = favoured(both[0]["votes"], both[1]["votes"])
        for place, row in enumerate(rows):
            vote_T, value_T = [], []
            for one in row["tests"]:
                pair = tuple(sorted((one["more"], one["less"])))
                if pair in votes:
                    vote_T.append(votes[pair][place] * (1 if one["more"] == pair[0] else -1))
                    value_T.append(one["value"])
            row["tested"], row["fidelity"] = len(vote_T), fidelity(vote_T, value_T)
