"""Which version of a model serves: promotion and its undoing."""

from dataclasses import asdict

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from annotate.inputs import clean_text
from annotate.kinds import InvalidValue
from annotate.models import Project, User
from annotate.services import audit
from training import folders
from training.evaluation import gate
from training.models import GateRecord, ModelVersion
from training.services.events import tell_promoted
from training.services.scored_rows import scored_rows

State = ModelVersion.State
MAX_REASON = 2000


def in_service(*, project: Project, kind: str) -> ModelVersion | None:
    """The version that scores (reward model) or answers (policy) for the project now."""
    return ModelVersion.objects.in_service(project, kind)


def gate_verdict(version: ModelVersion) -> gate.Verdict:
    """How the version stands against the one that serves now, on the rows that both scored.

    Computed once from the two files of scores, and kept until the bounds change; three queries.
    """
    serving = (
        ModelVersion.objects.select_related("run__snapshot")
        .filter(project=version.project_id, kind=version.kind, state=State.IN_SERVICE)
        .first()
    )
    if serving is None or serving.pk == version.pk:
        return gate.Verdict(gate.State.NOTHING_TO_BEAT)
    bounds = gate.Bounds(**settings.PROMOTION_GATE)
    kept = GateRecord.objects.filter(candidate=version, serving=serving).first()
    if kept is not None and kept.bounds == asdict(bounds):
        return gate.Verdict.from_dict(kept.verdict)
    verdict = gate.judge(
        scored_rows(version),
        scored_rows(serving),
        bounds,
        against=serving.pk,
        calibrated=version.kind == ModelVersion.Kind.REWARD_MODEL,
    )
    if verdict.state != gate.State.NO_SCORES:  # a folder may come back
        GateRecord.objects.update_or_create(
            candidate=version,
            serving=serving,
            defaults={"bounds": asdict(bounds), "verdict": verdict.as_dict()},
        )
    return verdict


def promote(*, version: ModelVersion, actor: User | None, anyway: str = "") -> ModelVersion:
    """Put the version into service and retire the one before. Without effect on one in service.

    `anyway` is the reason for which it is promoted though the gate does not let it pass; it goes
    to the audit with the gate's verdict. Raises InvalidValue when the gate does not let it pass
    and there is no reason, when another version went into service in between, or when the
    version's files are gone.
    """
    anyway = clean_text("anyway", anyway, max_chars=MAX_REASON).strip()
    verdict = gate_verdict(version)  # before the lock: it may read for seconds
    with transaction.atomic():
        version = _locked(version)
        if version.state == State.IN_SERVICE:
            return version
        if not folders.model_folder(version.path).is_dir():
            raise InvalidValue(
                "version",
                "the files of {version} are missing; train again, then promote that one",
                version=version,
            )
        before = _retire_current(version)
        if (before.pk if before else None) != verdict.against:
            raise InvalidValue(
                "version", "another version went into service just now; look at the gate again"
            )
        if not verdict.passed and not anyway:
            raise InvalidValue(
                "anyway",
                "the gate does not let {version} pass: {why}. To promote it all the same, give a "
                "reason",
                version=version,
                why=why_not(verdict),
            )
        _put_in_service(version)
        overruled = {} if verdict.passed else {"anyway": anyway}
        audit.record(
            action="training.model_promoted",
            target=version,
            actor=actor,
            project=version.project,
            instead_of=before.pk if before else None,
            gate=verdict.as_dict(),
            **overruled,
        )
        tell_promoted(version, instead_of=before)
    return version


def why_not(verdict: gate.Verdict) -> InvalidValue:
    """Why the gate does not let a candidate pass, in words that a page can translate."""
    if verdict.state == gate.State.NO_SCORES:
        return InvalidValue("gate", "one of the two versions kept no score of any held-out pair")
    if verdict.state == gate.State.NO_COMMON_ROWS:
        return InvalidValue("gate", "no held-out pair was scored by both versions")
    if verdict.state == gate.State.TOO_FEW_ROWS:
        return InvalidValue(
            "gate",
            "{rows} held-out pairs were scored by both versions, and fewer than {least} say little",
            rows=verdict.rows,
            least=settings.PROMOTION_GATE["rows"],
        )
    return InvalidValue(
        "gate",
        "it is worse than the version in service in {failed} of {checks} checks",
        failed=len(verdict.failures),
        checks=len(verdict.checks),
    )


def served_before(current: ModelVersion) -> ModelVersion | None:
    """What a roll-back of `current` puts into service: the last that was promoted before it, was
    not rolled back since, and has its files.
    """
    earlier = ModelVersion.objects.filter(
        project=current.project_id, kind=current.kind, promoted_at__lt=current.promoted_at
    ).order_by("-promoted_at")
    return next((one for one in earlier if folders.model_folder(one.path).is_dir()), None)


@transaction.atomic
def roll_back(*, project: Project, kind: str, actor: User | None) -> ModelVersion:
    """Put the version that served before the present one back into service.

    Raises InvalidValue when nothing is in service or nothing served before.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    current = in_service(project=project, kind=kind)
    if current is None:
        raise InvalidValue("kind", "no version is in service, so there is nothing to roll back")
    previous = served_before(current)
    if previous is None:
        raise InvalidValue(
            "kind", "no version served before {current}; promote another one", current=current
        )
    _retire_current(current)
    # What was rolled back is no place to roll back to; the other keeps the time of its promotion,
    # so that a second roll-back goes further back.
    ModelVersion.objects.filter(pk=current.pk).update(promoted_at=None)
    ModelVersion.objects.filter(pk=previous.pk).update(state=State.IN_SERVICE)
    previous.state = State.IN_SERVICE
    audit.record(
        action="training.model_rolled_back",
        target=previous,
        actor=actor,
        project=project,
        instead_of=current.pk,
    )
    tell_promoted(previous, instead_of=current, rolled_back=True)
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
