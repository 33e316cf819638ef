"""What raw rows told of where a judgement comes from."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0044_data_cards"),
    ]

    operations = [
        migrations.AddField(
            model_name="judgement",
            name="origin",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text="Of an imported raw row: what the installation that it comes from told"
                " of it.",
            ),
        ),
    ]
