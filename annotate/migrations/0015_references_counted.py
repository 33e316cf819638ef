"""References are checked by counting the parents that a statement names, a prompt's project too."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

from annotate.migrations import _patience

FUNCTIONS = Path(__file__).resolve().parent.parent / "sql" / "references.sql"

PROJECT_WITHOUT_CONSTRAINT = migrations.AlterField(
    model_name="prompt",
    name="project",
    field=models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="prompts",
        to="annotate.project",
    ),
)
TRIGGER = migrations.RunSQL(
    """
    CREATE TRIGGER prompt_of_project AFTER INSERT ON annotate_prompt
        REFERENCING NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION tandem_check_references();
    """,
    "DROP TRIGGER prompt_of_project ON annotate_prompt;",
)


class Migration(migrations.Migration):
    atomic = False  # the tables are locked for a moment at a time, see _patience

    dependencies = [("annotate", "0014_lighter_indexes")]
    operations = [
        migrations.RunSQL(FUNCTIONS.read_text(), migrations.RunSQL.noop),
        # One takes the place of the other: no row is written that neither has looked at.
        _patience.SeparateDatabaseAndState(
            database_operations=[PROJECT_WITHOUT_CONSTRAINT, TRIGGER],
            state_operations=[PROJECT_WITHOUT_CONSTRAINT],
        ),
    ]
