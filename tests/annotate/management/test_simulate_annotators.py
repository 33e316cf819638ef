"""Simulated people at work on the real pages, and what the command says when they cannot."""

import io

import pytest
from django.core.management import CommandError, call_command

from annotate.models import Judgement, User
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
