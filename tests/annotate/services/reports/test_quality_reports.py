"""The report of quality as a job: what it says, what it keeps, when it is due."""

import pytest
from django.utils import timezone

from annotate.models import (
    AuditEvent,
    Consensus,
    JobState,
    Judgement,
    QualityRun,
)
from annotate.reports.quality import own_figures, standing
from annotate.services import jobs
from annotate.services.reports import quality_runs
from annotate.tasks import compute_due_quality, compute_quality
from tests.annotate.judged_by_many import answer, computed, judged_project
from tests.annotate.kinds_at_work import CASES, judge


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    return judged_project(make_project, make_pair_tasks, make_user, add_member)


@pytest.mark.django_db
def test_people_judges_and_simulated_people_stand_apart(project) -> None:
    report = computed(project)
    assert set(report["voices"]) == {"human", "judges", "simulated"}
    people = report["voices"]["human"]
    assert (people["judgements"], people["tasks"], people["double"]) == (24, 8, 8)
    [question] = people["questions"]
    assert question["overall"]["items"] == 8
    assert question["overall"]["percent"]["value"] == pytest.approx((6 * 3 + 2) / 24, abs=1e-4)
    assert question["overall"]["percent"]["low"] < 20 / 24
    pairs = {(one["first"], one["second"]): one for one in question["pairs"]}
    assert [pairs[pair]["percent"]["value"] for pair in ((0, 1), (0, 2))] == [1.0, 0.75]
    assert people["who"] == [{"user": person.pk} for person in project.people]
    ada = people["people"][0]
    assert (ada["rater"], ada["hasty"], ada["timed"]) == (0, 8, 8)
    judges = report["voices"]["judges"]
    assert judges["against_people"][0]["value"] == 0.0
    assert judges["against_people"][0]["items"] == 8
    assert judges["questions"][0]["overall"]["items"] == 0
    assert report["voices"]["simulated"]["people"][0]["judgements"] == 8


@pytest.mark.django_db
def test_what_each_task_came_to_is_kept_and_follows_the_answers(project) -> None:
    computed(project)
    first = project.all[0]
    rows = {(row.voices, row.method): row for row in first.consensus.all()}
    assert set(rows) == {
        (voices, "majority") for voices in ("human", "judges", "simulated")
    } | {("human", "dawid_skene")}  # fmt: skip
    row = rows["human", "majority"]
    assert (row.votes, row.version) == (3, 1)
    [said] = row.answers
    assert (said["label"], said["votes"], said["divided"]) == ("first", 3, 0.0)
    assert row.entropy == said["entropy"] > 0
    assert rows["judges", "majority"].answers[0]["label"] == "second"
    mine = Judgement.objects.get(task=first, annotator=project.people[0])
    answer(first, person=project.people[0], side=1, supersedes=mine)
    mine = Judgement.objects.get(task=first, annotator=project.people[1])
    answer(first, person=project.people[1], side=1, supersedes=mine)
    Consensus.objects.create(
        project=project, task=first, voices="human", method="span_vote", version=1, votes=1,
        answers=[], entropy=0, divided=0, computed_at=timezone.now(),
    )  # fmt: skip
    computed(project)
    rows = {row.method: row for row in first.consensus.filter(voices="human")}
    assert set(rows) == {"majority", "dawid_skene"}
    assert rows["majority"].answers[0]["label"] == "second"
    assert Consensus.objects.filter(project=project, method="majority").count() == 24


@pytest.mark.django_db
@pytest.mark.parametrize("kind", list(CASES))
def test_every_kind_is_reported(kind, make_project, make_pair_tasks, make_user) -> None:
    case = CASES[kind]
    project = make_project(kind=kind, kind_settings=case.settings)
    both = [make_user("ada"), make_user("bob")]
    for task in make_pair_tasks(project, 3):
        judge(project, task, both, case)
    report = computed(project)["voices"]["human"]
    assert (report["judgements"], report["double"]) == (6, 3)
    sorts = {"ranking": ["orders"], "spans": ["marks"], "critique": []}
    names = [one["sort"] for one in report["questions"]]
    assert names == sorts.get(kind, ["labels"] * (2 if kind == "form" else 1))
    method = {"ranking": "plackett_luce", "spans": "span_vote"}.get(kind, "majority")
    rows = Consensus.objects.filter(project=project, method=method)
    assert rows.count() == (0 if kind == "critique" else 3)
    if kind == "ranking":
        [said] = rows[0].answers
        assert said["order"] == sorted(said["order"])  # the first response is the better one
        assert report["questions"][0]["pairs"][0]["tau"]["value"] == 1.0
        assert report["questions"][0]["overall"]["w"]["value"] == 1.0
    if kind == "spans":
        first = rows[0].answers[0]
        assert [(one["start"], one["end"]) for one in first["spans"]] == [(0, 6)]


@pytest.mark.django_db
def test_of_two_minds_is_told_and_is_no_error(make_project, make_pair_tasks, make_user) -> None:
    project = make_project()
    people = [make_user(f"p{n}") for n in range(16)]
    tasks = make_pair_tasks(project, 10)
    Judgement.objects.bulk_create(
        [
            Judgement(
                project=project, task=task, kind="pairwise", source="person", annotator=person,
                value={"verdict": "prefer", "preferred": ids[side], "strength": 1},
                shown_order=ids,
            )
            for number, task in enumerate(tasks)
            for ids in [[place.response_id for place in task.places.order_by("position")]]
            for place, person in enumerate(people)
            for side in [(place + number) % 2 if number < 2 else number % 2]
        ]
    )  # fmt: skip
    report = computed(project)
    rows = Consensus.objects.filter(project=project, method="dawid_skene").order_by("-divided")
    assert {row.task_id for row in rows if row.divided > 0.5} == {tasks[0].pk, tasks[1].pk}
    assert sorted(rows[0].answers[0]["minds"]) == ["first", "second"]
    for person in report["voices"]["human"]["people"]:
        assert person["reliability"]["value"] > 0.9


@pytest.mark.django_db
def test_it_is_due_when_enough_came_and_only_one_is_on_its_way(project, monkeypatch) -> None:
    assert compute_due_quality() == 0  # 40 are there, 50 wanted
    monkeypatch.setattr(quality_runs, "LEAST_NEW", 40)
    assert compute_due_quality() == 1
    assert compute_due_quality() == 0
    run = project.quality_runs.get()
    assert quality_runs.start_run(project=project, actor=None) == run
    compute_quality(run.pk)
    monkeypatch.setattr(quality_runs, "AGAIN", -quality_runs.AGAIN)
    assert compute_due_quality() == 0  # none came since
    assert standing(project).new == 0
    for task in project.all[:3]:
        mine = Judgement.objects.get(task=task, annotator=project.people[0])
        answer(task, person=project.people[0], side=1, supersedes=mine)
    assert (compute_due_quality(), standing(project).new) == (0, 3)
    monkeypatch.setattr(quality_runs, "LEAST_NEW", 3)
    assert compute_due_quality() == 1
    events = AuditEvent.objects.filter(project=project, action="quality.queued")
    assert events.count() == 2


@pytest.mark.django_db
def test_one_that_is_cancelled_leaves_the_last_report(project) -> None:
    computed(project)
    run = quality_runs.start_run(project=project, actor=None)
    claimed = jobs.claim(QualityRun, run.pk, owner="w")
    jobs.request_cancel(claimed)
    from annotate.services.reports.quality_reports import run_quality

    run_quality(run=claimed)
    run.refresh_from_db()
    assert (run.state, run.report) == (JobState.CANCELLED, None)
    assert standing(project).report.judgements == 40
    assert not standing(project).is_going


@pytest.mark.django_db
def test_ones_own_figures_name_nobody_else(project, make_user) -> None:
    report = computed(project)
    mine = own_figures(report, project.people[2])
    assert mine["judgements"] == 8
    assert "rater" not in mine
    assert own_figures(report, make_user("stranger")) is None
