"""Criteria of responses, a sample of outputs, grades; what else a judge's run may be for."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0017_ranked_seats"),
        ("routing", "0013_state_since"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Criterion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("text", models.CharField(max_length=1000)),
                ("version", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("accepted", "Accepted"),
                            ("retired", "Retired"),
                        ],
                        default="draft",
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="Grade",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("passes", models.BooleanField()),
                ("graded_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name="SampledOutput",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="judgerun",
            name="judgerun_purpose_known",
        ),
        migrations.AlterField(
            model_name="judgerun",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("label", "Labels"),
                    ("dry_run", "Dry run"),
                    ("tag", "Tags of prompts"),
                    ("measure", "Measured against people"),
                    ("draft", "Drafts of criteria"),
                    ("criteria", "Outputs checked by criteria"),
                ],
                default="label",
                max_length=8,
            ),
        ),
        migrations.AddConstraint(
            model_name="judgerun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("purpose__in", ["label", "dry_run", "tag", "measure", "draft", "criteria"])
                ),
                name="judgerun_purpose_known",
            ),
        ),
        migrations.AddField(
            model_name="criterion",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="criterion",
            name="drafted_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="annotate.judge",
            ),
        ),
        migrations.AddField(
            model_name="criterion",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="criteria",
                to="annotate.project",
            ),
        ),
        migrations.AddField(
            model_name="grade",
            name="criterion",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="grades",
                to="routing.criterion",
            ),
        ),
        migrations.AddField(
            model_name="grade",
            name="person",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="sampledoutput",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="sampled_outputs",
                to="annotate.project",
            ),
        ),
        migrations.AddField(
            model_name="sampledoutput",
            name="response",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="annotate.response",
            ),
        ),
        migrations.AddField(
            model_name="sampledoutput",
            name="task",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="annotate.task"
            ),
        ),
        migrations.AddField(
            model_name="grade",
            name="output",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="grades",
                to="routing.sampledoutput",
            ),
        ),
        migrations.AddConstraint(
            model_name="criterion",
            constraint=models.UniqueConstraint(
                fields=("project", "name", "version"), name="criterion_version_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="criterion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "accepted")),
                fields=("project", "name"),
                name="criterion_one_accepted",
            ),
        ),
        migrations.AddConstraint(
            model_name="criterion",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["draft", "accepted", "retired"])),
                name="criterion_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="sampledoutput",
            constraint=models.UniqueConstraint(
                fields=("project", "number"), name="sampled_output_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="sampledoutput",
            constraint=models.UniqueConstraint(
                fields=("project", "response"), name="sampled_output_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="grade",
            constraint=models.UniqueConstraint(
                condition=models.Q(("criterion__isnull", False)),
                fields=("output", "person", "criterion"),
                name="grade_by_criterion_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="grade",
            constraint=models.UniqueConstraint(
                condition=models.Q(("criterion", None)),
                fields=("output", "person"),
                name="grade_as_a_whole_unique",
            ),
        ),
    ]
