"""Judges may tag prompts: which one does, and its runs."""

import django.db.models.deletion
from django.db import migrations, models

PURPOSES = [("label", "Labels"), ("dry_run", "Dry run"), ("tag", "Tags of prompts")]


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0015_references_counted"),
        ("routing", "0009_corrections_of_tags"),
    ]

    operations = [
        migrations.CreateModel(
            name="TaggerChoice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "judge",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotate.judge",
                    ),
                ),
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tagger_choice",
                        to="annotate.project",
                    ),
                ),
            ],
        ),
        migrations.RemoveConstraint(model_name="judgerun", name="judgerun_purpose_known"),
        migrations.AlterField(
            model_name="judgerun",
            name="purpose",
            field=models.CharField(choices=PURPOSES, default="label", max_length=8),
        ),
        migrations.AddConstraint(
            model_name="judgerun",
            constraint=models.CheckConstraint(
                name="judgerun_purpose_known",
                condition=models.Q(purpose__in=["label", "dry_run", "tag"]),
            ),
        ),
    ]
