"""Exports: what is in them, who is not, and that they load where they are meant to."""

import io
import json
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone

import pyarrow.parquet as pq
import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from annotate.interchange.formats import UnknownFormat
from annotate.models import (
    Judge,
    Judgement,
    Project,
    Prompt,
    Response,
    Task,
    TaskResponse,
    User,
)
from annotate.services.incoming.imports import ImportOptions, import_stream
from annotate.services.outgoing import selection
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.exports import ExportOptions, stream_export
from annotate.services.outgoing.snapshots import create_snapshot

pytestmark = pytest.mark.django_db
RULES = ("tie_rule", "aggregation", "margin", "metadata")


def export(project, format="trl", **given):
    options = {k: given.pop(k) for k in RULES if k in given}
    chunks = stream_export(
        project=project,
        format=format,
        filters=ExportFilters(**given),
        options=ExportOptions(**options),
    )
    return [json.loads(line) for line in b"".join(chunks).decode().splitlines()]


def add(task, value, **fields) -> Judgement:
    fields.setdefault("source", "person")
    return Judgement.objects.create(
        project=task.project, task=task, kind="pairwise", value=value, **fields
    )


@pytest.fixture
def project(make_project) -> Project:
    return make_project()


@pytest.fixture
def people(make_user):
    return [make_user(f"secret{n}", email=f"secret{n}@example.org") for n in range(3)]


@pytest.fixture
def judged(project, people, make_pair_tasks):
    """Three tasks: a, b wins; a tie by a simulated person; a judge and an import on the third."""
    one, two, three = make_pair_tasks(project, 3)
    ids = {
        task: list(task.places.values_list("response_id", flat=True)) for task in (one, two, three)
    }
    first = add(
        one, {"verdict": "prefer", "preferred": ids[one][0], "strength": 3}, annotator=people[0]
    )
    add(
        one,
        {"verdict": "prefer", "preferred": ids[one][1], "strength": 1},
        annotator=people[0],
        supersedes=first,
    )
    add(two, {"verdict": "tie"}, annotator=people[1], simulated=True, rationale="Same.")
    judge = Judge.objects.create(project=project, name="rm", version=2, kind="reward_model")
    add(
        three,
        {"verdict": "prefer", "preferred": ids[three][0], "strength": 1},
        source="judge",
        judge=judge,
    )
    add(
        three,
        {"verdict": "prefer", "preferred": ids[three][1], "strength": 2},
        source="imported",
        imported_author="eve@example.org",
    )
    return one, two, three


def test_trl_plain(project, judged):
    rows = export(project)
    assert [(r["chosen"], r["rejected"]) for r in rows] == [
        ("Answer b to 0.", "Answer a to 0."),
        ("Answer a to 2.", "Answer b to 2."),
        ("Answer b to 2.", "Answer a to 2."),
    ]
    assert {tuple(r) for r in rows} == {("prompt", "chosen", "rejected")}
    assert rows[0]["prompt"] == "Question 0?"


def test_trl_conversational_with_margin(project, judged):
    [row] = export(project, "trl_conversational", source="imported", margin=True)
    assert row == {
        "prompt": [{"role": "user", "content": "Question 2?"}],
        "chosen": [{"role": "assistant", "content": "Answer b to 2."}],
        "rejected": [{"role": "assistant", "content": "Answer a to 2."}],
        "margin": 0.666667,
    }


def test_kept_ties_say_so(project, judged):
    rows = export(project, tie_rule="keep", source="people")
    assert [(r["chosen"], r["rejected"], r["tie"]) for r in rows] == [
        ("Answer b to 0.", "Answer a to 0.", False),
        ("Answer a to 1.", "Answer b to 1.", True),
    ]
    options = ExportOptions(tie_rule="keep", file_type="parquet")
    filters = ExportFilters(source="people")
    file = stream_export(project=project, format="trl", filters=filters, options=options)
    assert pq.read_table(io.BytesIO(b"".join(file))).to_pylist() == rows
    query = {"source": "people"}
    snapshot = create_snapshot(project=project, actor=None, query=query, tie_rule="keep")
    frozen = b"".join(stream_export(snapshot=snapshot, format="trl"))
    assert [json.loads(line) for line in frozen.splitlines()] == rows


def test_half_ties_weigh_half(project, judged):
    rows = export(project, tie_rule="half", source="people")
    assert [(r["chosen"], r["weight"]) for r in rows] == [
        ("Answer b to 0.", 1.0),
        ("Answer a to 1.", 0.5),
        ("Answer b to 1.", 0.5),
    ]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, 4),
        ({"superseded": True}, 5),
        ({"source": "people"}, 2),
        ({"source": "judges"}, 1),
        ({"source": "human"}, 3),
        ({"simulated": "exclude"}, 3),
        ({"simulated": "only"}, 1),
    ],
)
def test_filters(project, judged, filters, expected):
    assert len(export(project, "raw", **filters)) == expected


def test_split_is_by_prompt(project, judged):
    Prompt.objects.update(split_bucket=50)
    Prompt.objects.filter(pk=judged[2].prompt_id).update(split_bucket=0)
    assert len(export(project, "raw", split="test")) == 2
    train = export(project, "raw", split="train")
    assert {row["prompt"]["split"] for row in train} == {"train"}
    assert len(train) == 2


def test_raw_has_provenance_and_pseudonyms_only(project, judged, people):
    rows = export(project, "raw", superseded=True)
    text = json.dumps(rows)
    assert "secret" not in text
    assert "example.org" not in text
    first, second, tie, by_judge, imported = rows
    assert first["annotator"] == second["annotator"] == people[0].pseudonym
    assert second["supersedes"] == first["id"]
    assert (tie["simulated"], tie["rationale"], tie["value"]) == (True, "Same.", {"verdict": "tie"})
    assert (by_judge["judge"], by_judge["annotator"]) == ("rm v2", None)
    assert imported["annotator"].startswith("i-")
    assert [r["generator"] for r in imported["responses"]] == ["ga", "gb"]
    assert imported["value"]["preferred"] == imported["responses"][1]["id"]


def test_times_are_iso_with_as_many_digits_as_they_have(project, people, make_pair_tasks):
    moments = [
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 5, 120_000, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        datetime(999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        None,
    ]
    for task, moment in zip(make_pair_tasks(project, 4), moments, strict=True):
        add(task, {"verdict": "tie"}, annotator=people[0], started_at=moment)
    assert [row["started_at"] for row in export(project, "raw")] == [
        moment and moment.astimezone(UTC).isoformat() for moment in moments
    ]


def test_text_parts_are_joined_by_a_blank_line(project, people):
    contents = [
        [{"type": "text", "text": "one"}, {"type": "image"}, {"type": "text", "text": "“two”\n😀"}],
        [{"type": "image", "text": "a caption"}],
    ]
    prompt = Prompt.objects.create(project=project, conversation=[], split_bucket=0)
    task = Task.objects.create(project=project, prompt=prompt, dedup_key="t")
    for position, content in enumerate(contents):
        response = Response.objects.create(
            prompt=prompt, content=content, content_hash=str(position)
        )
        TaskResponse.objects.create(task=task, response=response, position=position)
    add(task, {"verdict": "tie"}, annotator=people[0])
    [row] = export(project, "raw")
    assert [r["text"] for r in row["responses"]] == ["one\n\n“two”\n😀", ""]
    assert [r["text"] for r in row["responses"]] == [
        response.text for response in prompt.responses.order_by("id")
    ]


def test_no_format_names_people(project, judged):
    names = [name for user in User.objects.all() for name in (user.username, user.email) if name]
    assert len(names) >= 4
    for format in ("trl", "trl_conversational", "hh", "raw"):
        text = b"".join(stream_export(project=project, format=format)).decode()
        assert text
        assert not [name for name in names if name in text]


def test_what_files_brought_along_goes_out_only_when_asked(project, judged):
    """A column that no format knows may hold a name."""
    aside = [{"responses": [], "labels": [{"pair": [0, 1], "annotator": "ann@x.org"}]}]
    Prompt.objects.update(metadata={"worker": "ann@x.org", "not_fitting": aside})
    [row, *_] = export(project, "raw")
    [label] = row["prompt"]["metadata"].pop("not_fitting")[0]["labels"]
    assert (row["prompt"]["metadata"], label["annotator"][:2]) == ({}, "i-")
    assert "ann@x.org" not in json.dumps(export(project, "raw"))
    [row, *_] = export(project, "raw", metadata=True)
    assert row["prompt"]["metadata"]["worker"] == "ann@x.org"
    assert row["prompt"]["metadata"]["not_fitting"][0]["labels"][0]["annotator"][:2] == "i-"
    with pytest.raises(ValidationError, match="trl has none"):
        export(project, "trl", metadata=True)


def test_majority_is_by_task_and_source_over_batches(project, people, make_pair_tasks, monkeypatch):
    """One task's votes lie far apart; the batch size must not show."""
    tasks = make_pair_tasks(project, 6)
    for person in people:
        for task in tasks:
            best = task.places.get(position=task.pk % 2).response_id
            add(task, {"verdict": "prefer", "preferred": best, "strength": 1}, annotator=person)
    found = {}
    for size in (1, 2, 5, 100):
        monkeypatch.setattr(selection, "BATCH", size)
        found[size] = export(project, aggregation="majority")
    assert len(found[1]) == 6
    assert all(rows == found[1] for rows in found.values())


def test_other_projects_stay_out(project, judged, make_project):
    assert export(make_project()) == []


def test_wrong_arguments_are_refused_before_the_first_byte(project):
    with pytest.raises(UnknownFormat, match="trl_conversational"):
        stream_export(project=project, format="xml")
    for bad in ({"source": "cats"}, {"simulated": True}, {"split": "dev"}, {"superseded": "no"}):
        with pytest.raises(ValidationError, match="Choose one of"):
            ExportFilters(**bad)
    with pytest.raises(ValidationError, match="Known: source"):
        ExportFilters.from_query({"colour": "red"})
    for bad in ({"tie_rule": "both"}, {"aggregation": "median"}):
        with pytest.raises(ValidationError):
            ExportOptions(**bad)
    with pytest.raises(ValidationError, match="as they were given"):
        stream_export(project=project, format="raw", options=ExportOptions(tie_rule="half"))


def test_export_comes_back_in(project, judged, make_project):
    rows = export(project, "trl_conversational")
    again = make_project()
    data = "\n".join(map(json.dumps, rows)).encode()
    import_stream(
        project=again, actor=None, stream=io.BytesIO(data), format="trl", options=ImportOptions()
    )
    assert export(again, "trl_conversational") == rows


def test_memory_does_not_grow_with_the_rows(project, monkeypatch):
    monkeypatch.setattr(selection, "BATCH", 100)
    peaks = {}
    for rows in (300, 3000):
        add_pairs(project, rows)
        sum(map(len, stream_export(project=project, format="trl")))  # warms caches
        tracemalloc.start()
        total = sum(map(len, stream_export(project=project, format="trl")))
        peaks[rows] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert total > 2_500_000
    assert peaks[3000] < 1.3 * peaks[300]


def test_rows_read_grow_with_the_rows_alone(make_project, monkeypatch):
    """Every batch reads its own rows and no others, however many are still to come."""
    monkeypatch.setattr(selection, "BATCH", 20)
    costs = {}
    for count in (100, 1600):
        project = make_project()
        add_pairs(project, count)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
            # Reading all of a hundred rows may be cheaper than looking them up, by what other
            # tests left in the indexes; what no index can find is still read whole.
            cursor.execute("SET LOCAL enable_seqscan = off")
        for format in ("trl", "raw"):
            before = rows_read()
            assert len(export(project, format)) == count
            costs[format, count] = (rows_read() - before) / count
    for format in ("trl", "raw"):
        assert 5 <= costs[format, 100] <= 12, costs
        assert costs[format, 1600] <= 1.1 * costs[format, 100], costs


def rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
            " WHERE relname LIKE 'annotate_%%'"
        )
        return int(cursor.fetchone()[0] or 0)


def add_pairs(project, count):
    rows = [
        {"prompt": f"{count}: {n}", "chosen": "a" * 400, "rejected": "b" * 400}
        for n in range(count)
    ]
    data = "\n".join(map(json.dumps, rows)).encode()
    import_stream(
        project=project, actor=None, stream=io.BytesIO(data), format="trl", options=ImportOptions()
    )


def test_an_answer_changed_during_the_export_goes_out_as_it_was(project, judged, people):
    stream = stream_export(project=project, format="raw", filters=ExportFilters())
    before = Judgement.objects.current().filter(source="person", simulated=True).get()
    add(before.task, {"verdict": "both_bad"}, annotator=people[1], supersedes=before)
    rows = {row["id"]: row["value"] for row in map(json.loads, b"".join(stream).splitlines())}
    assert len(rows) == 4
    assert rows[before.pk] == before.value
