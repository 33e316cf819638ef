"""Messages of jobs, for other languages than English."""

from django.db import migrations, models

from annotate.migrations import _patience

TOLD = models.JSONField(
    editable=False, null=True, help_text="The message for other languages: see wording.Told."
)
COLUMNS = [
    migrations.AddField(model_name=name, name="told", field=TOLD.clone())
    for name in ("featurerun", "judgerun", "policyfit", "routingrun")
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("routing", "0005_decisions_in_shadow")]

    operations = [
        _patience.SeparateDatabaseAndState(database_operations=COLUMNS, state_operations=COLUMNS)
    ]
