"""Typed choices with probabilities, as transformers serve answers them."""

import math

import pytest
from django.urls import reverse

from annotate.models import Judge, Judgement
from routing.models import JudgeAccount, JudgeCall
from routing.services.judges import save_judge
from tests.routing.judges.scripts import BLOCK, POSITION_BIAS
from tests.routing.length_judge import lengthen

pytestmark = pytest.mark.django_db

LIMITS = {"input_price": "1", "output_price": "10", "spending_limit": "5"}


def chooses(handler, body: dict) -> None:
    """The longer is better, with a bias for A. What is asked and answered goes through the library
    that the server is made of, where it is installed.
    """
    found = {title: text for title, _, text in BLOCK.findall(body["state"])}
    x = (len(found["RESPONSE A"]) - len(found["RESPONSE B"])) / 20 + POSITION_BIAS
    share = 1 / (1 + math.exp(-x))
    answer = {"type": "choice", "probabilities": {"A": share, "B": 1 - share}}
    try:
        from transformers.decision import DecisionConfig, parse_questions
    except ImportError:
        pass
    else:
        [question] = parse_questions(body["questions"], DecisionConfig())
        answer = question.answer([share, 1 - share])
    usage = {"input_tokens": 321, "output_tokens": 0}
    handler.answer(200, {"model": body["model"], "answers": {"better": answer}, "usage": usage})


@pytest.fixture
def project(make_project, make_pair_tasks):
    project = make_project()
    for number, task in enumerate(make_pair_tasks(project, 3)):
        lengthen(task, 5 + 7 * number)
    return project


@pytest.fixture
def make(judge_server, project):
    """make(script) -> a judge of the kind that asks it."""

    def make_one(script, **limits) -> Judge:
        judge_server.scripts["typed"] = script
        return save_judge(
            project=project,
            actor=None,
            name="Typed",
            kind="systemone",
            config={
                "base_url": judge_server.base_url,
                "model": "typed",
                "principles": "Prefer facts.",
            },
            limits={**LIMITS, **limits},
        )

    return make_one


def test_both_orders_take_the_bias_out_and_the_tokens_are_paid(
    make, work, judge_server, project
) -> None:
    run = work(make(chooses))
    assert (run.state, run.labelled, run.failed) == ("done", 3, 0)
    for task in project.tasks.all():
        calls = {tuple(call.shown_order): call for call in JudgeCall.objects.filter(task=task)}
        assert len(calls) == 2
        first, second = task.places.order_by("position").values_list("response", flat=True)
        forward = math.log(calls[first, second].p_first / (1 - calls[first, second].p_first))
        backward = math.log(calls[second, first].p_first / (1 - calls[second, first].p_first))
        assert (forward + backward) / 2 == pytest.approx(POSITION_BIAS)
        label = Judgement.objects.get(task=task)
        assert label.value["preferred"] == (first if forward > backward else second)
    assert JudgeAccount.objects.get().spent * 1_000_000 == 6 * 321
    body = judge_server.requests[0]
    assert set(body) == {"model", "state", "questions"}  # the server forbids anything else
    [question] = body["questions"].values()
    assert (question["type"], list(question["criteria"])) == ("choice", ["A", "B"])
    assert "Prefer facts." in question["instructions"]
    assert "RESPONSE A" not in question["instructions"]
    assert work(make(chooses)).total == 0


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, "no probability for each option"),
        ({"better": {"choice": "A"}}, "no probability for each option"),
        ({"better": {"probabilities": {"A": 0.5}}}, "no probability for each option"),
        ({"better": {"probabilities": {"A": 0.5, "B": "x"}}}, "no probability for each option"),
        ({"better": {"probabilities": {"A": 0.9, "B": 0.9}}}, "do not make 1"),
    ],
)
def test_what_is_no_answer_is_a_failure(make, work, answers, said) -> None:
    judge = make(lambda handler, body: handler.answer(200, {"answers": answers}), attempts=1)
    run = work(judge, most_tasks=1)
    assert (run.labelled, run.failed) == (0, 1)
    assert said in JudgeCall.objects.first().detail


def test_certainty_of_one_is_an_answer(make, work) -> None:
    sure = {"better": {"probabilities": {"A": 1, "B": 0}}}
    run = work(make(lambda handler, body: handler.answer(200, {"answers": sure})), most_tasks=1)
    assert (run.abstained, run.failed) == (1, 0)  # each order prefers the first: a half


def test_it_is_set_up_in_the_browser(client, project, judge_server) -> None:
    client.force_login(project.created_by)
    url = reverse("judges", args=[project.pk]) + "?kind=systemone"
    page = client.get(url).content.decode()
    assert "transformers serve" in page
    assert 'name="samples"' not in page
    fields = {"name": "Typed", "base_url": judge_server.base_url, "model": "typed", **LIMITS}
    assert client.post(url, fields).status_code == 302
    judge = Judge.objects.get()
    assert (judge.kind, judge.config["model"]) == ("systemone", "typed")
