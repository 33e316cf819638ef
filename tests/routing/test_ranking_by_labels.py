"""Strategies that go by what people labelled, and by parts of the project."""

from datetime import timedelta

import pytest
from django.urls import reverse

from annotate.handout import lease_seat
from annotate.inputs import InvalidValue
from annotate.models import Judgement, Prompt, Seat, Task, TaskPlace
from annotate.services.work.judgements import submit_judgement
from routing.models import Selection, SelectionRun
from routing.services.selections import choose_strategy, why_due
from routing.words.reasons import in_english
from tests.routing.planted import take_in
from tests.routing.test_ranking import pairs, rank

pytestmark = pytest.mark.django_db

PARTS = ["law", "law", "law", "law", "art", "art", "", "law"]


@pytest.fixture
def project(make_project):
    project = make_project(overlap=3, seed=3, test_percent=0)
    rows = pairs(len(PARTS))
    for row, part in zip(rows, PARTS, strict=True):
        row.update(stratum=part, language="en" if part == "law" else "de")
        row["metadata"] = {"source": f"book of {part}"}
    take_in(project, rows)
    return project


def label(project, task, *verdicts: str) -> None:
    low, high = sorted(Seat.objects.filter(task=task).first().shown_order)
    for verdict in verdicts:
        value = {"verdict": "prefer", "preferred": {"a": low, "b": high}[verdict], "strength": 1}
        Judgement.objects.create(
            project=project,
            task=task,
            kind="pairwise",
            value=value,
            source="imported",
            imported_author=f"w{Judgement.objects.count()}",
        )


def ranked(project) -> list[int]:
    """Places of tasks within the project's order, in the order that the strategy gave."""
    ids = list(Task.objects.filter(project=project).order_by("pk").values_list("pk", flat=True))
    places = TaskPlace.objects.filter(project=project).order_by("place")
    return [ids.index(pk) for pk in places.values_list("task_id", flat=True)]


def test_strata_take_turns_and_labels_that_are_there_count(project):
    tasks = list(Task.objects.order_by("pk"))
    rank(project, "stratified")
    assert ranked(project) == [0, 4, 6, 1, 5, 2, 3, 7]
    label(project, tasks[4], "a", "a")
    rank(project, "stratified", weights={"law": 2})
    assert [PARTS[place] for place in ranked(project)] == [
        *("law", "", "law", "law", "law", "law", "art", "art"),
    ]
    first = TaskPlace.objects.get(project=project, place=0)
    assert in_english(first.reasons) == ["the turn of law"]


@pytest.mark.parametrize("by", ["language", "source"])
def test_parts_may_be_languages_or_sources(project, by):
    rank(project, "stratified", by=by)
    named = [PARTS[place] for place in ranked(project)]
    assert named[:2] == ["law", "art"]
    if by == "language":  # those without a stratum are German, too
        assert ranked(project)[:6] == [0, 4, 1, 5, 2, 6]


def test_least_covered_puts_what_has_fewest_labels_first(project):
    tasks = list(Task.objects.order_by("pk"))
    label(project, tasks[0], "a", "b")
    label(project, tasks[1], "a")
    rank(project, "least_covered")
    assert ranked(project) == [2, 3, 4, 5, 6, 7, 1, 0]
    assert in_english(TaskPlace.objects.get(place=7).reasons) == ["labels so far: 2"]


def test_doubt_puts_the_unlabelled_first_and_then_what_is_open(project, make_user, add_member):
    tasks = list(Task.objects.order_by("pk"))
    for task, said in zip(tasks, ["aaa", "ab", "aab", "a", "aabb", "aa"], strict=False):
        label(project, task, *said)
    rank(project, "doubt")
    assert ranked(project) == [6, 7, 1, 4, 2, 3, 5, 0]
    told = in_english(TaskPlace.objects.get(place=2).reasons)
    assert told == ["what most people would say is open (1.00 bits)", "labels so far: 2"]
    ann = make_user("ann")
    add_member(project, ann)
    lease = lease_seat(project=project, user=ann)
    assert lease.task_id == tasks[6].pk
    submit_judgement(seat_id=lease.seat_id, user=ann, value={"verdict": "tie"})
    assert lease_seat(project=project, user=ann).task_id == tasks[7].pk


def test_new_labels_are_a_reason_to_rank_anew(project, monkeypatch):
    rank(project, "doubt")
    monkeypatch.setattr("routing.services.selections.SOONEST", timedelta(days=-1))
    monkeypatch.setattr("routing.services.selections.FEWEST_LABELS", 3)
    selection = Selection.objects.get()
    task = Task.objects.order_by("pk").first()
    label(project, task, "a", "b")
    assert why_due(selection) == ""
    label(project, task, "a")
    assert why_due(selection) == "there are new labels"


@pytest.mark.parametrize(
    "given",
    [{"by": "colour"}, {"weights": {"law": 0}}, {"weights": ["law"]}, {"weights": {"law": "2"}}],
)
def test_settings_that_make_no_sense_are_refused(project, given):
    with pytest.raises(InvalidValue):
        choose_strategy(project=project, actor=None, strategy="stratified", settings=given)


def test_the_page_explains_and_takes_weights(project, client):
    client.force_login(project.created_by)
    url = reverse("selection", args=[project.pk])
    page = client.get(url).content.decode()
    assert "What each strategy does" in page
    assert "Everything once before anything twice" in page
    form = {"strategy": "stratified", "by": "source", "weights": "book of law = 2\r\n\r\nx=0.5"}
    form |= {"judge": "", "most": "10", "pool": "30", "every_hours": "6"}
    assert client.post(url, {**form, "weights": "law is 2"}).status_code == 422
    assert client.post(url, form).status_code == 302
    run = SelectionRun.objects.get()
    assert (run.settings["by"], run.settings["weights"]) == ("source", {"book of law": 2, "x": 0.5})
    assert "book of law = 2" in client.get(url).content.decode()


def test_prompts_without_a_part_are_one_part_of_their_own(project):
    Prompt.objects.update(metadata={}, language="", taxonomy="")
    rank(project, "stratified", by="taxonomy")
    assert ranked(project) == list(range(len(PARTS)))
