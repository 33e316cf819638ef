"""A person's own keys: API tokens, made and revoked."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from annotate.api.authentication import issue_token
from annotate.models import ApiToken, User
from annotate.services import audit


@transaction.atomic
def create_token(
    *, user: User, name: str, scopes: list[str], expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A new token and its secret, which cannot be had again. Raises ValidationError."""
    token, secret = issue_token(user=user, scopes=scopes, name=name, expires_at=expires_at)
    audit.record(action="token.created", target=token, actor=user, scopes=scopes)
    return token, secret


@transaction.atomic
def revoke_token(*, token: ApiToken, actor: User) -> None:
    """The token stops working at once. Doing it twice changes nothing."""
    live = ApiToken.objects.filter(pk=token.pk, revoked_at=None)
    if live.update(revoked_at=timezone.now()):
        audit.record(action="token.revoked", target=token, actor=actor)
