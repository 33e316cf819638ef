"""The one way to write an audit row."""

from django.db import models

from annotate.models import AuditEvent, Project, User


def record(
    *,
    action: str,
    target: models.Model,
    actor: User | None,
    project: Project | None = None,
    **detail: object,
) -> AuditEvent:
    """Write what `actor` did to `target`; call it inside the deed's own transaction.

    `detail` must be JSON; `address` in it, where known, goes to its own column.
    """
    return AuditEvent.objects.create(
        action=action,
        object_type=target._meta.label,
        object_id=target.pk,
        actor=actor,
        project=project,
        address=detail.pop("address", None),
        detail=detail,
    )
