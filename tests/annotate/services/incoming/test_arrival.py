"""Answers given long ago that came today: what is told by the one time, what by the other."""

import io
import json

import pytest

from annotate.models import Judgement
from annotate.reports.snapshot_changes import compare_snapshots
from annotate.services.incoming.imports import ImportOptions, import_stream
from annotate.services.outgoing.export_options import ExportOptions
from annotate.services.outgoing.exports import stream_export
from annotate.services.outgoing.snapshots import create_snapshot
from annotate.services.projects import update_project
from annotate.services.reports.quality_rows import newest_judgement, read_judgements
from tests.annotate.judged_by_many import answer, computed, judged_project
from tests.annotate.kinds_at_work import CASES, judge

pytestmark = pytest.mark.django_db
LONG_AGO = "2020-01-31T12:00:00+00:00"


@pytest.fixture
def rows(make_project, make_pair_tasks, make_user) -> list[dict]:
    """Raw rows of another project, given in 2020 in half a second each."""
    old = make_project()
    people = [make_user("ann"), make_user("eve")]
    [task] = make_pair_tasks(old, 1)
    judge(old, task, people, CASES["pairwise"])
    lines = b"".join(stream_export(project=old, format="raw")).splitlines()
    return [{**json.loads(line), "submitted_at": LONG_AGO, "seconds_active": 0.5} for line in lines]


def bring(project, rows) -> list[Judgement]:
    data = "\n".join(map(json.dumps, rows)).encode()
    report = import_stream(
        project=project,
        actor=None,
        stream=io.BytesIO(data),
        format="raw",
        options=ImportOptions(),
    )
    assert report.errors == []
    return list(project.judgements.filter(source="imported").order_by("pk"))


def test_it_keeps_both_times(make_project, make_pair_tasks, make_user, rows):
    project = make_project()
    [task] = make_pair_tasks(project, 1)
    [here, last] = judge(project, task, [make_user("bob"), make_user("cy")], CASES["pairwise"])
    found = bring(project, rows)
    assert {one.submitted_at.isoformat() for one in found} == {LONG_AGO}
    assert all(one.arrived_at > last.submitted_at for one in found)
    here.refresh_from_db()
    assert here.arrived_at is None
    new = project.judgements.arrived_after(last.submitted_at)
    assert set(new) == set(found)


def test_what_came_between_two_snapshots_is_told_as_new(make_project, make_pair_tasks, rows):
    project = make_project(test_percent=0)
    bring(project, rows[:1])
    older = create_snapshot(project=project, actor=None)
    bring(project, rows)
    newer = create_snapshot(project=project, actor=None)
    assert compare_snapshots(older, newer).counts == [("came", "given_since", 1)]


def test_times_from_elsewhere_are_no_measure_of_work_here(
    make_project, make_pair_tasks, make_user, rows
):
    project = make_project()
    [task] = make_pair_tasks(project, 1)
    [here, last] = (
        answer(task, person=make_user(name), side=0, seconds_active=seconds)
        for name, seconds in (("bob", 3.0), ("cy", 4.0))
    )
    found = bring(project, rows)
    assert {one.seconds_active for one in found} == {0.5}
    newest = newest_judgement(project)
    read = read_judgements(project, newest=newest, review=0, tell=lambda _: None)
    seconds = {row.id: row.seconds for row in read.sides["human"].rows}
    assert (seconds[here.pk], seconds[last.pk]) == (3.0, 4.0)
    assert [seconds[one.pk] for one in found] == [None, None]


def test_a_snapshot_tells_that_they_came_after_its_report(
    make_project, make_pair_tasks, make_user, add_member, rows
):
    project = judged_project(make_project, make_pair_tasks, make_user, add_member)
    computed(project)
    bring(project, rows)
    card = create_snapshot(project=project, actor=None).card
    assert "2 of the judgements came after that report." in card


def test_strength_is_read_by_the_form_that_took_it_in(make_project, make_user, rows):
    """Its own form is not known, and values are made to fit the project's when they come."""
    project = make_project(kind_settings={"strength_levels": 1})
    project = update_project(
        project=project, actor=project.created_by, kind_settings={"strength_levels": 3}
    )
    strong = {**rows[0]["value"], "strength": 3}
    bring(project, [{**rows[0], "value": strong}])
    options = ExportOptions(margin=True)
    [line] = b"".join(stream_export(project=project, format="trl", options=options)).splitlines()
    assert json.loads(line)["margin"] == 1.0
