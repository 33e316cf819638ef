"""Who did what to which object, when, from where. Append-only."""

from django.conf import settings
from django.db import models

from annotate.models.project import Project


class AuditEvent(models.Model):
    """One deed. `actor` is empty for what the system did by itself."""

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="audit_events", null=True, blank=True
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    action = models.CharField(max_length=64, help_text="Such as project.created.")
    object_type = models.CharField(max_length=64)
    object_id = models.BigIntegerField(null=True, blank=True)
    detail = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            # The audit page: a project's latest events.
            models.Index(fields=["project", "-id"], name="audit_of_project"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}"
