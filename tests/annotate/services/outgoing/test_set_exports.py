"""Exports with one row a task: whose judgements stand where in it."""

import json

import pytest

from annotate.models import Judgement, Membership
from annotate.services.outgoing.exports import stream_export
from annotate.services.outgoing.snapshots import create_snapshot
from tests.annotate.judged_by_many import judged_project

pytestmark = pytest.mark.django_db


def rows_of(**asked) -> list[dict]:
    data = b"".join(stream_export(format="multipref", **asked))
    return [json.loads(line) for line in data.splitlines()]


def test_experts_stand_apart(make_project, make_pair_tasks, make_user, add_member) -> None:
    project = judged_project(make_project, make_pair_tasks, make_user, add_member)
    expert = project.people[0]
    member = Membership.objects.filter(project=project, user=expert)
    assert member.update(tier="expert") == 1
    first = project.judgements.order_by("pk").first()
    Judgement.objects.create(  # after those of all other tasks
        project=project, task=first.task, kind="pairwise", value=first.value, source="imported",
        imported_author="eva",
    )  # fmt: skip
    rows = rows_of(project=project)
    tasks = Judgement.objects.filter(project=project).values_list("task", flat=True).distinct()
    assert sorted(row["comparison_id"] for row in rows) == sorted(map(str, tasks))
    given = {workers: [] for workers in ("normal_worker_annotations", "expert_worker_annotations")}
    for row in rows:
        for workers, found in given.items():
            found += [one["evaluator"] for one in row[workers]]
    experts = given["expert_worker_annotations"]
    assert set(experts) == {expert.pseudonym}
    assert len(experts) == expert.judgements.filter(project=project).count()
    assert len(experts) + len(given["normal_worker_annotations"]) == project.judgements.count()
    snapshot = create_snapshot(project=project, actor=project.created_by)
    assert rows_of(snapshot=snapshot) == rows
