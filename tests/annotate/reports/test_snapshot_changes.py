"""What distinguishes two snapshots: by cause, judgement by judgement, page and REST."""

import re

import pytest
from django.urls import reverse

from annotate.models import Judgement
from annotate.reports.snapshot_changes import changed_judgements, changes_of, compare_snapshots
from annotate.services.outgoing.snapshots import create_snapshot
from tests.annotate.kinds_at_work import CASES, judge

pytestmark = pytest.mark.django_db


@pytest.fixture
def given(make_project, make_pair_tasks, make_user):
    """Two people's judgements of three tasks."""
    project = make_project(test_percent=0)
    both = [make_user("ann"), make_user("bob")]
    return [
        one
        for task in make_pair_tasks(project, 3)
        for one in judge(project, task, both, CASES["pairwise"])
    ]


def again(old: Judgement, **more) -> Judgement:
    return Judgement.objects.create(
        project=old.project,
        task=old.task,
        kind=old.kind,
        value=old.value,
        shown_order=old.shown_order,
        **{"source": old.source, "annotator": old.annotator, **more},
    )


@pytest.fixture
def two(given):
    """The second has one answer anew, one given since and one imported label no more."""
    project = given[0].project
    imported = again(given[0], source="imported", annotator=None)
    older = create_snapshot(project=project, actor=None)
    newer_answer = again(given[0], supersedes=given[0])
    new = again(given[1], annotator=project.created_by)
    newer = create_snapshot(project=project, actor=None, query={"source": "people"})
    return older, newer, {"anew": newer_answer.pk, "new": new.pk, "imported": imported.pk}


def test_changes_are_told_by_cause(two, given) -> None:
    older, newer, ids = two
    found = compare_snapshots(older, newer)
    assert found.same == 5
    assert found.counts == [
        ("came", "given_since", 1),
        ("went", "left_out", 1),
        ("changed", "answered_anew", 1),
    ]
    assert found.settings == [("source", "all", "people")]
    rows = changes_of(older, newer, changed_judgements(older, newer).values_list("pk", flat=True))
    assert {pk: (row.change, row.instead_of) for pk, row in rows.items()} == {
        ids["anew"]: ("changed", given[0].pk),
        ids["new"]: ("came", None),
        ids["imported"]: ("went", None),
    }
    assert [row.pk for row in changed_judgements(older, newer, "went")] == [ids["imported"]]


def test_the_other_way_round_what_came_went(two, given) -> None:
    older, newer, _ids = two
    found = compare_snapshots(newer, older)
    assert found.counts == [("came", "taken_in", 2), ("went", "left_out", 2)]
    assert found.same == 5


def test_an_answer_that_goes_with_its_successor_left_out_is_superseded(given) -> None:
    project = given[0].project
    older = create_snapshot(project=project, actor=None)
    again(given[0], supersedes=given[0], source="imported", annotator=None)
    newer = create_snapshot(project=project, actor=None, query={"source": "people"})
    assert compare_snapshots(older, newer).counts == [("went", "superseded", 1)]


def test_rest_tells_counts_and_pages_of_rows(two, client, given) -> None:
    older, newer, ids = two
    client.force_login(newer.project.created_by)
    address = f"/api/v1/snapshots/{newer.pk}"
    told = client.get(f"{address}/comparison/?with={older.pk}").json()
    assert told["same"] == 5
    assert {"change": "came", "cause": "given_since", "count": 1} in told["counts"]
    assert told["settings"] == [{"name": "source", "older": "all", "newer": "people"}]
    page = client.get(f"{address}/changes/?with={older.pk}&page_size=2").json()
    more = client.get(page["next"]).json()
    listed = page["results"] + more["results"]
    assert [row["id"] for row in listed] == sorted(ids.values())
    assert more["next"] is None
    names = {row["annotator"] for row in listed}
    assert given[0].annotator.pseudonym in names
    went = client.get(f"{address}/changes/?with={older.pk}&change=went").json()
    assert [row["id"] for row in went["results"]] == [ids["imported"]]


@pytest.mark.parametrize("query", ["", "?with=0", "?with=999999", "?with=self", "?with={newer}"])
def test_rest_asks_for_another_snapshot_of_the_project(two, client, query) -> None:
    _older, newer, _ = two
    client.force_login(newer.project.created_by)
    for name in ("comparison", "changes"):
        answer = client.get(f"/api/v1/snapshots/{newer.pk}/{name}/{query.format(newer=newer.pk)}")
        assert answer.status_code == 400
        assert "with" in answer.content.decode()


def test_the_page_shows_them_and_leads_to_their_tasks(two, client, given) -> None:
    older, newer, _ids = two
    client.force_login(newer.project.created_by)
    page = client.get(reverse("compare_snapshots", args=[newer.pk])).content.decode()
    assert "Beside snapshot 1. 5 judgements are in both." in page
    assert "given since" in page
    assert f"in place of {given[0].pk}" in page
    assert reverse("task", args=[given[0].task_id]) in page
    assert given[0].annotator.pseudonym in page
    first = client.get(reverse("compare_snapshots", args=[older.pk])).content.decode()
    assert "Nothing to compare it with" in first
    same = create_snapshot(project=newer.project, actor=None, query={"source": "people"})
    page = client.get(reverse("compare_snapshots", args=[same.pk]), {"with": newer.pk})
    assert "Both hold the same judgements." in page.content.decode()


@pytest.mark.parametrize(
    ("language", "rows"),
    [
        (
            "en",
            {
                "Judged by": ("people, AI judges and imported labels", "people only"),
                "Also answers that were changed later": ("no", "yes"),
                "Several judgements": (
                    "Every judgement by itself",
                    "One preference a task: what most said, people, judges and imports apart",
                ),
            },
        ),
        (
            "de",
            {
                "Beurteilt von": ("Menschen, KI-Judges und importierte Labels", "nur Menschen"),
                "Auch Antworten, die später geändert wurden": ("nein", "ja"),
                "Mehrere Urteile": (
                    "Jedes Urteil für sich",
                    "Eine Präferenz je Aufgabe: was die meisten sagten; Menschen, Judges und "
                    "Importe getrennt",
                ),
            },
        ),
    ],
)
def test_the_page_tells_what_differs_in_its_own_words(given, client, language, rows) -> None:
    project = given[0].project
    create_snapshot(project=project, actor=None, aggregation="each")
    query = {"source": "people", "superseded": True}
    newer = create_snapshot(project=project, actor=None, query=query, aggregation="majority")
    client.force_login(project.created_by)
    address = reverse("compare_snapshots", args=[newer.pk])
    page = client.get(address, headers={"Accept-Language": language}).text
    found = re.findall(r'<th scope="row">([^<]*)</th><td>([^<]*)</td><td>([^<]*)</td></tr>', page)
    assert {label: (was, now) for label, was, now in found} == rows
