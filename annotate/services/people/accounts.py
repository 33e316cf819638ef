"""The end of an account: the person goes, what was judged stays under the pseudonym."""

import secrets

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from annotate import handout
from annotate.inputs import InvalidValue
from annotate.models import (
    AuditEvent,
    Consent,
    Draft,
    EndedIdentity,
    FormerStanding,
    Invitation,
    Membership,
    PanelStudy,
    Participation,
    ProfileAnswer,
    Project,
    ProviderIdentity,
    User,
)
from annotate.services import audit
from annotate.services.people import rates, tokens
from annotate.services.people.invitations import revoke_invitations_of
from annotate.services.people.participations import forget_participant

MOST_NAMED = 5
# What the trail says of a member, such as their languages; that they came and were changed stays.
WIPE_MEMBER = """
UPDATE annotate_auditevent
SET detail = detail - ARRAY['tier', 'languages', 'skills', 'team', 'before', 'after']
WHERE object_type = 'annotate.Membership'
  AND action IN ('member.added', 'member.changed', 'member.joined')
  AND detail -> 'user' = to_jsonb(%(user)s::bigint)
"""


def delete_account(*, user: User, username: object, password: object, address: str | None) -> None:
    """Wipe who the person is, for good; `username` and `password` must be theirs. Participants of
    panels, who have no password, give none.

    The account stays as a row without name, e-mail and password that nobody can log in to.
    Memberships, drafts, consents, answers on oneself, identities at providers and tokens are
    deleted, but for a mark by which an identity that comes back is known; open seats go back;
    sessions end, since they hang on the password. Judgements, conversations, notes, declined tasks
    and the audit trail are append-only and stay, the latter without network addresses and without
    what was known of the member. Participations stay without the panel's ids.

    Raises InvalidValue: the name or password is wrong, or the person is the only owner of a project
    or the only superuser; TooManyTries.
    """
    rates.count_try("delete account", user.pk, **settings.REAUTHENTICATION_LIMIT)
    if username != user.username:
        raise InvalidValue("username", "is not the name of this account; type it exactly")
    if user.has_usable_password() and not (
        isinstance(password, str) and user.check_password(password)
    ):
        raise InvalidValue("password", "is wrong")
    while not _end_account(user.pk, address):
        pass  # the person came into one more project meanwhile


@transaction.atomic
def _end_account(pk: int, address: str | None) -> bool:
    """Whether all was done; else nothing was."""
    if not _lock_everything(pk):
        transaction.set_rollback(True)
        return False
    user = User.objects.get(pk=pk)
    _require_dispensable(user)
    for token in user.api_tokens.all():
        tokens.revoke_token(token=token, actor=user)
        token.delete()
    forget_participant(user=user, address=address)
    _leave_everything(user, address)
    _wipe_traces(user)
    _wipe_account(user)
    audit.record(action="user.deleted", target=user, actor=user)
    _wipe_audit(user)
    return True


def _lock_everything(pk: int) -> bool:
    """Projects, so that two owners cannot both go; studies of panels; memberships; the account.

    That is everybody's order: who answers holds the membership, and writes a row that names the
    account. False where the person came into one more project before the account was locked.
    """
    members = Membership.objects.filter(user=pk)
    projects = Project.objects.filter(pk__in=members.values("project"))
    taken = Participation.objects.filter(user=pk)
    studies = PanelStudy.objects.filter(pk__in=taken.values("study"))
    locked = [_locked(rows) for rows in (projects, studies, members, User.objects.filter(pk=pk))]
    return locked[2] == set(members.values_list("pk", flat=True))


def _locked(rows: QuerySet) -> set[int]:
    found = rows.select_for_update(no_key=True).order_by("pk")
    return set(found.values_list("pk", flat=True))


def only_owned(user: User) -> list[str]:
    """Names of live projects that nobody else owns, in order of the alphabet."""
    owned = Membership.objects.filter(
        user=user, role=Membership.Role.OWNER, project__archived_at=None
    ).select_related("project")
    others = (
        Membership.objects.filter(
            project__in=owned.values("project"),
            role=Membership.Role.OWNER,
            user__is_active=True,
        )
        .exclude(user=user)
        .values_list("project_id", flat=True)
    )
    shared = set(others)
    return sorted(one.project.name for one in owned if one.project_id not in shared)


def _require_dispensable(user: User) -> None:
    names = only_owned(user)
    if names:
        named = ", ".join(f"“{name}”" for name in names[:MOST_NAMED])
        raise InvalidValue(
            "account",
            "you are the only owner of {names}; make somebody else an owner there, or archive it, "
            "first",
            names=named + (" …" if len(names) > MOST_NAMED else ""),
        )
    superusers = User.objects.filter(is_superuser=True, is_active=True)
    if user.is_superuser and not superusers.exclude(pk=user.pk).exists():
        raise InvalidValue(
            "account", "this is the only superuser of the installation; make another one first"
        )


def _leave_everything(user: User, address: str | None) -> None:
    for member in user.memberships.select_related("project").order_by("project_id"):
        handout.release_all(project=member.project, user=user)
        revoke_invitations_of(project=member.project, user=user, actor=user, address=address)
        audit.record(
            action="member.removed",
            target=member,
            actor=user,
            project=member.project,
            address=address,
            user=user.pk,
            role=member.role,
        )
        member.delete()


def _wipe_traces(user: User) -> None:
    Draft.objects.filter(annotator=user).delete()
    ProfileAnswer.objects.filter(user=user).delete()
    Consent.objects.filter(user=user).delete()
    FormerStanding.objects.filter(user=user).delete()
    for identity in ProviderIdentity.objects.filter(user=user):
        mark = EndedIdentity.mark_for(identity.issuer, identity.subject)
        EndedIdentity.objects.get_or_create(mark=mark)
        identity.delete()
    # A link for one person may say whom it was for.
    Invitation.objects.filter(taken__user=user, max_uses=1).update(note="", email="")


def _wipe_account(user: User) -> None:
    name = f"deleted-{user.pseudonym}"
    while User.objects.filter(username=name).exists():  # somebody chose it
        name = f"deleted-{user.pseudonym}-{secrets.token_hex(4)}"
    user.username = name
    user.first_name = user.last_name = user.email = ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.last_login = None
    user.set_unusable_password()
    user.save()
    user.groups.clear()
    user.user_permissions.clear()


def _wipe_audit(user: User) -> None:
    """Reads the whole trail, which few accounts' ends justify an index for."""
    AuditEvent.objects.filter(actor=user).exclude(address=None).update(address=None)
    with connection.cursor() as cursor:
        cursor.execute(WIPE_MEMBER, {"user": user.pk})
