"""Who people are at the provider that they sign in with."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0050_import_events"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProviderIdentity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("issuer", models.CharField(max_length=500)),
                (
                    "subject",
                    models.CharField(help_text="The issuer's id of the person.", max_length=255),
                ),
                (
                    "label",
                    models.CharField(
                        blank=True,
                        help_text="What the person knows it by: address or name.",
                        max_length=254,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="identities",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "provider identities",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("issuer", "subject"), name="provider_identity_unique"
                    ),
                    models.UniqueConstraint(
                        fields=("user", "issuer"), name="provider_identity_of_user"
                    ),
                    models.CheckConstraint(
                        condition=~Q(issuer="") & ~Q(subject=""), name="provider_identity_named"
                    ),
                ],
            },
        ),
    ]
