"""The history of corrected tags: those that count now are its first rows."""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

guard = import_module("annotate.migrations.0002_guards").guard
COPY = """
INSERT INTO routing_tagcorrection (prompt_id, person_id, answer, created_at)
SELECT prompt_id, corrected_by_id, answer, changed_at
FROM routing_prompttagging WHERE tagger = 'person' ORDER BY changed_at
"""


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0015_references_counted"),
        ("routing", "0008_simulations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TagCorrection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("answer", models.JSONField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "prompt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tag_corrections",
                        to="annotate.prompt",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(COPY, migrations.RunSQL.noop),
        guard("routing_tagcorrection"),
    ]
