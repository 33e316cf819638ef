"""Known answers, checks, practice, limits and pay; the database functions that hand out by them."""

from pathlib import Path

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from annotate.migrations import _patience

ON_JUDGEMENT = migrations.AddField(
    model_name="judgement",
    name="is_gold",
    field=models.BooleanField(
        db_default=False,
        default=False,
        help_text="Given where the known answer checked its author: no ordinary label.",
    ),
)
ON_SEAT = migrations.AddField(
    model_name="seat",
    name="is_gold",
    field=models.BooleanField(
        db_default=False,
        default=False,
        help_text="Drawn to check one person by a known answer; never open to others.",
    ),
)
SEAT_GOLD = models.Index(
    fields=["project", "state"], name="seat_gold", condition=models.Q(("is_gold", True))
)
FOLDER = Path(__file__).resolve().parent.parent / "sql"
FUNCTIONS = "".join(
    [
        "DROP FUNCTION IF EXISTS tandem_look_at_seat;",
        "DROP FUNCTION IF EXISTS tandem_answer_seat;",
        *((FOLDER / name).read_text() for name in ("checks.sql", "handout.sql", "judgements.sql")),
    ]
)


class Migration(migrations.Migration):
    atomic = False  # what is built concurrently stands in no transaction

    dependencies = [
        ("annotate", "0029_factor_runs"),
    ]

    operations = [
        migrations.CreateModel(
            name="GoldCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("right", models.BooleanField()),
                ("distance", models.FloatField(help_text="From the known answer, 0 to 1.")),
                (
                    "answered_at",
                    models.DateTimeField(help_text="When the person first answered it."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="GoldItem",
            fields=[
                (
                    "task",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="gold_item",
                        serialize=False,
                        to="annotate.task",
                    ),
                ),
                (
                    "use",
                    models.CharField(
                        choices=[
                            ("hidden", "Mixed in unseen"),
                            ("attention", "Attention check, mixed in unseen"),
                            ("quiz", "Qualification quiz"),
                            ("training", "Training"),
                        ],
                        default="hidden",
                        max_length=12,
                    ),
                ),
                (
                    "explanation",
                    models.TextField(
                        blank=True, help_text="Markdown, shown after the answer in training."
                    ),
                ),
                (
                    "tolerance",
                    models.FloatField(
                        blank=True,
                        help_text="Distance from the known answer that still counts as right; "
                        "empty: as the kind has it.",
                        null=True,
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("imported", "Import"),
                            ("hand", "By hand"),
                            ("unanimous", "From unanimous answers"),
                        ],
                        default="hand",
                        max_length=12,
                    ),
                ),
                ("draw_key", models.PositiveIntegerField(editable=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="PayRate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "tier",
                    models.CharField(blank=True, help_text="Empty: everybody else.", max_length=16),
                ),
                (
                    "basis",
                    models.CharField(
                        choices=[("piece", "A judgement"), ("hour", "An hour at work")],
                        max_length=8,
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=4, max_digits=10)),
                ("currency", models.CharField(help_text="ISO 4217, such as EUR.", max_length=3)),
                (
                    "bonus_percent",
                    models.PositiveSmallIntegerField(default=0, help_text="Of the pay; 0: none."),
                ),
                ("bonus_share", models.PositiveSmallIntegerField(default=90)),
                ("bonus_from", models.PositiveSmallIntegerField(default=10)),
            ],
        ),
        migrations.CreateModel(
            name="PracticeAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("value", models.JSONField()),
                ("rationale", models.TextField(blank=True)),
                ("right", models.BooleanField()),
                ("distance", models.FloatField(help_text="From the known answer, 0 to 1.")),
                ("seconds_active", models.FloatField(null=True)),
                ("answered_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="PracticeRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "stage",
                    models.CharField(
                        choices=[("training", "Training"), ("quiz", "Quiz")], max_length=8
                    ),
                ),
                (
                    "task_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        help_text="In the order in which they are asked.",
                        size=None,
                    ),
                ),
                (
                    "pass_percent",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Of the quiz, as it was when the try began."
                    ),
                ),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "right",
                    models.PositiveSmallIntegerField(
                        help_text="Answers that were right.", null=True
                    ),
                ),
                ("passed", models.BooleanField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Standing",
            fields=[
                (
                    "membership",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="standing",
                        serialize=False,
                        to="annotate.membership",
                    ),
                ),
                (
                    "draws",
                    models.PositiveIntegerField(
                        db_default=0,
                        default=0,
                        help_text="Seats handed out, hidden items among them.",
                    ),
                ),
                (
                    "gold_cursor",
                    models.BigIntegerField(
                        help_text="The draw_key of the last hidden item; empty before the first.",
                        null=True,
                    ),
                ),
                (
                    "gold_spent",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="There was no further hidden item.",
                    ),
                ),
                (
                    "gold_from",
                    models.DateTimeField(
                        help_text="The floor counts hidden items from then on.", null=True
                    ),
                ),
                ("paused_at", models.DateTimeField(null=True)),
                (
                    "paused_why",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "not paused"),
                            ("gold", "too many known answers missed"),
                            ("manager", "by a manager"),
                        ],
                        db_default="",
                        default="",
                        max_length=8,
                    ),
                ),
                ("trained_at", models.DateTimeField(null=True)),
                ("qualified_at", models.DateTimeField(null=True)),
                (
                    "quiz_from",
                    models.DateTimeField(help_text="Tries count from then on.", null=True),
                ),
                ("hour_began", models.DateTimeField(null=True)),
                ("hour_count", models.PositiveIntegerField(db_default=0, default=0)),
                ("day_began", models.DateTimeField(null=True)),
                ("day_count", models.PositiveIntegerField(db_default=0, default=0)),
                (
                    "stretch_began",
                    models.DateTimeField(help_text="Of work without a pause.", null=True),
                ),
                ("last_answer_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="WorkRules",
            fields=[
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="work_rules",
                        serialize=False,
                        to="annotate.project",
                    ),
                ),
                (
                    "gold_percent",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Share of hidden items with a known answer in what each "
                        "person gets.",
                    ),
                ),
                (
                    "gold_floor",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Percent of hidden items to answer right; who falls below is "
                        "paused.",
                    ),
                ),
                (
                    "gold_floor_from",
                    models.PositiveSmallIntegerField(
                        default=10,
                        help_text="Over how many latest hidden items, and not before there are "
                        "so many.",
                    ),
                ),
                (
                    "training",
                    models.BooleanField(
                        default=False,
                        help_text="Whether people go through the training items first.",
                    ),
                ),
                (
                    "quiz_pass_percent",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Share of the quiz to answer right before any real task; 0: "
                        "no quiz.",
                    ),
                ),
                (
                    "quiz_tries",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="0: as many as one likes."
                    ),
                ),
                (
                    "quiz_wait_minutes",
                    models.PositiveIntegerField(
                        default=0, help_text="Between a failed try and the next."
                    ),
                ),
                (
                    "cap_hour",
                    models.PositiveIntegerField(
                        default=0, help_text="Tasks a person may answer in an hour."
                    ),
                ),
                (
                    "cap_day",
                    models.PositiveIntegerField(
                        default=0, help_text="Tasks a person may answer in 24 hours."
                    ),
                ),
                (
                    "cap_total",
                    models.PositiveIntegerField(
                        default=0, help_text="Tasks a person may answer in this project."
                    ),
                ),
                (
                    "break_minutes",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Work without a pause after which one is suggested."
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="goldcheck",
            name="annotator",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="gold_checks",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="goldcheck",
            name="judgement",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="gold_check",
                to="annotate.judgement",
            ),
        ),
        migrations.AddField(
            model_name="goldcheck",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="gold_checks",
                to="annotate.project",
            ),
        ),
        migrations.AddField(
            model_name="goldcheck",
            name="task",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="gold_checks",
                to="annotate.task",
            ),
        ),
        migrations.AddField(
            model_name="golditem",
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
            model_name="golditem",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="gold_items",
                to="annotate.project",
            ),
        ),
        migrations.AddField(
            model_name="payrate",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="pay_rates",
                to="annotate.project",
            ),
        ),
        migrations.AddField(
            model_name="practiceanswer",
            name="form_version",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="annotate.formversion",
            ),
        ),
        migrations.AddField(
            model_name="practiceanswer",
            name="task",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="practice_answers",
                to="annotate.task",
            ),
        ),
        migrations.AddField(
            model_name="practicerun",
            name="annotator",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="practice_runs",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="practicerun",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="practice_runs",
                to="annotate.project",
            ),
        ),
        migrations.AddField(
            model_name="practiceanswer",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="answers",
                to="annotate.practicerun",
            ),
        ),
        migrations.AddConstraint(
            model_name="standing",
            constraint=models.CheckConstraint(
                condition=models.Q(("paused_why__in", ["", "gold", "manager"])),
                name="standing_why_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="standing",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("paused_at__isnull", True), ("paused_why", "")),
                    models.Q(
                        ("paused_at__isnull", False), models.Q(("paused_why", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="standing_pause_told",
            ),
        ),
        migrations.AddConstraint(
            model_name="workrules",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("gold_floor__lte", 100),
                    ("gold_percent__lte", 50),
                    ("quiz_pass_percent__lte", 100),
                ),
                name="work_rules_percents",
            ),
        ),
        migrations.AddConstraint(
            model_name="workrules",
            constraint=models.CheckConstraint(
                condition=models.Q(("gold_floor_from__gte", 1)), name="work_rules_floor_from"
            ),
        ),
        migrations.AddIndex(
            model_name="goldcheck",
            index=models.Index(
                fields=["project", "annotator", "-answered_at"], name="gold_check_person"
            ),
        ),
        migrations.AddConstraint(
            model_name="goldcheck",
            constraint=models.UniqueConstraint(
                fields=("task", "annotator"), name="gold_check_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="goldcheck",
            constraint=models.CheckConstraint(
                condition=models.Q(("distance__gte", 0), ("distance__lte", 1)),
                name="gold_check_distance_range",
            ),
        ),
        migrations.AddIndex(
            model_name="golditem",
            index=models.Index(
                condition=models.Q(
                    ("retired_at__isnull", True), ("use__in", ["hidden", "attention"])
                ),
                fields=["project", "draw_key"],
                name="gold_item_draw",
            ),
        ),
        migrations.AddIndex(
            model_name="golditem",
            index=models.Index(fields=["project", "use"], name="gold_item_use"),
        ),
        migrations.AddConstraint(
            model_name="golditem",
            constraint=models.CheckConstraint(
                condition=models.Q(("use__in", ["hidden", "attention", "quiz", "training"])),
                name="gold_item_use_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="golditem",
            constraint=models.CheckConstraint(
                condition=models.Q(("origin__in", ["imported", "hand", "unanimous"])),
                name="gold_item_origin_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="golditem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("tolerance__isnull", True),
                    models.Q(("tolerance__gte", 0), ("tolerance__lte", 1)),
                    _connector="OR",
                ),
                name="gold_item_tolerance_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="payrate",
            constraint=models.UniqueConstraint(fields=("project", "tier"), name="pay_rate_tier"),
        ),
        migrations.AddConstraint(
            model_name="payrate",
            constraint=models.CheckConstraint(
                condition=models.Q(("basis__in", ["piece", "hour"])), name="pay_rate_basis_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="payrate",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gte", 0)), name="pay_rate_amount_from_zero"
            ),
        ),
        migrations.AddConstraint(
            model_name="payrate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("bonus_from__gte", 1), ("bonus_percent__lte", 1000), ("bonus_share__lte", 100)
                ),
                name="pay_rate_bonus_range",
            ),
        ),
        migrations.AddIndex(
            model_name="practicerun",
            index=models.Index(fields=["project", "annotator", "-id"], name="practice_run_person"),
        ),
        migrations.AddConstraint(
            model_name="practicerun",
            constraint=models.CheckConstraint(
                condition=models.Q(("stage__in", ["training", "quiz"])),
                name="practice_run_stage_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="practicerun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("ended_at__isnull", True),
                        ("passed__isnull", True),
                        ("right__isnull", True),
                    ),
                    models.Q(
                        ("ended_at__isnull", False),
                        ("passed__isnull", False),
                        ("right__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="practice_run_ended_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="practicerun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("project", "annotator", "stage"),
                name="practice_run_one_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="practiceanswer",
            constraint=models.UniqueConstraint(fields=("run", "task"), name="practice_answer_once"),
        ),
        *(
            _patience.SeparateDatabaseAndState(database_operations=[one], state_operations=[one])
            for one in (ON_JUDGEMENT, ON_SEAT)
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    [
                        "DROP INDEX CONCURRENTLY IF EXISTS seat_gold",
                        "CREATE INDEX CONCURRENTLY seat_gold ON annotate_seat "
                        "(project_id, state) WHERE is_gold",
                    ],
                    ["DROP INDEX CONCURRENTLY IF EXISTS seat_gold"],
                )
            ],
            state_operations=[migrations.AddIndex(model_name="seat", index=SEAT_GOLD)],
        ),
        migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop),
    ]
