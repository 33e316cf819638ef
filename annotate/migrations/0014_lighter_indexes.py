"""Fewer index entries for each row that an import or a hand-out writes.

Indexes are built while people work: each new one beside the old one, which is then dropped and
gives it its name. A build that was interrupted leaves an invalid index, which is dropped first.
"""

import django.db.models.deletion
from django.db import migrations, models

from annotate.migrations import _patience


def built(name: str, on: str, *, unique: bool = False) -> list[str]:
    """Statements that build the index under a name of its own."""
    kind = "UNIQUE INDEX" if unique else "INDEX"
    return [
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}_new",
        f"CREATE {kind} CONCURRENTLY {name}_new ON {on}",
    ]


def replaced(name: str, on: str) -> list[str]:
    """Statements that put a new index in the place of the one of that name."""
    return [
        *built(name, on),
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
        f"ALTER INDEX {name}_new RENAME TO {name}",
    ]


SEAT_OF_ANNOTATOR = models.Index(
    condition=models.Q(("annotator__isnull", False)),
    fields=["annotator", "project", "state"],
    name="seat_of_annotator",
)
SEAT_PROJECT_STATE = models.Index(
    condition=models.Q(("state", "open"), _negated=True),
    fields=["project", "state"],
    name="seat_project_state",
)
TASK_RESPONSE_UNIQUE = models.UniqueConstraint(
    fields=("response", "task"), name="task_response_unique"
)

RESPONSE_WITHOUT_INDEX = migrations.AlterField(
    model_name="taskresponse",
    name="response",
    field=models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="places",
        to="annotate.response",
    ),
)


class Migration(migrations.Migration):
    atomic = False  # what is built concurrently stands in no transaction

    dependencies = [
        ("annotate", "0013_references_one_by_one"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    [
                        *built(
                            "task_response_unique",
                            "annotate_taskresponse (response_id, task_id)",
                            unique=True,
                        ),
                    ]
                ),
                _patience.RunSQL(
                    "ALTER TABLE annotate_taskresponse DROP CONSTRAINT task_response_unique, "
                    "ADD CONSTRAINT task_response_unique "
                    "UNIQUE USING INDEX task_response_unique_new"
                ),
            ],
            state_operations=[
                migrations.RemoveConstraint(model_name="taskresponse", name="task_response_unique"),
                migrations.AddConstraint(
                    model_name="taskresponse", constraint=TASK_RESPONSE_UNIQUE
                ),
            ],
        ),
        # After the new constraint, whose index serves a response's places.
        _patience.SeparateDatabaseAndState(
            database_operations=[RESPONSE_WITHOUT_INDEX], state_operations=[RESPONSE_WITHOUT_INDEX]
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    [
                        *replaced(
                            "seat_of_annotator",
                            "annotate_seat (annotator_id, project_id, state) "
                            "WHERE annotator_id IS NOT NULL",
                        ),
                        *replaced(
                            "seat_project_state",
                            "annotate_seat (project_id, state) WHERE NOT state = 'open'",
                        ),
                    ]
                )
            ],
            state_operations=[
                migrations.RemoveIndex(model_name="seat", name="seat_of_annotator"),
                migrations.RemoveIndex(model_name="seat", name="seat_project_state"),
                migrations.AddIndex(model_name="seat", index=SEAT_OF_ANNOTATOR),
                migrations.AddIndex(model_name="seat", index=SEAT_PROJECT_STATE),
            ],
        ),
    ]
