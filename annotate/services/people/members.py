"""Who belongs to a project, in which role, and what is known of them."""

from django.db import transaction

from annotate import handout
from annotate.inputs import clean_choice
from annotate.kinds import InvalidValue
from annotate.models import Membership, Project, User
from annotate.services import audit
from annotate.services.people.invitations import revoke_invitations_of
from annotate.services.people.joining import join, lock_account, require_may_assign
from annotate.services.people.member_fields import as_json, clean_member_fields
from annotate.services.people.standing import keep_for_return

Role = Membership.Role


@transaction.atomic
def add_member(
    *,
    project: Project,
    user: User,
    role: str,
    actor: User,
    address: str | None = None,
    **fields: object,
) -> Membership:
    """Take the user in; `fields` are those of member_fields.FIELDS.

    Raises InvalidValue (already a member), PermissionDenied.
    """
    role = clean_choice("role", role, Role.values)
    cleaned = clean_member_fields(project, fields)
    require_may_assign(project, actor, role)
    lock_account(user)
    membership = join(project=project, user=user, role=role, fields=cleaned)
    _record("member.added", membership, actor, address, role=role, **as_json(cleaned))
    return membership


@transaction.atomic
def change_member(
    *, membership: Membership, actor: User, address: str | None = None, **fields: object
) -> Membership:
    """Change what is known of the member; `fields` are those of member_fields.FIELDS.

    Raises InvalidValue, PermissionDenied.
    """
    membership = _locked(membership)
    require_may_assign(membership.project, actor)
    cleaned = clean_member_fields(membership.project, fields)
    before = {name: getattr(membership, name) for name in cleaned}
    changed = [name for name, value in cleaned.items() if before[name] != value]
    if changed:
        for name in changed:
            setattr(membership, name, cleaned[name])
        membership.save(update_fields=changed)
        _record(
            "member.changed",
            membership,
            actor,
            address,
            before=as_json({name: before[name] for name in changed}),
            after=as_json({name: cleaned[name] for name in changed}),
        )
    return membership


@transaction.atomic
def change_role(
    *, membership: Membership, role: str, actor: User, address: str | None = None
) -> Membership:
    """Give the member another role. Raises InvalidValue for the last owner, PermissionDenied."""
    role = clean_choice("role", role, Role.values)
    membership = _locked(membership)
    require_may_assign(membership.project, actor, role, membership.role)
    before = membership.role
    if role != before:
        if before == Role.OWNER:
            _require_other_owner(membership)
        membership.role = role
        membership.save(update_fields=["role"])
        if role not in (Role.OWNER, Role.MANAGER):
            _end_invitations(membership, actor, address)
        _record("member.role_changed", membership, actor, address, before=before, after=role)
    return membership


@transaction.atomic
def remove_member(*, membership: Membership, actor: User, address: str | None = None) -> None:
    """End the membership: leases go back, judgements stay, and how they stand is kept for the case
    that they come back. Anybody may remove themselves.

    Raises InvalidValue for the last owner, PermissionDenied.
    """
    membership = _locked(membership)
    if actor.pk != membership.user_id:
        require_may_assign(membership.project, actor, membership.role)
    if membership.role == Role.OWNER:
        _require_other_owner(membership)
    handout.release_all(project=membership.project, user=membership.user)
    _end_invitations(membership, actor, address)
    _record("member.removed", membership, actor, address, role=membership.role)
    keep_for_return(membership)
    membership.delete()


def _end_invitations(membership: Membership, actor: User, address: str | None) -> None:
    revoke_invitations_of(
        project=membership.project, user=membership.user, actor=actor, address=address
    )


def _locked(membership: Membership) -> Membership:
    """The row, fresh and locked, after its project's: so that two owners cannot both leave."""
    Project.objects.select_for_update(no_key=True).get(pk=membership.project_id)
    return (
        Membership.objects.select_for_update(of=["self"])
        .select_related("project", "user", "team")
        .get(pk=membership.pk)
    )


def _require_other_owner(membership: Membership) -> None:
    owners = Membership.objects.filter(project=membership.project, role=Role.OWNER)
    if not owners.exclude(pk=membership.pk).exists():
        raise InvalidValue("role", "this is the last owner; make somebody else an owner first")


def _record(
    action: str, membership: Membership, actor: User, address: str | None, **detail: object
) -> None:
    audit.record(
        action=action,
        target=membership,
        actor=actor,
        project=membership.project,
        address=address,
        user=membership.user_id,
        **detail,
    )
