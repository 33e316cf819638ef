"""Why calls failed, for other languages than English."""

from django.db import migrations, models

from annotate.migrations import _patience

COLUMNS = [
    migrations.AddField(
        model_name="judgecall",
        name="told",
        field=models.JSONField(
            editable=False, help_text="Why it failed or abstains, for other languages.", null=True
        ),
    )
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("routing", "0016_second_looks")]

    operations = [
        _patience.SeparateDatabaseAndState(database_operations=COLUMNS, state_operations=COLUMNS)
    ]
