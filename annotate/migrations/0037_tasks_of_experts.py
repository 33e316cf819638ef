"""Tasks that are for members of the tier expert alone."""

from pathlib import Path

from django.db import migrations, models

from annotate.migrations import _patience

SQL = Path(__file__).resolve().parent.parent / "sql"

TASK = [
    migrations.AddField(
        model_name="task",
        name="tier",
        field=models.CharField(
            blank=True,
            choices=[("expert", "Expert")],
            db_default="",
            default="",
            help_text="Of members to whom alone it is given; empty for everybody.",
            max_length=8,
        ),
    ),
    migrations.AddConstraint(
        model_name="task",
        constraint=models.CheckConstraint(
            condition=models.Q(tier__in=["", "expert"]), name="task_tier_known"
        ),
    ),
    migrations.AddIndex(
        model_name="task",
        index=models.Index(
            condition=models.Q(tier="expert"), fields=["project"], name="task_of_experts"
        ),
    ),
]
REQUIREMENT = [
    migrations.AddField(
        model_name="requirement",
        name="tier",
        field=models.CharField(blank=True, db_default="", default="", max_length=8),
    ),
    migrations.RemoveConstraint(model_name="requirement", name="requirement_unique"),
    migrations.RemoveConstraint(model_name="requirement", name="requirement_of_something"),
    migrations.AddConstraint(
        model_name="requirement",
        constraint=models.UniqueConstraint(
            fields=("project", "language", "skills", "tier"), name="requirement_unique"
        ),
    ),
    migrations.AddConstraint(
        model_name="requirement",
        constraint=models.CheckConstraint(
            condition=models.Q(("language", ""), ("skills__len", 0), ("tier", ""), _negated=True),
            name="requirement_of_something",
        ),
    ),
    migrations.AddConstraint(
        model_name="requirement",
        constraint=models.CheckConstraint(
            condition=models.Q(tier__in=["", "expert"]), name="requirement_tier_known"
        ),
    ),
]


class Migration(migrations.Migration):
    atomic = False  # each step gives up its locks where somebody is in the way

    dependencies = [("annotate", "0036_norming")]

    operations = [
        *(
            _patience.SeparateDatabaseAndState(database_operations=[one], state_operations=[one])
            for one in TASK
        ),
        _patience.SeparateDatabaseAndState(
            database_operations=REQUIREMENT, state_operations=REQUIREMENT
        ),
        _patience.RunSQL(
            [(SQL / name).read_text() for name in ("handout.sql", "requirements.sql")],
            migrations.RunSQL.noop,
        ),
    ]
