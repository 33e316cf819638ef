"""Whether a consent text allows leaderboards by group of what people told of themselves."""

from django.db import migrations, models

from annotate.migrations import _patience

COLUMNS = [
    migrations.AddField(
        model_name="consenttext",
        name="compares_groups",
        field=models.BooleanField(
            db_default=False,
            default=False,
            help_text="Leaderboards may be computed by group of what people told of themselves.",
        ),
    )
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("annotate", "0048_snapshot_consensus")]

    operations = [
        _patience.SeparateDatabaseAndState(database_operations=COLUMNS, state_operations=COLUMNS)
    ]
