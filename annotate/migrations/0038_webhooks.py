"""Webhooks: receivers, events, deliveries, and judgements that are to be told."""

import uuid
from pathlib import Path

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from annotate.migrations import _patience

ANSWERS = Path(__file__).resolve().parent.parent / "sql" / "overlaps.sql"

PROJECT = [
    migrations.AddField(
        model_name="project",
        name="tells_answers",
        field=models.BooleanField(
            db_default=False,
            default=False,
            editable=False,
            help_text="Whether a webhook that is on wants to know of judgements or tasks.",
        ),
    ),
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("annotate", "0037_tasks_of_experts"),
    ]

    operations = [
        _patience.SeparateDatabaseAndState(database_operations=PROJECT, state_operations=PROJECT),
        migrations.CreateModel(
            name="UntoldJudgement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("judgement_id", models.BigIntegerField()),
                ("project_id", models.BigIntegerField()),
                ("task_id", models.BigIntegerField()),
            ],
        ),
        _patience.RunSQL(ANSWERS.read_text(), migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Webhook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("url", models.CharField(max_length=500)),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32), size=None
                    ),
                ),
                ("is_on", models.BooleanField(default=True)),
                ("secret", models.CharField(max_length=100)),
                ("old_secret", models.CharField(blank=True, max_length=100)),
                (
                    "old_secret_until",
                    models.DateTimeField(
                        blank=True,
                        help_text="Till then deliveries are signed with both.",
                        null=True,
                    ),
                ),
                (
                    "failing_since",
                    models.DateTimeField(
                        help_text="The first failure since one was taken.", null=True
                    ),
                ),
                (
                    "told",
                    models.JSONField(
                        help_text="Why the server switched it off: wording.Told.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="webhooks",
                        to="annotate.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WebhookEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("judgement.created", "Judgement given"),
                            ("task.done", "Task done"),
                            ("snapshot.finished", "Snapshot finished"),
                            ("training.ended", "Training run ended"),
                            ("model.promoted", "Model put into service"),
                            ("budget.reached", "Budget reached"),
                            ("webhook.test", "Test"),
                        ],
                        max_length=32,
                    ),
                ),
                ("key", models.CharField(help_text="Of what happened; told once.", max_length=100)),
                ("body", models.TextField()),
                ("created_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="annotate.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("taken", "Delivered"),
                            ("dead", "Given up"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                (
                    "attempts",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Begun since it was made or replayed."
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("tried_at", models.DateTimeField(null=True)),
                (
                    "status",
                    models.PositiveSmallIntegerField(
                        help_text="Of the answer; empty: none.", null=True
                    ),
                ),
                ("excerpt", models.TextField(blank=True, help_text="How the answer begins.")),
                ("seconds", models.FloatField(null=True)),
                (
                    "told",
                    models.JSONField(
                        help_text="Why the latest attempt failed: wording.Told.", null=True
                    ),
                ),
                (
                    "webhook",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="annotate.webhook",
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="annotate.webhookevent",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="webhook",
            index=models.Index(fields=["project", "id"], name="webhook_of_project"),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "events__contained_by",
                        [
                            "judgement.created",
                            "task.done",
                            "snapshot.finished",
                            "training.ended",
                            "model.promoted",
                            "budget.reached",
                        ],
                    ),
                    ("events__len__gte", 1),
                ),
                name="webhook_events_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("old_secret", ""), ("old_secret_until", None)),
                    models.Q(
                        models.Q(("old_secret", ""), _negated=True),
                        ("old_secret_until__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="webhook_old_secret_ends",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookevent",
            index=models.Index(fields=["created_at"], name="webhook_event_by_age"),
        ),
        migrations.AddConstraint(
            model_name="webhookevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "type__in",
                        [
                            "judgement.created",
                            "task.done",
                            "snapshot.finished",
                            "training.ended",
                            "model.promoted",
                            "budget.reached",
                            "webhook.test",
                        ],
                    )
                ),
                name="webhook_event_type_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookevent",
            constraint=models.UniqueConstraint(
                fields=("project", "type", "key"), name="webhook_event_once"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "waiting")),
                fields=["webhook", "due_at"],
                name="delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["webhook", "state", "-id"], name="delivery_by_state"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["webhook", "-id"], name="delivery_of_webhook"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "taken", "dead"])),
                name="delivery_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(fields=("event", "webhook"), name="delivery_once"),
        ),
    ]
