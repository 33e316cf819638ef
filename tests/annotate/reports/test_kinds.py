"""Agreement, exports and pages on projects of every sort of kind."""

import json

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.urls import reverse

from annotate.models import Judgement, Response, TaskResponse
from annotate.reports.agreement import agreement
from annotate.reports.people import people
from annotate.services.outgoing.exports import ExportOptions, formats_of, stream_export
from annotate.services.outgoing.snapshots import create_snapshot, stream_training_file
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
    assert len(export(project, "trl", pairs="adjacent")) == 4 + 3
    assert len(export(project, "trl", pairs="best_worst")) == 2
    with pytest.raises(ValidationError, match="as they were given"):
        export(project, "raw", pairs="adjacent")
    with pytest.raises(ValidationError, match="all, adjacent, best_worst"):
        export(project, "trl", pairs="some")


def test_which_pairs_over_rest_on_the_page_and_by_command(
    make_project, make_pair_tasks, client, tmp_path
) -> None:
    project = make_project(kind="ranking")
    [task] = make_pair_tasks(project, 1)
    content = [{"type": "text", "text": "third"}]
    third = Response.objects.create(prompt=task.prompt, content=content, content_hash="third")
    TaskResponse.objects.create(task=task, response=third, position=2)
    order = [[pk] for pk in task.places.order_by("position").values_list("response_id", flat=True)]
    Judgement.objects.create(
        project=project, task=task, kind="ranking", source="imported", imported_author="w",
        value={"verdict": "full", "tiers": order},
    )  # fmt: skip
    client.force_login(project.created_by)
    page = client.get(reverse("exports", args=[project.pk])).content.decode()
    assert 'name="pairs"' in page
    common = {"source": "all", "simulated": "include", "split": "all"}
    rules = {"tie_rule": "drop", "aggregation": "each"}
    for which, count in (("all", 3), ("adjacent", 2), ("best_worst", 1)):
        asked = {"format": "trl", "pairs": which}
        answer = client.get(reverse("api_export", args=[project.pk]), asked)
        assert len(b"".join(answer.streaming_content).splitlines()) == count
        url = reverse("download_export", args=[project.pk])
        answer = client.get(url, {**common, **rules, **asked})
        assert len(b"".join(answer.streaming_content).splitlines()) == count
        file = tmp_path / which
        call_command("export_data", project.pk, "--pairs", which, "--output", file)
        assert len(file.read_bytes().splitlines()) == count
    pairs = make_project(project.created_by)
    Judgement.objects.create(
        project=pairs, task=make_pair_tasks(pairs, 1)[0], kind="pairwise", source="imported",
        imported_author="w", value={"verdict": "tie"},
    )  # fmt: skip
    page = client.get(reverse("exports", args=[pairs.pk])).content.decode()
    assert 'name="tie_rule"' in page
    assert 'name="pairs"' not in page
