"""Uploaded images, sound and video."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models.content import Prompt, Response
from annotate.models.project import Project


class MediaFile(models.Model):
    """A file of a project, known by its bytes: the same bytes sent twice are the same row.

    The bytes lie in the storage "media" under `key`; content names rows by id and SHA-256.
    """

    class Kind(models.TextChoices):
        IMAGE = "image", _("Image")
        AUDIO = "audio", _("Audio")
        VIDEO = "video", _("Video")

    # Look-ups by project go through media_file_unique.
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="media_files", db_index=False
    )
    sha256 = models.CharField(max_length=64, help_text="Of the bytes, hexadecimal.")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    content_type = models.CharField(max_length=32)
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    name = models.CharField(max_length=255, help_text="As it was first sent.")
    other_names = ArrayField(
        models.CharField(max_length=255),
        default=list,
        blank=True,
        help_text="Under which the same bytes were sent later.",
    )
    width = models.PositiveIntegerField(null=True, blank=True, help_text="Pixels, as shown.")
    height = models.PositiveIntegerField(null=True, blank=True)
    duration = models.FloatField(null=True, blank=True, help_text="Seconds, where the file tells.")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            # An upload and every request for the bytes ask by hash.
            models.UniqueConstraint(fields=["project", "sha256"], name="media_file_unique"),
            models.CheckConstraint(
                name="media_file_kind_known", condition=Q(kind__in=["image", "audio", "video"])
            ),
            models.CheckConstraint(
                name="media_file_sha256_form", condition=Q(sha256__regex=r"^[0-9a-f]{64}$")
            ),
            models.CheckConstraint(name="media_file_size_given", condition=Q(size__gt=0)),
            models.CheckConstraint(name="media_file_name_given", condition=~Q(name="")),
            models.CheckConstraint(
                name="media_file_pixels_together",
                condition=Q(width=None, height=None)
                | Q(width__isnull=False, height__isnull=False, width__gt=0, height__gt=0),
            ),
            models.CheckConstraint(
                name="media_file_duration_range",
                condition=Q(duration=None) | Q(duration__gte=0),
            ),
        ]
        indexes = [
            # An import asks for files by the names that its rows write.
            models.Index(fields=["project", "name"], name="media_file_name"),
            GinIndex(fields=["other_names"], name="media_file_other_names"),
            # The list of a project's files, newest first.
            models.Index(fields=["project", "-id"], name="media_file_newest"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """Where the storage keeps the bytes."""
        return f"{self.project_id}/{self.sha256[:2]}/{self.sha256}"


class MediaUse(models.Model):
    """That a prompt, or a response to it, shows a file. Triggers write it: annotate/sql/media.sql.

    The reference to the file (media_use_file) is checked at once, not at commit.
    """

    file = models.ForeignKey(
        MediaFile,
        on_delete=models.PROTECT,
        related_name="uses",
        db_index=False,
        db_constraint=False,
    )
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="media_uses")
    response = models.ForeignKey(
        Response, on_delete=models.CASCADE, null=True, blank=True, related_name="media_uses"
    )

    class Meta:
        constraints = [
            # Deleting a file asks what shows it.
            models.UniqueConstraint(
                fields=["file", "prompt", "response"],
                name="media_use_unique",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file} in {self.response or self.prompt}"
