"""What an ensemble's members say apart is kept with the judge's call, and counts."""

from dataclasses import replace

import numpy as np
import pytest

from annotate.models import Judge, Task, TaskPlace
from annotate.services import jobs
from routing import judges as judge_kinds
from routing.models import JudgeCall, SelectionRun
from routing.policies.contract import BadBatch, Signal
from routing.services.featurising import freeze_specification
from routing.services.instances import instances, layout_of, sides_of
from routing.services.labelled import free_verdicts
from routing.services.ranking import run_ranking
from routing.services.selections import choose_strategy
from routing.words.reasons import in_english
from tests.routing.length_judge import LengthJudge
from tests.routing.planted import rows, take_in

pytestmark = pytest.mark.django_db


class Ensemble(LengthJudge):
    """Its two members contradict each other about poems, and agree on sums."""

    def compare(self, items, should_stop):
        for item in items:
            poem = "poem" in item.conversation[0]["content"]
            members = [[2.0, 0.0], [0.0, 1.0] if poem else [1.0, 0.0]]
            yield judge_kinds.Verdict(item.task_id, 0.6, {"members": members}, 0.001)


@pytest.fixture
def judge(make_project) -> Judge:
    project = make_project(overlap=1, test_percent=0)
    take_in(project, rows(4, votes=0))
    judge_kinds._kinds["ensemble"] = judge_kinds.JudgeKind("ensemble", Ensemble)
    return Judge.objects.create(
        project=project, name="many", version=1, kind="ensemble", config={"scale": 10.0}
    )


def test_the_spread_of_the_members_is_a_signal(judge) -> None:
    ids = list(Task.objects.order_by("pk").values_list("pk", flat=True))
    heard = free_verdicts(judge, ids, lambda: False)
    kept = JudgeCall.objects.order_by("task").values_list("raw__members", flat=True)
    assert list(kept) == [[[2.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [1.0, 0.0]]] * 2
    spec, sides = freeze_specification(project=judge.project), sides_of(ids, test_percent=0)
    layout = layout_of(spec, [judge], {})
    names = [one.name for one in layout.signals]
    place = names.index("many v1’s members are apart")
    whole = instances(spec, layout, sides, [heard]).signals
    # Margins 2 and -1 deviate by 3 / sqrt(2), margins 2 and 1 by 1 / sqrt(2).
    assert whole[:, place] == pytest.approx(np.array([3, 1, 3, 1]) / 2**0.5)
    # A policy that was fitted before there was this signal decides by its own.
    older = replace(layout, signals=tuple(one for one in layout.signals if "apart" not in one.name))
    assert instances(spec, older, sides, [heard]).signals == pytest.approx(
        np.delete(whole, place, axis=1), nan_ok=True
    )
    odd = replace(layout, signals=(Signal("humour"),))
    with pytest.raises(BadBatch, match="humour"):
        instances(spec, odd, sides, [heard])


def test_one_ensemble_is_enough_to_disagree(judge) -> None:
    choose_strategy(project=judge.project, actor=None, strategy="disagreement", settings={})
    run = jobs.claim(SelectionRun, SelectionRun.objects.get().pk, owner="test")
    run_ranking(run=run)
    run.refresh_from_db()
    assert run.state == "done", run.message
    places = list(TaskPlace.objects.order_by("place").select_related("task__prompt"))
    asked = ["poem" in one.task.prompt.last_turn for one in places]
    assert asked == [True, True, False, False]
    assert in_english(places[0].reasons) == ["members of many v1: first better with 27 to 88 %"]
