"""Messages of jobs, for other languages than English."""

from django.db import migrations, models

from annotate.migrations import _patience

TOLD = models.JSONField(
    editable=False, null=True, help_text="The message for other languages: see wording.Told."
)
COLUMNS = [
    migrations.AddField(model_name=name, name="told", field=TOLD.clone())
    for name in ("evaluationrun", "matchmaking", "samplingrun", "servingjob", "trainingrun")
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("training", "0008_help_texts")]

    operations = [
        _patience.SeparateDatabaseAndState(database_operations=COLUMNS, state_operations=COLUMNS)
    ]
