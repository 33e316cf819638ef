"""What webhooks are told of training."""

import uuid

from annotate.models import EventType, Job
from annotate.services.webhooks.events import announce
from training.models import ModelVersion, TrainingRun


def tell_run_ended(run: Job) -> None:
    """Done, failed or cancelled. Call it in the transaction that ends the run."""
    assert isinstance(run, TrainingRun)
    made = ModelVersion.objects.filter(run=run).values_list("pk", flat=True).first()
    announce(
        project_id=run.project_id,
        type=EventType.TRAINING,
        key=run.pk,
        data={
            "run": run.pk,
            "recipe": run.recipe,
            "state": str(run.state),
            "message": run.message,
            "snapshot": run.snapshot_id,
            "model_version": made,
        },
    )


def tell_promoted(
    version: ModelVersion, *, instead_of: ModelVersion | None, rolled_back: bool = False
) -> None:
    """A version serves now. Call it in the transaction that puts it there."""
    announce(
        project_id=version.project_id,
        type=EventType.MODEL,
        key=f"{version.pk} {uuid.uuid4().hex}",  # a version may come into service several times
        data={
            "model_version": version.pk,
            "kind": version.kind,
            "number": version.number,
            "instead_of": instead_of.pk if instead_of else None,
            "rolled_back": rolled_back,
            "run": version.run_id,
        },
    )
