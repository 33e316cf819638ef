"""A project with a row of each sort that the API has addresses for."""

import re
from dataclasses import dataclass
from typing import Any

from django.test import Client

from annotate.api.docs import openapi_document
from annotate.demo.project import make_demo_project
from annotate.handout import lease_seat
from annotate.models import ImportRun, Judgement, Project, Seat, Task, User
from annotate.seat_numbers import number_of
from annotate.services.people.members import add_member
from annotate.services.people.tokens import issue_token
from routing.models import RoutingPolicy
from tests.contract.jobs import job_rows

CHAT_MODEL = {"name": "M", "base_url": "http://localhost:9/v1", "model": "m"}
JUDGE = {
    "name": "noise",
    "kind": "simulated",
    "config": {"noise": 2.0},
}

# What is posted below the project, in this order; the body, None for the document's own example;
# and the addresses that name the row which it makes.
POSTED: tuple[tuple[str, Any, str], ...] = (
    ("teams", {"name": "Readers"}, r"projects/1/teams/"),
    ("invitations", None, r"projects/1/invitations/"),
    (
        "chat/models",
        {"name": "M", "base_url": "http://localhost:9/v1", "model": "m"},
        r"projects/1/chat/models/",
    ),
    ("webhooks", {"url": "http://127.0.0.1:9/", "events": ["task.done"]}, r"projects/1/webhooks/"),
    ("judges", JUDGE, r"projects/1/judges/"),
    ("judges/{judge}/runs", {}, r"projects/1/judges/runs/"),
    ("panels", {"name": "Pairs"}, "panels/"),
    ("criteria", {"name": "True", "text": "Is it true?"}, "criteria/"),
    ("snapshots", {"query": {"source": "people"}}, "snapshots/"),
    ("board-runs", {}, "board-runs/"),
    ("factor-reports", {}, "factor-reports/"),
    ("preference-features", None, "preference-features/"),
    ("routing/fits", {"kind": "error", "judges": ["{judge}"]}, "routing/fits/"),
    ("norming", {"name": "One", "tasks": ["{task}"], "people": ["ada", "ben"]}, "norming/"),
    ("schedules", None, "schedules/"),
    ("training/runs", None, "training/runs/"),
    ("training/loops", None, "training/loops/"),
)


@dataclass
class Rows:
    """`secret` is the owner's token; `ids` are rows by the addresses that name them."""

    secret: str
    ids: dict[str, int | str]

    def find(self, path: str, parameter: str) -> int | str | None:
        """The row that the path's parameter stands for; None where there is none of its sort."""
        before, _, _ = path.removeprefix("/api/v1/").partition("{" + parameter + "}")
        return self.ids.get(re.sub(r"\{\w+\}", "1", before))


def make_rows() -> Rows:
    owner, ada, ben = (User.objects.create_user(name) for name in ("owner", "ada", "ben"))
    project = make_demo_project(owner=owner)
    members = [
        add_member(project=project, user=one, role="annotator", actor=owner) for one in (ada, ben)
    ]
    _, secret = issue_token(user=owner, scopes=["read", "annotate", "manage"])
    caller = Client(headers={"Authorization": f"Token {secret}"})
    _answer(caller, project)
    seat = Seat.objects.get(pk=lease_seat(project=project, user=owner).seat_id)
    unseen = Task.objects.filter(project=project).exclude(seats__annotator=owner).first()
    ids = {
        "projects/": project.pk,
        "projects/1/members/": members[0].pk,
        "tasks/": seat.task_id,
        "prompts/": seat.task.prompt_id,
        "seats/": number_of(seat.pk),
        "judgements/": Judgement.objects.get().pk,
        "imports/": ImportRun.objects.create(project=project, created_by=owner).pk,
    }
    for name, body, address in POSTED:
        named = {"judge": ids.get("projects/1/judges/", 0), "task": unseen.pk}
        path = f"projects/{project.pk}/{name.format(**named)}/"
        sent = _example(name) if body is None else _filled(body, named)
        made = caller.post(f"/api/v1/{path}", sent, content_type="application/json")
        assert made.status_code in (201, 202), (path, made.content)
        ids[address] = made.json()["id"]
    policy = RoutingPolicy.objects.create(
        project=project, version=1, judge_id=ids["projects/1/judges/"], threshold=0.9
    )
    ids["routing/policies/"] = policy.pk
    return Rows(secret, {**ids, **job_rows(project, owner, caller, policy, unseen)})


def _answer(caller: Client, project: Project) -> None:
    lease = caller.get(f"/api/v1/projects/{project.pk}/next/").json()
    address = f"/api/v1/seats/{lease['seat']}/judgement/"
    caller.post(address, {"value": {"verdict": "tie"}}, content_type="application/json")


def _example(name: str) -> Any:
    operation = openapi_document()["paths"][f"/api/v1/projects/{{project_id}}/{name}/"]["post"]
    [example] = operation["requestBody"]["content"]["application/json"]["examples"].values()
    return example["value"]


def _filled(body: Any, named: dict[str, int]) -> Any:
    """The body with `{judge}` and `{task}` replaced by their ids."""
    if isinstance(body, dict):
        return {key: _filled(value, named) for key, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, named) for value in body]
    return named.get(body[1:-1], body) if isinstance(body, str) else body
