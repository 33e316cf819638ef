"""A person's password."""

from django.db import transaction

from annotate.models import User
from annotate.services import audit


@transaction.atomic
def change_password(*, user: User, password: str) -> None:
    """Set a password that was validated before; every other session of the person ends."""
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record(action="password.changed", target=user, actor=user)
