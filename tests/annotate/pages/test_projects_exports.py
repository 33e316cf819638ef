"""Downloads and snapshots through the pages."""

import io
import json

import pyarrow.parquet as pq
import pytest
from django.urls import reverse

from annotate.handout import lease_seat
from annotate.models import Seat, Snapshot
from annotate.services.outgoing.snapshots import create_snapshot
from annotate.services.work.judgements import submit_judgement

RULES = {"source": "all", "simulated": "include", "tie_rule": "drop", "aggregation": "each"}


@pytest.fixture
def project(make_project, make_pair_tasks, client):
    project = make_project(name="Žluté answers", test_percent=0)
    make_pair_tasks(project, 4)
    owner = project.created_by
    for place in range(3):
        lease = lease_seat(project=project, user=owner)
        shown = Seat.objects.get(pk=lease.seat_id).shown_order
        value = {"verdict": "prefer", "preferred": shown[0], "strength": 1}
        submit_judgement(
            seat_id=lease.seat_id, user=owner, value=value if place else {"verdict": "tie"}
        )
    client.force_login(owner)
    return project


def download(client, project, **query):
    url = reverse("download_export", args=[project.pk])
    return client.get(url, {"format": "trl", "split": "all", **RULES, **query})


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({}, 2),
        ({"tie_rule": "half"}, 4),
        ({"format": "raw"}, 3),
        ({"source": "judges"}, 0),
        ({"simulated": "only"}, 0),
        ({"split": "test"}, 0),
    ],
)
def test_a_download_has_the_rows_asked_for(client, project, query, rows) -> None:
    answer = download(client, project, **query)
    lines = b"".join(answer.streaming_content).splitlines()
    assert len([json.loads(line) for line in lines]) == rows
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert answer["Content-Disposition"].isascii()


def test_a_rule_that_the_format_has_no_place_for_is_refused_at_its_field(client, project) -> None:
    answer = download(client, project, format="raw", tie_rule="half")
    assert answer.status_code == 422
    [said] = answer.context["form"].errors["tie_rule"]
    assert "raw rows tell all judgements as they were given" in said


def test_metadata_goes_out_when_its_box_is_ticked(client, project) -> None:
    project.prompts.update(metadata={"worker": "ann@x.org"})
    for ticked in (False, True):
        more = {"metadata": "on"} if ticked else {}
        answer = download(client, project, format="raw", **more)
        assert (b"ann@x.org" in b"".join(answer.streaming_content)) is ticked
    url = reverse("api_export", args=[project.pk])
    for asked, goes in (({}, False), ({"metadata": "0"}, False), ({"metadata": "1"}, True)):
        answer = client.get(url, {"format": "raw", **asked})
        assert (b"ann@x.org" in b"".join(answer.streaming_content)) is goes
    assert client.get(url, {"format": "trl", "metadata": "1"}).status_code == 400


@pytest.mark.parametrize("field", ["format", "source", "simulated", "tie_rule", "split"])
def test_an_unknown_choice_is_refused_at_its_field(client, project, field) -> None:
    answer = download(client, project, **{field: "magic"})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors


def test_a_snapshots_page_tells_every_filter_that_is_set(client, project) -> None:
    url = reverse("create_snapshot", args=[project.pk])
    given = {"after": "2020-01-31", "language": "en", "tier": "expert", "superseded": ""}
    data = {f"snapshot-{name}": value for name, value in (RULES | given).items()}
    page = client.get(client.post(url, data).url)
    told = [(name, words) for name, _label, words in page.context["filters"]]
    assert told == [
        ("tier", "of people in the expert tier now"),
        ("after", "2020-01-31"),
        ("language", "en"),
    ]
    text = page.content.decode()
    assert "<dt>From this day on</dt><dd>2020-01-31</dd>" in text
    assert "Stage of review" not in text


def test_a_snapshot_is_made_shown_and_downloaded(client, project) -> None:
    url = reverse("create_snapshot", args=[project.pk])
    answer = client.post(url, {f"snapshot-{name}": value for name, value in RULES.items()})
    made = Snapshot.objects.get()
    assert answer.url == reverse("snapshot", args=[made.pk])
    assert made.rows == 2
    page = client.get(answer.url).content.decode()
    assert made.sha256 in page
    for name, rows in (("trl", 2), ("raw", 3)):
        file = client.get(reverse("download_snapshot", args=[made.pk, name]))
        assert len(b"".join(file.streaming_content).splitlines()) == rows
    assert client.get(reverse("download_snapshot", args=[made.pk, "magic"])).status_code == 404
    assert made.sha256[:12] in client.get(reverse("exports", args=[project.pk])).content.decode()


def test_a_snapshot_is_had_as_parquet_from_page_and_api(client, project) -> None:
    snapshot = create_snapshot(project=project, actor=None, tie_rule="half")
    page = reverse("download_snapshot", args=[snapshot.pk, "trl_unpaired"])
    answer = client.get(page, {"file_type": "parquet"})
    assert answer["Content-Type"] == "application/vnd.apache.parquet"
    file = b"".join(answer.streaming_content)
    table = pq.read_table(io.BytesIO(file))
    assert (table.num_rows, table.column_names) == (4, ["prompt", "completion", "label"])
    query = {"snapshot": snapshot.number, "format": "trl_unpaired", "file_type": "parquet"}
    api = client.get(reverse("api_export", args=[project.pk]), query)
    assert b"".join(api.streaming_content) == file
    assert client.get(page, {"file_type": "xls"}).status_code == 404
    link = f"{page}?file_type=parquet"
    assert link in client.get(reverse("snapshot", args=[snapshot.pk])).content.decode()
    wrong = client.get(reverse("api_export", args=[project.pk]), {**query, "file_type": "xls"})
    assert wrong.status_code == 400


def test_a_wrong_rule_makes_no_snapshot(client, project) -> None:
    url = reverse("create_snapshot", args=[project.pk])
    answer = client.post(url, {"snapshot-source": "all", "snapshot-tie_rule": "magic"})
    assert answer.status_code == 422
    assert not Snapshot.objects.exists()


def test_an_empty_project_says_what_to_do(client, make_project) -> None:
    project = make_project()
    client.force_login(project.created_by)
    text = client.get(reverse("exports", args=[project.pk])).content.decode()
    assert "Nothing to export yet" in text
