"""Raw rows out of one project and into another: what was told of each judgement is told again."""

import io
import json
from datetime import UTC, datetime

import pytest

from annotate.models import Installation, Judge, Judgement
from annotate.services.incoming.imports import ImportOptions, import_stream
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.export_options import ExportOptions
from annotate.services.outgoing.exports import stream_export
from tests.annotate.kinds_at_work import CASES, judge

pytestmark = pytest.mark.django_db
CRITERIA = {"criteria": [{"name": "helpful", "title": "Helpful"}], "confidence": True}
NUL = json.dumps({"conversation": [{"role": "user", "content": "a\0b"}]})  # as Parquet has it
TIME = datetime(2026, 1, 31, 12, tzinfo=UTC)
OTHER, THIRD = (f"{digit * 8}-0000-4000-8000-{digit * 12}" for digit in "12")
LONG_AGO = "2020-01-31T12:00:00+00:00"
ANOTHER_TIME = {"submitted_at": LONG_AGO}


def raw(project, file_type="jsonl", **filters) -> bytes:
    options = ExportOptions(file_type=file_type)
    chosen = ExportFilters(**filters)
    return b"".join(stream_export(project=project, format="raw", filters=chosen, options=options))


def own() -> str:
    return str(Installation.this().uid)


def rows_of(project, **filters) -> list[dict]:
    return [json.loads(line) for line in raw(project, **filters).splitlines()]


def bring(project, data: bytes, **options):
    report = import_stream(
        project=project,
        actor=None,
        stream=io.BytesIO(data),
        format="raw",
        options=ImportOptions(**options),
    )
    assert report.errors == []
    return report


def placed(value, places: dict[int, int]):
    """With places in place of ids, also where they are keys or parts of one."""
    if isinstance(value, dict):
        names = {str(pk): f"response {place}" for pk, place in places.items()}
        return {names.get(key, key): placed(said, places) for key, said in value.items()}
    if isinstance(value, list):
        return [placed(said, places) for said in value]
    return f"response {places[value]}" if type(value) is int and value in places else value


def told(row: dict) -> dict:
    """What a row says, with positions in place of ids, and without what is this installation's."""
    places = {response["id"]: place for place, response in enumerate(row["responses"])}
    kept = ("kind", "schema_version", "rationale", "flag", "late", "simulated", "context")
    times = ("seconds_active", "started_at", "submitted_at")
    prompt = {name: said for name, said in row["prompt"].items() if name not in ("id", "split")}
    return {
        **{name: row[name] for name in (*kept, *times)},
        "value": placed(row["value"], places),
        "prompt": prompt,
        "shown_order": [places[pk] for pk in row["shown_order"]],
        "responses": [{**said, "id": None} for said in row["responses"]],
    }


def change(judgement: Judgement, **fields) -> Judgement:
    """A later answer of the same author in its place."""
    for name, value in {"pk": None, "supersedes_id": judgement.pk, **fields}.items():
        setattr(judgement, name, value)
    judgement._state.adding = True
    judgement.save()
    return judgement


@pytest.fixture
def people(make_user):
    return [make_user("ada"), make_user("bob")]


@pytest.mark.parametrize("kind", CASES)
def test_every_kind_comes_back_as_it_was(make_project, make_pair_tasks, people, kind):
    case = CASES[kind]
    old, new = (make_project(kind=kind, kind_settings=case.settings) for _ in range(2))
    for task in make_pair_tasks(old, 2):
        judge(old, task, people, case)
    before = rows_of(old)
    assert len(before) == 4
    bring(new, raw(old))
    after = rows_of(new)
    assert [told(row) for row in after] == [told(row) for row in before]
    assert {row["source"] for row in after} == {"imported"}
    for row, was in zip(after, before, strict=True):
        first = {name: was[name] for name in ("installation", "id", "source", "annotator")}
        assert row["origin"] == first
        assert row["annotator"].startswith("i-")
    assert bring(new, raw(old)).skipped == 4
    assert len(rows_of(new, superseded=True)) == 4


def test_what_stands_beside_an_answer_is_kept(make_project, make_pair_tasks, people):
    old, new, third = (make_project(kind_settings=CRITERIA) for _ in range(3))
    [task] = make_pair_tasks(old, 1)
    first, second = task.places.order_by("position").values_list("response_id", flat=True)
    by = {"verdict": "prefer", "preferred": second, "strength": 1, "confidence": "not"}
    value = {
        **{"verdict": "prefer", "preferred": first, "strength": 3, "confidence": "fairly"},
        "criteria": {"helpful": {**by, "own_reason": "Tab\there, \\ and “é”\n"}},
    }
    common = {"project": old, "task": task, "kind": "pairwise", "shown_order": [second, first]}
    given = Judgement.objects.create(
        **common,
        **{"value": value, "source": "person", "annotator": people[0], "seconds_active": 12.5},
        **{"rationale": "Because\tof\n\\this", "flag": "Odd", "late": True, "started_at": TIME},
    )
    change(given, value={"verdict": "both_bad", "confidence": "absolutely"}, rationale="Again")
    ai = Judge.objects.create(project=old, name="Sage", version=3, kind="x")
    Judgement.objects.create(
        **common,
        **{"value": {"verdict": "tie"}, "source": "judge", "judge": ai, "rationale": "Even."},
    )
    before = rows_of(old, superseded=True)
    bring(new, raw(old, superseded=True))
    after = rows_of(new, superseded=True)
    assert [told(row) for row in after] == [told(row) for row in before]
    assert [row["supersedes"] for row in after] == [None, after[0]["id"], None]
    assert [row["rationale"] for row in rows_of(new)] == ["Again", "Even."]
    by_judge = {"id": before[2]["id"], "source": "judge", "judge": "Sage v3"}
    assert after[2]["origin"] == {"installation": own(), **by_judge}
    assert after[1]["origin"]["supersedes"] == before[0]["id"]
    # Out again as Parquet, into a third: the first origin stays.
    bring(third, raw(new, file_type="parquet", superseded=True))
    last = rows_of(third, superseded=True)
    assert [told(row) for row in last] == [told(row) for row in before]
    assert [row["origin"] for row in last] == [row["origin"] for row in after]


def test_what_was_replaced_or_amended_is_not_replaced_again(make_project, make_pair_tasks, people):
    old, new = make_project(), make_project()
    judge(old, *make_pair_tasks(old, 1), people, CASES["pairwise"])
    row, _ = rows_of(old)

    def come(**changes) -> list[tuple[int, int | None]]:
        bring(new, json.dumps({**row, **changes}).encode())
        found = Judgement.objects.filter(project=new).order_by("pk")
        places = {one.pk: place for place, one in enumerate(found, start=1)}
        return [(one.origin["id"], places.get(one.supersedes_id)) for one in found]

    changed = {"value": {"verdict": "tie"}}
    come(id=1)
    come(id=2, supersedes=1)
    # No installation tells this; the last one then is what counts.
    assert come(id=3, supersedes=1) == [(1, None), (2, 1), (3, 2)]
    assert come(id=1, **changed) == come(id=2, **changed) == [(1, None), (2, 1), (3, 2)]
    assert come(id=3, **changed)[3:] == [(3, 3)]
    last = Judgement.objects.filter(project=new).latest("pk")
    of_person = {"source": "person", "annotator": people[1], "imported_author": "", "origin": {}}
    change(last, **of_person, idempotency_key="")
    kept = [one.pk for one in Judgement.objects.filter(project=new)]
    for again in ({"id": 4, "supersedes": 1}, {"id": 3, "value": {"verdict": "both_bad"}}):
        bring(new, json.dumps({**row, **again}).encode())
    assert [one.pk for one in Judgement.objects.filter(project=new)] == kept


def test_no_name_gets_into_an_origin(make_project, make_pair_tasks, people):
    old, new = make_project(), make_project()
    judge(old, *make_pair_tasks(old, 1), people, CASES["pairwise"])
    rows = [{**row, "annotator": "ann@example.org"} for row in rows_of(old)]
    bring(new, "\n".join(map(json.dumps, rows)).encode())
    assert b"ann@" not in raw(new)
    assert Judgement.objects.filter(project=new, imported_author="ann@example.org").count() == 2


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"value": {"verdict": "prefer", "preferred": 0, "strength": 1}}, "value", "not have"),
        ({"value": {"verdict": "tie", "criteria": {"short": {}}}}, "value.criteria", "short"),
        ({"submitted_at": "2026-01-31T12:00"}, "submitted_at", "with its zone"),
        ({"seconds_active": -1}, "seconds_active", "from 0 to 86400"),
        ({"shown_order": [1]}, "shown_order", "each once"),
        ({"source": "gossip"}, "source", "person, judge, imported"),
        ({"kind": "sonnet"}, "kind", "pairwise"),
        ({"late": 1}, "late", "true or false"),
        ({"submitted_at": "9999-12-31T23:59:59-12:00"}, "submitted_at", "has come already"),
        ({"started_at": "0001-01-01T00:00:00+12:00"}, "started_at", "after 1970"),
        ({"value": {"verdict": "tie", "margin": "wide"}}, "value.margin", "number from"),
        ({"value": '{"verdict": "tie", "margin": NaN}'}, "value", "NaN is not JSON"),
        ({"prompt": NUL}, "prompt.conversation[0].content", "NUL"),
    ],
)
def test_a_bad_row_is_told(make_project, make_pair_tasks, people, change, field, said):
    old, new = make_project(), make_project()
    judge(old, *make_pair_tasks(old, 1), people, CASES["pairwise"])
    good, bad = rows_of(old)
    data = "\n".join(map(json.dumps, [good, {**bad, **change}])).encode()
    report = import_stream(
        project=new, actor=None, stream=io.BytesIO(data), format="raw", options=ImportOptions()
    )
    [error] = report.errors
    assert (error.line, error.field) == (2, field)
    assert said in error.message
    assert report.created == 1


def test_answers_of_another_kind_are_kept_aside(make_project, make_pair_tasks, people):
    old, new = make_project(), make_project(kind="rating")
    judge(old, *make_pair_tasks(old, 1), people, CASES["pairwise"])
    assert bring(new, raw(old)).counts["kept_aside"] == 2
    assert not Judgement.objects.filter(project=new).exists()


def test_people_may_be_asked_anew(make_project, make_pair_tasks, people):
    old, new = make_project(), make_project()
    judge(old, *make_pair_tasks(old, 1), people, CASES["pairwise"])
    assert bring(new, raw(old), labels="tasks").counts["tasks_for_people"] == 1
    assert not Judgement.objects.filter(project=new).exists()


def elsewhere(rows: list[dict], installation: str | None, **changes) -> bytes:
    """As another installation would have written the rows; None: one from before they told it."""
    told = [{**row, **changes, "installation": installation} for row in rows]
    if installation is None:
        for row in told:
            del row["installation"]
    return "\n".join(map(json.dumps, told)).encode()


def test_equal_ids_of_two_installations_are_two_judgements(make_project, make_pair_tasks, people):
    old, new = make_project(), make_project()
    judge(old, *make_pair_tasks(old, 1), people, CASES["pairwise"])
    [row, _] = rows_of(old)
    row["annotator"] = None  # nothing but the ids and where they are from tells the rows apart
    here = Judgement.objects.filter(project=new).order_by("pk")
    bring(new, elsewhere([row], OTHER))
    bring(new, elsewhere([row], THIRD))
    # Another's answer in place of a row with the same id, but of THIRD alone.
    bring(new, elsewhere([row], THIRD, id=row["id"] + 1, supersedes=row["id"]))
    first, second, later = here
    assert [first.origin["installation"], second.origin["installation"]] == [OTHER, THIRD]
    assert later.supersedes_id == second.pk
    assert bring(new, elsewhere([row], OTHER)).skipped == 1
    # Old files: among themselves by id, as they always were, and not with those that tell it.
    bring(new, elsewhere([row], None, value={"verdict": "both_bad"}, submitted_at=LONG_AGO))
    assert [one.supersedes_id for one in here.all()] == [None, None, second.pk, None]


def test_rows_that_came_before_they_told_it_are_known_again(make_project, make_pair_tasks, people):
    old, new = make_project(), make_project()
    judge(old, *make_pair_tasks(old, 1), people, CASES["pairwise"])
    rows = rows_of(old)
    bring(new, elsewhere(rows, None))
    assert bring(new, elsewhere(rows, OTHER)).skipped == 2
    bring(new, elsewhere(rows[:1], OTHER, value={"verdict": "both_bad"}))
    bring(new, elsewhere(rows[:1], OTHER, id=rows[0]["id"] + 9, submitted_at=LONG_AGO))
    found = list(Judgement.objects.filter(project=new).order_by("pk"))
    assert [one.supersedes_id for one in found] == [None, None, found[0].pk, None]
    bring(new, elsewhere(rows[:1], OTHER, value={"verdict": "tie"}))  # and changed once more
    assert Judgement.objects.latest("pk").supersedes_id == found[2].pk


def test_what_comes_back_to_where_it_was_given_adds_nothing(make_project, make_pair_tasks, people):
    old, new = make_project(), make_project()
    judge(old, *make_pair_tasks(old, 1), people, CASES["pairwise"])
    before = raw(old)
    assert bring(old, before).skipped == 2
    bring(new, before)
    back = rows_of(new)  # under other ids, with the first in their origin
    assert bring(old, raw(new)).skipped == bring(new, raw(new)).skipped == 2
    assert bring(old, elsewhere(back, OTHER)).skipped == 2
    assert raw(old) == before
    # A copy of the database goes on with the same ids: another time, another judgement.
    bring(old, elsewhere(json.loads(f"[{before.splitlines()[0].decode()}]"), own(), **ANOTHER_TIME))
    assert Judgement.objects.filter(project=old, source="imported").count() == 1


def test_an_installation_that_is_no_uuid_is_told(make_project, make_pair_tasks, people):
    old, new = make_project(), make_project()
    judge(old, *make_pair_tasks(old, 1), people, CASES["pairwise"])
    for change, field in (
        ({"installation": "lab 3"}, "installation"),
        ({"origin": {"id": 1, "installation": 7}}, "origin.installation"),
    ):
        data = json.dumps({**rows_of(old)[0], **change}).encode()
        report = import_stream(
            project=new, actor=None, stream=io.BytesIO(data), format="raw", options=ImportOptions()
        )
        [error] = report.errors
        assert (error.field, "UUID" in error.message) == (field, True)
