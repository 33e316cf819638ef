"""Through the API and back, by both clients, at the real server."""

import asyncio
import io
import json

import pytest
from tandem_client import (
    Answer,
    AsyncClient,
    BadRequest,
    Client,
    Declined,
    Forbidden,
    JobFailed,
    NotFound,
    StillRunning,
    Unauthorized,
    Unprocessable,
)

from annotate.models import ImportRun, Judgement, Project, Seat
from annotate.services import jobs
from annotate.services.incoming.import_runs import run_import
from tests.client.conftest import AT_ONCE, PAIRS


def first(lease) -> Answer:
    """Prefers the response with the lower id."""
    preferred = min(response["id"] for response in lease["responses"])
    value = {"verdict": "prefer", "preferred": preferred, "strength": 1}
    return Answer(value, seconds_active=1.5)


def test_from_an_empty_project_to_rows(client, tmp_path):
    project = client.projects.create("Rivers", overlap=1)["id"]
    report = client.imports.upload(project, PAIRS, labels="tasks")
    assert (report["created"], report["error_count"]) == (4, 0)
    again = client.imports.upload(project, PAIRS, labels="tasks")
    assert (again["created"], again["skipped"]) == (0, 4)

    tally = client.work.loop(project, first)
    assert (tally.judged, tally.skipped, len(tally.judgements)) == (4, 0, 4)
    assert client.work.next(project) is None
    assert client.projects.progress(project)["tasks_complete"] == 4

    rows = list(client.exports.rows(project, format="trl"))
    assert len(rows) == 4
    assert {row["chosen"][:3] for row in rows} <= {"Yes", "No:"}
    size = client.exports.save(project, tmp_path / "rows.jsonl", format="trl")
    assert (tmp_path / "rows.jsonl").stat().st_size == size
    assert [json.loads(line) for line in (tmp_path / "rows.jsonl").open()] == rows
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]
    kept = list(client.exports.judgements(project))
    assert [one["id"] for one in kept] == tally.judgements
    since = client.exports.judgements(project, arrived_after=kept[1]["arrived_at"])
    assert [one["id"] for one in since] == tally.judgements[2:]
    assert client.quality.agreement(project)["percent_agreement"] is None  # one person each


def test_a_decision_may_decline_or_stop(client, project):
    decisions = iter([first, lambda lease: Declined("expertise", "no rivers"), lambda lease: None])
    tally = client.work.loop(project, lambda lease: next(decisions)(lease))
    assert (tally.judged, tally.skipped) == (1, 1)
    assert not Seat.objects.filter(state=Seat.State.LEASED).exists()
    assert client.work.loop(project, first, most=1).judged == 1


def test_a_seat_is_worked_at_step_by_step(client, project):
    lease = client.work.next(project)
    assert client.work.next(project)["seat"] == lease["seat"]
    other = client.work.next(project, beside=lease["seat"])
    assert other["seat"] != lease["seat"]
    client.work.release(other["seat"])
    assert client.work.renew(lease["seat"])["lease_until"] >= lease["lease_until"]
    value = first(lease).value
    client.work.save_draft(lease["seat"], value)
    assert client.work.next(project)["draft"] == value
    done = client.work.judge(lease["seat"], value, form=lease["form"]["id"], key="mine")
    same = client.work.judge(lease["seat"], value, form=lease["form"]["id"], key="mine")
    assert done["id"] == same["id"]
    revised = client.work.revise(done["id"], {"verdict": "tie"}, reason="looked again")
    assert revised["supersedes"] == done["id"]
    assert {one["id"] for one in client.work.mine(project)} >= {revised["id"]}


def test_many_are_reviewed_and_what_is_held_is_released(client, project):
    seat = client.work.next(project)["seat"]
    [given] = client.reviews.release(project, [seat])
    assert (given["state"], given["released"]) == ("open", True)
    tally = client.work.loop(project, first, most=1)
    [mine, none] = client.reviews.decide(
        project,
        [{"judgement": pk, "decision": "accept"} for pk in (*tally.judgements, 0)],
    )
    assert (mine["status"], none["status"]) == (403, 404)  # one's own, and nobody's
    assert list(client.reviews.queue(project, by="person")) == []


def test_lists_come_page_by_page(client, project):
    client.work.loop(project, first)
    told = [row["id"] for row in client.pages(f"projects/{project}/judgements/", page_size=1)]
    assert len(told) == 4
    assert told == sorted(told)


def test_asynchronous_is_the_same(live_server, ada, token_of, client, project):
    secret = token_of(ada)

    async def work():
        async with AsyncClient(live_server.url, secret, retries=AT_ONCE) as client:
            tally = await client.work.loop(project, first)
            rows = [row async for row in client.exports.rows(project)]
            report = await client.imports.upload(project, iter(PAIRS), labels="tasks")
            with pytest.raises(NotFound):
                await client.projects.get(project + 1)
            found, other = await asyncio.gather(
                client.projects.get(project), client.projects.progress(project)
            )
            return tally, rows, report, found, other

    tally, rows, report, found, progress = asyncio.run(work())
    assert tally.judged == len(rows) == progress["tasks_complete"] == 4
    assert rows == list(client.exports.rows(project))
    assert report["skipped"] == 4
    assert found["name"] == "Rivers"


@pytest.mark.parametrize("shape", ["path", "file", "lines", "generator"])
def test_what_can_be_sent(client, tmp_path, shape):
    lines = [json.dumps(row).encode() + b"\n" for row in PAIRS]
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(b"".join(lines))
    told = []
    sources = {
        "path": path,
        "file": io.BytesIO(b"".join(lines)),
        "lines": lines,
        "generator": (row for row in PAIRS),
    }
    project = client.projects.create("Rivers")["id"]
    report = client.imports.upload(
        project, sources[shape], progress=lambda sent, size: told.append((sent, size))
    )
    assert report["created"] == 4
    assert told[-1][0] == told[-1][1] > 100


def test_bad_rows_are_told_and_the_others_kept(client):
    project = client.projects.create("Rivers")["id"]
    rows = [*PAIRS, {"prompt": "2 + 2?", "chosen": "4"}]
    report = client.imports.upload(project, rows)
    assert (report["created"], report["error_count"]) == (4, 1)
    [error] = report["errors"]
    assert (error["line"], error["field"]) == (5, "rejected")


def test_a_file_of_bad_rows_alone_is_refused_row_by_row(client):
    project = client.projects.create("Rivers")["id"]
    with pytest.raises(Unprocessable) as caught:
        client.imports.upload(project, [{"prompt": "a", "chosen": "b"}], format="trl")
    [error] = caught.value.errors
    assert (error.line, error.field) == (1, "rejected")
    assert str(error) in str(caught.value) or error.message in str(caught.value)
    assert caught.value.body["error_count"] == 1


def test_a_background_import_is_waited_for(client):
    project = client.projects.create("Rivers")["id"]
    run = client.imports.start(project, [*PAIRS, {"prompt": "2 + 2?"}], labels="tasks")
    states = []

    def watch(job) -> None:
        states.append(job["state"])
        if job["state"] == "queued":
            run_import(job["id"])

    done = client.imports.wait(run["id"], watch=watch)
    assert states[0] == "queued"
    assert done["state"] == states[-1] == "done"
    assert (done["created"], done["error_count"]) == (4, 1)
    [bad] = client.imports.bad_rows(run["id"])
    assert bad["prompt"] == "2 + 2?"
    assert bad["_error"]["line"] == 5


def test_waiting_ends_with_the_patience_and_with_a_failure(client):
    project = client.projects.create("Rivers")["id"]
    run = client.imports.start(project, PAIRS)
    with pytest.raises(StillRunning, match=r"still queued after 0 s; it goes on"):
        client.imports.wait(run["id"], timeout=0)
    client.imports.cancel(run["id"])
    with pytest.raises(JobFailed, match="ended as cancelled"):
        client.imports.wait(run["id"])
    assert jobs.claim(ImportRun, run["id"], owner="late") is None


def test_snapshots_are_downloaded_and_compared(client, project, tmp_path):
    client.work.loop(project, first, most=2)
    older = client.snapshots.create(project)
    client.work.loop(project, first)
    newer = client.snapshots.create(project)
    assert [one["id"] for one in client.snapshots.list(project)] == [older["id"], newer["id"]]
    paths = client.snapshots.download(newer["id"], tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["train.jsonl", "test.jsonl"]
    assert sum(len(path.read_text().splitlines()) for path in paths) == newer["rows"] == 4
    there = client.snapshots.compare(older["id"], newer["id"])
    back = client.snapshots.compare(newer["id"], older["id"])
    assert (there.same, there.came, there.went) == (2, 2, 0)
    assert (back.same, back.came, back.went) == (2, 0, 2)
    assert len(there.came_rows) == len(back.went_rows) == 2
    everything = [row for path in paths for row in map(json.loads, path.open())]
    assert all(row in everything for row in there.came_rows)


def test_judges_and_policies_are_listed(client, project):
    assert client.judges.list(project) == client.policies.list(project) == []
    assert list(client.runs.list(project)) == list(client.models.list(project)) == []


def test_an_address_of_the_api_by_its_path(client, project):
    [member] = client.request("GET", f"/projects/{project}/members/")["results"]
    assert member["role"] == "owner"
    changed = client.request("PATCH", f"projects/{project}/", {"name": "Lakes"})
    assert changed["name"] == "Lakes"


def test_a_field_that_is_wrong_is_named(client):
    with pytest.raises(BadRequest) as caught:
        client.projects.create("Rivers", overlap=0)
    assert [error.field for error in caught.value.errors] == ["overlap"]


@pytest.mark.parametrize("expired", [True, False])
def test_a_token_that_is_none_is_told_and_never_shown(live_server, ada, token_of, expired, caplog):
    caplog.set_level("DEBUG")
    secret = token_of(ada, expired=True) if expired else "tandem_of-nobody"
    with Client(live_server.url, secret, retries=AT_ONCE) as client:
        with pytest.raises(Unauthorized, match="unknown, expired or revoked") as caught:
            client.projects.get(1)
        told = repr(client) + repr(caught.value) + str(caught.value) + caplog.text
        told += repr(client.projects._session.address)
    assert live_server.url in told
    assert secret not in told


def test_a_token_without_the_scope_is_told_which(live_server, ada, token_of, project):
    with Client(live_server.url, token_of(ada, "read"), retries=AT_ONCE) as client:
        assert client.projects.get(project)["id"] == project
        with pytest.raises(Forbidden, match="lacks the scope manage"):
            client.projects.change(project, name="Lakes")
    assert Project.objects.get().name == "Rivers"
    assert not Judgement.objects.exists()
