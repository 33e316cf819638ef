"""Why replies of chat models failed, for other languages than English."""

from django.db import migrations, models

from annotate.migrations import _patience

COLUMNS = [
    migrations.AddField(
        model_name="chatreply",
        name="told",
        field=models.JSONField(
            editable=False, help_text="Why it failed, for other languages.", null=True
        ),
    )
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("annotate", "0023_label_flips")]

    operations = [
        _patience.SeparateDatabaseAndState(database_operations=COLUMNS, state_operations=COLUMNS)
    ]
