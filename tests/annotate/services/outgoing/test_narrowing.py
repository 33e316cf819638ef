"""Filters by who judged, when and in which language; preferences by criterion and agreement."""

import json
from datetime import UTC, datetime

import pytest

from annotate.models import Judgement
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.export_options import ExportOptions
from annotate.services.outgoing.exports import stream_export
from annotate.services.outgoing.refused_choices import RefusedChoice
from annotate.services.outgoing.snapshots import create_snapshot
from annotate.services.people.pseudonyms import imported_pseudonym
from tests.annotate.judged_by_many import answer, judged_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    return judged_project(make_project, make_pair_tasks, make_user, add_member)


def raw(project, **filters) -> list[dict]:
    chunks = stream_export(project=project, format="raw", filters=ExportFilters(**filters))
    return [json.loads(line) for line in b"".join(chunks).splitlines()]


def preferences(project, *, filters=None, **options) -> list[dict]:
    chunks = stream_export(
        project=project,
        format="rewardbench",
        filters=ExportFilters(**(filters or {})),
        options=ExportOptions(**options),
    )
    return [json.loads(line) for line in b"".join(chunks).splitlines()]


def test_only_of_the_people_and_judges_named(project) -> None:
    ada, bob, _ = project.people
    assert {row["annotator"] for row in raw(project, person=ada.pseudonym)} == {ada.pseudonym}
    both = raw(project, person=f"{ada.pseudonym}, {bob.pseudonym}")
    assert len(both) == 16
    assert {row["judge"] for row in raw(project, judge="J")} == {"J v1"}
    assert len(raw(project, judge="J v1", person=ada.pseudonym)) == 16


def test_imported_annotators_are_found_by_pseudonym(project) -> None:
    for name in ("eve@x.org", "zoe@x.org"):
        answer(project.all[0], side=0, source="imported", imported_author=name)
    [found] = raw(project, person=imported_pseudonym(project.pk, "eve@x.org"))
    assert found["source"] == "imported"


@pytest.mark.parametrize("day", ["2026-W05-6", "20260131", "2026-02-30", "yesterday"])
def test_days_are_written_in_one_way(day) -> None:
    """Python reads weeks too, which the database does not."""
    with pytest.raises(RefusedChoice, match="no date"):
        ExportFilters(after=day)


def test_only_of_a_tier(project) -> None:
    project.memberships.filter(user=project.people[2]).update(tier="expert")
    [expert] = {row["annotator"] for row in raw(project, tier="expert")}
    assert expert == project.people[2].pseudonym
    crowd = {row["annotator"] for row in raw(project, tier="crowd")}
    assert crowd == {person.pseudonym for person in project.people[:2]}


def test_days_are_whole_and_of_utc(project, monkeypatch) -> None:
    times = [
        datetime(2020, 1, 30, 23, 59, 59, tzinfo=UTC),
        datetime(2020, 1, 31, tzinfo=UTC),
        datetime(2020, 2, 1, tzinfo=UTC),
    ]
    rows = []
    with monkeypatch.context() as clock:
        for time in times:
            clock.setattr("django.utils.timezone.now", lambda time=time: time)
            said = {"source": "imported", "imported_author": str(time)}
            rows.append(answer(project.all[0], side=0, **said))
    found = raw(project, after="2020-01-31", before="2020-02-01")
    assert [row["id"] for row in found] == [rows[1].pk]
    assert [row["id"] for row in raw(project, before="2020-01-31")] == [rows[0].pk]


def test_a_language_takes_its_regions(project) -> None:
    first, second, third, *_ = project.prompts.order_by("pk")
    for prompt, tag in ((first, "en-GB"), (second, "EN"), (third, "enm")):
        prompt.language = tag
        prompt.save()
    assert {row["prompt"]["id"] for row in raw(project, language="en")} == {first.pk, second.pk}
    assert {row["prompt"]["id"] for row in raw(project, language="en-gb")} == {first.pk}
    assert len(raw(project, language="de,enm")) == 5


def test_a_snapshot_keeps_its_filters(project) -> None:
    ada = project.people[0].pseudonym
    query = {"person": ada, "tier": "crowd", "after": "2020-01-01"}
    snapshot = create_snapshot(project=project, actor=None, query=query)
    assert snapshot.rows == 8
    assert {name: snapshot.query[name] for name in query} == query
    assert "judge" not in snapshot.query


def test_least_agreement_is_of_all_that_was_selected(project) -> None:
    """Of six tasks all three people say the same, of two only two of three."""
    people = {"source": "people", "simulated": "exclude"}
    assert len(preferences(project, filters=people)) == 24
    assert len(preferences(project, filters=people, agreement=2 / 3)) == 24
    assert len(preferences(project, filters=people, agreement=0.67)) == 18
    agreed = preferences(project, filters=people, agreement=1, aggregation="majority")
    assert len(agreed) == 6
    # With the judge, who says the opposite, and the tie three of five say the same at best.
    assert len(preferences(project, agreement=0.6)) == 6 * 4
    assert preferences(project, agreement=0.61) == []


def test_preferences_by_a_criterion_in_place_of_the_whole(project) -> None:
    project.kind_settings = {"criteria": [{"name": "clear"}]}
    project.save()
    row = project.judgements.filter(annotator=project.people[0]).order_by("pk").first()
    [whole, *_] = preferences(project)
    other = next(pk for pk in row.shown_order if pk != row.value["preferred"])
    by_it = {"verdict": "prefer", "preferred": other, "strength": 3}
    value = {**row.value, "criteria": {"clear": by_it}}
    later = type(row).objects.create(
        project=project, task=row.task, kind="pairwise", value=value, source="person",
        annotator=row.annotator, supersedes=row,
    )  # fmt: skip
    [found] = preferences(project, criterion="clear")
    assert found["id"] == later.pk
    assert (found["chosen"], found["rejected"]) == (whole["rejected"], whole["chosen"])


def test_ratings_by_another_criterion(make_project, make_pair_tasks, make_user) -> None:
    settings = {"criteria": [{"name": "good"}, {"name": "short"}]}
    project = make_project(kind="rating", kind_settings=settings)
    [task] = make_pair_tasks(project, 1)
    a, b = task.places.order_by("position").values_list("response_id", flat=True)
    scale = [1, 5]
    value = {
        "ratings": {str(a): {"good": 5, "short": 1}, str(b): {"good": 1, "short": 4}},
        "overall": "good",
        "scales": {"good": scale, "short": scale},
    }
    Judgement.objects.create(
        project=project, task=task, kind="rating", value=value, source="person",
        annotator=make_user("ada"),
    )  # fmt: skip
    [whole] = preferences(project)
    [short] = preferences(project, criterion="short")
    assert (whole["chosen"], short["chosen"]) == (short["rejected"], whole["rejected"])
