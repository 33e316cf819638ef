"""Who people are at the provider that they sign in with."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class ProviderIdentity(models.Model):
    """An identity at a provider, which opens one account."""

    # Look-ups by user go through provider_identity_of_user.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="identities",
        db_index=False,
    )
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255, help_text="The issuer's id of the person.")
    label = models.CharField(
        max_length=254, blank=True, help_text="What the person knows it by: address or name."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "provider identities"
        constraints = [
            # Found by both at every sign-in.
            models.UniqueConstraint(fields=["issuer", "subject"], name="provider_identity_unique"),
            models.UniqueConstraint(fields=["user", "issuer"], name="provider_identity_of_user"),
            models.CheckConstraint(
                name="provider_identity_named", condition=~Q(issuer="") & ~Q(subject="")
            ),
        ]

    def __str__(self) -> str:
        return self.label or f"identity {self.pk}"
