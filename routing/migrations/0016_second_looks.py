"""Second looks at what a judge labelled alone: trust, turn round, or ask people."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0023_label_flips"),
        ("routing", "0015_upkeep_failures"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SecondLook",
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
                ("settings", models.JSONField(default=dict)),
                ("dry_run", models.BooleanField(default=True)),
                ("seed", models.PositiveBigIntegerField(default=0)),
                ("report", models.JSONField(default=dict)),
                ("taken_back_at", models.DateTimeField(blank=True, null=True)),
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
                    "judge",
                    models.ForeignKey(
                        db_index=False,
                        help_text="The version of the reward model.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotate.judge",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="second_looks",
                        to="annotate.project",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SecondLookItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "label",
                    models.SmallIntegerField(
                        help_text="The judge's: 1 for the task's first response, -1 for the second."
                    ),
                ),
                (
                    "margin",
                    models.FloatField(
                        help_text=(
                            "Of the label: the reward of what it prefers less that of the other, "
                            "in nats."
                        )
                    ),
                ),
                ("p_wrong", models.FloatField(help_text="P(the label is wrong), 0..1.")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("trust", "Trusted"),
                            ("flip", "Turned round"),
                            ("people", "People are asked"),
                            ("wait", "Doubtful, but nobody is left to ask"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "explored",
                    models.BooleanField(
                        default=False, help_text="Drawn to be asked about all the same."
                    ),
                ),
                ("propensity", models.FloatField(help_text="P(people are asked by this look).")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("applied", "Done"),
                            ("passed_over", "Passed over: somebody was faster"),
                        ],
                        default="planned",
                        max_length=12,
                    ),
                ),
                (
                    "look",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="routing.secondlook",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="second_looks",
                        to="annotate.task",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="secondlook",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "running"])),
                fields=["state", "lease_until"],
                name="secondlook_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="secondlook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["queued", "running", "done", "failed", "cancelled"])
                ),
                name="secondlook_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="secondlook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "running"), _negated=True),
                    ("lease_until__isnull", False),
                    _connector="OR",
                ),
                name="secondlook_running_is_leased",
            ),
        ),
        migrations.AddConstraint(
            model_name="secondlook",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["queued", "running"])),
                fields=("project",),
                name="secondlook_one_at_a_time",
            ),
        ),
        migrations.AddIndex(
            model_name="secondlookitem",
            index=models.Index(
                condition=models.Q(("state", "planned")),
                fields=["look", "id"],
                name="second_look_planned",
            ),
        ),
        migrations.AddConstraint(
            model_name="secondlookitem",
            constraint=models.UniqueConstraint(
                fields=("task", "look"), name="second_look_item_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="secondlookitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("outcome__in", ["trust", "flip", "people", "wait"])),
                name="second_look_outcome_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="secondlookitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["planned", "applied", "passed_over"])),
                name="second_look_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="secondlookitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("label__in", [-1, 1])), name="second_look_label_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="secondlookitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("p_wrong__gte", 0),
                    ("p_wrong__lte", 1),
                    ("propensity__gte", 0),
                    ("propensity__lte", 1),
                ),
                name="second_look_probabilities",
            ),
        ),
    ]
