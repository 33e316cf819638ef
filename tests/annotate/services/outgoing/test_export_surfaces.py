"""The page, the API and the command line take every parameter and write the same bytes."""

import io
import json

import pytest
from django.core.management import call_command
from django.urls import reverse
from pyarrow import parquet
from rest_framework.test import APIClient

from annotate.models import Judgement, LabelFlip, Task
from annotate.services.outgoing.export_filters import FILTERS
from annotate.services.outgoing.export_options import OPTIONS
from annotate.services.outgoing.refused_choices import RefusedChoice
from annotate.services.outgoing.snapshots import create_snapshot
from tests.annotate.judged_by_many import judged_project

pytestmark = pytest.mark.django_db
# A value other than the default for what is no choice; {ada} is her pseudonym.
VALUES = {
    "person": "{ada}",
    "judge": "J",
    "team": "Night",
    "after": "2020-01-31",
    "before": "2099-01-31",
    "language": "en, de",
    "criterion": "clear",
    "agreement": "0.75",
}
CASES = [
    (one.name, value)
    for one in (*FILTERS, *OPTIONS)
    for value in (one.words or (["1"] if one.sort == "flag" else [VALUES[one.name]]))
]
FORMATS = {"metadata": "raw", "category": "fine_grained_segments"}


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    project = judged_project(make_project, make_pair_tasks, make_user, add_member)
    project.test_percent = 50
    project.kind_settings = {"criteria": [{"name": "clear", "title": "Clear"}]}
    project.review_percent = 100
    project.save()
    team = project.teams.create(name="Night")
    project.memberships.filter(user=project.people[0]).update(team=team)
    judgement = project.judgements.filter(source="judge").first()
    LabelFlip.objects.create(judgement=judgement, value={"verdict": "tie"}, why={})
    first = project.judgements.filter(annotator=project.people[0]).first()
    clear = {**first.value, "criteria": {"clear": first.value}}
    Judgement.objects.create(
        project=project, task=first.task, kind="pairwise", value=clear, source="imported",
        imported_author="eva",
    )  # fmt: skip
    project.prompts.update(language="en-GB")
    Task.objects.filter(project=project).update(stratum="one")
    return project


def on_the_page(client, project, query) -> bytes:
    answer = client.get(reverse("download_export", args=[project.pk]), query)
    assert answer.status_code == 200, answer.context["form"].errors
    return b"".join(answer.streaming_content)


def over_http(project, query) -> bytes:
    client = APIClient()
    client.force_authenticate(project.created_by)
    answer = client.get(reverse("api_export", args=[project.pk]), query)
    assert answer.status_code == 200, answer.json()
    return b"".join(answer.streaming_content)


def by_command(project, query, folder) -> bytes:
    file = folder / "out"
    flags = {one.name for one in (*FILTERS, *OPTIONS) if one.sort == "flag"}
    words = []
    for name, value in query.items():
        words.append(f"--{name.replace('_', '-')}")
        words += [] if name in flags else [value]
    call_command("export_data", str(project.pk), *words, "--output", str(file))
    return file.read_bytes()


def test_each_takes_it_and_all_write_the_same(client, project, tmp_path) -> None:
    client.force_login(project.created_by)
    differing = set()
    for name, value in CASES:
        if name == "category":  # of spans, below
            continue
        query = {
            "format": FORMATS.get(name, "trl_conversational"),
            name: value.format(ada=project.people[0].pseudonym),
        }
        written = over_http(project, query)
        assert on_the_page(client, project, query) == written, (name, value)
        assert by_command(project, query, tmp_path) == written, (name, value)
        if written != over_http(project, {"format": query["format"]}):
            differing.add(name)
    # Of the others what they leave out is nothing here.
    assert differing >= {
        *("source", "simulated", "split", "person", "judge", "tier", "team", "file_type"),
        *("tie_rule", "aggregation", "criterion", "agreement", "margin", "flipped", "gold"),
    }


@pytest.mark.parametrize("method", ["weighted", "dawid_skene"])
def test_what_was_estimated_says_how_likely_it_is(client, project, method) -> None:
    query = {"format": "openrlhf", "aggregation": method, "source": "people"}
    rows = [json.loads(line) for line in over_http(project, query).splitlines()]
    assert len(rows) == len({json.dumps(row["prompt"]) for row in rows}) > 0
    assert all(1 / 3 < row["posterior"] <= 1 for row in rows)
    packed = over_http(project, {**query, "file_type": "parquet"})
    assert parquet.read_table(io.BytesIO(packed))["posterior"].to_pylist() == [
        row["posterior"] for row in rows
    ]
    bare = over_http(project, {**query, "format": "trl_unpaired"})
    assert b"posterior" not in bare
    with pytest.raises(RefusedChoice, match="each, majority"):
        create_snapshot(project=project, actor=None, aggregation=method)


def test_categories_of_spans_too(client, make_project, tmp_path) -> None:
    project = make_project(kind="spans")
    client.force_login(project.created_by)
    for category in ("all", "C1", "C2", "C3"):
        query = {"format": "fine_grained_segments", "category": category}
        assert over_http(project, query) == b""
        assert on_the_page(client, project, query) == b""
        assert by_command(project, query, tmp_path) == b""


def test_there_is_a_case_for_every_parameter() -> None:
    assert {name for name, _ in CASES} == {one.name for one in (*FILTERS, *OPTIONS)}
    assert len(CASES) == 55


def test_wrong_values_are_told_at_their_field(client, project) -> None:
    client.force_login(project.created_by)
    api = APIClient()
    api.force_authenticate(project.created_by)
    for name, value, words in (
        ("person", "p-none", "Nobody has the pseudonym p-none"),
        ("judge", "K", "Known: J, J v1"),
        ("after", "31.1.2026", "Write it as 2026-01-31"),
        ("agreement", "half", "no number from 0 to 1"),
        ("agreement", "1.5", "no number from 0 to 1"),
        ("agreement", "nan", "no number from 0 to 1"),
        ("criterion", "loud", "Known: clear"),
        ("tier", "gold", "crowd"),
    ):
        query = {"format": "trl", name: value}
        answer = api.get(reverse("api_export", args=[project.pk]), query)
        assert answer.status_code == 400
        assert words in str(answer.json()), name
        page = client.get(reverse("download_export", args=[project.pk]), query)
        assert page.status_code == 422
        assert name in page.context["form"].errors, name


def test_what_a_format_has_no_place_for_is_refused(project) -> None:
    api = APIClient()
    api.force_authenticate(project.created_by)
    for query, words in (
        ({"format": "trl_unpaired", "tie_rule": "half"}, "no place for tie_rule"),
        ({"format": "openai", "margin": "1"}, "no place for margin"),
        ({"format": "trl_prompts", "metadata": "1"}, "metadata"),
        ({"format": "raw", "agreement": "0.5"}, "agreement has no place there"),
        ({"format": "trl_stepwise"}, "hold none"),
    ):
        answer = api.get(reverse("api_export", args=[project.pk]), query)
        assert answer.status_code in (400, 409)
        assert words in str(answer.json())


@pytest.mark.parametrize("format", ["helpsteer3", "multipref", "arena", "label_studio", "raw"])
def test_the_page_refuses_to_aggregate_what_cannot_be(client, project, format) -> None:
    """At the field, in place of a file that looks as if it had been."""
    client.force_login(project.created_by)
    address = reverse("download_export", args=[project.pk])
    query = {"format": format, "aggregation": "majority", "tie_rule": "drop"}
    page = client.get(address, query)
    assert page.status_code == 422
    [told] = page.context["form"].errors["aggregation"]
    assert told.startswith(f"{format} rows tell all judgements as they were given")
    assert client.get(address, {**query, "aggregation": "each"}).status_code == 200
