"""Leaderboards over REST."""

import json

import pytest

from annotate import tasks
from annotate.models import AuditEvent, BoardRun
from annotate.services.reports import boards
from tests.annotate.voting import vote


@pytest.fixture
def project(make_project, make_user):
    project = make_project(owner=make_user("owner"))
    vote(project, [make_user(f"p{number}") for number in range(3)], tasks=4)
    return project


def test_a_board_is_computed_published_and_read(caller, project) -> None:
    owner = caller("owner")
    started = owner.post(f"projects/{project.pk}/board-runs/", {"style": ["length"], "most": 50})
    assert started.status_code == 202
    run = json.loads(started.content)
    assert (run["state"], run["result"]) == ("queued", None)
    assert json.loads(owner.post(f"projects/{project.pk}/board-runs/", {"style": ["length"],
                      "most": 50}).content)["id"] == run["id"]  # fmt: skip
    assert tasks.compute_board.name == BoardRun.task_name
    tasks.compute_board(run["id"])
    found = json.loads(owner.get(f"board-runs/{run['id']}/").content)
    assert found["state"] == "done"
    assert found["judgements_read"] == 36
    made = owner.post(f"board-runs/{run['id']}/publish/", {"note": "First."})
    assert made.status_code == 201
    board = json.loads(made.content)
    assert (board["number"], board["note"]) == (1, "First.")
    assert board["result"] == found["result"]
    latest = owner.get(f"projects/{project.pk}/leaderboard/")
    assert json.loads(latest.content) == board
    assert json.loads(owner.get(f"boards/{board['id']}/").content) == board
    [listed] = json.loads(owner.get(f"projects/{project.pk}/boards/").content)["results"]
    assert "result" not in listed
    assert AuditEvent.objects.filter(action="board.published", object_id=board["id"]).exists()


def test_wrong_rules_and_times_are_refused(caller, project, refused) -> None:
    owner = caller("owner")
    url = f"projects/{project.pk}/board-runs/"
    refused(owner.post(url, {"source": "x"}), 400, "source", "must be one of")
    refused(owner.post(url, {"nothing": 1}), 400, "nothing")
    refused(owner.post(url, {"style": ["x"]}), 400, "style.0")
    refused(owner.get(f"projects/{project.pk}/leaderboard/"), 404)
    run = json.loads(owner.post(url, {}).content)
    refused(owner.post(f"board-runs/{run['id']}/publish/", {}), 400, "run", "not done")
    refused(owner.post(f"board-runs/{run['id']}/publish/", {"note": 3}), 400, "note")
    assert json.loads(owner.delete(f"board-runs/{run['id']}/").content)["state"] == "cancelled"


def test_readers_are_those_of_the_project_and_only_managers_compute(
    caller, project, make_user, add_member, refused
) -> None:
    run = boards.start_board(
        project=project, actor=project.created_by, rules=boards.BoardRules(style=())
    )
    boards.compute_board(run.pk)
    board = boards.publish_board(run=run, actor=project.created_by)
    add_member(project, make_user("rev"), "reviewer")
    add_member(project, make_user("ann"))
    make_user("out")
    url = f"projects/{project.pk}/leaderboard/"
    assert caller("rev").get(url).status_code == 200
    for name in ("rev", "ann"):
        refused(caller(name).post(f"projects/{project.pk}/board-runs/", {}), 403)
        refused(caller(name).get(f"board-runs/{run.pk}/"), 403)
    for path in (url, f"boards/{board.pk}/", f"projects/{project.pk}/boards/"):
        refused(caller("ann").get(path), 403)
        refused(caller("out").get(path), 404)
    refused(caller("owner", "read").post(f"projects/{project.pk}/board-runs/", {}), 403)
    owner = caller("owner")
    refused(owner.patch(f"projects/{project.pk}/", {"board_readers": "all"}), 400, "board_readers")
    changed = owner.patch(f"projects/{project.pk}/", {"board_readers": "members"})
    assert json.loads(changed.content)["board_readers"] == "members"
    assert caller("ann").get(url).status_code == 200
