"""Many at once: all of them, or none; what is wrong is named by its place."""

import pytest

from annotate.models import AuditEvent, GoldItem, Membership, Seat, Task
from annotate.seat_numbers import id_of, number_of

pytestmark = pytest.mark.django_db
KNOWN = {"verdict": "tie"}


@pytest.fixture
def owner(caller, make_project, make_pair_tasks, add_member, make_user):
    owner = caller("olga")
    owner.project = make_project(owner.user)
    owner.base = f"projects/{owner.project.pk}/"
    owner.tasks = make_pair_tasks(owner.project, 3)
    owner.members = [add_member(owner.project, make_user(name)) for name in ("ada", "ben")]
    owner.rows = list(owner.project.memberships.exclude(user=owner.user).order_by("pk"))
    return owner


def test_all_are_changed_and_told_in_their_order(owner):
    first, second = owner.rows
    items = [
        {"id": second.pk, "role": "reviewer", "tier": "expert"},
        {"id": first.pk, "languages": ["de"]},
    ]
    answer = owner.patch(f"{owner.base}members/", {"items": items})
    assert answer.status_code == 200, answer.content
    told = answer.json()["results"]
    assert [one["id"] for one in told] == [second.pk, first.pk]
    assert (told[0]["role"], told[0]["tier"], told[1]["languages"]) == (
        "reviewer",
        "expert",
        ["de"],
    )
    second.refresh_from_db()
    assert second.role == "reviewer"
    skills = [{"id": task.pk, "skills": ["law"]} for task in reversed(owner.tasks)]
    answer = owner.patch(f"{owner.base}tasks/", {"items": skills})
    assert [one["id"] for one in answer.json()["results"]] == [one["id"] for one in skills]
    assert [task.skills for task in Task.objects.all()] == [["law"]] * 3
    assert AuditEvent.objects.filter(action="task.skills_set").count() == 3
    gold = [{"task": task.pk, "value": KNOWN, "use": "training"} for task in owner.tasks[:2]]
    answer = owner.put(f"{owner.base}gold/", {"items": gold})
    assert answer.status_code == 200, answer.content
    assert [one["task"] for one in answer.json()["results"]] == [one["task"] for one in gold]
    assert GoldItem.objects.filter(use="training").count() == 2
    again = owner.put(f"{owner.base}gold/", {"items": gold})
    assert again.json()["results"] == answer.json()["results"]


def test_nothing_is_changed_where_one_is_wrong(owner, refused):
    first, second = owner.rows
    items = [{"id": first.pk, "role": "manager"}, {"id": second.pk, "tier": "king"}]
    answer = owner.patch(f"{owner.base}members/", {"items": [*items, {"id": 7, "tier": "expert"}]})
    refused(answer, 400, "items.1.tier")
    refused(answer, 400, "items.2.id", "of nothing in this project")
    assert set(Membership.objects.values_list("role", flat=True)) == {"owner", "annotator"}
    skills = [{"id": owner.tasks[0].pk, "skills": ["law"]}, {"id": owner.tasks[1].pk, "skills": 3}]
    refused(owner.patch(f"{owner.base}tasks/", {"items": skills}), 400, "items.1.skills")
    assert not Task.objects.exclude(skills=[]).exists()
    gold = [{"task": task.pk, "value": KNOWN} for task in owner.tasks]
    gold[2]["value"] = {"verdict": "perhaps"}
    answer = owner.put(f"{owner.base}gold/", {"items": gold})
    assert answer.status_code == 400
    assert all(one["field"].startswith("items.2.") for one in answer.json()["errors"])
    assert not GoldItem.objects.exists()
    assert not Task.objects.filter(overlap=0).exists()


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([], "items"),
        ("all", "items"),
        ([{"id": 1, "skills": []}] * 501, "items"),
        (["7"], "items.0"),
        ([{"skills": []}], "items.0.id"),
        ([{"id": "7", "skills": []}], "items.0.id"),
        ([{"id": True, "skills": []}], "items.0.id"),
        ([{"id": 2**70, "skills": []}], "items.0.id"),
        ([{"id": 7}], "items.0.skills"),
        ([{"id": 7, "skills": [], "prompt": 3}], "items.0.prompt"),
        ([{"id": 7, "skills": []}, {"id": 7, "skills": []}], "items.1.id"),
    ],
)
def test_what_is_no_list_of_changes_is_refused(owner, refused, items, field):
    refused(owner.patch(f"{owner.base}tasks/", {"items": items}), 400, field)


def test_another_project_s_rows_and_lesser_roles(owner, caller, refused, make_project):
    eve = caller("eve")
    other = make_project(eve.user)
    item = {"id": owner.tasks[0].pk, "skills": ["law"]}
    path = f"projects/{other.pk}/tasks/"
    refused(eve.patch(path, {"items": [item]}), 400, "items.0.id")
    refused(eve.patch(f"{owner.base}tasks/", {"items": [item]}), 404)
    ada = caller("ada")
    refused(ada.patch(f"{owner.base}tasks/", {"items": [item]}), 403)
    refused(ada.put(f"{owner.base}gold/", {"items": [{"task": 1, "value": KNOWN}]}), 403)
    manager = owner.rows[0]
    Membership.objects.filter(pk=manager.pk).update(role="manager")
    own = Membership.objects.get(project=owner.project, user=owner.user)
    demoted = {"items": [{"id": own.pk, "role": "annotator"}]}
    refused(ada.patch(f"{owner.base}members/", demoted), 403, says="items.0: ")


def test_what_people_hold_is_given_to_others(owner, caller, refused):
    ada, ben = caller("ada"), caller("ben")
    held = [one.get(f"{owner.base}next/").json()["seat"] for one in (ada, ben)]
    task = Task.objects.get(seats=id_of(held[0]))
    free = Seat.objects.filter(project=owner.project, state="open").first()
    body = {"items": [{"id": pk} for pk in (*held, number_of(free.pk))]}
    path = f"{owner.base}seats/release/"
    refused(ada.post(path, body), 403)
    refused(owner.post(path, {"items": [*body["items"], {"id": 7}]}), 400, "items.3.id")
    refused(owner.post(path, {"items": [{"id": 7, "to": 1}]}), 400, "items.0.to")
    assert Seat.objects.filter(state="leased").count() == 2
    told = owner.post(path, body).json()["results"]
    assert [(one["id"], one["state"], one["released"]) for one in told] == [
        (held[0], "open", True), (held[1], "open", True), (number_of(free.pk), "open", False),
    ]  # fmt: skip
    assert not any(one["released"] for one in owner.post(path, body).json()["results"])
    event = AuditEvent.objects.get(action="seats.released")
    assert (event.actor, event.detail) == (owner.user, {"rows": 2, "people": 2})
    address = f"seats/{held[0]}/judgement/"
    kept = ada.post(address, {"value": {"verdict": "tie"}})
    assert kept.status_code == 201, kept.content
    assert task.judgements.get().annotator == ada.user
