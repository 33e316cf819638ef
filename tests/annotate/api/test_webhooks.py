"""Webhooks over REST."""

import pytest

from annotate.models import Delivery
from annotate.services.webhooks.events import announce

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project):
    return make_project()


@pytest.fixture
def owner(project, caller):
    return caller(project.created_by.username)


@pytest.fixture
def address(project, owner, receiver):
    """The path of a webhook at the receiver."""
    path = f"projects/{project.pk}/webhooks/"
    made = owner.post(path, {"url": receiver.url, "events": ["snapshot.finished"]})
    assert made.status_code == 201, made.content
    assert made.json()["secret"].startswith("whsec_")
    return f"{path}{made.json()['id']}/"


def test_its_secret_is_in_no_other_answer(project, owner, address):
    one = owner.get(address).json()
    [listed] = owner.get(f"projects/{project.pk}/webhooks/").json()["results"]
    assert one == listed
    assert "secret" not in one
    rotated = owner.post(f"{address}secret/").json()
    assert rotated["secret"].startswith("whsec_")
    assert rotated["old_secret_until"]
    assert owner.delete(f"{address}old-secret/").status_code == 204
    assert owner.get(address).json()["old_secret_until"] is None


def test_changed_switched_off_and_deleted(project, owner, address, refused):
    changed = owner.patch(address, {"is_on": False, "events": ["task.done"]}).json()
    assert (changed["is_on"], changed["events"]) == (False, ["task.done"])
    refused(owner.patch(address, {"events": []}), 400, "events")
    refused(owner.patch(address, {"url": "http://example.com"}), 400, "url")
    refused(owner.patch(address, {"is_on": "yes"}), 400, "is_on")
    refused(owner.patch(address, {"secret": "mine"}), 400, "secret")
    assert owner.delete(address).status_code == 204
    assert owner.get(address).status_code == 404


def test_a_test_deliveries_and_replaying(project, owner, address, receiver, refused):
    receiver.script = lambda handler: handler.answer(500, b"oh")
    tested = owner.post(f"{address}test/").json()
    assert (tested["type"], tested["state"], tested["status"]) == ("webhook.test", "dead", 500)
    assert (tested["excerpt"], tested["failure"]) == ("oh", "it answers 500")
    announce(project_id=project.pk, type="snapshot.finished", key=1, data={})
    Delivery.objects.filter(event__type="snapshot.finished").update(state="dead")
    rows = owner.get(f"{address}deliveries/?state=dead").json()["results"]
    assert [row["type"] for row in rows] == ["webhook.test", "snapshot.finished"]
    assert owner.get(f"{address}deliveries/?state=taken").json()["results"] == []
    refused(owner.get(f"{address}deliveries/?state=lost"), 400, "state")
    refused(owner.post(f"{address}replay/", {"delivery": 10**9}), 400, "delivery")
    refused(owner.post(f"{address}replay/", {"delivery": "1"}), 400, "delivery")
    assert owner.post(f"{address}replay/", {"delivery": rows[1]["id"]}).json() == {"replayed": 1}
    assert owner.post(f"{address}replay/", {}).json() == {"replayed": 0}


def test_tests_are_limited_for_all_webhooks_of_a_project(project, owner, address, receiver):
    path = f"projects/{project.pk}/webhooks/"
    made = owner.post(path, {"url": receiver.url, "events": ["task.done"]}).json()
    for one in [address, f"{path}{made['id']}/"] * 5:
        assert owner.post(f"{one}test/").status_code == 200
    answer = owner.post(f"{address}test/")
    assert answer.status_code == 429
    assert "this was tried too often" in answer.json()["detail"]
    assert 1 <= int(answer["Retry-After"]) <= 61  # the test's transaction stops the clock
    assert len(receiver.messages) == 10


def test_only_managers_see_them(project, owner, address, caller, add_member, refused):
    ann = caller("ann")
    refused(ann.get(address), 404)
    add_member(project, ann.user, "reviewer")
    for path in ("", "deliveries/"):
        refused(ann.get(address + path), 403)
    for path in ("secret/", "test/", "replay/"):
        refused(ann.post(address + path, {}), 403)
    refused(ann.delete(address), 403)
    refused(caller(owner.user.username, "read").post(f"{address}test/"), 403)
