from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0012_judge_tests")]

    operations = [
        migrations.AddField(
            model_name="routingpolicy",
            name="state_since",
            field=models.DateTimeField(
                blank=True,
                help_text="Since when it is in force, or in shadow, and so on.",
                null=True,
            ),
        ),
    ]
