"""Leaderboards, published and on their way, and who reads them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from annotate.migrations import _patience

GUARD = """
CREATE TRIGGER annotate_board_append_only BEFORE UPDATE OR DELETE ON annotate_board
    FOR EACH ROW EXECUTE FUNCTION tandem_refuse_change();
CREATE TRIGGER annotate_board_no_truncate BEFORE TRUNCATE ON annotate_board
    FOR EACH STATEMENT EXECUTE FUNCTION tandem_refuse_change();
"""
UNGUARD = """
DROP TRIGGER annotate_board_append_only ON annotate_board;
DROP TRIGGER annotate_board_no_truncate ON annotate_board;
"""
READERS = [
    migrations.AddField(
        model_name="project",
        name="board_readers",
        field=models.CharField(
            choices=[
                ("managers", "Managers"),
                ("reviewers", "Managers and reviewers"),
                ("members", "Every member"),
            ],
            db_default="reviewers",
            default="reviewers",
            help_text="Who sees published leaderboards.",
            max_length=16,
        ),
    ),
    migrations.AddConstraint(
        model_name="project",
        constraint=models.CheckConstraint(
            condition=models.Q(("board_readers__in", ["managers", "reviewers", "members"])),
            name="project_board_readers_known",
        ),
    ),
]
TABLES = [
    migrations.CreateModel(
        name="Board",
        fields=[
            (
                "id",
                models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                ),
            ),
            ("number", models.PositiveIntegerField(help_text="From 1 within the project.")),
            ("note", models.TextField(blank=True)),
            ("rules", models.JSONField(help_text="Which votes count, and how: see BoardRules.")),
            ("result", models.JSONField()),
            (
                "last_judgement",
                models.BigIntegerField(help_text="No judgement after this id is in it."),
            ),
            (
                "sha256",
                models.CharField(
                    help_text="Over the rules and every vote, in order of judgements.",
                    max_length=64,
                ),
            ),
            ("created_at", models.DateTimeField(auto_now_add=True)),
        ],
    ),
    migrations.CreateModel(
        name="BoardRun",
        fields=[
            (
                "id",
                models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                ),
            ),
            (
                "state",
                models.CharField(
                    choices=[
                        ("queued", "Queued"),
                        ("running", "Running"),
                        ("done", "Done"),
                        ("failed", "Failed"),
                        ("cancelled", "Cancelled"),
                    ],
                    default="queued",
                    max_length=12,
                ),
            ),
            ("owner", models.CharField(blank=True, max_length=100)),
            ("lease_until", models.DateTimeField(blank=True, null=True)),
            ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
            ("attempt", models.PositiveSmallIntegerField(default=0)),
            ("cancel_requested", models.BooleanField(default=False)),
            ("progress", models.BigIntegerField(default=0)),
            ("total", models.BigIntegerField(blank=True, null=True)),
            (
                "message",
                models.TextField(blank=True, help_text="What it is doing, or why it failed."),
            ),
            (
                "told",
                models.JSONField(
                    editable=False,
                    help_text="The message for other languages: see wording.Told.",
                    null=True,
                ),
            ),
            ("created_at", models.DateTimeField(auto_now_add=True)),
            ("started_at", models.DateTimeField(blank=True, null=True)),
            ("finished_at", models.DateTimeField(blank=True, null=True)),
            ("rules", models.JSONField(help_text="Which votes count, and how: see BoardRules.")),
            ("result", models.JSONField(editable=False, null=True)),
            ("sha256", models.CharField(blank=True, editable=False, max_length=64)),
            (
                "last_judgement",
                models.BigIntegerField(
                    editable=False,
                    help_text="The id of the latest judgement that there was.",
                    null=True,
                ),
            ),
        ],
        options={
            "abstract": False,
        },
    ),
    migrations.AddField(
        model_name="board",
        name="created_by",
        field=models.ForeignKey(
            db_index=False,
            on_delete=django.db.models.deletion.PROTECT,
            related_name="+",
            to=settings.AUTH_USER_MODEL,
        ),
    ),
    migrations.AddField(
        model_name="board",
        name="project",
        field=models.ForeignKey(
            db_index=False,
            on_delete=django.db.models.deletion.PROTECT,
            related_name="boards",
            to="annotate.project",
        ),
    ),
    migrations.AddField(
        model_name="boardrun",
        name="created_by",
        field=models.ForeignKey(
            blank=True,
            null=True,
            on_delete=django.db.models.deletion.PROTECT,
            related_name="+",
            to=settings.AUTH_USER_MODEL,
        ),
    ),
    migrations.AddField(
        model_name="boardrun",
        name="project",
        field=models.ForeignKey(
            on_delete=django.db.models.deletion.CASCADE,
            related_name="board_runs",
            to="annotate.project",
        ),
    ),
    migrations.AddConstraint(
        model_name="board",
        constraint=models.UniqueConstraint(
            fields=("project", "number"), name="board_number_unique"
        ),
    ),
    migrations.AddConstraint(
        model_name="board",
        constraint=models.CheckConstraint(
            condition=models.Q(("number__gte", 1)), name="board_number_from_one"
        ),
    ),
    migrations.AddIndex(
        model_name="boardrun",
        index=models.Index(
            condition=models.Q(("state__in", ["queued", "running"])),
            fields=["state", "lease_until"],
            name="boardrun_due",
        ),
    ),
    migrations.AddConstraint(
        model_name="boardrun",
        constraint=models.CheckConstraint(
            condition=models.Q(("state__in", ["queued", "running", "done", "failed", "cancelled"])),
            name="boardrun_state_known",
        ),
    ),
    migrations.AddConstraint(
        model_name="boardrun",
        constraint=models.CheckConstraint(
            condition=models.Q(
                models.Q(("state", "running"), _negated=True),
                ("lease_until__isnull", False),
                _connector="OR",
            ),
            name="boardrun_running_is_leased",
        ),
    ),
]


class Migration(migrations.Migration):
    atomic = False  # each part is tried again until it gets its locks

    dependencies = [("annotate", "0019_quality")]

    operations = [
        _patience.SeparateDatabaseAndState(database_operations=READERS, state_operations=READERS),
        _patience.SeparateDatabaseAndState(
            database_operations=[*TABLES, migrations.RunSQL(GUARD, UNGUARD)],
            state_operations=TABLES,
        ),
    ]
