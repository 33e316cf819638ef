"""More people where answers differ: an overlap with a least and a most."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

from annotate.migrations import _patience

OVERLAPS = Path(__file__).resolve().parent.parent / "sql" / "overlaps.sql"

PROJECT = [
    migrations.AlterField(
        model_name="project",
        name="overlap",
        field=models.PositiveSmallIntegerField(
            default=1,
            help_text="How many people judge each task; at least, with `overlap_most`.",
        ),
    ),
    migrations.AddField(
        model_name="project",
        name="overlap_most",
        field=models.PositiveSmallIntegerField(
            blank=True,
            help_text="How many may judge a task whose answers differ; empty: as many as any "
            "other.",
            null=True,
        ),
    ),
    migrations.AddField(
        model_name="project",
        name="overlap_threshold",
        field=models.FloatField(
            blank=True,
            help_text="P(most people would say so) from which an answer is clear; empty: once "
            "nobody who may still be asked can change which answer leads.",
            null=True,
        ),
    ),
    migrations.AddConstraint(
        model_name="project",
        constraint=models.CheckConstraint(
            condition=models.Q(
                ("overlap_most", None),
                models.Q(("overlap_most__gte", models.F("overlap")), ("overlap_most__lte", 100)),
                _connector="OR",
            ),
            name="project_overlap_most_range",
        ),
    ),
    migrations.AddConstraint(
        model_name="project",
        constraint=models.CheckConstraint(
            condition=models.Q(
                ("overlap_threshold", None),
                models.Q(("overlap_threshold__gt", 0), ("overlap_threshold__lt", 1)),
                _connector="OR",
            ),
            name="project_overlap_threshold_range",
        ),
    ),
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("annotate", "0032_requirements")]

    operations = [
        _patience.SeparateDatabaseAndState(database_operations=PROJECT, state_operations=PROJECT),
        migrations.CreateModel(
            name="OverlapDue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="annotate.task",
                    ),
                ),
            ],
        ),
        _patience.RunSQL(
            OVERLAPS.read_text(), "DROP TRIGGER judgement_makes_overlap_due ON annotate_judgement"
        ),
    ]
