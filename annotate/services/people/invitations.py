"""Invitations by link: made, revoked, accepted.

A link ends in `<id>-<signature>`. The signature is made with the installation's SECRET_KEY over
the id and a nonce, so a manager can copy the link again, and a copy of the database opens no door.
A new SECRET_KEY ends all links.
"""

import base64
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from annotate.inputs import Checks, InvalidValue, clean_choice, clean_integer, clean_text
from annotate.models import Invitation, InvitationUse, Membership, Project, User
from annotate.models.invitation import Standing
from annotate.services import audit
from annotate.services.people import rates
from annotate.services.people.joining import join, lock_account, require_may_assign
from annotate.services.people.member_fields import as_json, clean_member_fields
from annotate.wording import translatable

ROLES = ("annotator", "reviewer", "manager")
MOST_USES = 10_000
MOST_DAYS = 365
DAYS = 14

OVER = {
    Standing.REVOKED: translatable("this invitation was revoked; ask whoever sent it for another"),
    Standing.USED: translatable("this invitation is used up; ask whoever sent it for another"),
    Standing.EXPIRED: translatable(
        "this invitation expired on {date}; ask whoever sent it for another"
    ),
}


class InvitationOver(InvalidValue):
    """The link was right, but is good no more."""


def invitation_token(invitation: Invitation) -> str:
    """What the link ends in: 256 bits of signature, URL-safe."""
    said = f"{invitation.pk}:{invitation.nonce}"
    digest = salted_hmac("annotate.invitation", said, algorithm="sha256").digest()
    return f"{invitation.pk}-{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def join_path(invitation: Invitation) -> str:
    """The link without its host."""
    return reverse("join", args=[invitation_token(invitation)])


def find_invitation(token: str) -> Invitation | None:
    """The invitation that the link is of, whatever its standing; None where there is none."""
    number, _, _signature = token.partition("-")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        return None
    rows = Invitation.objects.select_related("project", "team", "created_by")
    found = rows.filter(pk=int(number), project__archived_at=None).first()
    if found is None or not secrets.compare_digest(
        invitation_token(found).encode(), token.encode("utf-8", "replace")
    ):
        return None
    return found


def create_invitation(
    *,
    project: Project,
    actor: User,
    role: object = "annotator",
    tier: object = "crowd",
    team: object = None,
    max_uses: object = 1,
    days: object = DAYS,
    note: object = "",
    email: object = "",
    address: str | None = None,
) -> Invitation:
    """A new link. `days`: how long it is good.

    Raises InvalidValue(s), PermissionDenied, TooManyTries.
    """
    checks = Checks()
    cleaned = {
        "role": checks.of(clean_choice, "role", role, ROLES),
        "max_uses": checks.of(clean_integer, "max_uses", max_uses, low=1, high=MOST_USES),
        "note": checks.of(clean_text, "note", note, max_chars=200, lines=False),
        "email": checks.of(_clean_email, email),
    }
    good_for = checks.of(clean_integer, "days", days, low=1, high=MOST_DAYS)
    fields = checks.of(clean_member_fields, project, {"tier": tier, "team": team})
    if cleaned["email"] and cleaned["max_uses"] != 1:
        checks.refused.append(
            InvalidValue("max_uses", "must be 1 for a link that is sent to one person")
        )
    checks.end()
    require_may_assign(project, actor, cleaned["role"])
    rates.count_try("invite", actor.pk, **settings.INVITATION_LIMITS["made"])
    with transaction.atomic():
        invitation = Invitation.objects.create(
            project=project,
            created_by=actor,
            expires_at=timezone.now() + timedelta(days=good_for),
            **cleaned,
            **fields,
        )
        audit.record(
            action="invitation.created",
            target=invitation,
            actor=actor,
            project=project,
            address=address,
            role=invitation.role,
            max_uses=invitation.max_uses,
            **as_json(fields),
        )
    return invitation


@transaction.atomic
def revoke_invitation(*, invitation: Invitation, actor: User, address: str | None = None) -> None:
    """The link lets nobody in any more. Doing it twice changes nothing."""
    invitation = _locked(invitation)
    require_may_assign(invitation.project, actor)
    _revoke(invitation, actor, address)


def revoke_invitations_of(
    *, project: Project, user: User, actor: User, address: str | None = None
) -> None:
    """All open links that the user made: who may no longer invite lets nobody in afterwards.

    Call it inside the deed's own transaction.
    """
    rows = Invitation.objects.filter(project=project, created_by=user, revoked_at=None)
    for invitation in rows.select_for_update().order_by("pk"):
        _revoke(invitation, actor, address)


def accept_invitation(
    *, invitation: Invitation, user: User, address: str | None = None
) -> Membership:
    """Make the user a member, and count the use. A member already is one, and nothing is counted.

    Raises InvitationOver, InvalidValue, TooManyTries.
    """
    rates.count_try("accept", user.pk, **settings.INVITATION_LIMITS["accepted"])
    with transaction.atomic():
        return _accept(invitation, user, address)


def register(
    *,
    invitation: Invitation,
    username: object,
    password: object,
    email: object = "",
    address: str | None = None,
) -> Membership:
    """A new account that comes in by the link, or neither. Raises InvalidValue(s), TooManyTries."""
    rates.count_try(
        "register", f"{invitation.pk}:{address}", **settings.INVITATION_LIMITS["registered"]
    )
    require_open(invitation)
    values = _clean_account(username, password, email)
    try:
        with transaction.atomic():
            user = User.objects.create_user(**values)
            audit.record(
                action="user.registered",
                target=user,
                actor=user,
                project=invitation.project,
                address=address,
            )
            return _accept(invitation, user, address)
    except IntegrityError as error:
        if "username" not in str(error):
            raise
        raise InvalidValue("username", "is taken; choose another") from error


def require_open(invitation: Invitation, now: datetime | None = None) -> None:
    """Raises InvitationOver: why the link lets nobody in."""
    standing = invitation.standing(now or timezone.now())
    if standing == Standing.EXPIRED:
        date = invitation.expires_at.date().isoformat()
        raise InvitationOver("link", OVER[standing], date=date)
    if standing != Standing.OPEN:
        raise InvitationOver("link", OVER[standing])


def _accept(invitation: Invitation, user: User, address: str | None) -> Membership:
    lock_account(user)
    invitation = _locked(invitation)
    member = Membership.objects.filter(project=invitation.project, user=user).first()
    if member is not None:
        return member
    if invitation.taken.filter(user=user).exists():
        raise InvalidValue(
            "link", "you have come in by this link before; ask a manager to take you in again"
        )
    require_open(invitation)
    fields = {"tier": invitation.tier, "team": invitation.team}
    member = join(project=invitation.project, user=user, role=invitation.role, fields=fields)
    InvitationUse.objects.create(invitation=invitation, user=user)
    invitation.uses += 1
    invitation.save(update_fields=["uses"])
    audit.record(
        action="member.joined",
        target=member,
        actor=user,
        project=invitation.project,
        address=address,
        user=user.pk,
        role=member.role,
        invitation=invitation.pk,
        **as_json(fields),
    )
    return member


def _locked(invitation: Invitation) -> Invitation:
    rows = Invitation.objects.select_for_update(of=["self"]).select_related("project", "team")
    return rows.get(pk=invitation.pk)


def _revoke(invitation: Invitation, actor: User, address: str | None) -> None:
    if invitation.revoked_at is None:
        invitation.revoked_at = timezone.now()
        invitation.save(update_fields=["revoked_at"])
        audit.record(
            action="invitation.revoked",
            target=invitation,
            actor=actor,
            project=invitation.project,
            address=address,
        )


def _clean_account(username: object, password: object, email: object) -> dict[str, Any]:
    checks = Checks()
    values = {
        "username": checks.of(_clean_username, username),
        "email": checks.of(_clean_email, email),
        "password": checks.of(clean_text, "password", password, max_chars=4096, required=True),
    }
    if values["password"]:
        user = User(username=values["username"] or "", email=values["email"] or "")
        checks.of(_require_good_password, values["password"], user)
    checks.end()
    return values


def _clean_username(value: object) -> str:
    text = clean_text("username", value, max_chars=150, required=True, lines=False)
    text = User.normalize_username(text)
    try:
        UnicodeUsernameValidator()(text)
    except ValidationError as error:
        raise InvalidValue(
            "username", "may hold letters, digits and @ . + - _ only; choose another"
        ) from error
    if User.objects.filter(username__iexact=text).exists():
        raise InvalidValue("username", "is taken; choose another")
    return text


def _clean_email(value: object) -> str:
    text = clean_text("email", value, max_chars=254, lines=False).strip()
    if text:
        try:
            EmailValidator()(text)
        except ValidationError as error:
            raise InvalidValue("email", "is no e-mail address; correct it") from error
    return text


def _require_good_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        # Django's validators speak the reader's language already.
        raise InvalidValue("password", "{why}", why=" ".join(error.messages)) from error
