"""People: their accounts, and the tokens their programs sign in with."""

import secrets

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


def new_pseudonym() -> str:
    """A name for exports that says nothing about the person; 40 bits, unique by constraint."""
    return f"p-{secrets.token_hex(5)}"


class User(AbstractUser):
    """A person, or a simulated person (`is_simulated`, which a trigger keeps for ever)."""

    pseudonym = models.CharField(max_length=32, default=new_pseudonym, editable=False)
    is_simulated = models.BooleanField(default=False)

    # Whoever came with a project's token is nowhere else: see annotate/access.py.
    only_project: int | None = None

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(fields=["pseudonym"], name="user_pseudonym_unique"),
        ]


class ApiToken(models.Model):
    """A key to the REST API. Only the SHA-256 of the secret is kept; it is shown once."""

    class Scope(models.TextChoices):
        READ = "read"
        ANNOTATE = "annotate"
        MANAGE = "manage"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    project = models.ForeignKey(
        "annotate.Project",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="api_tokens",
        help_text="Good for this project alone; null: for all of the user's.",
    )
    name = models.CharField(max_length=100, blank=True)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=16, choices=Scope.choices))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # Found by digest at every API call.
            models.UniqueConstraint(fields=["digest"], name="api_token_digest_unique"),
            models.CheckConstraint(
                name="api_token_scopes_known",
                condition=Q(scopes__contained_by=["read", "annotate", "manage"]),
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"token {self.pk}"
