"""Which format a snapshot's rows have: those that are there hold no context in their prompts."""

from django.db import migrations, models

from annotate.migrations import _patience

COLUMNS = [
    migrations.AddField(
        model_name="snapshot",
        name="row_format",
        field=models.PositiveSmallIntegerField(
            default=1, help_text="What its rows say: see docs/formats.md. New ones have the newest."
        ),
    )
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("annotate", "0020_boards")]

    operations = [
        _patience.SeparateDatabaseAndState(database_operations=COLUMNS, state_operations=COLUMNS)
    ]
