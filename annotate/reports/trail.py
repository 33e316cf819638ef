"""The audit trail as the managers of a project read it."""

from django.db.models import F, QuerySet

from annotate.inputs import clean_choice
from annotate.models import AuditEvent, Project

PROJECT, ACCOUNTS = "project", "accounts"
OF = (PROJECT, ACCOUNTS)
# What belongs to no project and yet tells who may have acted in one. Not their tokens: these may be
# for other projects.
OF_ACCOUNTS = (
    "identity.connected",
    "identity.disconnected",
    "identity.signed_in",
    "user.signed_up",
)


def trail(project: Project, of: str) -> QuerySet[AuditEvent]:
    """Of the project, or of its members' accounts since they became members.

    The addresses of the latter are not for managers. Raises InvalidValue for another `of`.
    """
    rows = AuditEvent.objects.select_related("actor")
    if clean_choice("of", of, OF) == PROJECT:
        return rows.filter(project=project)
    return rows.filter(
        project=None,
        action__in=OF_ACCOUNTS,
        actor__memberships__project=project,
        actor__memberships__created_at__lte=F("created_at"),
    )
