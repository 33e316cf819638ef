"""Studies of panels, and a member's own limit of tasks."""

from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import annotate.models.panel
from annotate.migrations import _patience

SQL = Path(__file__).resolve().parent.parent / "sql"

CAP = [
    migrations.AddField(
        model_name="standing",
        name="cap_own",
        field=models.PositiveIntegerField(
            help_text="Tasks this member may answer, whatever the rules allow: of panels.",
            null=True,
        ),
    ),
]


class Migration(migrations.Migration):
    atomic = False  # each step gives up its locks where somebody is in the way

    dependencies = [
        ("annotate", "0041_suiting_checks"),
    ]

    operations = [
        _patience.SeparateDatabaseAndState(database_operations=CAP, state_operations=CAP),
        migrations.CreateModel(
            name="PanelStudy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        default=annotate.models.panel.new_study_code, editable=False, max_length=24
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("participant_parameter", models.CharField(default="PROLIFIC_PID", max_length=40)),
                ("study_parameter", models.CharField(default="STUDY_ID", max_length=40)),
                ("session_parameter", models.CharField(default="SESSION_ID", max_length=40)),
                (
                    "signed",
                    models.BooleanField(
                        default=False,
                        help_text="Whether links must carry a signature.",
                    ),
                ),
                (
                    "nonce",
                    models.CharField(
                        default=annotate.models.panel.new_study_code, editable=False, max_length=24
                    ),
                ),
                (
                    "tasks_each",
                    models.PositiveIntegerField(
                        default=0, help_text="Tasks of one participation; 0: as many as there are."
                    ),
                ),
                (
                    "places",
                    models.PositiveIntegerField(
                        default=0, help_text="Participants in all; 0: no limit."
                    ),
                ),
                ("taken", models.PositiveIntegerField(default=0, help_text="Participants so far.")),
                (
                    "return_url",
                    models.CharField(
                        blank=True,
                        help_text="Where people go back to; {code} is the code.",
                        max_length=500,
                    ),
                ),
                (
                    "code_completed",
                    models.CharField(
                        default=annotate.models.panel.new_completion_code, max_length=40
                    ),
                ),
                (
                    "code_screened_out",
                    models.CharField(
                        default=annotate.models.panel.new_completion_code, max_length=40
                    ),
                ),
                (
                    "code_no_consent",
                    models.CharField(
                        default=annotate.models.panel.new_completion_code, max_length=40
                    ),
                ),
                (
                    "code_nothing_left",
                    models.CharField(
                        default=annotate.models.panel.new_completion_code, max_length=40
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="panel_studies",
                        to="annotate.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Participation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "participant",
                    models.CharField(help_text="The panel's id of the person.", max_length=100),
                ),
                (
                    "panel_study",
                    models.CharField(blank=True, help_text="The panel's own id.", max_length=100),
                ),
                ("session", models.CharField(blank=True, max_length=100)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "Taking part"),
                            ("completed", "Completed"),
                            ("screened_out", "Screened out"),
                            ("no_consent", "Did not agree"),
                            ("nothing_left", "Nothing left to do"),
                            ("returned", "Returned"),
                            ("timed_out", "Timed out"),
                        ],
                        default="active",
                        max_length=16,
                    ),
                ),
                (
                    "done_before",
                    models.PositiveIntegerField(help_text="The member's done_count at the start."),
                ),
                (
                    "done",
                    models.PositiveIntegerField(
                        help_text="Tasks done, once it is over.", null=True
                    ),
                ),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "study",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="participations",
                        to="annotate.panelstudy",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="participations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="panelstudy",
            index=models.Index(fields=["project", "-id"], name="panel_study_of_project"),
        ),
        migrations.AddConstraint(
            model_name="panelstudy",
            constraint=models.UniqueConstraint(fields=("code",), name="panel_study_code_unique"),
        ),
        migrations.AddConstraint(
            model_name="panelstudy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("places", 0), ("taken__lte", models.F("places")), _connector="OR"
                ),
                name="panel_study_places_kept",
            ),
        ),
        migrations.AddIndex(
            model_name="participation",
            index=models.Index(fields=["study", "-id"], name="participation_of_study"),
        ),
        migrations.AddConstraint(
            model_name="participation",
            constraint=models.UniqueConstraint(
                fields=("study", "participant"), name="participation_once_a_study"
            ),
        ),
        migrations.AddConstraint(
            model_name="participation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "active")),
                fields=("user",),
                name="participation_one_active",
            ),
        ),
        migrations.AddConstraint(
            model_name="participation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "active",
                            "completed",
                            "screened_out",
                            "no_consent",
                            "nothing_left",
                            "returned",
                            "timed_out",
                        ],
                    )
                ),
                name="participation_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="participation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("done__isnull", True), ("ended_at__isnull", True), ("state", "active")
                    ),
                    models.Q(
                        models.Q(("state", "active"), _negated=True),
                        ("done__isnull", False),
                        ("ended_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="participation_ended_whole",
            ),
        ),
        _patience.RunSQL([(SQL / "checks.sql").read_text()], migrations.RunSQL.noop),
    ]
