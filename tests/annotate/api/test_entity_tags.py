"""ETag, If-None-Match and If-Match."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotate.models import Project, Team, Webhook
from training.models import Schedule

pytestmark = pytest.mark.django_db
PATHS = ["project", "team", "webhook", "schedule"]
CHANGES = {
    "project": ({"name": "Other"}, {"description": "By somebody else"}),
    "team": ({"name": "Other"}, {"name": "By somebody else"}),
    "webhook": ({"is_on": False}, {"events": ["task.done", "snapshot.finished"]}),
    "schedule": ({"every_judgements": 7}, {"enabled": False}),
}
ROWS = {"project": Project, "team": Team, "webhook": Webhook, "schedule": Schedule}


@pytest.fixture
def owner(caller):
    return caller("ada")


@pytest.fixture
def addresses(owner, make_project):
    """The path of one of each."""
    below = f"projects/{make_project(owner.user).pk}/"
    hook = {"url": "http://127.0.0.1:9/", "events": ["task.done"]}
    schedule = {"recipe": "reward_model", "every_judgements": 500}
    made = {
        "team": (f"{below}teams/", {"name": "Readers"}),
        "webhook": (f"{below}webhooks/", hook),
        "schedule": (f"{below}schedules/", schedule),
    }
    found = {"project": below}
    for name, (path, body) in made.items():
        answer = owner.post(path, body)
        assert answer.status_code == 201, answer.content
        start = "schedules/" if name == "schedule" else path
        found[name] = f"{start}{answer.json()['id']}/"
    return found


@pytest.mark.parametrize("name", PATHS)
def test_a_change_is_made_only_where_nobody_else_made_one(owner, addresses, refused, name):
    path = addresses[name]
    mine, theirs = CHANGES[name]
    read = owner.get(path)["ETag"]
    assert owner.patch(path, theirs).status_code == 200
    before = owner.get(path).json()
    refused(owner.patch(path, mine, {"If-Match": read}), 412)
    refused(owner.delete(path, {"If-Match": read}), 412)
    refused(owner.delete(path, {"If-Match": f"W/{owner.get(path)['ETag']}"}), 412)
    assert owner.get(path).json() == before
    now = owner.get(path)["ETag"]
    changed = owner.patch(path, mine, {"If-Match": f'"other", {now}'})
    assert changed.status_code == 200, changed.content
    assert changed.json() == owner.get(path).json()
    assert changed["ETag"] == owner.get(path)["ETag"] != now
    assert owner.delete(path, {"If-Match": changed["ETag"]}).status_code == 204
    assert owner.get(path).status_code == 404


@pytest.mark.parametrize("name", PATHS)
def test_the_row_is_locked_before_it_is_compared(owner, addresses, name):
    path, table = addresses[name], ROWS[name]._meta.db_table
    headers = {"If-Match": owner.get(path)["ETag"]}
    with CaptureQueriesContext(connection) as asked:
        assert owner.patch(path, CHANGES[name][0], headers).status_code == 200
    said = [one["sql"] for one in asked.captured_queries if f'FROM "{table}"' in one["sql"]]
    locks = [number for number, sql in enumerate(said) if " UPDATE" in sql]
    assert locks[0] == 1  # after it was looked up once
    assert len(said) > 2  # and read again


@pytest.mark.parametrize("name", PATHS)
def test_what_is_the_same_is_not_sent_again(owner, addresses, name):
    path = addresses[name]
    first = owner.get(path)
    for known in (first["ETag"], f'"x", W/{first["ETag"]}', "*"):
        same = owner.get(path, {"If-None-Match": known})
        assert (same.status_code, same.content) == (304, b"")
        assert same["ETag"] == first["ETag"]
    assert owner.get(path, {"If-None-Match": '"x"'}).content == first.content
    owner.patch(path, CHANGES[name][0])
    assert owner.get(path, {"If-None-Match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize("wanted", ["", "abc", '"a', '"a" "b"', "*, *"])
def test_what_is_no_etag_is_refused(owner, addresses, refused, wanted):
    path = addresses["project"]
    refused(owner.patch(path, {"name": "New"}, {"If-Match": wanted}), 400, "If-Match")
    assert owner.patch(path, {"name": "New"}, {"If-Match": "*"}).json()["name"] == "New"


def test_strangers_learn_nothing_by_a_match(owner, addresses, caller, refused):
    eve = caller("eve")
    for path in addresses.values():
        tag = owner.get(path)["ETag"]
        for wanted in (tag, '"other"', "*"):
            refused(eve.delete(path, {"If-Match": wanted}), 404)
        refused(eve.get(path, {"If-None-Match": tag}), 404)


def test_without_the_header_no_query_is_added(owner, addresses):
    path = addresses["team"]
    with CaptureQueriesContext(connection) as plain:
        owner.patch(path, {"name": "Plain"})
    with CaptureQueriesContext(connection) as matched:
        owner.patch(path, {"name": "Matched"}, {"If-Match": "*"})
    assert len(plain) < len(matched)
    assert not any("FOR " in one["sql"] for one in plain.captured_queries)
