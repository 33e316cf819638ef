"""Wires that are cut and servers that refuse, between the client and the real server."""

import asyncio
import time

import pyarrow.parquet
import pytest
from tandem_client import (
    AsyncClient,
    BadAnswer,
    Client,
    Conflict,
    ConnectionFailed,
    Interrupted,
    ServerFailed,
    TooManyRequests,
)

from annotate.models import Judgement, Project
from tests.client.conftest import AT_ONCE, PAIRS
from tests.client.proxy import answering, half, nothing
from tests.client.test_round import first

BUSY = answering("429 Too Many Requests", "Retry-After: 7")
AWAY = answering("503 Service Unavailable")


@pytest.fixture
def naps(monkeypatch) -> list[float]:
    """How long the client sleeps, which takes no time."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)

    async def nap(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("tandem_client.asynchronous.asyncio.sleep", nap)
    return slept


def test_an_answer_that_nobody_heard_counts_once(through, proxy, project):
    lease = through.work.next(project)
    proxy.fates.append(nothing)
    done = through.work.judge(lease["seat"], first(lease).value)
    assert [one.pk for one in Judgement.objects.all()] == [done["id"]]
    assert len([head for head in proxy.seen if b"/judgement/" in head]) == 2


def key_of(head: bytes) -> bytes:
    [line] = [one for one in head.split(b"\r\n") if one.lower().startswith(b"idempotency-key:")]
    return line.partition(b": ")[2]


def test_what_is_made_is_made_once_though_its_answer_was_lost(through, proxy):
    """The same key at each attempt, another one for another thing."""
    proxy.fates.extend([nothing, AWAY])
    made = through.projects.create("Rivers")
    assert [(one.pk, one.name) for one in Project.objects.all()] == [(made["id"], "Rivers")]
    assert len(proxy.seen) == 3
    assert len({key_of(head) for head in proxy.seen}) == 1
    through.projects.create("Rivers")
    assert Project.objects.count() == 2
    assert len({key_of(head) for head in proxy.seen}) == 2


def test_a_secret_that_was_lost_is_not_told_again_and_nothing_made_twice(
    through, proxy, project, receiver
):
    proxy.fates.append(nothing)
    with pytest.raises(Conflict, match="makes another"):
        through.webhooks.create(project, receiver.url, ["task.done"])
    [webhook] = through.webhooks.list(project)
    assert through.webhooks.rotate(project, webhook["id"])["secret"].startswith("whsec_")


def test_what_would_be_done_twice_is_not_tried_again(through, proxy, project, receiver):
    webhook = through.webhooks.create(project, receiver.url, ["task.done"])
    before = len(proxy.seen)
    proxy.fates.append(nothing)
    with pytest.raises(ConnectionFailed, match="broke"):
        through.webhooks.test(project, webhook["id"])
    assert len(proxy.seen) == before + 1
    assert len(receiver.messages) == 1


def test_a_first_attempt_that_is_still_at_it_is_waited_for(through, proxy, naps):
    proxy.fates.append(answering("409 Conflict", "Retry-After: 1"))
    assert through.projects.create("Rivers")["name"] == "Rivers"
    assert naps == [1.0]


def test_whoever_is_refused_comes_again_when_told(through, proxy, naps):
    proxy.fates.extend([BUSY, BUSY])
    assert through.projects.create("Rivers")["name"] == "Rivers"
    assert naps == [7.0, 7.0]
    assert Project.objects.count() == 1


def test_attempts_come_to_an_end(through, proxy):
    proxy.fates.extend([AWAY] * 9)
    with pytest.raises(ServerFailed) as caught:
        list(through.projects.list())
    assert caught.value.status == 503
    assert len(proxy.seen) == AT_ONCE.attempts


def test_a_limit_of_the_project_s_is_told_with_its_time(
    client, project, live_server, make_user, token_of
):
    client.request("PATCH", f"projects/{project}/rules/", {"cap_hour": 1})
    bob = make_user("bob")
    client.request("POST", f"projects/{project}/members/", {"user": "bob", "role": "annotator"})
    with Client(live_server.url, token_of(bob), retries=AT_ONCE) as bobs:
        bobs.work.loop(project, first, most=1)
        with pytest.raises(TooManyRequests, match="in an hour") as caught:
            bobs.work.next(project)
    assert 3000 < caught.value.retry_after <= 3600


def test_rows_that_break_off_are_told(through, proxy, client, project):
    client.work.loop(project, first)
    whole = list(client.exports.rows(project))
    proxy.fates.append(half)
    received = []
    with pytest.raises(Interrupted, match=r"broke off"):
        received.extend(iter_into(received, through.exports.rows(project)))
    assert 0 < len(received) < len(whole)
    assert received == whole[: len(received)]


def iter_into(received, rows):
    for row in rows:
        received.append(row)
    return ()


def test_a_file_is_whole_or_not_there(through, proxy, client, project, tmp_path):
    client.work.loop(project, first)
    path = tmp_path / "rows.jsonl"
    proxy.fates.extend([half, half, half])
    with pytest.raises(Interrupted):
        through.exports.save(project, path)
    assert list(tmp_path.iterdir()) == []
    proxy.fates.append(half)
    through.exports.save(project, path)
    client.exports.save(project, tmp_path / "straight.jsonl")
    assert path.read_bytes() == (tmp_path / "straight.jsonl").read_bytes() != b""


def test_a_file_of_parquet_is_whole_or_not_there(through, proxy, client, project, tmp_path):
    client.work.loop(project, first)
    path = tmp_path / "rows.parquet"
    client.exports.save(project, path, format="trl", file_type="parquet")
    whole = path.read_bytes()
    assert pyarrow.parquet.read_table(path).num_rows == 4
    path.unlink()
    short = answering("200 OK", body=whole[:-9])
    proxy.fates.append(short)
    with pytest.raises(Interrupted, match="inside its last row"):
        through.exports.save(project, path, format="trl", file_type="parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_file_sent_over_a_cut_wire_is_sent_again(through, proxy, client, tmp_path):
    project = client.projects.create("Rivers")["id"]
    proxy.fates.append(nothing)
    report = through.imports.upload(project, PAIRS, labels="tasks")
    assert (report["created"], report["skipped"]) == (0, 4)
    proxy.fates.append(nothing)
    report = through.imports.upload(project, (row for row in PAIRS), labels="tasks")
    assert report["skipped"] == 4


def test_asynchronous_tries_again_as_well(proxy, ada, token_of, project, naps):
    secret = token_of(ada)
    proxy.fates.extend([BUSY, half, None, nothing])

    async def work():
        async with AsyncClient(proxy.url, secret, retries=AT_ONCE) as client:
            found = await client.projects.get(project)
            lease = await client.work.next(project)
            return found, await client.work.judge(lease["seat"], first(lease).value)

    found, done = asyncio.run(work())
    assert found["id"] == project
    assert [one.pk for one in Judgement.objects.all()] == [done["id"]]
    assert naps == [7.0, 0.0, 0.0]


def test_nobody_there_is_told_with_the_address(tmp_path):
    with (
        Client("http://127.0.0.1:9", "tandem_x", retries=AT_ONCE) as client,
        pytest.raises(ConnectionFailed, match=r"No connection to http://127.0.0.1:9"),
    ):
        client.projects.get(1)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (answering("302 Found", "Location: https://example.org/"), BadAnswer),
        (answering("500 Oh", body=b"<html>secret</html>"), ServerFailed),
    ],
)
def test_what_is_no_answer_of_ours_is_told(through, proxy, answer, error):
    proxy.fates.extend([answer])
    with pytest.raises(error) as caught:
        through.projects.get(1)
    assert "<html>" not in str(caught.value)
