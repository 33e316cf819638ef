"""ETag and If-Match of what has figures that the server counts up, or what another row locks."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotate.models import Judge, Membership, User
from annotate.services.people.tokens import issue_token
from routing.models import JudgeAccount, JudgeCall, RoutingPolicy
from routing.services.ledger import account_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(make_user, make_project, make_pair_tasks, add_member):
    user = make_user("olga")
    _, secret = issue_token(user=user, scopes=["read", "manage"])
    client = Client(headers={"Authorization": f"Token {secret}"})
    client.project = make_project(user)
    client.user = user
    [client.task] = make_pair_tasks(client.project, 1)
    client.member = add_member(client.project, make_user("ada"))
    return client


def send(client, method: str, path: str, body: object = None, tag: str | None = None):
    headers = {} if tag is None else {"If-Match": tag}
    data = b"" if body is None else json.dumps(body)
    return client.generic(method, f"/api/v1/{path}", data, "application/json", headers=headers)


def test_a_member_is_changed_only_where_nobody_else_did(owner):
    [member] = Membership.objects.filter(project=owner.project, user__username="ada")
    path = f"projects/{owner.project.pk}/members/{member.pk}/"
    read = send(owner, "GET", path)["ETag"]
    Membership.objects.filter(pk=member.pk).update(done_count=7)
    assert send(owner, "GET", path).json()["done"] == 7
    with CaptureQueriesContext(connection) as asked:
        changed = send(owner, "PATCH", path, {"tier": "expert"}, read)  # work is no change
    assert changed.status_code == 200, changed.content
    locks = [one["sql"] for one in asked.captured_queries if " FOR " in one["sql"]]
    assert 'FROM "annotate_project"' in locks[0]  # as without the header: no two wait in a circle
    assert changed["ETag"] == send(owner, "GET", path)["ETag"] != read
    for method, body in (("PATCH", {"role": "manager"}), ("DELETE", None)):
        assert send(owner, method, path, body, read).status_code == 412
    known = {"If-None-Match": changed["ETag"]}
    assert owner.get(f"/api/v1/{path}", headers=known).status_code == 200  # `done` may be new
    assert send(owner, "DELETE", path, None, changed["ETag"]).status_code == 204


def test_members_see_themselves_alone(owner, make_user, add_member):
    ada, ben = User.objects.get(username="ada"), make_user("ben")
    add_member(owner.project, ben)
    rows = {row.user_id: row.pk for row in owner.project.memberships.all()}
    _, secret = issue_token(user=ada, scopes=["read"])
    client = Client(headers={"Authorization": f"Token {secret}"})
    base = f"projects/{owner.project.pk}/members/"
    assert send(client, "GET", f"{base}{rows[ada.pk]}/").json()["user"] == "ada"
    assert send(client, "GET", f"{base}{rows[ben.pk]}/").status_code == 403
    assert send(owner, "GET", f"{base}{rows[ben.pk]}/").json()["user"] == "ben"


def test_limits_of_a_judge_mind_neither_calls_nor_spending(owner):
    base = f"projects/{owner.project.pk}/judges/"
    made = {"name": "n", "kind": "simulated", "config": {"noise": 1.0}}
    judge = send(owner, "POST", base, made).json()
    one = f"{base}{judge['id']}/"
    assert send(owner, "GET", one).json() == judge
    read = send(owner, "GET", one)["ETag"]
    account = account_of(Judge.objects.get())
    JudgeAccount.objects.filter(pk=account.pk).update(spent=3)
    JudgeCall.objects.create(
        **{"judge_id": judge["id"], "task": owner.task, "shown_order": [1, 2], "raw": {}},
        **{"p_first": 0.5, "state": JudgeCall.State.ANSWERED, "seconds": 2.5},
    )
    [told] = send(owner, "GET", f"{base}?fields=seconds_per_call").json()
    assert told == {"seconds_per_call": 2.5}
    first = send(owner, "PATCH", f"{one}limits/", {"concurrency": 3}, read)
    assert first.status_code == 200, first.content
    assert first.json()["limits"]["concurrency"] == 3
    assert send(owner, "PATCH", f"{one}limits/", {"concurrency": 4}, read).status_code == 412
    assert send(owner, "PATCH", f"{one}limits/", {"concurrency": 4}, first["ETag"]).json()["calls"]


def test_a_policy_is_put_in_force_only_as_it_was_read(owner):
    base = f"projects/{owner.project.pk}/judges/"
    made = {"name": "n", "kind": "simulated", "config": {"noise": 1.0}}
    judge = send(owner, "POST", base, made).json()
    policy = RoutingPolicy.objects.create(
        project=owner.project, version=1, judge_id=judge["id"], threshold=0.9
    )
    path = f"routing/policies/{policy.pk}/"
    read = send(owner, "GET", path)["ETag"]
    RoutingPolicy.objects.filter(pk=policy.pk).update(state="retired")
    for action, body in (("shadow", None), ("promote", {"reason": "better"})):
        assert send(owner, "POST", f"{path}{action}/", body, read).status_code == 412
        now = send(owner, "GET", path)["ETag"]
        assert send(owner, "POST", f"{path}{action}/", body, now).status_code != 412
    assert send(owner, "POST", f"{path}promote/", None, "no tag").status_code == 400


def test_rules_and_training_limits(owner):
    base = f"projects/{owner.project.pk}/"
    for path, one, other in (
        ("rules/", {"cap_hour": 5}, {"cap_hour": 6}),
        ("training/limits/", {"device_hours": 4}, {"device_hours": 5}),
    ):
        read = send(owner, "GET", base + path)
        changed = send(owner, "PATCH", base + path, one, read["ETag"])
        assert changed.status_code == 200, changed.content
        assert changed["ETag"] == send(owner, "GET", base + path)["ETag"]
        assert send(owner, "PATCH", base + path, other, read["ETag"]).status_code == 412
