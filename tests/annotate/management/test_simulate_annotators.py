"""Simulated people at work on the real pages, and what the command says when they cannot."""

import io

import pytest
from django.core.management import CommandError, call_command

from annotate import presets
from annotate.models import Judgement, User
from annotate.services.work.tasks import open_seats
from tests.browser.contents import demo
from tests.browser.contents import make_project as make_project_of
from tests.faults.processes import free_port


@pytest.mark.django_db(transaction=True)
def test_people_log_in_and_answer_everything(live_server, make_project, make_pair_tasks) -> None:
    project = make_project(overlap=2, kind_settings={"strength_levels": 1, "allow_tie": False})
    make_pair_tasks(project, 6)
    out = io.StringIO()
    call_command(
        "simulate_annotators", project.pk, people=3, seed=4, url=live_server.url, stdout=out
    )
    answers = Judgement.objects.filter(project=project)
    assert answers.count() == 12
    assert all(answer.simulated for answer in answers)
    assert {answer.value["verdict"] for answer in answers} <= {"prefer", "both_bad"}
    assert set(
        User.objects.filter(judgements__in=answers).values_list("is_simulated", flat=True)
    ) == {True}
    assert "12 answers" in out.getvalue()


@pytest.fixture
def simulate(live_server, make_user, transactional_db):
    """simulate(kind, settings, texts) -> values of all answers to two questions by three people."""

    def run(kind: str, settings: dict, *generators: str) -> list[dict]:
        asked = [demo(topic, *generators) for topic in ("everyday-01", "everyday-02")]
        project = make_project_of(make_user("olga"), kind, settings, *asked)
        project.tasks.update(overlap=3)
        open_seats(tasks=list(project.tasks.all()))
        out = io.StringIO()
        call_command(
            "simulate_annotators", project.pk, people=3, seed=4, url=live_server.url, stdout=out
        )
        assert "6 answers" in out.getvalue()
        answers = Judgement.objects.filter(project=project, simulated=True)
        return list(answers.values_list("value", flat=True))

    return run


def test_they_judge_by_criteria_and_say_how_sure_they_are(simulate) -> None:
    settings = presets.get("multipref").settings
    values = simulate("pairwise", settings, "Brook", "Flint")
    assert len(values) == 6
    for value in values:
        assert set(value["criteria"]) == {"helpful", "truthful", "harmless"}
        for said in (value, *value["criteria"].values()):
            assert said["verdict"] in ("prefer", "tie")
            assert said["confidence"] in ("absolutely", "fairly", "not")


@pytest.mark.parametrize("mode", ["full", "best_worst", "best"])
def test_they_rank(simulate, mode: str) -> None:
    values = simulate("ranking", {"modes": [mode]}, "Brook", "Flint", "Lantern", "Magpie")
    assert [value["verdict"] for value in values if value["verdict"] != "tie"]
    for value in values:
        assert value["verdict"] in (mode, "tie")
        assert sum(map(len, value.get("tiers", []))) in (0, 4)


def test_they_rate_on_every_scale(simulate) -> None:
    scales = [{"points": 5}, {"type": "number", "max": 1, "step": 0.1}, {"type": "yes_no"}]
    criteria = [{"name": f"c{n}", "scale": scale} for n, scale in enumerate(scales)]
    values = simulate("rating", {"criteria": criteria, "confidence": True}, "Brook", "Flint")
    rated = [each for value in values for each in value["ratings"].values()]
    assert len(rated) == 12
    assert len({one["c0"] for one in rated}) > 1
    assert {type(one["c2"]) for one in rated} == {str}


@pytest.mark.django_db(transaction=True)
def test_a_kind_that_they_do_not_know_is_told(live_server, make_user) -> None:
    project = make_project_of(make_user("olga"), "critique", {}, demo("everyday-01", "Brook"))
    with pytest.raises(CommandError, match="asks for critique"):
        call_command("simulate_annotators", project.pk, url=live_server.url)


@pytest.mark.django_db
def test_without_a_server_the_remedy_is_told_at_once(make_project) -> None:
    project = make_project()
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(CommandError, match="bin/serve"):
        call_command("simulate_annotators", project.pk, url=url)


@pytest.mark.django_db
def test_an_unknown_project_is_told_with_those_there_are(make_project) -> None:
    project = make_project(name="Answers")
    with pytest.raises(CommandError, match=rf"{project.pk} \(Answers\)"):
        call_command("simulate_annotators", project.pk + 1)
