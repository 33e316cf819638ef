"""Marked spans through the database: Fine-Grained RLHF's rows in and out, and their labels."""

import io
import json
from collections import Counter

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from annotate.finegrained.labels import Span, segment_labels
from annotate.finegrained.segments import locate
from annotate.kinds.span_settings import DEFAULT_TYPES
from annotate.models import FormVersion, Judgement, Response, TaskResponse
from annotate.services.incoming.imports import ImportOptions, import_stream
from annotate.services.outgoing.exports import ExportOptions, stream_export
from tests.annotate.interchange.test_fine_grained import as_published
from tests.annotate.interchange.test_fitting import MARKED
from tests.annotate.media import making

pytestmark = pytest.mark.django_db
CATEGORIES = {kind.name: kind.category for kind in DEFAULT_TYPES}


def send(project, rows):
    return import_stream(
        project=project,
        actor=None,
        stream=io.BytesIO(json.dumps(rows).encode()),
        format="fine_grained",
        options=ImportOptions(),
    )


def export(project, format, **options):
    chunks = stream_export(project=project, format=format, options=ExportOptions(**options))
    return [json.loads(line) for line in b"".join(chunks).splitlines()]


@pytest.fixture
def published(data_dir):
    with (data_dir / "qa_feedback" / "dev_feedback.jsonl").open() as lines:
        rows = [as_published(json.loads(line)) for line in lines]
    assert len(rows) == 500
    return rows


@pytest.fixture
def golden(data_dir):
    with (data_dir / "qa_feedback" / "golden_nf_subsentence_dev.jsonl").open() as lines:
        return {row["id"]: row for row in map(json.loads, lines)}


def test_all_real_rows_through_the_database(make_project, published, golden):
    """Equal but for what is put in order in 3 rows; all 2,704 labels come from what was stored."""
    project = make_project(kind="spans")
    report = send(project, published)
    assert (report.created, report.error_count) == (500, 0)
    assert report.counts["judgements"] == 500
    assert report.counts["kept_aside"] == 3000
    assert send(project, published).skipped == 500
    found = export(project, "fine_grained", metadata=True)
    differing = 0
    for ours, theirs in zip(found, published, strict=True):
        differing += ours != theirs
        for mine, other in zip(
            ours["feedback"]["errors"], theirs["feedback"]["errors"], strict=True
        ):
            if mine["error type"] == "Redundant":
                other["explanation"] = other["explanation"].strip()
            elif mine["error type"] == "Wrong-Grounding":
                other["explanation"] = json.loads(other["explanation"])
                other["explanation"]["sentence_id"].sort()
                mine["explanation"] = json.loads(mine["explanation"])
            if mine["error type"] == "Redundant":
                mine["explanation"] = mine["explanation"].strip()
        assert ours == theirs
    assert differing == 3
    check_labels(project, golden)


def check_labels(project, golden):
    rows = export(project, "fine_grained_segments", category="C1")
    cut_alike = [row for row in rows if row["segments"] == golden[row["id"]]["segments"]]
    assert (len(rows), len(cut_alike)) == (500, 483)
    assert all(row["labels"] == golden[row["id"]]["labels"] for row in cut_alike)
    labels = 0
    for row in Judgement.objects.filter(project=project).select_related("task__prompt"):
        [response] = row.task.responses.all()
        wanted = golden.pop(row.task.prompt.external_id)
        marks = [Span(m["start"], m["end"], CATEGORIES[m["type"]]) for m in row.value["marks"]]
        segments = locate(response.text, wanted["segments"])
        assert segment_labels(response.text, marks, "C1", segments) == wanted["labels"]
        labels += len(segments)
    assert (labels, golden) == (2704, {})


def test_completeness_prefers_as_the_authors_files_do(make_project, published, data_dir):
    """Of 60 rows all that their file has but one, which their splitter cuts otherwise: see
    tests/annotate/finegrained/test_coverage.py.
    """
    with (data_dir / "qa_feedback" / "golden_comp_preference_dev.jsonl").open() as lines:
        golden = {row["id"]: row["preference"] for row in map(json.loads, lines)}
    project = make_project(kind="spans")
    send(project, published[:60])
    found = {row["id"]: row for row in export(project, "fine_grained_completeness")}
    wanted = {f"dev/{number}" for number in range(60)} & set(golden) - {"dev/47"}
    assert {name: row["preference"] for name, row in found.items()} == {
        name: golden[name] for name in wanted
    }
    assert 40 < len(found) < 60
    plain = {row["id"]: row for row in export(project, "fine_grained")}
    assert {**found["dev/2"], "preference": 0} == {**plain["dev/2"], "preference": 0}
    with pytest.raises(ValidationError, match="Only labels made from spans have categories"):
        export(project, "fine_grained_completeness", category="C1")


def test_votes_alone_go_to_pairs(make_project, published):
    project = make_project()
    report = send(project, published)
    assert report.counts["kept_aside"] == 500
    assert report.counts["judgements"] == 3000


def test_rows_of_every_category(make_project):
    project = make_project(kind="spans")
    send(project, [MARKED])
    rows = export(project, "fine_grained_segments")
    assert [(row["category"], row["labels"]) for row in rows] == [
        ("C1", ["O"]),  # one word is too short a span
        ("C2", ["O"]),
        ("C3", ["O"]),
    ]
    assert {row["id"] for row in rows} == {"1"}
    tokens = {row["category"]: row for row in export(project, "fine_grained_tokens")}
    assert "context:" not in tokens["C1"]["text"]
    assert tokens["C2"]["text"][2:5] == ["context:", "wikipage:", "Title"]
    assert len(tokens["C2"]["text"]) == len(tokens["C2"]["feedback_tags"])


def test_feedback_rows_come_back_in(make_project):
    first, second = make_project(kind="spans"), make_project(kind="spans")
    rows = [MARKED, {**MARKED, "annotator": "w2", "preference": [0, 0, 1], "gold": "Here."}]
    send(first, rows)
    out = export(first, "fine_grained")
    assert [row["preference"] for row in out] == [[2, 1, 0], [0, 0, 1]]
    assert [len(row["annotator"]) for row in out] == [12, 12]
    raw = export(first, "raw")
    assert '"w1"' not in json.dumps([out, raw])
    labels = raw[0]["prompt"]["metadata"]["not_fitting"][0]["labels"]
    assert {label["annotator"] for label in labels} == {out[0]["annotator"]}
    send(second, out)
    again = export(second, "fine_grained")
    assert [{**row, "annotator": ""} for row in again] == [{**row, "annotator": ""} for row in out]


def test_a_form_holds_spans_and_a_preference(make_project, make_user, make_pair_tasks):
    spans = {"missing_types": [], "submit_gate": False}
    settings = {
        "questions": [
            {"name": "best", "kind": "pairwise"},
            {
                "name": "errors",
                "kind": "spans",
                "settings": spans,
                "responses": {"of": "best", "side": "rejected"},
            },
        ]
    }
    project = make_project(kind="form", kind_settings=settings)
    [task] = make_pair_tasks(project, 1)
    good, bad = task.places.order_by("position").values_list("response_id", flat=True)
    mark = {"response": bad, "part": 0, "start": 0, "end": 6, "type": "incoherent"}
    value = {
        "answers": {
            "best": {"verdict": "prefer", "preferred": good, "strength": 1},
            "errors": {"marks": [mark], "missing": [], "corrected": {}, "no_error": False},
        },
        "asked": [
            {"name": "best", "kind": "pairwise", "responses": [good, bad]},
            {"name": "errors", "kind": "spans", "responses": [bad]},
        ],
    }
    ada = make_user("ada")
    common = {"project": project, "task": task, "kind": "form", "source": "person"}
    Judgement.objects.create(**common, value=value, annotator=ada)
    [row] = export(project, "fine_grained")
    assert row["prediction 1"] == Response.objects.get(pk=bad).text
    assert row["preference"] == [2]
    assert row["annotator"] == ada.pseudonym
    assert row["feedback"]["errors"][0]["error type"] == "Incoherent"
    assert [pair["chosen"] for pair in export(project, "trl")] == [
        Response.objects.get(pk=good).text
    ]


def test_offsets_behind_an_image_and_another_text(
    make_project, make_user, make_pair_tasks, add_file
):
    project = make_project(kind="spans")
    file = add_file(project, making.picture(), "a.png")
    [task] = make_pair_tasks(project, 1)
    prompt, place = task.prompt, task.places.first()
    content = [
        {"type": "text", "text": "😀 one"},
        {"type": "image", "file": file.pk, "sha256": file.sha256},
        {"type": "text", "text": "two three"},
    ]
    response = Response.objects.create(prompt=prompt, content=content, content_hash="x")
    TaskResponse.objects.create(task=task, response=response, position=2)
    mark = {"response": response.pk, "part": 2, "start": 4, "end": 9, "type": "repetitive"}
    mark["evidence"] = {"start": 0, "end": 3}
    value = {"marks": [mark], "missing": [], "corrected": {}, "no_error": False}
    Judgement.objects.create(
        project=project, task=task, kind="spans", value=value, source="person",
        annotator=make_user("ada"),
    )  # fmt: skip
    rows = export(project, "fine_grained")
    assert len(rows) == 3
    errors = Counter(len(row["feedback"]["errors"]) for row in rows)
    assert errors == {0: 2, 1: 1}
    [row] = [row for row in rows if row["feedback"]["errors"]]
    [error] = row["feedback"]["errors"]
    text = row["prediction 1"]
    assert (text[error["start"] : error["end"]], error["explanation"]) == ("three", "two")
    assert place.response.text in row.values()


def test_categories_are_those_of_the_form_that_was_answered(make_project, make_user):
    project = make_project(kind="spans")
    unmarked = {"errors": [], "corrected-prediction": MARKED["prediction 1"]}
    send(project, [{**MARKED, "feedback": unmarked}])
    task = project.tasks.get()
    [response] = task.responses.all()
    version = FormVersion.objects.create(
        project=project,
        number=1,
        kind="spans",
        kind_settings={"types": [{"name": "odd", "category": "C2"}]},
        created_by=project.created_by,
    )
    mark = {"response": response.pk, "part": 0, "start": 0, "end": 4, "type": "odd"}
    Judgement.objects.create(
        project=project,
        task=task,
        kind="spans",
        form_version=version,
        value={"marks": [mark], "missing": [], "corrected": {}, "no_error": False},
        source="person",
        annotator=make_user("ada"),
    )
    rows = export(project, "fine_grained_segments", category="C2")
    assert [row["labels"] for row in rows] == [["O"], ["F-ERR"]]


def test_formats_that_do_not_fit_are_refused_by_name(make_project):
    spans, pairs = make_project(kind="spans"), make_project()
    with pytest.raises(ValidationError, match=r"Formats that fit: fine_grained, .*, raw"):
        export(spans, "trl")
    with pytest.raises(ValidationError, match=r"fit: trl, trl_conversational, .*, raw"):
        export(pairs, "fine_grained")
    with pytest.raises(ValidationError, match="has none"):
        export(spans, "fine_grained", category="C1")
    with pytest.raises(ValidationError, match="aggregation has no place there"):
        export(spans, "fine_grained_tokens", aggregation="majority")
    with pytest.raises(ValidationError, match="Choose one of: all, C1, C2, C3"):
        ExportOptions(category="C4")


def test_over_the_api(make_project, client):
    project = make_project(kind="spans")
    send(project, [MARKED])
    client.force_login(project.created_by)
    url = reverse("api_export", args=[project.pk])
    answer = client.get(url, {"format": "fine_grained_segments", "category": "C3"})
    rows = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    assert [row["category"] for row in rows] == ["C3"]
    refused = client.get(url, {"format": "trl"})
    assert refused.status_code == 409
    assert "fine_grained_tokens" in refused.json()["errors"][0]["message"]
    snapshots = reverse("api_snapshots", args=[project.pk])
    made = client.post(snapshots, {}, content_type="application/json").json()
    assert (made["holds"], made["rows"]) == ("judgements", 1)
    refused = client.get(url, {"format": "trl", "snapshot": made["number"]})
    assert refused.status_code == 409
    assert "Formats that fit" in refused.json()["errors"][0]["message"]
    answer = client.get(url, {"format": "fine_grained", "snapshot": made["number"]})
    assert len(b"".join(answer.streaming_content).splitlines()) == 1


def test_on_the_page(make_project, client):
    project = make_project(kind="spans")
    send(project, [MARKED])
    client.force_login(project.created_by)
    page = client.get(reverse("exports", args=[project.pk])).content.decode()
    assert 'value="fine_grained_tokens"' in page
    assert 'value="trl"' not in page
    assert "its rows are the judgements as they are" in page
    url = reverse("download_export", args=[project.pk])
    choices = {"source": "all", "simulated": "include", "split": "all", "category": "C3"}
    answer = client.get(url, {**choices, "format": "fine_grained_segments"})
    rows = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    assert [row["category"] for row in rows] == ["C3"]
    for format in ("fine_grained", "raw"):
        answer = client.get(url, {**choices, "format": format})
        assert len(b"".join(answer.streaming_content).splitlines()) == 1
    assert client.get(url, {**choices, "format": "trl"}).status_code == 422
