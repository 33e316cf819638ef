"""Media files: images, sound and video of a project."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0005_first_form_versions"),
    ]

    operations = [
        migrations.CreateModel(
            name="MediaFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sha256", models.CharField(help_text="Of the bytes, hexadecimal.", max_length=64)),
                (
                    "kind",
                    models.CharField(
                        choices=[("image", "Image"), ("audio", "Audio"), ("video", "Video")],
                        max_length=8,
                    ),
                ),
                ("content_type", models.CharField(max_length=32)),
                ("size", models.PositiveBigIntegerField(help_text="Bytes.")),
                ("name", models.CharField(help_text="As it was first sent.", max_length=255)),
                (
                    "other_names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=255),
                        blank=True,
                        default=list,
                        help_text="Under which the same bytes were sent later.",
                        size=None,
                    ),
                ),
                (
                    "width",
                    models.PositiveIntegerField(
                        blank=True, help_text="Pixels, as shown.", null=True
                    ),
                ),
                ("height", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "duration",
                    models.FloatField(
                        blank=True, help_text="Seconds, where the file tells.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="media_files",
                        to="annotate.project",
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["project", "name"], name="media_file_name"),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["other_names"], name="media_file_other_names"
                    ),
                    models.Index(fields=["project", "-id"], name="media_file_newest"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "sha256"), name="media_file_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["image", "audio", "video"])),
                        name="media_file_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")),
                        name="media_file_sha256_form",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("size__gt", 0)), name="media_file_size_given"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True),
                        name="media_file_name_given",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("height", None), ("width", None)),
                            models.Q(
                                ("height__gt", 0),
                                ("height__isnull", False),
                                ("width__gt", 0),
                                ("width__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="media_file_pixels_together",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("duration", None), ("duration__gte", 0), _connector="OR"
                        ),
                        name="media_file_duration_range",
                    ),
                ],
            },
        ),
    ]
