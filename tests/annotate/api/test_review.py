"""Review over REST: queues and decisions under pseudonyms, conflicts, one's own that came back."""

import pytest

from annotate.models import AuditEvent, Judgement, Membership, Review
from tests.annotate.judged_by_many import judged_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    project = judged_project(make_project, make_pair_tasks, make_user, add_member)
    project.rita = make_user("rita")
    add_member(project, project.rita, "reviewer")
    return project


def test_a_reviewer_works_through_a_queue(project, caller, refused):
    rita, ada = caller("rita"), project.people[0]
    queue = f"projects/{project.pk}/review/queue/"
    first = rita.get(f"{queue}?by=person&person={ada.pseudonym}&page_size=5")
    assert '"ada"' not in first.content.decode()
    body = first.json()
    assert [one["task"] for one in body["results"]] == [task.pk for task in project.all[:5]]
    assert {one["author"] for one in body["results"]} == {ada.pseudonym}
    second = rita.client.get(body["next"]).json()
    assert (len(second["results"]), second["next"]) == (3, None)
    item = body["results"][0]
    path = f"judgements/{item['judgement']}/review/"
    done = rita.post(path, {"decision": "accept"})
    assert (done.status_code, done.json()["decision"]) == (201, "accept")
    assert rita.post(path, {"decision": "accept"}).status_code == 200
    refused(rita.post(path, {"decision": "dismiss"}), 409, says="has decided")
    seen = done.json()["id"]
    back = rita.post(path, {"decision": "return", "note": "Look at B.", "seen": seen})
    assert back.json()["replaces"] == seen
    [mine] = caller("ada").get(f"projects/{project.pk}/returned/").json()
    assert (mine["judgement"], mine["note"]) == (item["judgement"], "Look at B.")
    assert caller("bob").get(f"projects/{project.pk}/returned/").json() == []
    listed = rita.get(f"projects/{project.pk}/reviews/").json()["results"]
    assert [one["decision"] for one in listed] == ["accept", "return"]
    assert listed[0]["reviewer"] == project.rita.pseudonym
    stages = rita.get(f"projects/{project.pk}/review/stages/").json()
    assert stages == {"waiting": 0, "returned": 1, "accepted": 0, "dismissed": 0, "free": 31}


def test_an_amendment_and_what_is_refused(project, caller, refused):
    rita, ada = caller("rita"), project.people[0]
    mine = Judgement.objects.get(task=project.all[0], annotator=ada)
    path = f"judgements/{mine.pk}/review/"
    done = rita.post(path, {"decision": "amend", "value": {"verdict": "tie"}}).json()
    assert Judgement.objects.get(pk=done["amended"]).supersedes == mine
    assert Review.objects.get().author == ada
    queue = f"projects/{project.pk}/review/queue/"
    refused(rita.get(f"{queue}?by=mood"), 400, "by")
    refused(rita.get(f"{queue}?person=nobody"), 400, "person")
    refused(rita.get(f"{queue}?cursor=1,2,3"), 400, "cursor")
    refused(rita.get(f"{queue}?colour=red"), 400, "colour")
    refused(rita.post(path, {}), 400, "decision")
    refused(rita.post(path, {"decision": "accept", "mood": 1}), 400, "mood")
    refused(caller("ada").post(path, {"decision": "accept"}), 403)
    refused(caller("rita", "read").post(path, {"decision": "accept"}), 403)
    refused(caller("stranger").get(queue), 404)
    refused(rita.post("judgements/0/review/", {"decision": "accept"}), 404)


def test_many_are_decided_each_by_itself(project, caller, refused):
    rita, (ada, _bob, _carl) = caller("rita"), project.people
    path = f"projects/{project.pk}/reviews/"
    mine = [Judgement.objects.get(task=task, annotator=ada).pk for task in project.all[:5]]
    before = rita.post(f"judgements/{mine[1]}/review/", {"decision": "dismiss"}).json()["id"]
    items = [
        {"judgement": mine[0], "decision": "accept"},
        {"judgement": mine[1], "decision": "accept"},
        {"judgement": mine[1], "decision": "accept", "seen": before},
        {"judgement": mine[2], "decision": "return"},
        {"judgement": mine[3], "decision": "amend", "value": {"verdict": "tie"}},
        {"judgement": 0, "decision": "accept"},
    ]
    refused(rita.post(path, {"items": [*items, {"judgement": 1, "mood": 1}]}), 400, "items.6.mood")
    refused(rita.post(path, {"items": [*items, "all"]}), 400, "items.6")
    refused(rita.post(path, {"items": [{**items[0], "seen": -1}]}), 400, "items.0.seen")
    assert Review.objects.count() == 1
    answer = rita.post(path, {"items": items})
    assert answer.status_code == 200
    rows = answer.json()["results"]
    assert [row["status"] for row in rows] == [201, 409, 201, 400, 201, 404]
    assert [row["judgement"] for row in rows] == [*mine[:2], mine[1], *mine[2:4], 0]
    assert [row["errors"][0]["field"] for row in rows if row["review"] is None] == [
        "judgement", "note", "judgement",
    ]  # fmt: skip
    assert rows[2]["review"]["replaces"] == before
    assert Judgement.objects.get(pk=rows[4]["review"]["amended"]).supersedes_id == mine[3]
    assert Review.objects.count() == 4
    again = rita.post(path, {"items": items}).json()["results"]
    assert [row["status"] for row in again] == [200, 200, 200, 400, 200, 404]
    assert [again[place]["review"] for place in (0, 2, 4)] == [
        rows[place]["review"] for place in (0, 2, 4)
    ]
    assert again[1]["review"] == again[2]["review"]  # what was asked for stands by now
    assert Review.objects.count() == 4
    deeds = AuditEvent.objects.filter(action="judgement.reviewed", actor=rita.user)
    assert deeds.count() == 4
    own = {"items": [{"judgement": mine[4], "decision": "accept"}]}
    add = caller("eve")
    refused(add.post(path, own), 404)
    refused(caller("bob").post(path, own), 403)
    refused(rita.post(path, {"items": []}), 400, "items")
    refused(rita.post(path, {"items": items * 100}), 400, "items")
    assert Review.objects.count() == 4
    Membership.objects.filter(user=ada).update(role="reviewer")
    [row] = caller("ada").post(path, own).json()["results"]
    assert (row["status"], row["review"]) == (403, None)
    assert "your own" in row["errors"][0]["message"]
