"""Which answers each figure counts of those dismissed, amended, for norming or to check people."""

import json
import re
from pathlib import Path

import pytest
from django.urls import reverse

from annotate.models import Consensus, Judgement, Seat
from annotate.reports.agreement import agreement
from annotate.reports.gold import proposals
from annotate.reports.labels import label_units
from annotate.reports.people import people
from annotate.reports.progress import pace, progress
from annotate.reports.review_queue import DIVIDED, Queue, Wanted
from annotate.reports.tasks import filter_tasks, page_of_tasks
from annotate.services.outgoing.consensus_export import stream_consensus
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.exports import stream_export
from annotate.services.projects import update_project
from annotate.services.review.review_stages import count_stages
from annotate.services.review.reviews import decide
from annotate.services.review.task_answers import answers_of
from tests.annotate.counted import LABELS, project_of_all_sorts, sorts_of
from tests.annotate.judged_by_many import computed

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    return project_of_all_sorts(make_project, make_pair_tasks, make_user, add_member)


def sorts(project, rows) -> list[str]:
    return sorts_of(project, rows.values_list("task", flat=True))


def test_labels_are_what_an_export_has(project):
    rows = Judgement.objects.filter(project=project).labels()
    chunks = stream_export(project=project, format="raw", filters=ExportFilters())
    exported = {json.loads(line)["id"] for line in b"".join(chunks).splitlines()}
    assert {row.pk for row in rows} == exported
    assert sorts(project, rows) == LABELS
    assert rows.get(task=project.sorts["amended"], annotator=project.rita).supersedes_id


def test_as_given_is_what_people_said_before_a_reviewer_s_hand(project):
    given = Judgement.objects.filter(project=project).as_given().ordinary()
    assert sorts(project, given) == LABELS
    assert set(given.values_list("annotator__username", flat=True)) == {"ada", "bob"}
    newest = Judgement.objects.order_by("-pk").values_list("pk", flat=True)[0]
    assert sorts(project, Judgement.objects.as_given(newest + 1).ordinary()) == LABELS


def test_what_was_dismissed_for_another_answer_s_sake_was_given_all_the_same(project):
    kept = Judgement.objects.get(task=project.sorts["kept"], annotator=project.ada)
    decide(
        judgement_id=kept.pk, reviewer=project.rita, decision="accept", dismiss_others=True,
        seen=0, seen_judgement=Judgement.objects.filter(task=kept.task).latest("pk").pk,
    )  # fmt: skip
    rows = Judgement.objects.filter(task=kept.task)
    assert list(rows.labels()) == [kept]
    assert rows.as_given().count() == 2


def test_agreement_is_of_what_people_said(project):
    found = agreement(project)
    assert (found.tasks, found.percent) == (2, 100.0)
    assert sorts_of(project, found.double) == ["amended", "kept"]
    assert label_units(project) == {("first", "first"): 2, ("first",): 1}


def test_habits_are_of_what_people_said_without_norming(project):
    by_name = {one.user.username: one for one in people(project)}
    # A check by a known answer is work like any other; an amendment says nothing of its reviewer.
    assert by_name["ada"].recent == 4
    assert by_name["bob"].recent == 3
    assert by_name["rita"].recent == 0


def test_progress_and_pace_are_of_ordinary_seats(project):
    states = Seat.objects.counts_by_state([project.pk])[project.pk]
    assert states == {"open": 10}
    assert progress(project).wanted == 10
    assert pace(project).judgements == 0
    seats = Seat.objects.filter(task=project.sorts["kept"])
    for seat, person in zip(seats, (project.ada, project.bob), strict=True):
        Seat.objects.filter(pk=seat.pk).update(state="done", annotator=person)
    row = next(
        row
        for row in page_of_tasks(filter_tasks(project), None)[0]
        if row.task == project.sorts["norming"]
    )
    assert (row.seats, row.done, row.judgements) == (2, 0, 0)
    complete = filter_tasks(project, show="complete")
    assert sorts_of(project, complete.values_list("pk", flat=True)) == ["kept"]


def test_the_list_of_tasks_counts_labels(project):
    rows = page_of_tasks(filter_tasks(project), None)[0]
    counts = [pk for row in rows for pk in [row.task.pk] * row.judgements]
    assert sorts_of(project, counts) == LABELS


def test_progress_over_rest_counts_labels(client, project):
    client.force_login(project.created_by)
    found = client.get(reverse("api_project_progress", args=[project.pk])).json()
    assert found["judgements"] == {"person": 5, "judge": 0, "imported": 0}


def test_overlap_follows_labels(project):
    found = answers_of(project, [task.pk for task in project.sorts.values()])
    counts = [pk for pk, one in found.items() for _ in one.answers]
    assert sorts_of(project, counts) == LABELS


def test_a_known_answer_is_proposed_from_labels_of_different_people(project):
    assert [one.task for one in proposals(project, 2)] == [project.sorts["kept"]]


def test_nothing_but_ordinary_answers_waits_for_a_reviewer(project):
    update_project(project=project, actor=project.created_by, review_percent=100)
    project.refresh_from_db()
    waiting = Queue(project, Wanted(), project.rita).rows
    assert sorts(project, waiting) == ["amended", "dismissed", "kept", "kept"]
    counts = count_stages(project)
    assert counts == {"waiting": 4, "return": 0, "accept": 1, "dismiss": 1, "none": 0}


def test_what_is_divided_is_divided_by_labels(project):
    computed(project)
    rows = Queue(project, Wanted(by=DIVIDED), project.rita).rows
    # The amendment differs from the other answer; nobody reviews it as settled yet.
    assert sorts(project, rows) == ["amended"]


def test_the_report_has_checks_for_people_and_not_for_agreement(project):
    found = computed(project)["voices"]["human"]
    overall = found["questions"][0]["overall"]
    assert (overall["items"], overall["percent"]["value"]) == (2, 1.0)
    by_rater = {found["who"][one["rater"]]["user"]: one["judgements"] for one in found["people"]}
    assert by_rater == {project.ada.pk: 4, project.bob.pk: 3}
    tasks = Consensus.objects.filter(voices="human", method="majority").values_list("task")
    assert sorts_of(project, [pk for (pk,) in tasks]) == ["amended", "checked", "dismissed", "kept"]
    lines = b"".join(stream_consensus(project=project, method="majority", voices="human"))
    exported = [json.loads(line)["task_id"] for line in lines.splitlines()]
    assert sorts_of(project, exported) == ["amended", "dismissed", "kept"]


# Who reads current answers whatever they count for, and why.
BY_CURRENT = {
    "annotate/models/judgement.py": "labels() begins with them",
    "annotate/pages/discussion.py": "whose answer is discussed",
    "annotate/pages/work.py": "what somebody may change",
    "annotate/reports/attention.py": "a flag is read whoever set it",
    "annotate/reports/norming.py": "norming answers alone",
    "annotate/reports/review_queue.py": "what a reviewer looks at",
    "annotate/reports/review_samples.py": "answers that miss a known one",
    "annotate/services/review/reviews.py": "what a settled task dismisses",
}


def test_whoever_reads_current_answers_is_known():
    found = {
        str(path.relative_to(ROOT))
        for folder in ("annotate", "routing", "training")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\.current\(\)", path.read_text())
    }
    assert found == set(BY_CURRENT)
