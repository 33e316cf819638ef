"""Answers to requests with an Idempotency-Key."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0042_panels"),
    ]

    operations = [
        migrations.CreateModel(
            name="KeptAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "digest",
                    models.CharField(
                        help_text="SHA-256 of who asked, method, address and key.", max_length=64
                    ),
                ),
                (
                    "body_digest",
                    models.CharField(help_text="SHA-256 of what was sent.", max_length=64),
                ),
                ("status", models.PositiveSmallIntegerField()),
                (
                    "body",
                    models.TextField(blank=True, help_text="JSON; empty: it had a secret."),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["created_at"], name="kept_answer_by_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("digest",), name="kept_answer_once"),
                    models.CheckConstraint(
                        condition=models.Q(("status__gte", 200), ("status__lt", 300)),
                        name="kept_answer_of_success",
                    ),
                ],
            },
        ),
    ]
