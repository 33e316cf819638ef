"""Seats that a strategy put first: a lane of their own, with a cursor of its own."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

from annotate.migrations import _patience

FUNCTIONS = Path(__file__).resolve().parent.parent / "sql" / "handout.sql"

SEAT_KEY = migrations.AddField(
    model_name="seat",
    name="ranked_key",
    field=models.BigIntegerField(blank=True, null=True),
)
CURSOR = migrations.AddField(
    model_name="membership",
    name="ranked_cursor",
    field=models.BigIntegerField(default=-(2**62)),
)
SEAT_RANKED = models.Index(
    condition=models.Q(("ranked_key__isnull", False), ("state", "open")),
    fields=["project", "ranked_key", "id"],
    name="seat_ranked",
)


class Migration(migrations.Migration):
    atomic = False  # what is built concurrently stands in no transaction

    dependencies = [("annotate", "0016_told")]

    operations = [
        _patience.SeparateDatabaseAndState(
            database_operations=[SEAT_KEY], state_operations=[SEAT_KEY]
        ),
        _patience.SeparateDatabaseAndState(database_operations=[CURSOR], state_operations=[CURSOR]),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    [
                        "DROP INDEX CONCURRENTLY IF EXISTS seat_ranked",
                        "CREATE INDEX CONCURRENTLY seat_ranked ON annotate_seat "
                        "(project_id, ranked_key, id) "
                        "WHERE ranked_key IS NOT NULL AND state = 'open'",
                    ],
                    ["DROP INDEX CONCURRENTLY IF EXISTS seat_ranked"],
                )
            ],
            state_operations=[migrations.AddIndex(model_name="seat", index=SEAT_RANKED)],
        ),
        migrations.CreateModel(
            name="TaskPlace",
            fields=[
                (
                    "task",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="chosen_place",
                        serialize=False,
                        to="annotate.task",
                    ),
                ),
                ("place", models.PositiveIntegerField(help_text="0 comes first.")),
                (
                    "score",
                    models.FloatField(
                        help_text="The strategy's; empty where it was drawn.", null=True
                    ),
                ),
                ("reasons", models.JSONField(default=list)),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="task_places",
                        to="annotate.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        deferrable=models.Deferrable["DEFERRED"],
                        fields=("project", "place"),
                        name="task_place_once",
                    )
                ]
            },
        ),
        # The old function goes last: until then a hand-out that began before finds it.
        migrations.RunSQL(FUNCTIONS.read_text(), migrations.RunSQL.noop),
        migrations.RunSQL(
            "DROP FUNCTION IF EXISTS "
            "tandem_pick_seat(bigint, bigint, bigint, boolean, bigint, bigint)",
            migrations.RunSQL.noop,
        ),
    ]
