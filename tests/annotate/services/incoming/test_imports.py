"""Imports: what comes of rows, twice the same file, bad files."""

import gzip
import json
from itertools import count

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError

from annotate.interchange.registry import UnknownFormat
from annotate.models import (
    AuditEvent,
    Judgement,
    Project,
    Prompt,
    Response,
    Seat,
    Task,
    content_hash,
)
from annotate.services.incoming import bulk, imports
from annotate.services.incoming.imports import BadFile, ImportOptions, import_stream
from tests.annotate.services.sending import PAIR, many, outcome, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project) -> Project:
    return make_project(overlap=2)


def tables():
    return [model.objects.count() for model in (Prompt, Response, Task, Seat, Judgement)]


def test_labels_become_judgements_without_seats(project):
    report = send(project, [{**PAIR, "strength": 2, "margin": 0.5, "topic": "x"}])
    assert outcome(report) == (1, 0, 0, 0)
    judgement = Judgement.objects.get()
    chosen = Response.objects.get(content__0__text="So.")
    assert judgement.value == {
        "verdict": "prefer",
        "preferred": chosen.pk,
        "strength": 2,
        "margin": 0.5,
    }
    assert (judgement.source, judgement.imported_author) == ("imported", "w1")
    assert (Task.objects.get().overlap, Seat.objects.count()) == (0, 0)
    prompt = Prompt.objects.get()
    assert (prompt.external_id, prompt.metadata) == ("1", {"topic": "x"})
    assert AuditEvent.objects.get(action="import.finished").detail["created"] == 1


def test_hashes_are_those_of_the_models(project):
    text = 'Tab\there "quoted" \\ back\nline \u2028 \U0001f600 \x7f'
    rows = [{"prompt": [{"role": "system", "content": text}, {"role": "user", "content": text}],
             "chosen": [{"role": "assistant", "content": text}],
             "rejected": [{"role": "assistant", "content": "\\N"}],
             "id": 'q"\\', "chosen_model": "m\\t", "note": text}]  # fmt: skip
    send(project, rows)
    prompt = Prompt.objects.get()
    assert (prompt.system, prompt.conversation[0]["content"]) == (text, text)
    assert (prompt.external_id, prompt.metadata) == ('q"\\', {"note": text})
    assert prompt.content_hash == content_hash(prompt.system, prompt.conversation)
    first, second = Response.objects.order_by("pk")
    assert (first.text, first.generator, second.text) == (text, "m\\t", "\\N")
    for response in (first, second):
        assert response.content_hash == content_hash(response.text)
    task = Task.objects.get()
    assert task.dedup_key == content_hash(prompt.pk, [first.pk, second.pk])


def test_tasks_with_open_seats(project):
    report = send(project, [PAIR], labels="tasks")
    assert report.counts["seats"] == 2
    responses = set(Response.objects.values_list("pk", flat=True))
    for seat in Seat.objects.all():
        assert set(seat.shown_order) == responses
        assert seat.state == Seat.State.OPEN
    assert Judgement.objects.count() == 0


def test_k_responses_become_every_pair(project):
    rows = [{"prompt": "p", "responses": ["a", "b", "c", "a"]}]
    assert outcome(send(project, rows, format="responses", overlap=1)) == (1, 0, 0, 0)
    assert tables() == [1, 3, 3, 3, 0]


def test_ranking_becomes_judgements(project):
    rows = [{"prompt": "p", "responses": ["a", "b", "c"], "ranking": [2, [0, 1]]}]
    send(project, rows, format="responses")
    verdicts = Judgement.objects.values_list("value__verdict", flat=True)
    assert sorted(verdicts) == ["prefer", "prefer", "tie"]


PLAIN = {"prompt": "p", "responses": ["a", "b"]}
SAID = {**PLAIN, "labels": [{"preferred": 0, "annotator": "w1"}]}


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([PLAIN, PLAIN], (1, 0, 1, 0)),
        ([SAID, SAID], (1, 0, 1, 0)),
        ([SAID, {**PLAIN, "labels": [{"preferred": 0, "annotator": "w2"}]}], (2, 0, 0, 0)),
        ([{**PLAIN, "id": "1"}, {**PLAIN, "id": "1", "prompt": "q"}, PLAIN], (1, 0, 1, 1)),
        ([PLAIN, {**PLAIN, "responses": ["b", "c"]}, {**PLAIN, "responses": ["c", "a"]},
          {**PLAIN, "responses": ["c", "b"]}], (3, 0, 1, 0)),
        ([SAID, PLAIN, PLAIN], (1, 1, 1, 0)),
    ],
    ids=["plain", "labelled", "another's label", "refused", "responses and pairs", "asked too"],
)  # fmt: skip
def test_a_row_that_repeats_another_of_its_batch_is_there_already(project, rows, wanted):
    assert outcome(send(project, rows, format="responses")) == wanted
    assert outcome(send(project, rows, format="responses"))[:2] == (0, 0)


@pytest.mark.parametrize("labels", ["judgements", "tasks"])
@pytest.mark.parametrize("named", [True, False])
def test_the_same_file_twice_changes_nothing(project, labels, named):
    rows = [{**PAIR, "id": str(n), "prompt": f"Q{n % 7}", "chosen": f"A{n}"} for n in range(14)]
    if not named:
        rows = [{k: v for k, v in row.items() if k not in ("id", "annotator")} for row in rows]
    else:
        rows = [{**row, "prompt": f"Q{row['id']}"} for row in rows]
    assert send(project, rows, labels=labels).created == 14
    before = tables()
    assert outcome(send(project, rows, labels=labels)) == (0, 0, 14, 0)
    assert tables() == before


def test_labels_first_and_people_later(project):
    send(project, [PAIR])
    report = send(project, [PAIR], labels="tasks")
    assert outcome(report) == (0, 1, 0, 0)
    assert Task.objects.get().overlap == 2
    assert tables() == [1, 2, 1, 2, 1]


def test_a_changed_label_supersedes(project):
    row = {"id": "1", "prompt": "p", "responses": ["a", "b"], "label": 0, "annotator": "w"}
    send(project, [row], format="responses")
    for label in (1, "tie", 0):
        assert outcome(send(project, [{**row, "label": label}], format="responses")) == (0, 1, 0, 0)
        assert outcome(send(project, [{**row, "label": label}], format="responses")) == (0, 0, 1, 0)
    assert Judgement.objects.count() == 4
    assert Judgement.objects.current().get().value["verdict"] == "prefer"


def test_several_annotators_of_one_item(project):
    rows = [{**PAIR, "annotator": f"w{n}"} for n in range(5)]
    send(project, rows)
    assert tables() == [1, 2, 1, 0, 5]


def test_changed_metadata_updates(project):
    send(project, [{**PAIR, "topic": "x"}])
    assert outcome(send(project, [{**PAIR, "topic": "y"}])) == (0, 1, 0, 0)
    assert Prompt.objects.get().metadata == {"topic": "y"}


def test_an_id_of_another_prompt_is_refused(project):
    send(project, [PAIR])
    report = send(project, [{**PAIR, "prompt": "Another?"}, {**PAIR, "id": "2", "prompt": "New"}])
    assert outcome(report) == (1, 0, 0, 1)
    assert (report.errors[0].field, report.errors[0].line) == ("id", 1)


def test_dry_run_tells_and_writes_nothing(project):
    report = send(project, [PAIR, {"prompt": 1}], dry_run=True)
    assert outcome(report) == (1, 0, 0, 1)
    assert tables() == [0] * 5
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"  \n",
        gzip.compress(json.dumps(PAIR).encode(), mtime=0)[:-6],
        b"[{}",
        b"PK\x03\x04aaaa",
    ],
)
def test_a_file_that_is_not_whole_writes_nothing(project, data):
    good = (json.dumps(PAIR) + "\n").encode()
    for content in (data, b"[" + good + b"," + good if data == b"[{}" else data):
        with pytest.raises(BadFile):
            send(project, [], data=content)
    assert tables() == [0] * 5


def test_options_and_formats_are_checked(project):
    with pytest.raises(UnknownFormat, match="trl"):
        send(project, [PAIR], format="xml")
    for bad in ({"labels": "x"}, {"overlap": 0}, {"priority": -1}):
        with pytest.raises(ValidationError):
            ImportOptions(**bad)


def test_batches_do_not_change_the_result(project, monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 3)
    rows = [{"prompt": f"Q{n % 4}", "chosen": f"A{n}", "rejected": f"B{n % 3}"} for n in range(20)]
    assert send(project, rows).created == 20
    assert tables()[0] == 4
    assert Judgement.objects.count() == 20


def test_another_writer_with_the_same_content(project, monkeypatch):
    """Somebody adds the prompt between our look and our write: the batch looks again."""
    turn = [{"role": "user", "content": PAIR["prompt"]}]
    add, calls = bulk.Copies.add, count()

    def after_another(self, model, columns, lines):
        lines = list(lines)
        if model is Prompt and next(calls) == 0:
            add(self, model, columns, lines)  # the same prompt, already there when ours arrives
        add(self, model, columns, lines)

    monkeypatch.setattr(bulk.Copies, "add", after_another)
    assert send(project, [PAIR]).created == 1
    assert Prompt.objects.get().content_hash == content_hash("", turn)


def test_priority_and_cursor(project):
    """People whose hand-out looked past the new seats look again."""
    member = project.memberships.get()
    member.queue_cursor = 2**62
    member.save()
    send(project, [PAIR], labels="tasks", priority=900)
    lowest = Seat.objects.order_by("queue_key").first().queue_key
    assert Task.objects.get().priority == 900
    assert lowest >> 52 == 100


def test_real_pairs(project, data_dir):
    with open(data_dir / "hh_rlhf" / "pairs.jsonl.gz", "rb") as stream:
        report = import_stream(
            project=project, actor=None, stream=stream, format="hh", options=ImportOptions()
        )
    assert outcome(report) == (8497, 0, 0, 55)
    assert Judgement.objects.count() == 8497
    with open(data_dir / "hh_rlhf" / "pairs.jsonl.gz", "rb") as stream:
        report = import_stream(
            project=project,
            actor=None,
            stream=stream,
            format="hh",
            options=ImportOptions(labels="tasks", overlap=1),
        )
    assert outcome(report) == (0, 8497, 0, 55)
    assert Seat.objects.filter(state="open").count() == Task.objects.count() == 8497


def test_limits_come_from_the_settings():
    limits = imports.configured_limits()
    assert limits.max_text_bytes == settings.MAX_TEXT_BYTES
    assert limits.max_line_bytes == settings.MAX_LINE_BYTES


def test_long_rows_go_in_short_batches(project, monkeypatch):
    sizes = []
    store = imports.store_batch

    def counting(*, items, **more):
        sizes.append(len(items))
        return store(items=items, **more)

    monkeypatch.setattr(imports, "store_batch", counting)
    monkeypatch.setattr(imports, "BATCH_CHARS", 10_000)
    rows = [{**row, "chosen": "x" * 6000} for row in many(7)]
    bad = {"prompt": "p", "chosen": 3, "more": "y" * 50_000}
    report = send(project, [*rows, bad, *many(16)[7:]])
    assert sizes == [2, 2, 2, 1, 9]
    assert [error.raw for error in report.errors] == [None]


def test_ids_do_not_tell_which_response_was_chosen(project):
    pairs = [{"prompt": f"Q{n}", "chosen": f"yes {n}", "rejected": f"no {n}"} for n in range(60)]
    send(project, pairs, labels="tasks")
    lower = 0
    for task in Task.objects.all():
        chosen, rejected = task.places.order_by("position").values_list("response_id", flat=True)
        lower += chosen < rejected
    assert 15 < lower < 45
