"""Words alone: when a version's time of promotion is empty again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("training", "0007_defaults_in_the_database")]

    operations = [
        migrations.AlterField(
            model_name="modelversion",
            name="promoted_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When it was last promoted; null again once it was rolled back.",
                null=True,
            ),
        ),
    ]
