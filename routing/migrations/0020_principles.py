"""Judges' runs may be for principles of people's choices."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0019_strategies_of_labels")]

    operations = [
        migrations.RemoveConstraint(model_name="judgerun", name="judgerun_purpose_known"),
        migrations.AlterField(
            model_name="judgerun",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("label", "Labels"),
                    ("dry_run", "Dry run"),
                    ("tag", "Tags of prompts"),
                    ("measure", "Measured against people"),
                    ("draft", "Drafts of criteria"),
                    ("criteria", "Outputs checked by criteria"),
                    ("explain", "Principles of choices"),
                ],
                default="label",
                max_length=8,
            ),
        ),
        migrations.AddConstraint(
            model_name="judgerun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    purpose__in=[
                        *("label", "dry_run", "tag", "measure", "draft", "criteria", "explain")
                    ]
                ),
                name="judgerun_purpose_known",
            ),
        ),
    ]
