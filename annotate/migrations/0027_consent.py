"""Consent before the first task, and what members tell of themselves."""

from importlib import import_module
from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

from annotate.migrations import _patience

guard = import_module("annotate.migrations.0002_guards").guard
FUNCTIONS = Path(__file__).resolve().parent.parent / "sql" / "handout.sql"


def _id() -> models.BigAutoField:
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


def _text_in_force(help_text: str, **options: bool) -> models.ForeignKey:
    return models.ForeignKey(
        blank=True,
        db_index=False,
        help_text=help_text,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="annotate.consenttext",
        **options,
    )


CHANGES = [
    migrations.AddField(
        model_name="project",
        name="consent",
        field=_text_in_force(
            "What is agreed to before the first task; empty: nothing is asked.", editable=False
        ),
    ),
    migrations.AddField(
        model_name="project",
        name="profile_questions",
        field=models.JSONField(
            blank=True,
            db_default=models.Value([], models.JSONField()),
            default=list,
            editable=False,
            help_text="What members are asked on themselves; annotate/profile_questions.py.",
        ),
    ),
    migrations.AddField(
        model_name="project",
        name="profile_until",
        field=models.DateField(
            blank=True, help_text="The last day on which their answers are kept.", null=True
        ),
    ),
    migrations.AddConstraint(
        model_name="project",
        constraint=models.CheckConstraint(
            condition=Q(profile_questions=[]) | Q(profile_until__isnull=False),
            name="project_profile_ends",
        ),
    ),
    migrations.AddField(
        model_name="membership",
        name="consent",
        field=_text_in_force("What the person agreed to last; the record is Consent."),
    ),
    migrations.AddField(
        model_name="membership",
        name="profile_asked_at",
        field=models.DateTimeField(
            blank=True,
            help_text="When the project's questions were answered or passed.",
            null=True,
        ),
    ),
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("annotate", "0026_invitations")]

    operations = [
        migrations.CreateModel(
            name="ConsentText",
            fields=[
                ("id", _id()),
                ("number", models.PositiveIntegerField(help_text="From 1 within the project.")),
                ("text", models.TextField(help_text="Markdown.")),
                (
                    "shows_answers",
                    models.BooleanField(
                        default=False,
                        help_text="Managers may see what each person told of themselves.",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consent_texts",
                        to="annotate.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "number"), name="consent_text_unique"
                    ),
                    models.CheckConstraint(
                        condition=Q(number__gte=1), name="consent_text_from_one"
                    ),
                    models.CheckConstraint(condition=~Q(text=""), name="consent_text_given"),
                ]
            },
        ),
        guard("annotate_consenttext"),
        migrations.CreateModel(
            name="Consent",
            fields=[
                ("id", _id()),
                ("given_at", models.DateTimeField(auto_now_add=True)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consents",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "text",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="given",
                        to="annotate.consenttext",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=Q(withdrawn_at__isnull=True),
                        fields=("text", "user"),
                        name="consent_once",
                    ),
                    models.CheckConstraint(
                        condition=Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gte=F("given_at")),
                        name="consent_withdrawn_later",
                    ),
                ]
            },
        ),
        migrations.CreateModel(
            name="ProfileAnswer",
            fields=[
                ("id", _id()),
                ("question", models.CharField(max_length=40)),
                ("value", models.JSONField(blank=True, null=True)),
                ("answered_at", models.DateTimeField(auto_now=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="profile_answers",
                        to="annotate.project",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="profile_answers",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "question", "user"), name="profile_answer_once"
                    ),
                ]
            },
        ),
        _patience.SeparateDatabaseAndState(database_operations=CHANGES, state_operations=CHANGES),
        migrations.RunSQL(FUNCTIONS.read_text(), migrations.RunSQL.noop),
    ]
