"""Which answers loops and schedules count: labels, and no others."""

import pytest

from annotate.models import Judgement
from tests.annotate.counted import LABELS, project_of_all_sorts, sorts_of
from training.models import Schedule
from training.services import outlook
from training.services.advance import covered_prompts
from training.services.loop_figures import labels_since

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    return project_of_all_sorts(make_project, make_pair_tasks, make_user, add_member)


def test_loops(project):
    assert labels_since(project, None) == (len(LABELS), 0)
    newest = Judgement.objects.latest("pk").pk
    assert labels_since(project, newest) == (0, 0)
    task_of = {task.prompt_id: task.pk for task in project.sorts.values()}
    counts = covered_prompts(project)
    covered = [task_of[prompt] for prompt, count in counts.items() for _ in range(count)]
    assert sorts_of(project, covered) == LABELS


def test_schedules(project, monkeypatch):
    schedule = Schedule(project=project, last_judgement_id=0)
    assert outlook._fresh(schedule).count() == len(LABELS)
    seen = []

    def features(rows):
        seen.append(sorts_of(project, rows.values_list("task", flat=True)))
        return []

    monkeypatch.setattr(outlook, "_features", features)
    outlook._shift(schedule)
    assert seen == [[], LABELS]
