"""Implicit feedback of a product, and how far it is trusted."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0039_tokens_of_projects"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignalRules",
            fields=[
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="signal_rules",
                        serialize=False,
                        to="annotate.project",
                    ),
                ),
                (
                    "noise",
                    models.JSONField(
                        default=dict, help_text="By type: how often its label is wrong, 0 to 0.5."
                    ),
                ),
                ("keep_days", models.PositiveSmallIntegerField(default=365)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("keep_days__gte", 1), ("keep_days__lte", 3650)),
                        name="signal_keep_days_range",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Signal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        help_text="The product's own; sent again it is known.", max_length=100
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("thumbs_up", "Thumb up"),
                            ("thumbs_down", "Thumb down"),
                            ("love", "Love"),
                            ("copy", "Copied"),
                            ("follow_up", "Asked on"),
                            ("edit", "Edited"),
                            ("regenerate", "Asked for another answer"),
                        ],
                        max_length=16,
                    ),
                ),
                ("prompt", models.JSONField(help_text="List of {role, content}.", null=True)),
                ("completion", models.TextField(blank=True)),
                (
                    "generator",
                    models.CharField(help_text="The model that answered.", max_length=200),
                ),
                ("generator_version", models.CharField(blank=True, max_length=100)),
                (
                    "edited",
                    models.TextField(blank=True, help_text="Of an edit: the text as it was left."),
                ),
                (
                    "end_user",
                    models.CharField(
                        blank=True,
                        help_text="A pseudonym made here of what the product sent.",
                        max_length=32,
                    ),
                ),
                ("happened_at", models.DateTimeField()),
                ("received_at", models.DateTimeField(auto_now_add=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="signals",
                        to="annotate.project",
                    ),
                ),
                (
                    "response",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="signals",
                        to="annotate.response",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["project", "id"], name="signal_of_project"),
                    models.Index(fields=["project", "received_at"], name="signal_by_age"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "type__in",
                                [
                                    "thumbs_up",
                                    "thumbs_down",
                                    "love",
                                    "copy",
                                    "follow_up",
                                    "edit",
                                    "regenerate",
                                ],
                            )
                        ),
                        name="signal_type_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("completion", ""), ("prompt", None), ("response__isnull", False)
                            ),
                            models.Q(
                                ("prompt__isnull", False),
                                ("response", None),
                                models.Q(("completion", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="signal_answer_once",
                    ),
                    models.UniqueConstraint(fields=("project", "key"), name="signal_once"),
                ],
            },
        ),
    ]
