"""Which version of a model serves: promotion and its undoing."""

from django.db import transaction
from django.utils import timezone

from annotate.kinds import InvalidValue
from annotate.models import Project, User
from annotate.services import audit
from training import folders
from training.models import ModelVersion

State = ModelVersion.State


def in_service(*, project: Project, kind: str) -> ModelVersion | None:
    """The version that scores (reward model) or answers (policy) for the project now."""
    return ModelVersion.objects.in_service(project, kind)


@transaction.atomic
def promote(*, version: ModelVersion, actor: User | None) -> ModelVersion:
    """Put the version into service and retire the one before. Without effect on one in service.

    Raises InvalidValue when the version's files are gone.
    """
    version = _locked(version)
    if version.state == State.IN_SERVICE:
        return version
    if not folders.model_folder(version.path).is_dir():
        raise InvalidValue(
            "version", f"the files of {version} are missing; train again, then promote that one"
        )
    before = _retire_current(version)
    _put_in_service(version)
    audit.record(
        action="training.model_promoted",
        target=version,
        actor=actor,
        project=version.project,
        instead_of=before.pk if before else None,
    )
    return version


@transaction.atomic
def roll_back(*, project: Project, kind: str, actor: User | None) -> ModelVersion:
    """Put the version that served before the present one back into service.

    Raises InvalidValue when nothing is in service or nothing served before.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    current = in_service(project=project, kind=kind)
    if current is None:
        raise InvalidValue("kind", "no version is in service, so there is nothing to roll back")
    earlier = ModelVersion.objects.filter(
        project=project, kind=kind, promoted_at__lt=current.promoted_at
    ).order_by("-promoted_at")
    there = (one for one in earlier if folders.model_folder(one.path).is_dir())
    previous = next(there, None)
    if previous is None:
        raise InvalidValue("kind", f"no version served before {current}; promote another one")
    _retire_current(current)
    # It keeps the time of its first promotion: a second roll-back goes further back.
    ModelVersion.objects.filter(pk=previous.pk).update(state=State.IN_SERVICE)
    previous.state = State.IN_SERVICE
    audit.record(
        action="training.model_rolled_back",
        target=previous,
        actor=actor,
        project=project,
        instead_of=current.pk,
    )
    return previous


def _locked(version: ModelVersion) -> ModelVersion:
    """The row as it is now; one promotion at a time in a project."""
    Project.objects.select_for_update(no_key=True).get(pk=version.project_id)
    return ModelVersion.objects.select_related("project").get(pk=version.pk)


def _retire_current(version: ModelVersion) -> ModelVersion | None:
    current = ModelVersion.objects.in_service(version.project_id, version.kind)
    if current is not None:
        ModelVersion.objects.filter(pk=current.pk).update(state=State.RETIRED)
    return current


def _put_in_service(version: ModelVersion) -> None:
    version.state = State.IN_SERVICE
    version.promoted_at = timezone.now()
    version.save(update_fields=["state", "promoted_at"])
