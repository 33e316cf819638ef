"""Rate limits: what is counted, by whom, what is told of it, and what it costs."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from annotate.models import RateCount
from annotate.services.people import allowances
from annotate.services.people.allowances import spend

MINUTE = {"most": 6000, "seconds": 60}


def limits(settings, **most: int) -> None:
    settings.API_LIMITS = {
        name: {"most": most.get(name, limit["most"]), "seconds": 60}
        for name, limit in settings.API_LIMITS.items()
    }


def left(answer, name: str) -> tuple[int, int]:
    """r and t of one limit."""
    found = re.search(rf'"{name}";r=(\d+);t=(\d+)', answer["RateLimit"])
    return int(found[1]), int(found[2])


@pytest.fixture
def another_process(monkeypatch):
    """What is remembered is forgotten: the database alone knows what came before."""

    def forget() -> None:
        monkeypatch.setattr(allowances, "_windows", {})

    forget()
    return forget


@pytest.mark.django_db
def test_each_answer_tells_what_is_left(caller, settings, refused):
    limits(settings, requests=3)
    ada = caller("ada")
    answers = [ada.get("projects/") for _ in range(3)]
    assert [left(answer, "requests")[0] for answer in answers] == [2, 1, 0]
    assert {answer["RateLimit-Policy"] for answer in answers} == {'"requests";q=3;w=60'}
    assert all(0 < left(answer, "requests")[1] <= 60 for answer in answers)
    over = ada.get("projects/")
    refused(over, 429, says="The limit requests of 3 requests in 60 seconds is reached")
    assert 0 < int(over["Retry-After"]) <= 60
    assert left(over, "requests") == (0, int(over["Retry-After"]))
    refused(ada.post("projects/", {"name": "New"}), 429)
    assert caller("ada").get("projects/").status_code == 200  # another token
    assert caller("ben").get("projects/").status_code == 200


@pytest.mark.django_db
def test_what_is_refused_counts(caller, settings, refused, client, another_process):
    limits(settings, requests=1, anonymous=1)
    ada = caller("ada", "annotate")
    refused(ada.get("projects/"), 403)
    refused(ada.get("projects/"), 429)
    assert [client.get("/api/v1/projects/").status_code for _ in range(2)] == [401, 429]


@pytest.mark.django_db
def test_what_is_costly_counts_twice(caller, settings, refused, make_project):
    limits(settings, requests=6000, costly=1)
    ada = caller("ada")
    path = f"projects/{make_project(ada.user).pk}/agreement/"
    first = ada.get(path)
    assert first["RateLimit-Policy"] == '"requests";q=6000;w=60, "costly";q=1;w=60'
    assert (left(first, "requests")[0], left(first, "costly")[0]) == (5999, 0)
    refused(ada.get(path), 429, says="The limit costly of 1 requests")
    assert ada.get("projects/").status_code == 200
    limits(settings, requests=0, costly=0)
    assert "RateLimit" not in ada.get(path)


@pytest.mark.django_db
def test_what_is_refused_tells_what_is_left_once_it_is_known_who_asks(settings, caller, client):
    limits(settings, requests=100, anonymous=100)
    ada, reader = caller("ada"), caller("ben", "read")
    known = [
        ada.get("projects/0/"),
        ada.get("projects/?page_size=x"),
        reader.post("projects/", {"name": "New"}),
        ada.delete("projects/"),
        client.get("/api/v1/projects/"),
    ]
    assert [one.status_code for one in known] == [404, 400, 403, 405, 401]
    assert ["RateLimit" in one for one in known] == [True] * 5
    unknown = [
        client.get("/api/v1/projects/", headers={"Authorization": "Token tandem_nonsense"}),
        ada.get("projects/", headers={"Accept": "image/png"}),
        ada.get("nothing/"),
    ]
    assert [one.status_code for one in unknown] == [401, 406, 404]
    assert ["RateLimit" in one for one in unknown] == [False] * 3


@pytest.mark.django_db
def test_wrong_tokens_count_against_their_address(client, settings, refused, another_process):
    limits(settings, anonymous=2)
    wrong = {"Authorization": "Token tandem_nonsense"}
    for _ in range(2):
        refused(client.get("/api/v1/projects/", headers=wrong), 401)
    refused(client.get("/api/v1/projects/", headers=wrong), 429, says="anonymous")
    elsewhere = client.get("/api/v1/projects/", headers=wrong, REMOTE_ADDR="10.0.0.9")
    refused(elsewhere, 401)


@pytest.mark.django_db
def test_signed_in_people_count_by_account(client, settings, caller):
    limits(settings, requests=1)
    ada = caller("ada")
    client.force_login(ada.user)
    assert client.get("/api/v1/projects/").status_code == 200
    assert client.get("/api/v1/projects/").status_code == 429
    assert client.get("/").status_code == 200  # pages have no such limit
    assert ada.get("projects/").status_code == 200


@pytest.mark.django_db
def test_processes_share_one_count(another_process):
    limit = {"most": 5, "seconds": 60}
    for number in range(5):
        assert spend("x", "ada", limit).remaining == 4 - number
        another_process()
    assert not spend("x", "ada", limit).is_granted
    with CaptureQueriesContext(connection) as asked:
        assert not spend("x", "ada", limit).is_granted
    assert not asked.captured_queries  # a refusal is remembered
    RateCount.objects.update(began_at="2020-01-01T00:00:00Z")
    another_process()
    assert spend("x", "ada", limit).remaining == 4


@pytest.mark.parametrize(("seconds", "told"), [(60.0, 60), (59.2, 60), (59.0, 59), (0.1, 1)])
def test_no_window_is_told_longer_than_it_is(another_process, monkeypatch, seconds, told):
    monkeypatch.setattr(allowances, "count_up", lambda *_, **__: (120, seconds))
    monkeypatch.setattr(allowances.time, "monotonic", lambda: 1_000_000.1)
    assert spend("x", "ada", MINUTE).reset == told


@pytest.mark.django_db
def test_most_requests_ask_the_database_nothing(another_process):
    with CaptureQueriesContext(connection) as asked:
        found = [spend("x", "ada", MINUTE) for _ in range(6001)]
    assert [one.remaining for one in found[:-1]] == list(range(5999, -1, -1))
    assert [one.is_granted for one in found] == [True] * 6000 + [False]
    assert len(asked.captured_queries) < 130
    with CaptureQueriesContext(connection) as first:
        [spend("x", "ben", MINUTE) for _ in range(120)]
    assert len(first.captured_queries) == 1


def test_an_answer_of_the_window_before_ends_no_new_one(another_process, monkeypatch):
    answers = iter([(6120, 0.01), (120, 60.0), (240, 59.0)])
    late = []

    def count_up(what: str, whose: str, *, seconds: int, times: int) -> tuple[int, float]:
        found = next(answers)
        if found[0] > 6000:  # meanwhile the window ends, and another thread asks in the next one
            late.append(spend("x", "ada", MINUTE).is_granted)
        return found

    monkeypatch.setattr(allowances, "count_up", count_up)
    assert not spend("x", "ada", MINUTE).is_granted
    assert late == [True]
    assert all(spend("x", "ada", MINUTE).is_granted for _ in range(200))


@pytest.mark.django_db(transaction=True)
def test_no_more_is_let_through_at_once(another_process):
    def ask(number: int) -> int:
        try:
            granted = [spend("x", "ada", {"most": 200, "seconds": 600}) for _ in range(40)]
            return sum(one.is_granted for one in granted)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(ask, range(8))) == 200


def test_what_is_costly_is_a_method_of_its_view():
    found = 0
    for pattern in _views(get_resolver()):
        for name in getattr(pattern, "costly", ()):
            assert hasattr(pattern, name), pattern
            found += 1
    assert found > 15


def _views(resolver):
    for one in resolver.url_patterns:
        if hasattr(one, "url_patterns"):
            yield from _views(one)
        elif hasattr(one.callback, "cls"):
            yield one.callback.cls
