"""Verdicts of judges that cost nothing are written down together, and heard once they are."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotate.models import Task
from routing.judges import JudgeError
from routing.models import JudgeCall
from routing.services import judging
from routing.services.judging import questions, verdicts
from routing.services.policies import current_judge
from tests.routing.planted import rows, take_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, length_judge):
    project = make_project(overlap=1)
    take_in(project, rows(12, votes=0))
    return project


def asked(project) -> list:
    return list(questions(Task.objects.filter(project=project).values_list("pk", flat=True)))


def test_a_quick_judges_are_written_in_one_statement(project) -> None:
    judge = current_judge(project=project)
    with CaptureQueriesContext(
        connection,
    ) as made:
        heard = list(verdicts(judge, asked(project), lambda: False))
    inserts = [one for one in made if one["sql"].startswith('INSERT INTO "routing_judgecall"')]
    assert (len(inserts), len(heard), JudgeCall.objects.count()) == (1, 12, 12)


def test_each_is_on_record_when_it_is_heard(project, monkeypatch) -> None:
    monkeypatch.setattr(judging, "TOGETHER", 5)
    judge = current_judge(project=project)
    for one in verdicts(judge, asked(project), lambda: False):
        assert JudgeCall.objects.filter(task=one.task_id).exists()
    assert JudgeCall.objects.count() == 12


def test_what_a_judge_said_before_it_failed_is_kept_and_heard(project, length_judge) -> None:
    length_judge["limit"] = 7
    said = verdicts(current_judge(project=project), asked(project), lambda: False)
    heard = [next(said) for _ in range(7)]
    with pytest.raises(JudgeError, match="die here"):
        next(said)
    assert len(heard) == JudgeCall.objects.count() == 7
