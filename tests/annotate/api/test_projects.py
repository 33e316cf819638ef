"""Projects and their members over REST."""

import pytest

from annotate.handout import lease_seat
from annotate.models import AuditEvent, Judgement, Membership, Project, Seat
from annotate.seat_numbers import id_of
from annotate.services.work.judgements import submit_judgement

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(caller):
    return caller("owner")


@pytest.fixture
def project(owner):
    answer = owner.post("projects/", {"name": "Answers", "overlap": 2})
    assert answer.status_code == 201
    return Project.objects.get(pk=answer.json()["id"])


def test_a_project_is_made_with_its_defaults_written_out(owner, project):
    body = owner.get(f"projects/{project.pk}/").json()
    assert body["role"] == "owner"
    assert (body["name"], body["overlap"], body["state"]) == ("Answers", 2, "active")
    assert body["kind_settings"]["strength_levels"] == 3
    assert AuditEvent.objects.get(action="project.created").object_id == project.pk


def test_the_list_has_ones_own_projects_page_by_page(owner, caller):
    for number in range(3):
        owner.post("projects/", {"name": f"P{number}"})
    first = owner.get("projects/?page_size=2").json()
    assert [row["name"] for row in first["results"]] == ["P0", "P1"]
    second = owner.client.get(first["next"]).json()
    assert [row["name"] for row in second["results"]] == ["P2"]
    assert caller("eve").get("projects/").json()["results"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": 3}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "a", "overlap": "3"}, "overlap"),
        ({"name": "a", "overlap": True}, "overlap"),
        ({"name": "a", "overlap": 0}, "overlap"),
        ({"name": "a", "overlap": 1.5}, "overlap"),
        ({"name": "a", "overlap": 10**30}, "overlap"),
        ({"name": "a", "lease_seconds": 5}, "lease_seconds"),
        ({"name": "a", "order": "sideways"}, "order"),
        ({"name": "a", "order": ["random"]}, "order"),
        ({"name": "a", "kind": "no such"}, "kind"),
        ({"name": "a", "kind_settings": []}, "kind_settings"),
        ({"name": "a", "kind_settings": {"strength_levels": 2}}, "kind_settings.strength_levels"),
        ({"name": "a", "kind_settings": {"strength_levels": []}}, "kind_settings.strength_levels"),
        ({"name": "a", "kind_settings": {"nonsense": 2}}, "kind_settings.nonsense"),
        ({"name": "a", "id": 7}, "id"),
        ([], "body"),
        ("text", "body"),
    ],
)
def test_wrong_fields_are_named(owner, refused, body, field):
    refused(owner.post("projects/", body), 400, field)
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"{", "not JSON"),
        (b"", "name: is missing"),
        (b'{"name": "\xff"}', "not UTF-8"),
        (b'{"name": "a\\u0000b"}', "NUL"),
        (b'{"name": "\\ud800"}', "surrogate"),
        (b'{"\\ud800": 1}', "surrogate"),
        (b'{"name": NaN}', "NaN"),
        (b"[" * 100_000, "nested"),
    ],
)
def test_garbled_bodies_are_refused(owner, refused, raw, says):
    refused(owner.post("projects/", raw), 400, says=says)


def test_a_body_of_ten_megabytes_is_refused(owner, refused):
    refused(owner.post("projects/", b'{"name": "' + b"x" * 10_000_000 + b'"}'), 413, says="bytes")


def test_a_wrong_content_type_is_refused(owner, refused):
    refused(owner.client.post("/api/v1/projects/", {"name": "a"}), 415)


def test_a_change_is_checked_applied_and_audited(owner, project, refused, make_pair_tasks):
    make_pair_tasks(project, 2)
    path = f"projects/{project.pk}/"
    assert owner.patch(path, {"overlap": 3, "guidelines": "Read both."}).status_code == 200
    assert Seat.objects.filter(state="open").count() == 6
    event = AuditEvent.objects.get(action="project.updated")
    assert event.detail["before"] == {"overlap": 2, "guidelines": ""}
    refused(owner.patch(path, {"overlap": 0}), 400, "overlap")
    refused(owner.patch(path, {"seed": 1}), 400, "seed", "fixed")
    refused(owner.patch(path, {"no": 1}), 400, "no")


def test_who_may_do_what(owner, project, caller, add_member, refused):
    path = f"projects/{project.pk}/"
    annotator, manager, eve = caller("ann"), caller("max"), caller("eve")
    add_member(project, annotator.user)
    add_member(project, manager.user, "manager")
    assert annotator.get(path).status_code == 200
    refused(annotator.patch(path, {"name": "Mine"}), 403, says="Annotator")
    refused(annotator.get(path + "members/"), 403)
    refused(annotator.get(path + "tasks/"), 403)
    assert manager.patch(path, {"state": "paused"}).status_code == 200
    refused(manager.delete(path), 403)
    for answer in (
        eve.get(path),
        eve.patch(path, {"name": "Mine"}),
        eve.delete(path),
        eve.get(path + "members/"),
        eve.get(path + "progress/"),
        eve.get(path + "agreement/"),
        eve.get(path + "next/"),
    ):
        refused(answer, 404)
    refused(caller("owner", "read").patch(path, {"name": "B"}), 403, says="manage")
    assert owner.delete(path).status_code == 204
    refused(owner.get(path), 404)


@pytest.mark.parametrize("pk", [0, 10**30, 2**63])
def test_numbers_that_are_no_rows_are_404(owner, refused, pk):
    for path in (f"projects/{pk}/", f"projects/{pk}/next/", f"tasks/{pk}/"):
        refused(owner.get(path), 404)
    for path in (f"seats/{pk}/renew/", f"seats/{pk}/release/"):
        refused(owner.post(path), 404)
    refused(owner.post(f"judgements/{pk}/revise/", {"value": {"verdict": "tie"}}), 404)


def test_members_come_change_and_go(owner, project, caller, refused):
    ann = caller("ann")
    path = f"projects/{project.pk}/members/"
    refused(owner.post(path, {"user": "ann", "role": "king"}), 400, "role")
    refused(owner.post(path, {"user": "nobody", "role": "annotator"}), 400, "user")
    refused(owner.post(path, {"user": ["ann"], "role": "annotator"}), 400, "user")
    made = owner.post(path, {"user": "ann", "role": "annotator"})
    assert made.status_code == 201
    refused(owner.post(path, {"user": "ann", "role": "manager"}), 400, "user", "already")
    member = f"{path}{made.json()['id']}/"
    refused(ann.patch(member, {"role": "owner"}), 403)
    assert owner.patch(member, {"role": "manager"}).json()["role"] == "manager"
    refused(ann.patch(member, {"role": "owner"}), 403, says="owner")
    own = Membership.objects.get(project=project, user=owner.user).pk
    refused(ann.delete(f"{path}{own}/"), 403)
    refused(owner.patch(f"{path}{own}/", {"role": "annotator"}), 400, "role", "last owner")
    refused(owner.delete(f"{path}{own}/"), 400, "role")
    names = [row["user"] for row in ann.get(path).json()["results"]]
    assert names == ["owner", "ann"]
    assert ann.delete(member).status_code == 204
    refused(ann.get(f"projects/{project.pk}/"), 404)
    actions = AuditEvent.objects.filter(action__startswith="member").order_by("pk")
    assert [event.action for event in actions] == [
        "member.added",
        "member.role_changed",
        "member.removed",
    ]


def test_a_member_who_leaves_gives_back_the_lease_and_keeps_the_count(
    owner, project, caller, make_pair_tasks
):
    make_pair_tasks(project, 2)
    ann = caller("ann")
    path = f"projects/{project.pk}/members/"
    member = owner.post(path, {"user": "ann", "role": "annotator"}).json()["id"]
    seat = ann.get(f"projects/{project.pk}/next/").json()["seat"]
    submit_judgement(seat_id=id_of(seat), user=ann.user, value={"verdict": "tie"})
    ann.get(f"projects/{project.pk}/next/")
    assert owner.delete(f"{path}{member}/").status_code == 204
    assert Seat.objects.filter(state="open").count() == 3
    assert Judgement.objects.count() == 1
    again = owner.post(path, {"user": "ann", "role": "annotator"}).json()
    assert again["done"] == 1


def test_progress_and_agreement(owner, project, caller, add_member, make_pair_tasks):
    make_pair_tasks(project, 3)
    ann, bob = caller("ann"), caller("bob")
    for one in (ann, bob):
        add_member(project, one.user)
    answers = {ann: ["first", "first", "tie"], bob: ["first", "second"]}
    for one, labels in answers.items():
        for label in labels:
            lease = one.get(f"projects/{project.pk}/next/").json()
            ids = sorted(shown["id"] for shown in lease["responses"])
            value = {"verdict": "tie"}
            if label != "tie":
                value = {"verdict": "prefer", "preferred": ids[label == "second"], "strength": 1}
            submit_judgement(seat_id=id_of(lease["seat"]), user=one.user, value=value)
    progress = ann.get(f"projects/{project.pk}/progress/").json()
    assert (progress["tasks"], progress["tasks_complete"], progress["mine"]) == (3, 2, 3)
    assert progress["seats"] == {"open": 1, "leased": 0, "done": 5, "void": 0}
    assert progress["judgements"] == {"person": 5, "judge": 0, "imported": 0}
    agreement = owner.get(f"projects/{project.pk}/agreement/").json()
    assert (agreement["tasks"], agreement["judgements"]) == (2, 4)
    assert agreement["labels"] == {"first": 3, "second": 1}
    assert agreement["percent_agreement"] == 0.5
    # Observed disagreement 2 of 4 values, expected 2·3·1 of 4·3: alpha = 1 - 0.5 / 0.5.
    assert agreement["krippendorff_alpha"] == pytest.approx(0)


def test_tasks_are_listed_for_reviewers_with_generators(owner, project, make_pair_tasks):
    task, _ = make_pair_tasks(project, 2)
    rows = owner.get(f"projects/{project.pk}/tasks/?page_size=1").json()
    assert [row["id"] for row in rows["results"]] == [task.pk]
    assert rows["next"]
    body = owner.get(f"tasks/{task.pk}/").json()
    assert {row["generator"] for row in body["responses"]} == {"ga", "gb"}
    assert [seat["state"] for seat in body["seats"]] == ["open", "open"]


def test_tasks_are_narrowed_down_as_on_their_page(
    owner, caller, project, make_pair_tasks, add_member, refused
):
    task, other = make_pair_tasks(project, 2)
    ann = caller("ann").user
    add_member(project, ann)
    lease = lease_seat(project=project, user=ann)
    submit_judgement(seat_id=lease.seat_id, user=ann, value={"verdict": "tie"})
    judged, left = lease.task_id, ({task.pk, other.pk} - {lease.task_id}).pop()
    path = f"projects/{project.pk}/tasks/"

    def listed(query: str) -> list[int]:
        return [row["id"] for row in owner.get(f"{path}?{query}").json()["results"]]

    assert listed("") == [task.pk, other.pk]
    assert listed(f"show=ties&person={ann.pk}") == [judged]
    assert listed(f"show=ties&person={owner.user.pk}") == []
    assert left in listed("route=people")
    assert left not in listed(f"person={ann.pk}")
    refused(owner.get(f"{path}?show=odd"), 400, "show", says="must be one of: begun")
    refused(owner.get(f"{path}?route=odd"), 400, "route", says="must be one of")
    refused(owner.get(f"{path}?person=ann"), 400, "person", says="whole number")
    refused(owner.get(f"{path}?shown=ties"), 400, "shown", says="known: ")


def test_odd_pages_are_refused(owner, project, refused):
    refused(owner.get("projects/?cursor=nonsense"), 400, "cursor", says="without `cursor`")
    for size in ("-1", "0", "x", "1.5", "501"):
        answer = owner.get(f"projects/?page_size={size}")
        refused(answer, 400, "page_size", says="a whole number from 1 to 500")
    assert owner.get("projects/?page_size=500").status_code == 200
    decisions = f"projects/{project.pk}/routing/decisions/?page_size="
    refused(owner.get(f"{decisions}1001"), 400, "page_size", says="from 1 to 1000")
    assert owner.get(f"{decisions}1000").status_code == 200


def test_a_task_s_skills_are_changed_by_managers(
    owner, project, make_pair_tasks, caller, add_member, refused
):
    [task] = make_pair_tasks(project, 1)
    ann = caller("ann")
    add_member(project, ann.user)
    path = f"tasks/{task.pk}/"
    refused(ann.patch(path, {"skills": []}), 403)
    assert owner.patch(path, {"skills": ["Law", "law "]}).json()["skills"] == ["law"]
    assert ann.get(f"projects/{project.pk}/next/").status_code == 204
    assert ann.get(f"projects/{project.pk}/next/left/").json()["skills"] == {"law": 1}
    refused(owner.patch(path, {"skills": ["a,b"]}), 400, "skills.0", says="comma")
    refused(owner.patch(path, {"skills": "law"}), 400, "skills")
    refused(owner.patch(path, {"overlap": 2}), 400)
    assert owner.patch(path, {"skills": []}).json()["skills"] == []
    assert AuditEvent.objects.filter(action="task.skills_set").count() == 2
