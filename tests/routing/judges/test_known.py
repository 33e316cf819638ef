"""Judges where the answer is known: graded, shown, and no ordinary labels."""

import pytest
from django.urls import reverse

from annotate.models import GoldItem, Judge, Judgement, Task
from annotate.quality.intervals import wilson
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.exports import stream_export
from annotate.services.work.gold import retire_gold, set_gold
from routing.models import RoutingPolicy, Suggestion, of_people
from routing.reports.gold import judge_passed
from routing.services.passes import undecided
from tests.routing.planted import rows, take_in

pytestmark = pytest.mark.django_db

MARKS = {"correction": False, "missing_types": [], "suggestions": True, "blind_percent": 0}


@pytest.fixture
def project(make_project, make_judge, work):
    """Six pairs of which three have a known answer, after a judge has labelled them all."""
    project = make_project(overlap=1)
    take_in(project, rows(6, votes=0))
    tasks = list(Task.objects.order_by("pk"))
    judge = make_judge(project, "planted")
    assert work(judge).labelled == 6
    said = {one.task_id: one.value["preferred"] for one in Judgement.objects.all()}
    for number, task in enumerate(tasks[:3]):
        pks = sorted(task.responses.values_list("pk", flat=True))
        wrong = next(pk for pk in pks if pk != said[task.pk])
        preferred = wrong if number == 0 else said[task.pk]
        value = {"verdict": "prefer", "preferred": preferred, "strength": 1}
        set_gold(task=task, actor=project.created_by, value=value)
    return project


@pytest.fixture
def judge(project, make_judge, work) -> Judge:
    """The next version, which labels when the answers are known."""
    judge = make_judge(project, "planted", principles="Be strict.")
    assert judge.version == 2
    assert work(judge).labelled == 6
    return judge


def exported(project, **filters) -> int:
    chunks = stream_export(project=project, format="raw", filters=ExportFilters(**filters))
    return b"".join(chunks).count(b"\n")


def test_it_is_graded_at_them_and_they_are_no_labels_of_it(project, judge):
    mine = Judgement.objects.filter(judge=judge)
    known = GoldItem.objects.values_list("task", flat=True)
    assert set(mine.filter(is_gold=True).values_list("task", flat=True)) == set(known)
    passed = judge_passed(judge)
    assert (passed.right, passed.count) == (2, 3)
    assert passed.interval == wilson(2, 3)
    assert exported(project, source="judges") == 6 + 3
    assert exported(project, source="judges", gold="with") == 12
    assert exported(project, source="judges", gold="only") == 3


def test_labels_that_were_there_stay_labels_and_are_graded_too(project, judge):
    before = Judge.objects.get(version=1)
    assert not Judgement.objects.filter(judge=before, is_gold=True).exists()
    assert judge_passed(before).count == 3
    retire_gold(item=GoldItem.objects.first(), actor=project.created_by)
    assert judge_passed(judge).count == judge_passed(before).count == 2


def test_the_page_and_rest_tell(project, judge, client):
    client.force_login(project.created_by)
    page = " ".join(client.get(reverse("judge", args=[judge.pk])).content.decode().split())
    assert "Where the answer is known" in page
    assert "2 of 3 right; 95 % interval" in page
    told = client.get(f"/api/v1/projects/{project.pk}/judges/{judge.pk}/known-answers/").json()
    low, high = wilson(2, 3)
    assert told == {"right": 2, "count": 3, "share": 2 / 3, "low": low, "high": high}


def test_of_a_judge_that_met_none_nothing_is_told(make_project, make_judge, client):
    project = make_project()
    judge = make_judge(project, "planted")
    client.force_login(project.created_by)
    assert (
        "Where the answer is known"
        not in client.get(reverse("judge", args=[judge.pk])).content.decode()
    )
    told = client.get(f"/api/v1/projects/{project.pk}/judges/{judge.pk}/known-answers/").json()
    assert told == {"right": 0, "count": 0, "share": None, "low": None, "high": None}


def test_suggested_marks_are_graded_under_the_tolerance(make_project, make_pair_tasks):
    project = make_project(kind="spans", kind_settings=MARKS)
    tasks = make_pair_tasks(project, 3)
    judge = Judge.objects.create(project=project, name="Big", version=1, kind="openai")
    for task, end in zip(tasks, (8, 3, 1), strict=True):
        [response, _] = task.places.order_by("position").values_list("response", flat=True)
        mark = {"response": response, "part": 0, "start": 0, "type": "irrelevant"}

        def said(until: int, mark=mark) -> dict:
            marks = [{**mark, "end": until}]
            return {"marks": marks, "missing": [], "corrected": {}, "no_error": False}

        set_gold(task=task, actor=project.created_by, value=said(8))
        Suggestion.objects.create(judge=judge, task=task, kind="spans", value=said(end))
    passed = judge_passed(judge)
    assert (passed.right, passed.count) == (2, 3)  # F1 of 1, .55 and .22


def test_what_known_answers_checked_counts_as_nobodys_label_in_routing(project, make_user):
    people = [make_user(f"ann{number}") for number in range(2)]
    for task in Task.objects.filter(project=project):
        for user in people:
            Judgement.objects.create(
                project=project,
                task=task,
                kind="pairwise",
                value={"verdict": "tie"},
                source="person",
                annotator=user,
                is_gold=hasattr(task, "gold_item"),
            )
    assert of_people(Judgement.objects.current()).count() == 6


def test_a_pass_leaves_out_what_is_known(make_project, make_pair_tasks):
    project = make_project()
    tasks = make_pair_tasks(project, 3)
    set_gold(task=tasks[1], actor=project.created_by, value={"verdict": "tie"})
    policy = RoutingPolicy(pk=0, project=project, state=RoutingPolicy.State.ACTIVE)
    assert list(undecided(policy)) == [tasks[0], tasks[2]]
    retire_gold(item=GoldItem.objects.get(), actor=project.created_by)
    assert list(undecided(policy)) == tasks
