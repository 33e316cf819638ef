"""Encoders, and the embeddings they read. `FeatureSpecification.encoder` was never written."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0015_references_counted"),
        ("routing", "0010_tagger_of_choice"),
    ]

    operations = [
        migrations.CreateModel(
            name="TextEncoder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=300)),
                (
                    "weights",
                    models.CharField(help_text="A hash of its files, or its id.", max_length=300),
                ),
                ("width", models.PositiveIntegerField(help_text="Numbers of an embedding.")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("name", "weights"), name="text_encoder_unique")
                ],
            },
        ),
        migrations.RemoveField(model_name="featurespecification", name="encoder"),
        migrations.AddField(
            model_name="featurespecification",
            name="encoder",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="Empty: without embeddings; three scores are unknown.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="specifications",
                to="routing.textencoder",
            ),
        ),
        migrations.CreateModel(
            name="ResponseEmbedding",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("values", models.BinaryField(help_text="float16, the lowest byte first.")),
                (
                    "response",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="embeddings",
                        to="annotate.response",
                    ),
                ),
                (
                    "encoder",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="embeddings",
                        to="routing.textencoder",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("encoder", "response"), name="response_embedding_unique"
                    )
                ],
            },
        ),
    ]
