"""Loops and their rounds, matchmaking; sampling from models behind addresses.

References are made with their tables, so that those to tables in use are added, and these locked
for that, at the very end.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0014_lighter_indexes"),
        ("annotate", "__first__"),
        ("training", "0003_gate_records"),
    ]

    operations = [
        migrations.CreateModel(
            name="Loop",
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
                            ("active", "Active"),
                            ("paused", "Paused"),
                            ("stopped", "Stopped by a guard"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="active",
                        max_length=12,
                    ),
                ),
                ("reward_config", models.JSONField(help_text="Of the reward model's runs.")),
                (
                    "policy_config",
                    models.JSONField(
                        blank=True,
                        help_text="Of the policy's runs; empty: no policy is trained.",
                        null=True,
                    ),
                ),
                (
                    "sampler",
                    models.CharField(
                        choices=[
                            ("newest", "the policy in service"),
                            ("version", "a policy version"),
                            ("endpoint", "a model behind an address"),
                        ],
                        default="newest",
                        max_length=12,
                    ),
                ),
                (
                    "sampling",
                    models.JSONField(
                        help_text="How many prompts by which strategy, responses, pairs, overlap …"
                    ),
                ),
                ("guards", models.JSONField(help_text="The bounds: see training/loop/guards.py.")),
                (
                    "labels_wanted",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="People's labels a round; empty: a person goes on by hand.",
                        null=True,
                    ),
                ),
                (
                    "rounds_wanted",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Done after so many rounds; empty: goes on.",
                        null=True,
                    ),
                ),
                (
                    "unknown_reason",
                    models.TextField(
                        blank=True,
                        help_text="Why a version goes into service where the gate knows nothing.",
                    ),
                ),
                ("seed", models.PositiveIntegerField(default=0)),
                (
                    "go_on",
                    models.BooleanField(
                        default=False,
                        help_text="Somebody asked for the next step without further labels.",
                    ),
                ),
                (
                    "stopped_by",
                    models.JSONField(
                        blank=True,
                        help_text="The guard that stopped it, with its figure and bound.",
                        null=True,
                    ),
                ),
                (
                    "waits_for",
                    models.CharField(
                        blank=True,
                        help_text="What kept the last look from starting a step.",
                        max_length=20,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="loops",
                        to="annotate.project",
                    ),
                ),
                (
                    "sampler_model",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="loops",
                        to="annotate.chatmodel",
                    ),
                ),
                (
                    "sampler_version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="training.modelversion",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "active")), fields=["id"], name="loop_active"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["active", "paused", "stopped"])),
                        fields=("project",),
                        name="loop_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["active", "paused", "stopped", "done", "cancelled"])
                        ),
                        name="loop_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("sampler", "newest"),
                                ("sampler_model", None),
                                ("sampler_version", None),
                            ),
                            models.Q(
                                ("sampler", "version"),
                                ("sampler_model", None),
                                ("sampler_version__isnull", False),
                            ),
                            models.Q(
                                ("sampler", "endpoint"),
                                ("sampler_model__isnull", False),
                                ("sampler_version", None),
                            ),
                            _connector="OR",
                        ),
                        name="loop_sampler_given",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "stopped"), ("stopped_by__isnull", False)),
                            models.Q(("state", "stopped"), _negated=True),
                            _connector="OR",
                        ),
                        name="loop_stop_told",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("labels_wanted", None), ("labels_wanted__gt", 0), _connector="OR"
                        ),
                        name="loop_labels_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("rounds_wanted", None), ("rounds_wanted__gt", 0), _connector="OR"
                        ),
                        name="loop_rounds_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Matchmaking",
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
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("config", models.JSONField(help_text="strategy, pairs a prompt, seed.")),
                ("metrics", models.JSONField(default=dict)),
                (
                    "device_seconds",
                    models.FloatField(
                        default=0, help_text="How long its children worked, over all attempts."
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="matchmakings",
                        to="annotate.project",
                    ),
                ),
                (
                    "reward_version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="training.modelversion",
                    ),
                ),
                (
                    "sampling_run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="matchmakings",
                        to="training.samplingrun",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "running"])),
                        fields=["state", "lease_until"],
                        name="matchmaking_due",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["queued", "running", "done", "failed", "cancelled"])
                        ),
                        name="matchmaking_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "running"), _negated=True),
                            ("lease_until__isnull", False),
                            _connector="OR",
                        ),
                        name="matchmaking_running_is_leased",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LoopRound",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(help_text="1, 2, 3 … within the loop.")),
                (
                    "phase",
                    models.CharField(
                        choices=[
                            ("snapshot", "Snapshot"),
                            ("reward_model", "Reward model"),
                            ("policy", "Policy"),
                            ("sampling", "Sampling"),
                            ("matchmaking", "Matchmaking"),
                            ("tasks", "Tasks"),
                            ("judging", "Judging"),
                            ("over", "Over"),
                        ],
                        default="snapshot",
                        max_length=16,
                    ),
                ),
                ("phase_since", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("done", "Done"),
                            ("rolled_back", "Rolled back"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "after_judgement",
                    models.BigIntegerField(
                        help_text="Newest judgement that the last round to end has seen."
                    ),
                ),
                (
                    "until_judgement",
                    models.BigIntegerField(
                        help_text="Newest judgement when this round's snapshot was frozen.",
                        null=True,
                    ),
                ),
                (
                    "gates",
                    models.JSONField(
                        default=dict,
                        help_text="By kind: whether it went into service, and the gate's verdict.",
                    ),
                ),
                (
                    "guards",
                    models.JSONField(default=dict, help_text="By name: what each guard found."),
                ),
                (
                    "former_jobs",
                    models.JSONField(
                        default=list,
                        help_text="Failed runs that a manager had repeated: [phase, id].",
                    ),
                ),
                (
                    "figures",
                    models.JSONField(default=dict, help_text="Frozen when the round ends."),
                ),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "loop",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rounds",
                        to="training.loop",
                    ),
                ),
                (
                    "policy_run",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="round_of_policy",
                        to="training.trainingrun",
                    ),
                ),
                (
                    "policy_snapshot",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotate.snapshot",
                    ),
                ),
                (
                    "policy_version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="training.modelversion",
                    ),
                ),
                (
                    "reward_run",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="round_of_reward",
                        to="training.trainingrun",
                    ),
                ),
                (
                    "reward_snapshot",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotate.snapshot",
                    ),
                ),
                (
                    "reward_version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="training.modelversion",
                    ),
                ),
                (
                    "sampling_run",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="loop_round",
                        to="training.samplingrun",
                    ),
                ),
                (
                    "serving_policy",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="training.modelversion",
                    ),
                ),
                (
                    "serving_reward",
                    models.ForeignKey(
                        help_text="In service once the round's own version had its chance.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="training.modelversion",
                    ),
                ),
                (
                    "matchmaking",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="loop_round",
                        to="training.matchmaking",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("loop", "number"), name="loop_round_number_unique"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("phase", "over"), _negated=True),
                        fields=("loop",),
                        name="loop_round_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "phase__in",
                                [
                                    "snapshot",
                                    "reward_model",
                                    "policy",
                                    "sampling",
                                    "matchmaking",
                                    "tasks",
                                    "judging",
                                    "over",
                                ],
                            )
                        ),
                        name="loop_round_phase_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("finished_at__isnull", False),
                                ("outcome__in", ["done", "rolled_back", "cancelled"]),
                                ("phase", "over"),
                            ),
                            models.Q(
                                models.Q(("phase", "over"), _negated=True),
                                ("finished_at", None),
                                ("outcome", ""),
                            ),
                            _connector="OR",
                        ),
                        name="loop_round_end_complete",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("finished_at", None),
                            ("finished_at__gte", models.F("started_at")),
                            _connector="OR",
                        ),
                        name="loop_round_forward",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MatchedPair",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_new", models.BooleanField(help_text="Whether the other one is new, too.")),
                (
                    "gap",
                    models.FloatField(
                        help_text="Reward of the new one less the other's, as the judge scores it.",
                        null=True,
                    ),
                ),
                (
                    "new",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotate.response",
                    ),
                ),
                (
                    "other",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotate.response",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="matched_pairs",
                        to="annotate.task",
                    ),
                ),
                (
                    "matchmaking",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pairs",
                        to="training.matchmaking",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("matchmaking", "new", "other"), name="matched_pair_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("new", models.F("other")), _negated=True),
                        name="matched_pair_of_two",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="samplingrun",
            name="chat_model",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sampling_runs",
                to="annotate.chatmodel",
            ),
        ),
        migrations.AlterField(
            model_name="samplingrun",
            name="model_version",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sampling_runs",
                to="training.modelversion",
            ),
        ),
        migrations.AddConstraint(
            model_name="samplingrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("chat_model__isnull", True), ("model_version__isnull", False)),
                    models.Q(("chat_model__isnull", False), ("model_version__isnull", True)),
                    _connector="OR",
                ),
                name="samplingrun_one_sampler",
            ),
        ),
    ]
