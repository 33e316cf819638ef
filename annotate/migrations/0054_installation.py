"""What an installation knows of itself, and the marks of identities that ended."""

import uuid

from django.db import migrations, models

import annotate.models.installation


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0052_arrival"),
    ]

    operations = [
        migrations.CreateModel(
            name="EndedIdentity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "mark",
                    models.CharField(
                        help_text="Of issuer and subject.", max_length=64, unique=True
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="Installation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "uid",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        help_text="Stands in raw rows beside their ids.",
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        default=annotate.models.installation.new_key,
                        editable=False,
                        help_text="Of the marks; told to nobody.",
                        max_length=64,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="installation_only_one"
                    )
                ],
            },
        ),
    ]
