"""Input that is well formed in parts: it must be refused by name, or taken as it is."""

import base64
import json

import pytest
from django.test import Client

from annotate.models import Judgement, Seat
from annotate.seat_numbers import id_of

pytestmark = pytest.mark.django_db

TIE = {"verdict": "tie"}
SHOWN = {"prompt": "Why?", "completion": "Because.", "generator": "bot"}


@pytest.fixture
def owner(caller):
    return caller("owner")


@pytest.fixture
def project(owner, make_project, make_pair_tasks):
    project = make_project(owner.user)
    make_pair_tasks(project, 1)
    return project


@pytest.fixture
def seat(owner, project) -> int:
    return owner.get(f"projects/{project.pk}/next/").json()["seat"]


def test_text_about_the_nul_character_is_text(owner, seat):
    said = 'It writes "\\u0000" and \\ud800 where \\\\u0000 is meant.'
    assert owner.put(f"seats/{seat}/draft/", {"value": {"rationale": said}}).status_code == 204
    made = owner.post(f"seats/{seat}/judgement/", {"value": TIE, "rationale": said})
    assert made.status_code == 201
    assert Judgement.objects.get().rationale == said


@pytest.mark.parametrize("text", ["\0", "a\\\0", "\ud800", "x\udfff"])
def test_a_real_nul_or_half_a_pair_is_refused(owner, seat, refused, text):
    named = text.replace("\0", "\\u0000").encode("utf-8", "replace").decode()
    for body, field in (
        ({"value": {"a": [1, text]}}, "value.a.1"),
        ({"value": {text: 1}}, f"value.{named}"),
        ([{"value": text}], "0.value"),
        (text, "body"),
    ):
        refused(owner.put(f"seats/{seat}/draft/", body), 400, field)


@pytest.mark.parametrize("depth", [70, 700, 900, 930, 940, 950, 960, 5000])
def test_deep_nesting_is_refused_wherever_it_stands(owner, project, seat, refused, depth):
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        deep = opening * depth + "1" + closing * depth
        refused(owner.put(f"seats/{seat}/draft/", f'{{"value": {deep}}}'.encode()), 400)
    snapshot = f'{{"query": {{"source": {"[" * depth + "]" * depth}}}}}'.encode()
    refused(owner.post(f"projects/{project.pk}/snapshots/", snapshot), 400)
    refused(owner.post(f"projects/{project.pk}/routing/policies/", snapshot), 400)


def test_rules_of_the_wrong_type_are_named(owner, project, refused):
    for field in ("tie_rule", "aggregation"):
        for wrong in ([], {}, 5, None, ["drop"]):
            answer = owner.post(f"projects/{project.pk}/snapshots/", {field: wrong})
            refused(answer, 400, field)


@pytest.mark.parametrize("beside", ["0" * 5000, "0" * 20 + "9" * 20])
def test_a_long_number_is_no_row(owner, project, refused, beside):
    refused(owner.get(f"projects/{project.pk}/next/?beside={beside}"), 400, "beside")


@pytest.mark.parametrize(
    "started",
    [
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        "1999-12-31T00:00:00Z",
        "2999-01-01T00:00:00Z",
    ],
)
def test_a_start_that_cannot_be_is_refused(owner, project, seat, refused, started):
    body = {"value": TIE, "started_at": started}
    refused(owner.post(f"seats/{seat}/judgement/", body), 400, "started_at")
    assert Seat.objects.get(pk=id_of(seat)).state == "leased"
    assert owner.get(f"projects/{project.pk}/judgements/").status_code == 200


@pytest.mark.parametrize("position", ["abc", "%20", "9" * 40, "\0", "1.5", "-1"])
@pytest.mark.parametrize("path", ["judgements/", "tasks/", "routing/decisions/", "training/runs/"])
def test_a_made_up_cursor_is_refused(owner, project, refused, path, position):
    cursor = base64.b64encode(f"p={position}".encode()).decode()
    answer = owner.get(f"projects/{project.pk}/{path}?cursor={cursor}")
    refused(answer, 400, "cursor")


@pytest.mark.parametrize(
    "query", ["filename=a%00b", "mapping=prompt:%00", "label_value=%00:a", "labels=%00"]
)
@pytest.mark.parametrize("background", ["0", "1"])
def test_nul_in_a_parameter_is_refused(owner, project, refused, query, background):
    answer = owner.send(
        "POST",
        f"projects/{project.pk}/import/?format=trl&background={background}&{query}",
        b'{"prompt": "p", "chosen": "c", "rejected": "r"}\n',
    )
    refused(answer, 400, query.partition("=")[0])


def test_a_level_is_a_whole_number(owner, project, refused):
    answer = owner.patch(f"projects/{project.pk}/", {"kind_settings": {"strength_levels": 3.0}})
    refused(answer, 400, "kind_settings.strength_levels")


def test_every_body_is_bounded(owner, project, refused, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body = json.dumps({"threshold": 0.9, "x": "y" * 2000}).encode()
    refused(owner.post(f"projects/{project.pk}/routing/policies/", body), 413)


@pytest.mark.parametrize("path", ["", "nope/", "projects/x/", "nope"])
def test_addresses_that_are_none_answer_a_problem(owner, path):
    for client in (owner.client, Client()):
        answer = client.get(f"/api/v1/{path}")
        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/problem+json"
        body = answer.json()
        assert set(body) == {"type", "title", "status", "detail"}
        assert body["status"] == 404
    assert Client().post(f"/api/v1/{path}", {}).json()["status"] == 404
    assert Client().get("/nope/")["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("value", ["tie", 5, [TIE], True, ""])
@pytest.mark.parametrize("kind", ["pairwise", "ranking", "form"])
def test_a_value_of_another_type_is_called_so(owner, make_project, make_pair_tasks, kind, value):
    asked = {"questions": [{"name": "overall", "kind": "pairwise", "settings": {}}]}
    project = make_project(owner.user, kind=kind, kind_settings=asked if kind == "form" else {})
    make_pair_tasks(project, 1)
    seat = owner.get(f"projects/{project.pk}/next/").json()["seat"]
    answer = owner.post(f"seats/{seat}/judgement/", {"value": value})
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error == {"field": "value", "message": "must be an object of fields and values"}
    for empty in (None, {}):
        answer = owner.post(f"seats/{seat}/judgement/", {"value": empty})
        assert answer.json()["errors"][0]["message"].startswith("is empty")


def test_times_of_any_zone_are_taken_as_utc(owner, project, seat):
    """PostgreSQL refuses offsets of sixteen hours and more, which are well formed."""
    far = "2999-01-31T12:00:00-21:42"
    made = owner.post("me/tokens/", {"name": "x", "scopes": ["read"], "expires_at": far})
    assert (made.status_code, made.json()["expires_at"]) == (201, "2999-02-01T09:42:00Z")
    base = f"projects/{project.pk}"
    assert owner.get(f"{base}/judgements/?arrived_after={far}").json()["results"] == []
    old = "2020-01-31T12:00:00+21:42"
    body = {"value": TIE, "started_at": old}
    assert owner.post(f"seats/{seat}/judgement/", body).status_code == 201
    assert Judgement.objects.get().started_at.isoformat() == "2020-01-30T14:18:00+00:00"
    signal = {"key": "1", "type": "copy", **SHOWN, "happened_at": old}
    taken = owner.post(f"{base}/signals/", {"signals": [signal]})
    assert (taken.status_code, taken.json()["errors"]) == (200, [])


def test_times_that_utc_has_not_are_its_first_and_last(owner):
    for time, status in (("0001-01-01T00:00:00+23:00", 400), ("9999-12-31T23:59:59-23:00", 201)):
        made = owner.post("me/tokens/", {"name": "x", "scopes": ["read"], "expires_at": time})
        assert made.status_code == status, made.content
    assert made.json()["expires_at"] == "9999-12-31T23:59:59.999999Z"
