"""Reports on quality, consensus, and whether annotators see their own figures."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from annotate.migrations import _patience

OWN_FIGURES = migrations.AddField(
    model_name="project",
    name="own_figures",
    field=models.BooleanField(
        db_default=False,
        default=False,
        help_text="Whether annotators see their own figures of quality.",
    ),
)


class Migration(migrations.Migration):
    atomic = False  # so that the first is tried again until it gets its lock

    dependencies = [
        ("annotate", "0018_ranks_passed"),
    ]

    operations = [
        _patience.SeparateDatabaseAndState(
            database_operations=[OWN_FIGURES], state_operations=[OWN_FIGURES]
        ),
        migrations.CreateModel(
            name="Consensus",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "voices",
                    models.CharField(
                        choices=[
                            ("human", "People"),
                            ("simulated", "Simulated people"),
                            ("judges", "AI judges"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("majority", "Majority"),
                            ("dawid_skene", "Dawid–Skene"),
                            ("plackett_luce", "Plackett–Luce by annotator"),
                            ("span_vote", "Vote on spans"),
                        ],
                        max_length=16,
                    ),
                ),
                ("version", models.PositiveSmallIntegerField(help_text="Of the method.")),
                ("votes", models.PositiveIntegerField(help_text="Judgements that it rests on.")),
                ("answers", models.JSONField()),
                (
                    "entropy",
                    models.FloatField(help_text="The doubt in bits about the least sure answer."),
                ),
                (
                    "divided",
                    models.FloatField(
                        help_text="P(people are of two minds) about the most divided answer; "
                        "0 where the method cannot tell."
                    ),
                ),
                ("computed_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consensus",
                        to="annotate.project",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consensus",
                        to="annotate.task",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["project", "voices", "method", "-divided", "-entropy", "task"],
                        name="consensus_most_divided",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("task", "voices", "method", "version"), name="consensus_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("voices__in", ["human", "simulated", "judges"])),
                        name="consensus_voices_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "method__in",
                                ["majority", "dawid_skene", "plackett_luce", "span_vote"],
                            )
                        ),
                        name="consensus_method_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("divided__gte", 0), ("divided__lte", 1)),
                        name="consensus_divided_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("entropy__gte", 0)), name="consensus_entropy_from_zero"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="QualityRun",
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
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=12,
                    ),
                ),
                ("owner", models.CharField(blank=True, max_length=100)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
                ("attempt", models.PositiveSmallIntegerField(default=0)),
                ("cancel_requested", models.BooleanField(default=False)),
                ("progress", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(blank=True, null=True)),
                (
                    "message",
                    models.TextField(blank=True, help_text="What it is doing, or why it failed."),
                ),
                (
                    "told",
                    models.JSONField(
                        editable=False,
                        help_text="The message for other languages: see wording.Told.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "version",
                    models.PositiveSmallIntegerField(default=1, help_text="Of the report's form."),
                ),
                ("report", models.JSONField(blank=True, null=True)),
                (
                    "judgements",
                    models.PositiveIntegerField(default=0, help_text="That were counted."),
                ),
                (
                    "newest_judgement",
                    models.BigIntegerField(
                        default=0,
                        help_text="The project's newest one when the run began, counted or not.",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
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
                        related_name="quality_runs",
                        to="annotate.project",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "running"])),
                        fields=["state", "lease_until"],
                        name="qualityrun_due",
                    ),
                    models.Index(fields=["project", "-id"], name="quality_run_of_project"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["queued", "running", "done", "failed", "cancelled"])
                        ),
                        name="qualityrun_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "running"), _negated=True),
                            ("lease_until__isnull", False),
                            _connector="OR",
                        ),
                        name="qualityrun_running_is_leased",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["queued", "running"])),
                        fields=("project",),
                        name="quality_run_one_going",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "done"), _negated=True),
                            ("report__isnull", False),
                            _connector="OR",
                        ),
                        name="quality_run_done_has_report",
                    ),
                ],
            },
        ),
    ]
