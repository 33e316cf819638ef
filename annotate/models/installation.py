"""What an installation knows of itself, and whom it remembers without knowing them."""

import hashlib
import secrets
import uuid

from django.db import models
from django.db.models import Q


def new_key() -> str:
    return secrets.token_hex(32)


class Installation(models.Model):
    """The one row of this database. It stays whatever the settings become, SECRET_KEY among them.

    A copy of the database is the same installation: its ids mean the same rows.
    """

    uid = models.UUIDField(
        default=uuid.uuid4, editable=False, help_text="Stands in raw rows beside their ids."
    )
    key = models.CharField(
        max_length=64, default=new_key, editable=False, help_text="Of the marks; told to nobody."
    )

    class Meta:
        constraints = [models.CheckConstraint(name="installation_only_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(self.uid)

    @classmethod
    def this(cls) -> "Installation":
        """Made at the first call. One query from then on."""
        return cls.objects.get_or_create(pk=1)[0]

    def mark_of(self, purpose: str, *parts: str) -> str:
        """64 hex digits by which the parts are known again but not read from. Takes about 30 ms,
        so that whoever has a copy of the database does not try many.
        """
        text = "\0".join((purpose, *parts)).encode()
        salt = bytes.fromhex(self.key)
        return hashlib.scrypt(text, salt=salt, n=1 << 13, r=8, p=1, dklen=32).hex()


class EndedIdentity(models.Model):
    """An identity at a provider whose person deleted the account that it opened."""

    mark = models.CharField(max_length=64, unique=True, help_text="Of issuer and subject.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"ended identity {self.pk}"

    @staticmethod
    def mark_for(issuer: str, subject: str) -> str:
        return Installation.this().mark_of("identity", issuer, subject)
