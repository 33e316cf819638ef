"""Tier, languages, skills and team of members; teams."""

import django.db.models.deletion
import django.db.models.functions.text
from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models
from django.db.models import Q

from annotate.migrations import _patience

NONE = models.Value([], ArrayField(models.CharField(max_length=40)))

CHANGES = [
    migrations.AddField(
        model_name="membership",
        name="tier",
        field=models.CharField(
            choices=[("crowd", "Crowd"), ("expert", "Expert")],
            db_default="crowd",
            default="crowd",
            max_length=16,
        ),
    ),
    migrations.AddField(
        model_name="membership",
        name="languages",
        field=ArrayField(
            base_field=models.CharField(max_length=35),
            db_default=NONE,
            default=list,
            help_text="BCP 47 tags that the person reads; none: nothing is known.",
            size=None,
        ),
    ),
    migrations.AddField(
        model_name="membership",
        name="skills",
        field=ArrayField(
            base_field=models.CharField(max_length=40),
            db_default=NONE,
            default=list,
            help_text="Short names in small letters.",
            size=None,
        ),
    ),
    migrations.AddField(
        model_name="membership",
        name="team",
        field=models.ForeignKey(
            blank=True,
            null=True,
            on_delete=django.db.models.deletion.SET_NULL,
            related_name="members",
            to="annotate.team",
        ),
    ),
    migrations.AddConstraint(
        model_name="membership",
        constraint=models.CheckConstraint(
            condition=Q(tier__in=["crowd", "expert"]), name="membership_tier_known"
        ),
    ),
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("annotate", "0024_why_replies_failed")]

    operations = [
        migrations.CreateModel(
            name="Team",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="teams",
                        to="annotate.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("project"),
                        django.db.models.functions.text.Lower("name"),
                        name="team_name_unique",
                    ),
                    models.UniqueConstraint(
                        fields=("project", "id"), name="team_with_project_unique"
                    ),
                    models.CheckConstraint(condition=~Q(name=""), name="team_name_given"),
                ]
            },
        ),
        _patience.SeparateDatabaseAndState(database_operations=CHANGES, state_operations=CHANGES),
        _patience.RunSQL(
            "ALTER TABLE annotate_membership ADD CONSTRAINT membership_team_of_project "
            "FOREIGN KEY (project_id, team_id) REFERENCES annotate_team (project_id, id)",
            "ALTER TABLE annotate_membership DROP CONSTRAINT membership_team_of_project",
        ),
    ]
