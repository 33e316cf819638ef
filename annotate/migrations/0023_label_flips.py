"""Labels of judges that were turned round, and under which of them a snapshot took a judgement."""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

from annotate.migrations import _patience

guard = import_module("annotate.migrations.0002_guards").guard

FLIP = migrations.AddField(
    model_name="snapshotjudgement",
    name="flip",
    field=models.ForeignKey(
        db_index=False,
        help_text="Under which it was taken, where the snapshot takes turned labels.",
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="annotate.labelflip",
    ),
)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("annotate", "0022_queue_rolls")]

    operations = [
        migrations.CreateModel(
            name="LabelFlip",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "value",
                    models.JSONField(help_text="In the kind's form; empty: taken back.", null=True),
                ),
                (
                    "why",
                    models.JSONField(
                        default=dict, help_text="What turned it, and by what figures."
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "judgement",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="flips",
                        to="annotate.judgement",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["judgement", "-id"], name="label_flip_newest")]
            },
        ),
        guard("annotate_labelflip"),
        _patience.SeparateDatabaseAndState(database_operations=[FLIP], state_operations=[FLIP]),
    ]
