"""What requests with an Idempotency-Key were answered."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class KeptAnswer(models.Model):
    """One answer, for the request that comes again with the same key.

    Written in the transaction of what the request did (annotate/services/kept_answers.py), so
    there is none of a request that failed or was killed.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(
        max_length=64, help_text="SHA-256 of who asked, method, address and key."
    )
    body_digest = models.CharField(max_length=64, help_text="SHA-256 of what was sent.")
    status = models.PositiveSmallIntegerField()
    body = models.TextField(blank=True, help_text="JSON; empty: it had a secret.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="kept_answer_once"),
            models.CheckConstraint(
                name="kept_answer_of_success", condition=Q(status__gte=200, status__lt=300)
            ),
        ]
        indexes = [
            # Removal of old ones (services/kept_answers.py).
            models.Index(fields=["created_at"], name="kept_answer_by_age"),
        ]

    def __str__(self) -> str:
        return f"answer {self.pk}"
