"""What a project's data may be used for, and the card of each snapshot."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0043_kept_answers"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="license",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Of its data, as SPDX writes it; empty: not stated.",
                max_length=100,
            ),
        ),
        migrations.AddField(
            model_name="snapshot",
            name="card",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="Its data card, Markdown; empty for those from before there were any.",
            ),
        ),
    ]
