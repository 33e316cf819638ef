"""A snapshot says whether its rows are preferences or single judgements of any kind."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("annotate", "0010_media_uses")]
    operations = [
        migrations.AddField(
            model_name="snapshot",
            name="holds",
            field=models.CharField(
                choices=[("preferences", "Preferences"), ("judgements", "Judgements")],
                default="preferences",
                help_text="What a row is: a preference under the rules, or one judgement.",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="snapshot",
            name="tie_rule",
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AlterField(
            model_name="snapshot",
            name="aggregation",
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AddConstraint(
            model_name="snapshot",
            constraint=models.CheckConstraint(
                name="snapshot_rules_of_preferences",
                condition=(Q(holds="preferences") & ~Q(tie_rule="") & ~Q(aggregation=""))
                | Q(holds="judgements", tie_rule="", aggregation=""),
            ),
        ),
    ]
