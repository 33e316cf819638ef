"""Who may let somebody into a project, and the row that makes one a member."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from annotate.inputs import InvalidValue
from annotate.models import Judgement, Membership, Project, User
from annotate.services.people.standing import come_back

Role = Membership.Role


def require_may_assign(project: Project, actor: User, *roles: str) -> None:
    """Owners and managers may change members; only owners touch owners. Raises PermissionDenied."""
    own = Membership.objects.filter(project=project, user=actor).values_list("role", flat=True)
    own_role = Role.OWNER if actor.is_superuser else own.first()
    if own_role not in (Role.OWNER, Role.MANAGER):
        raise PermissionDenied(_("Only owners and managers may change who belongs to a project."))
    if Role.OWNER in roles and own_role != Role.OWNER:
        raise PermissionDenied(_("Only an owner may make or change an owner."))


def lock_account(user: User) -> None:
    """Before a row that makes the account belong somewhere is written: else an account that ends
    at the same moment would keep it. Comes after the project's row, before an invitation's.

    Raises InvalidValue: the account has ended, or was shut.
    """
    if not User.objects.select_for_update(no_key=True).get(pk=user.pk).is_active:
        raise InvalidValue("user", "this account is open no more; name another one")


def join(*, project: Project, user: User, role: str, fields: Mapping[str, Any]) -> Membership:
    """The membership, made now; `fields` are cleaned. Who was here before comes back to how they
    stood: paused, qualified, with what they did today. Raises InvalidValue: there is one already.
    """
    done = Judgement.objects.filter(
        project=project, annotator=user, supersedes=None
    ).count()  # of an earlier membership
    membership, created = Membership.objects.get_or_create(
        project=project, user=user, defaults={"role": role, "done_count": done, **fields}
    )
    if not created:
        raise InvalidValue(
            "user",
            "{user} is already {role} here; change the role instead",
            user=user.username,
            role=membership.role,
        )
    come_back(membership)
    return membership
