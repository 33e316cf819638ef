"""Agreement, exports and pages on projects of every sort of kind."""

import json

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from annotate.models import Judgement, Response, TaskResponse
from annotate.reports.agreement import agreement
from annotate.reports.people import people
from annotate.services.exports import ExportOptions, formats_of, stream_export
from annotate.services.snapshots import create_snapshot, stream_training_file
from tests.annotate.kinds_at_work import CASES, judge


@pytest.fixture(autouse=True)
def _fresh_cache(settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}


@pytest.fixture(params=list(CASES))
def judged(request, make_project, make_pair_tasks, make_user, add_member):
    """(project, case): two tasks that the same two people judged alike."""
    case = CASES[request.param]
    project = make_project(kind=request.param, kind_settings=case.settings, test_percent=0)
    both = [make_user("ada"), make_user("bob")]
    for user in both:
        add_member(project, user)
    for task in make_pair_tasks(project, 2):
        judge(project, task, both, case)
    return project, case


def export(project, format, **options):
    chunks = stream_export(project=project, format=format, options=ExportOptions(**options))
    return [json.loads(line) for line in b"".join(chunks).splitlines()]


def test_agreement_is_by_the_kinds_own_distance(judged) -> None:
    project, case = judged
    found = agreement(project)
    assert (found.tasks, found.judgements) == (2, 4)
    assert found.percent == pytest.approx(100 * case.near)
    assert (found.low, found.high) == pytest.approx((found.percent, found.percent))
    assert len(found.disagreed) == (0 if case.near == 1 else 2)
    assert (found.alpha is not None) == (project.kind in ("pairwise", "spans"))


def test_raw_rows_hold_values_as_stored(judged) -> None:
    project, case = judged
    rows = export(project, "raw")
    stored = dict(project.judgements.values_list("pk", "value"))
    assert {row["id"]: row["value"] for row in rows} == stored
    assert {row["kind"] for row in rows} == {project.kind}
    assert all(row["context"] == (case.context or {}) for row in rows)
    assert all((row["form_version"], row["prompt"]["passages"]) == (None, []) for row in rows)


def test_preferences_of_every_kind_that_has_some(judged) -> None:
    project, case = judged
    if not case.pairs:
        with pytest.raises(ValidationError, match="Formats that fit"):
            export(project, "trl")
        assert create_snapshot(project=project, actor=None).holds == "judgements"
        return
    assert "trl" in formats_of(project)
    rows = export(project, "trl", margin=True)
    assert len(rows) == 2 * case.pairs
    snapshot = create_snapshot(project=project, actor=None)
    lines = [json.loads(one) for one in stream_training_file(snapshot=snapshot, split="train")]
    assert [row["chosen"] for row in lines] == [row["chosen"] for row in rows]
    assert len(export(project, "trl", aggregation="majority", tie_rule="half")) >= 2


def test_habits_are_of_comparisons_alone(judged) -> None:
    project, _ = judged
    shares = {person.tie_share for person in people(project) if person.recent}
    compares = project.kind in ("pairwise", "context")
    assert shares
    assert (None not in shares) == compares


def test_pages_show_every_kind(judged, client) -> None:
    project, _ = judged
    client.force_login(project.created_by)
    task = project.tasks.first()
    pages = [
        reverse(name, args=[project.pk]) for name in ("overview", "tasks", "exports", "people")
    ]
    for page in (*pages, reverse("task", args=[task.pk])):
        assert client.get(page).status_code == 200, page
    answer = client.get(reverse("api_project_agreement", args=[project.pk])).json()
    assert (answer["tasks"], answer["judgements"]) == (2, 4)
    assert answer["percent_agreement"] == pytest.approx(agreement(project).percent / 100)


def test_a_ranking_gives_every_pair_that_it_implies(
    make_project, make_pair_tasks, make_user
) -> None:
    project = make_project(kind="ranking")
    [task] = make_pair_tasks(project, 1)
    for number, text in enumerate(("third", "fourth"), start=2):
        content = [{"type": "text", "text": text}]
        response = Response.objects.create(prompt=task.prompt, content=content, content_hash=text)
        TaskResponse.objects.create(task=task, response=response, position=number)
    a, b, c, d = task.places.order_by("position").values_list("response_id", flat=True)
    for name, tiers in (("ada", [[c], [a, b], [d]]), ("bob", [[c], [a], [b], [d]])):
        Judgement.objects.create(
            project=project, task=task, kind="ranking", source="person",
            annotator=make_user(name), value={"verdict": "full", "tiers": tiers},
            shown_order=[a, b, c, d],
        )  # fmt: skip
    rows = export(project, "trl_conversational")
    assert len(rows) == 5 + 6
    chosen = [row["chosen"][0]["content"] for row in rows]
    assert chosen.count("third") == 6
    assert "fourth" not in chosen
    assert len(export(project, "trl", aggregation="majority")) == 6
