"""Which tasks are new to a judge: what it says of others is no sample of how often it is right."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from annotate.models import Judge, Snapshot, SnapshotJudgement, Task
from routing import judges as judge_kinds
from routing.judges import panel


def new_to(judge: Judge, tasks: QuerySet[Task]) -> QuerySet[Task]:
    """Without those that the reward model learned from: its margins would flatter their labels."""
    for snapshot in Snapshot.objects.filter(pk__in=_learned_from(judge)):
        rows = SnapshotJudgement.objects.filter(snapshot=snapshot, judgement__task=OuterRef("pk"))
        train = Q(prompt__split_bucket__gte=snapshot.split["test_percent"])
        tasks = tasks.filter(~(Q(Exists(rows)) & train))
    return tasks


def _learned_from(judge: Judge) -> set[int]:
    """Ids of snapshots; a panel has learned what any of its members has."""
    found = set(judge_kinds.get(judge.kind).learned_from(judge.config))
    if judge.kind == panel.NAME:
        ids = [one["judge"] for one in judge.config["members"]]
        earlier = Judge.objects.filter(project=judge.project_id, pk__lt=judge.pk)
        for member in earlier.filter(pk__in=ids):
            found |= _learned_from(member)
    return found
