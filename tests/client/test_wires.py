"""Webhooks, signals and the files of snapshots, by both clients and on the command line."""

import asyncio
import json

import datasets
import pytest
from tandem_client import AsyncClient
from tandem_client.command.main import main
from tandem_client.frames import to_dataset, to_pandas

from annotate.models import Signal, Webhook
from annotate.services.webhooks.deliveries import deliver_due
from tests.client.conftest import AT_ONCE
from tests.client.test_round import first

TEXT = {"prompt": "Why?", "completion": "So.", "generator": "bot", "generator_version": "3"}


def rows(count: int) -> list[dict]:
    types = ["love", "thumbs_down", "follow_up"]
    return [{"key": f"{n:05}", "type": types[n % 3], **TEXT} for n in range(count)]


@pytest.fixture
def hook(client, project, receiver):
    return client.webhooks.create(project, receiver.url, ["snapshot.finished"])


def test_a_webhook_from_its_making_to_its_end(client, project, receiver, hook):
    assert hook["secret"].startswith("whsec_")
    [listed] = client.webhooks.list(project)
    assert listed == {name: value for name, value in hook.items() if name != "secret"}
    tested = client.webhooks.test(project, hook["id"])
    assert (tested["state"], tested["status"]) == ("taken", 204)
    assert receiver.messages[-1].id == tested["message_id"]
    receiver.script = lambda handler: handler.answer(500)
    client.snapshots.create(project)
    deliver_due(webhook_id=hook["id"])
    [waiting] = client.webhooks.deliveries(project, hook["id"], state="waiting")
    assert (waiting["attempts"], waiting["status"]) == (1, 500)
    receiver.script = lambda handler: handler.answer(200)
    assert client.webhooks.replay(project, hook["id"], delivery=waiting["id"]) == 1
    deliver_due(webhook_id=hook["id"])
    assert receiver.messages[-1].id == receiver.messages[-2].id == waiting["message_id"]
    assert client.webhooks.replay(project, hook["id"]) == 0
    other = client.webhooks.rotate(project, hook["id"])
    assert other["secret"] != hook["secret"]
    assert other["old_secret_until"]
    client.webhooks.end_old_secret(project, hook["id"])
    changed = client.webhooks.change(project, hook["id"], is_on=False, events=["task.done"])
    assert (changed["is_on"], changed["events"]) == (False, ["task.done"])
    assert changed["old_secret_until"] is None
    client.webhooks.delete(project, hook["id"])
    assert not Webhook.objects.exists()


def test_signals_are_sent_in_parts_told_and_read(client, project):
    bad = {"key": "bad", "type": "applause", **TEXT}
    sent = client.signals.send(project, iter([*rows(1001), bad]))
    assert (sent.created, sent.known) == (1001, 0)
    assert [(error.line, error.field) for error in sent.errors] == [(1002, "type")]
    again = client.signals.send(project, rows(1001))
    assert (again.created, again.known, again.errors) == (0, 1001, [])
    assert sum(1 for _ in client.signals.list(project, type="love")) == 334
    ruled = client.signals.set_rules(project, noise={"love": 0.2}, follow_up="bad", keep_days=30)
    assert (ruled["follow_up"], ruled["keep_days"]) == ("bad", 30)
    [version] = client.signals.summary(project)["versions"]
    assert (version["generator"], version["good"], version["labelled"]) == ("bot", 334, 1001)
    [first_row, *more] = client.signals.export(project, model="bot")
    assert (first_row["label"], first_row["noise"]) == (True, 0.2)
    assert len(more) == 1000
    edits = list(client.exports.rows(project, format="signals"))
    assert [first_row, *more] == edits
    frame = to_pandas(client.signals.export(project, type="follow_up"))
    assert set(frame["label"]) == {False}


def test_the_files_of_a_snapshot(client, project, tmp_path):
    client.work.loop(project, first, most=2)
    older = client.snapshots.create(project)
    client.work.loop(project, first)
    newer = client.snapshots.create(project)
    names = [file["name"] for file in client.snapshots.files(newer["id"])]
    assert "README.md" in names
    for snapshot in (older, newer):  # another snapshot's parts have the same names
        paths = client.snapshots.download(snapshot["id"], tmp_path / "set", file_type="parquet")
    assert {path.name for path in paths} == {name for name in names if ".jsonl" not in name}
    loaded = datasets.load_dataset(str(tmp_path / "set"), cache_dir=tmp_path / "cache")
    assert sum(part.num_rows for part in loaded.values()) == newer["rows"] == 4
    size = client.snapshots.save(newer["id"], "README.md", tmp_path / "card.md")
    assert size == (tmp_path / "set" / "README.md").stat().st_size > 100
    assert (
        len(to_pandas(client.snapshots.rows(newer["id"])))
        + len(
            to_dataset(client.snapshots.rows(newer["id"], "test.jsonl"), cache_dir=tmp_path / "c")
        )
        == 4
    )
    counted = client.snapshots.count_changes(older["id"], newer["id"])
    assert counted["same"] == 2
    assert sum(one["count"] for one in counted["counts"]) == 2
    came = list(client.snapshots.changes(older["id"], newer["id"], change="came"))
    assert len(came) == 2
    with pytest.raises(ValueError, match="jsonl or parquet"):
        client.snapshots.download(newer["id"], tmp_path, file_type="csv")


def test_asynchronous_is_the_same(live_server, ada, token_of, client, project, receiver, tmp_path):
    client.work.loop(project, first)
    secret = token_of(ada)

    async def work():
        async with AsyncClient(live_server.url, secret, retries=AT_ONCE) as client:
            hook = await client.webhooks.create(project, receiver.url, ["snapshot.finished"])
            tested = await client.webhooks.test(project, hook["id"])
            sent = await client.signals.send(project, rows(3))
            listed = [one async for one in client.signals.list(project)]
            snapshot = await client.snapshots.create(project)
            paths = await client.snapshots.download(snapshot["id"], tmp_path, file_type="parquet")
            told = [one async for one in client.webhooks.deliveries(project, hook["id"])]
            return tested, sent, listed, paths, told

    tested, sent, listed, paths, told = asyncio.run(work())
    assert tested["state"] == "taken"
    assert sent.created == len(listed) == Signal.objects.count() == 3
    assert all(path.stat().st_size for path in paths)
    assert told[0]["message_id"] == tested["message_id"]


@pytest.fixture
def tandem(live_server, ada, token_of, monkeypatch, capsys):
    monkeypatch.setenv("TANDEM_URL", live_server.url)
    monkeypatch.setenv("TANDEM_TOKEN", token_of(ada))

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(one) for one in arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def test_webhooks_on_the_command_line(tandem, project, receiver):
    code, out, _ = tandem("webhooks", "create", project, receiver.url, "task.done")
    assert code == 0
    assert "whsec_" in out
    pk = Webhook.objects.get().pk
    assert tandem("webhooks", "test", project, pk)[0] == 0
    receiver.script = lambda handler: handler.answer(500)
    code, out, _ = tandem("webhooks", "test", project, pk)
    assert (code, "dead" in out) == (1, True)
    assert "whsec_" in tandem("webhooks", "rotate", project, pk)[1]
    assert tandem("webhooks", "end-old-secret", project, pk)[0] == 0
    assert "is off" in tandem("webhooks", "off", project, pk)[1]
    assert tandem("webhooks", "list", project)[1].startswith(f"{pk}\tFalse\t")
    assert "is on" in tandem("webhooks", "on", project, pk)[1]
    dead = tandem("webhooks", "deliveries", project, pk, "--state", "dead")[1].splitlines()
    assert len(dead) == 1
    assert tandem("webhooks", "replay", project, pk)[1] == "0 on their way again\n"  # no tests
    assert tandem("webhooks", "delete", project, pk)[0] == 0
    assert tandem("webhooks", "test", project, pk)[0] == 1


def test_signals_and_snapshots_on_the_command_line(tandem, client, project, tmp_path):
    path = tmp_path / "signals.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(3)))
    assert tandem("signals", "send", project, path)[:2] == (
        0,
        f"{path}: 3 created, 0 known, 0 bad\n",
    )
    with path.open("a") as more:
        more.write(json.dumps({"key": "x", "type": "applause", **TEXT}) + "\n")
    code, out, err = tandem("signals", "send", project, path)
    assert (code, out) == (3, f"{path}: 0 created, 3 known, 1 bad\n")
    assert "line 4, type" in err
    code, out, _ = tandem("signals", "rules", project, "--noise", "love=0.1", "--follow-up", "good")
    assert "follow-ups say good; kept for 365 days" in out
    assert "love\t0.1\t" in out
    assert tandem("signals", "rules", project, "--noise", "love=much")[0] == 2
    code, out, _ = tandem("--json", "signals", "rules", project, "--noise", "love=")
    assert {one["set"] for one in json.loads(out)["noise"]} == {None}
    assert "bot\t3\t" in tandem("signals", "summary", project)[1]
    assert len(tandem("signals", "list", project, "--type", "love")[1].splitlines()) == 1
    [line] = tandem("signals", "export", project, "--type", "love")[1].splitlines()
    assert json.loads(line)["label"] is True
    client.work.loop(project, first, most=1)
    older = client.snapshots.create(project)["id"]
    client.work.loop(project, first)
    newer = client.snapshots.create(project)["id"]
    assert "README.md\t-\ttext/markdown" in tandem("snapshots", "files", newer)[1]
    out = tandem("snapshots", "download", newer, tmp_path / "set", "--parquet")[1]
    assert "README.md" in out
    assert len(tandem("snapshots", "changes", older, newer)[1].splitlines()) == 3
    out = tandem("snapshots", "changes", older, newer, "--count")[1]
    assert out.splitlines()[0] == "same\t-\t1"
