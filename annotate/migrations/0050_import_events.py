"""Webhooks may ask to be told that an import ended."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0049_leaderboards_by_group"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="webhook",
            name="webhook_events_known",
        ),
        migrations.RemoveConstraint(
            model_name="webhookevent",
            name="webhook_event_type_known",
        ),
        migrations.AlterField(
            model_name="webhookevent",
            name="type",
            field=models.CharField(
                choices=[
                    ("judgement.created", "Judgement given"),
                    ("task.done", "Task done"),
                    ("import.ended", "Import ended"),
                    ("snapshot.finished", "Snapshot finished"),
                    ("training.ended", "Training run ended"),
                    ("model.promoted", "Model put into service"),
                    ("budget.reached", "Budget reached"),
                    ("webhook.test", "Test"),
                ],
                max_length=32,
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "events__contained_by",
                        [
                            "judgement.created",
                            "task.done",
                            "import.ended",
                            "snapshot.finished",
                            "training.ended",
                            "model.promoted",
                            "budget.reached",
                        ],
                    ),
                    ("events__len__gte", 1),
                ),
                name="webhook_events_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "type__in",
                        [
                            "judgement.created",
                            "task.done",
                            "import.ended",
                            "snapshot.finished",
                            "training.ended",
                            "model.promoted",
                            "budget.reached",
                            "webhook.test",
                        ],
                    )
                ),
                name="webhook_event_type_known",
            ),
        ),
    ]
