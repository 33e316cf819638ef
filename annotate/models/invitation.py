"""Invitations by link, and how often somebody tried what is limited."""

import secrets
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from annotate.models.project import Membership, Project
from annotate.models.team import Team


def new_nonce() -> str:
    """128 bits that the link's signature covers."""
    return secrets.token_urlsafe(16)


class Standing(StrEnum):
    """Whether a link still lets somebody in."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Invitation(models.Model):
    """A link that makes whoever has it a member. The link itself is kept nowhere: it is signed
    with the installation's key (annotate/services/people/invitations.py).
    """

    # Look-ups by project go through the index below.
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="invitations", db_index=False
    )
    nonce = models.CharField(max_length=32, default=new_nonce, editable=False)
    role = models.CharField(max_length=16, choices=Membership.Role.choices)
    tier = models.CharField(
        max_length=16, choices=Membership.Tier.choices, default=Membership.Tier.CROWD
    )
    team = models.ForeignKey(
        Team, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=200, blank=True, help_text="Whom it is for.")
    email = models.EmailField(blank=True, help_text="Where it was sent, if it was.")
    max_uses = models.PositiveIntegerField(default=1)
    uses = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # The page of a project's invitations, the newest first.
            models.Index(fields=["project", "-id"], name="invitation_of_project"),
        ]
        constraints = [
            models.CheckConstraint(
                name="invitation_role_known",
                condition=Q(role__in=["manager", "reviewer", "annotator"]),
            ),
            models.CheckConstraint(
                name="invitation_tier_known", condition=Q(tier__in=["crowd", "expert"])
            ),
            models.CheckConstraint(
                name="invitation_uses_range",
                condition=Q(max_uses__gte=1, max_uses__lte=10_000, uses__lte=F("max_uses")),
            ),
        ]

    def __str__(self) -> str:
        return self.note or f"invitation {self.pk}"

    def standing(self, now: datetime) -> Standing:
        """Revoked counts before used up, that before expired."""
        if self.revoked_at is not None:
            return Standing.REVOKED
        if self.uses >= self.max_uses:
            return Standing.USED
        return Standing.EXPIRED if self.expires_at <= now else Standing.OPEN


class InvitationUse(models.Model):
    """Who came in by which link. Nobody comes in twice by the same."""

    invitation = models.ForeignKey(
        Invitation, on_delete=models.CASCADE, related_name="taken", db_index=False
    )
    # The index: what somebody's own data hold.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invitation_uses"
    )
    used_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["invitation", "user"], name="invitation_use_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.user} by {self.invitation}"


class RateCount(models.Model):
    """How often one tried one thing since `began_at`: see annotate/services/people/rates.py."""

    key = models.CharField(max_length=64, primary_key=True, help_text="A keyed hash.")
    began_at = models.DateTimeField()
    count = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.count} since {self.began_at}"
