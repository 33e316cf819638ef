"""A real language model behind HTTP, small enough to check against its own logits."""

import math

import pytest

from annotate.models import Judgement
from routing.judges.asking import Wording, pairwise
from routing.models import JudgeCall
from routing.services.judging import questions
from tests.routing.length_judge import lengthen

pytest.importorskip("torch")
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def tiny():
    from tests.routing.judges.tiny_model import TinyModel

    return TinyModel()


@pytest.fixture
def project(make_project, make_pair_tasks):
    project = make_project()
    for number, task in enumerate(make_pair_tasks(project, 4)):
        lengthen(task, 5 + 7 * number)
    return project


def test_the_probability_is_that_of_the_models_own_logits(
    project, tiny, make_judge, judge_server, work
) -> None:
    """Both orders by a forward pass of the model itself, averaged by hand."""
    judge_server.scripts["tiny"] = lambda *request: tiny.answer(*request, tells=True)
    judge = make_judge(project, "tiny", least_mass=0)
    assert work(judge).labelled == 4
    assert not list(JudgeCall.objects.filter(state="failed").values("failure", "detail"))
    shares = set()
    for question in questions(project.tasks.values_list("pk", flat=True)):
        first, second = question.response_ids
        gaps = {}
        for shown in ((first, second), (second, first)):
            logprobs = tiny.logprobs(pairwise.messages(question, shown, Wording(least_mass=0)))
            gaps[shown] = logprobs[0] - logprobs[1]
            call = JudgeCall.objects.get(task=question.task_id, shown_order=list(shown))
            assert math.log(call.p_first / (1 - call.p_first)) == pytest.approx(
                gaps[shown], abs=1e-3
            )
            assert call.prompt_tokens > 100
        wanted = (gaps[first, second] - gaps[second, first]) / 2
        label = Judgement.objects.get(task=question.task_id)
        assert label.value["preferred"] == (first if wanted > 0 else second)
        shares.add(round(wanted, 6))
    assert len(shares) == 4  # it is the texts that move it


def test_a_server_that_ignores_logprobs_gives_hard_verdicts_or_none(
    project, tiny, make_judge, judge_server, work
) -> None:
    """An untrained model seldom says a letter alone: then there is a failure and no label."""
    judge_server.scripts["tiny"] = lambda *request: tiny.answer(*request, tells=False)
    run = work(make_judge(project, "tiny", limits={"attempts": 1}))
    assert run.labelled + run.abstained + run.failed == 4
    assert Judgement.objects.count() == run.labelled
    for call in JudgeCall.objects.all():
        letter = call.raw["text"] in ("A", "B")
        assert (call.state == "answered") == letter
        assert call.failure == ("" if letter else "invalid")
    assert run.failed > 0
