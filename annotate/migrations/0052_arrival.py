"""When imported judgements came here.

Empty where that is when they were given, as of all that was judged here: so no row is written anew,
however many there are.
"""

from django.db import migrations, models

from annotate.migrations import _patience

ADDED = migrations.AddField(
    model_name="judgement",
    name="arrived_at",
    field=models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it came here, of an imported one that was given at another time.",
    ),
)


class Migration(migrations.Migration):
    atomic = False  # as it is patient

    dependencies = [("annotate", "0051_provider_identities")]

    operations = [
        _patience.SeparateDatabaseAndState(database_operations=[ADDED], state_operations=[ADDED]),
    ]
