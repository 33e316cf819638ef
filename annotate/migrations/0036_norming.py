"""Norming sessions: tasks that chosen people all judge."""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

guard = import_module("annotate.migrations.0002_guards").guard


class Migration(migrations.Migration):
    atomic = False  # so that the first is tried again until it gets its lock

    dependencies = [("annotate", "0035_arena")]

    operations = [
        migrations.CreateModel(
            name="NormingSession",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="norming_sessions",
                        to="annotate.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="NormingSeat",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "annotator",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotate.project",
                    ),
                ),
                (
                    "seat",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="norming",
                        to="annotate.seat",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotate.task",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="seats",
                        to="annotate.normingsession",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="normingsession",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="norming_name_given"
            ),
        ),
        migrations.AddIndex(
            model_name="normingseat",
            index=models.Index(fields=["annotator", "project", "id"], name="norming_next"),
        ),
        migrations.AddConstraint(
            model_name="normingseat",
            constraint=models.UniqueConstraint(
                fields=("session", "task", "annotator"), name="norming_seat_once"
            ),
        ),
    ]
