"""Whose account an identity at a provider opens.

An identity is connected with an account by whoever is signed in to it, or together with a new
account; never because an e-mail address is the same on both sides.
"""

import secrets

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotate.inputs import InvalidValue
from annotate.models import EndedIdentity, Invitation, ProviderIdentity, User
from annotate.services import audit
from annotate.services.people import rates
from annotate.services.people.invitations import accept_invitation, require_open
from annotate.sign_in.provider import Provider

MOST_BASE = 140  # characters of a username, before its number
MOST_NUMBERED = 100


@transaction.atomic
def open_account(*, provider: Provider, subject: str, address: str | None = None) -> User | None:
    """The account that the identity opens, whose sign-in is recorded; None where it is connected
    with none.

    Raises InvalidValue: the account ended or was locked, or is a participant's of a panel.
    """
    rows = ProviderIdentity.objects.select_related("user").filter(
        issuer=provider.issuer, subject=subject
    )
    identity = rows.first()
    if identity is None:
        return None
    if not identity.user.is_active:
        raise InvalidValue("account", "this account is closed; ask whoever runs this server")
    _refuse_participants(identity.user)
    _record_sign_in(identity, provider, address)
    return identity.user


@transaction.atomic
def connect(
    *, user: User, issuer: str, subject: str, label: str, address: str | None = None
) -> ProviderIdentity:
    """Let the identity open this account, which its person is signed in to. Locks the account.

    Doing it twice changes nothing. Raises InvalidValue: it opens another account, another
    identity of this provider opens this one, or this one is a participant's of a panel.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    _refuse_participants(user)
    own = user.identities.filter(issuer=issuer).first()
    if own is not None and own.subject == subject:
        return own
    if own is not None:
        raise InvalidValue(
            "identity",
            "you are connected as {label} already; disconnect that first",
            label=str(own),
        )
    try:
        with transaction.atomic():
            identity = ProviderIdentity.objects.create(
                user=user, issuer=issuer, subject=subject, label=label
            )
    except IntegrityError as error:
        if "provider_identity_unique" not in str(error):
            raise
        raise InvalidValue(
            "identity", "this opens another account already; disconnect it there first"
        ) from error
    audit.record(action="identity.connected", target=identity, actor=user, address=address)
    return identity


@transaction.atomic
def disconnect(*, user: User, issuer: str, address: str | None = None) -> None:
    """The identity opens the account no more. Locks the account; doing it twice changes nothing.

    Raises InvalidValue: the person could not come in any more.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    identity = user.identities.filter(issuer=issuer).first()
    if identity is None:
        return
    if not user.has_usable_password():
        raise InvalidValue(
            "identity", "this is your only way in; set a password first, then disconnect"
        )
    audit.record(action="identity.disconnected", target=identity, actor=user, address=address)
    identity.delete()


def sign_up(
    *,
    provider: Provider,
    subject: str,
    label: str = "",
    email: str = "",
    username: str = "",
    first_name: str = "",
    last_name: str = "",
    invitation: Invitation | None = None,
    address: str | None = None,
) -> User:
    """A new account that the identity opens, with the invitation accepted, or neither.

    `email` was verified by the provider. Whoever deleted the account that the identity opened needs
    an invitation. Raises InvalidValue where this provider's people get no account; InvitationOver;
    TooManyTries.
    """
    if invitation is not None and provider.sign_up != "nobody":
        limit = settings.INVITATION_LIMITS["registered"]
        rates.count_try("register", f"{invitation.pk}:{address}", **limit)
        require_open(invitation)
    elif not provider.lets_in(email):
        _refuse_newcomer(provider, email)
    else:
        _refuse_ended(provider, subject)
    with transaction.atomic():
        user = _new_user(username or email, email=email, first_name=first_name, last_name=last_name)
        project = invitation.project if invitation else None
        if invitation is None:
            audit.record(action="user.signed_up", target=user, actor=user, address=address)
        else:
            audit.record(
                action="user.registered", target=user, actor=user, project=project, address=address
            )
        identity = connect(
            user=user, issuer=provider.issuer, subject=subject, label=label, address=address
        )
        _record_sign_in(identity, provider, address)
        if invitation is not None:
            accept_invitation(invitation=invitation, user=user, address=address)
    return user


def _refuse_newcomer(provider: Provider, email: str) -> None:
    if provider.sign_up == "domains":
        if not email:
            raise InvalidValue(
                "account",
                "{name} names no e-mail address of yours that it verified; ask there for one, or "
                "ask a manager here for an invitation",
                name=provider.name,
            )
        raise InvalidValue(
            "account",
            "whoever has {email} gets no account here by that alone; ask a manager for an "
            "invitation, or log in with your password and connect {name} in your account",
            email=email,
            name=provider.name,
        )
    if provider.sign_up == "invited":
        raise InvalidValue(
            "account",
            "no account here is connected with this; ask a manager for an invitation, or log in "
            "with your password and connect {name} in your account",
            name=provider.name,
        )
    raise InvalidValue(
        "account",
        "no account here is connected with this; log in with your password and connect {name} in "
        "your account",
        name=provider.name,
    )


def _refuse_ended(provider: Provider, subject: str) -> None:
    """Else whoever was paused, or did what a person may do, would begin anew."""
    mark = EndedIdentity.mark_for(provider.issuer, subject)
    if EndedIdentity.objects.filter(mark=mark).exists():
        raise InvalidValue(
            "account",
            "you deleted the account that {name} opened; ask a manager for an invitation to begin "
            "anew",
            name=provider.name,
        )


def _record_sign_in(identity: ProviderIdentity, provider: Provider, address: str | None) -> None:
    identity.last_used_at = timezone.now()
    identity.save(update_fields=["last_used_at"])
    audit.record(
        action="identity.signed_in",
        target=identity,
        actor=identity.user,
        address=address,
        provider=provider.name,
    )


def _refuse_participants(user: User) -> None:
    if user.participations.exists():
        raise InvalidValue(
            "account", "accounts of panels are opened by the panel’s link alone; come in by that"
        )


def _new_user(wanted: str, **fields: str) -> User:
    """With a username like the wanted one that nobody has, in whatever case, and no password."""
    base = _as_username(wanted)
    names = [base, *(f"{base}-{number}" for number in range(2, MOST_NUMBERED))]
    names.append(f"{base}-{secrets.token_hex(4)}")
    for name in names:
        if User.objects.filter(username__iexact=name).exists():
            continue
        user = User(username=name, **fields)
        user.set_unusable_password()
        try:
            with transaction.atomic():
                user.save()
        except IntegrityError as error:  # somebody took it just now
            if "username" not in str(error):
                raise
            continue
        return user
    raise InvalidValue("username", "all names like {name} are taken; try again", name=base)


def _as_username(wanted: str) -> str:
    """Of a name or an address what Django's usernames may hold: letters, digits, . + - and _."""
    local = wanted.partition("@")[0]
    kept = "".join(letter for letter in local if letter.isalnum() or letter in ".+-_")
    return User.normalize_username(kept)[:MOST_BASE] or "person"
