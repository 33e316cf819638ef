"""Rows that jobs made: models with what they were asked, reports, second looks, simulations.

They are what a finished job leaves behind, for the API's answers about them: no job is run.
"""

import json

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from annotate.models import Board, Project, QualityRun, Task, User
from annotate.models.job import JobState
from annotate.services import audit
from annotate.services.reports import boards
from routing.features.likeness import SCORES
from routing.features.spec import FeatureSpec
from routing.models import (
    FeatureRun,
    FeatureSpecification,
    PolicySimulation,
    RoutingPolicy,
    RoutingRun,
    SampledOutput,
    SecondLook,
    SecondLookItem,
    SelectionRun,
)
from tests.annotate.media.making import picture
from training.models import (
    EvaluationRun,
    EvaluationSet,
    ModelVersion,
    SamplingRun,
    ServingJob,
    ServingPiece,
    TrainingRun,
)

MEAN = {"value": 0.2, "low": 0.1, "high": 0.3}
SIMULATED = {
    "tasks": 100,
    "prompts": 50,
    "judges": [],
    "curves": {
        "error": {
            "tested_on": 100,
            "points": [
                {"share": x, "people": x, "error": MEAN, "against_chance": None, "judged": []}
                for x in (0.0, 1.0)
            ],
        }
    },
    "skipped": {},
    "all_people": MEAN,
    "all_ai": [],
}
PAIR = '{"prompt": "2 + 2?", "chosen": "4", "rejected": "5", "subset": "math"}\n'


def job_rows(
    project: Project, owner: User, caller: Client, policy: RoutingPolicy, task: Task
) -> dict[str, int | str]:
    """Ids by the addresses that name them, as in `Rows`. The task is one that nobody holds."""
    audit.record(action="identity.signed_in", target=owner, actor=owner)
    return {
        **_of_models(project, owner, caller),
        **_of_routing(project, policy, task),
        **_sent(project, caller),
        "quality/": QualityRun.objects.create(project=project).pk,
        "boards/": _board(project, owner).pk,
        "sample/": SampledOutput.objects.create(
            project=project, number=1, task=task, response=task.responses.first()
        ).pk,
    }


def _of_models(project: Project, owner: User, caller: Client) -> dict[str, int]:
    snapshot = project.snapshots.get()
    run = TrainingRun.objects.create(
        project=project, recipe="reward_model", snapshot=snapshot, state="done", phase="over"
    )
    version = ModelVersion.objects.create(
        project=project,
        kind="reward_model",
        number=1,
        run=run,
        path="x",
        state="in_service",
        promoted_at=timezone.now(),
    )
    other = TrainingRun.objects.create(
        project=project, recipe="dpo", snapshot=snapshot, state="done", phase="over"
    )
    policy = ModelVersion.objects.create(
        project=project, kind="policy", number=1, run=other, path="y"
    )
    job = ServingJob.objects.create(
        project=project,
        model_version=version,
        kind="scores",
        size=1,
        progress=1,
        total=1,
        state=JobState.DONE,
        created_by=owner,
    )
    ServingPiece.objects.create(
        job=job, number=0, rows=[], answers=[{"row": 1, "scores": [0.5, -0.5]}]
    )
    address = f"/api/v1/projects/{project.pk}/evaluation-sets/?name=Held+out"
    made = caller.post(address, PAIR, content_type="application/octet-stream")
    assert made.status_code == 201, made.content
    rows = EvaluationSet.objects.get(pk=made.json()["id"])
    return {
        "training/models/": version.pk,
        "training/samplings/": SamplingRun.objects.create(project=project, model_version=policy).pk,
        "serving/": job.pk,
        "evaluation-sets/": rows.pk,
        "evaluations/": EvaluationRun.objects.create(
            project=project, evaluation_set=rows, model_version=version
        ).pk,
    }


def _of_routing(project: Project, policy: RoutingPolicy, task: Task) -> dict[str, int]:
    edges = FeatureSpec(1, ((0.0, 1.0),) * len(SCORES), "rules 1")
    spec = FeatureSpecification.objects.create(
        project=project, version=1, body=json.loads(edges.to_json()), pool=1
    )
    look = SecondLook.objects.create(
        project=project, judge=policy.judge, dry_run=False, state=JobState.DONE
    )
    SecondLookItem.objects.create(
        look=look,
        task=task,
        label=1,
        margin=0.0,
        p_wrong=0.5,
        outcome="people",
        propensity=1,
        state="applied",
    )
    return {
        "routing/features/": FeatureRun.objects.create(project=project, spec=spec).pk,
        "routing/rankings/": SelectionRun.objects.create(project=project, strategy="random").pk,
        "routing/runs/": RoutingRun.objects.create(project=project, policy=policy).pk,
        "routing/second_looks/": look.pk,
        "routing/simulations/": PolicySimulation.objects.create(
            project=project, judges=[], state=JobState.DONE, result=SIMULATED
        ).pk,
    }


def _sent(project: Project, caller: Client) -> dict[str, int | str]:
    """Tokens that nobody uses, a file, and the name of one of a snapshot's."""
    base = f"/api/v1/projects/{project.pk}"
    token = {"name": "spare", "scopes": ["read"]}
    posted = {
        "me/tokens/": ("/api/v1/me/tokens/", token, "application/json"),
        "projects/1/tokens/": (f"{base}/tokens/", token, "application/json"),
    }
    made: dict[str, int | str] = {"snapshots/1/files/": "README.md"}
    for address, (path, body, content_type) in posted.items():
        answer = caller.post(path, body, content_type=content_type)
        assert answer.status_code == 201, answer.content
        made[address] = answer.json()["id"]
    file = SimpleUploadedFile("dot.png", picture(), content_type="image/png")
    answer = caller.post(f"{base}/media/", {"file": file})
    assert answer.status_code == 201, answer.content
    made["projects/1/media/"] = answer.json()["id"]
    return made


def _board(project: Project, owner: User) -> Board:
    """What the project's computation came to, as a published one."""
    run = project.board_runs.get()
    boards.compute_board(run.pk)
    run.refresh_from_db()
    assert run.state == JobState.DONE, run.message
    return Board.objects.create(
        project=project,
        number=1,
        rules=run.rules,
        result=run.result,
        last_judgement=run.last_judgement,
        sha256="0" * 64,
        created_by=owner,
    )
