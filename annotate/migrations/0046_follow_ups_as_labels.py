"""What a follow-up says of an answer, as a project takes it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0045_judgement_origin"),
    ]

    operations = [
        migrations.AddField(
            model_name="signalrules",
            name="follow_up",
            field=models.CharField(
                choices=[("nothing", "nothing"), ("good", "it was good"), ("bad", "it was bad")],
                db_default="nothing",
                default="nothing",
                help_text="What a follow-up says of the answer.",
                max_length=8,
            ),
        ),
        migrations.AddConstraint(
            model_name="signalrules",
            constraint=models.CheckConstraint(
                condition=models.Q(("follow_up__in", ["nothing", "good", "bad"])),
                name="signal_follow_up_known",
            ),
        ),
    ]
