"""What reviewers decide about answers, and how much of people's work needs a reviewer."""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from annotate.migrations import _patience

guard = import_module("annotate.migrations.0002_guards").guard

CHANGED = [
    migrations.AddField(
        model_name="project",
        name="review_names",
        field=models.CharField(
            choices=[("names", "Names"), ("pseudonyms", "Pseudonyms")],
            db_default="names",
            default="names",
            help_text="How reviewers see whose answer it is.",
            max_length=16,
        ),
    ),
    migrations.AddField(
        model_name="project",
        name="review_percent",
        field=models.PositiveSmallIntegerField(
            db_default=0,
            default=0,
            help_text="Share of people's labels that a reviewer must accept before they are final.",
        ),
    ),
    migrations.AddConstraint(
        model_name="project",
        constraint=models.CheckConstraint(
            condition=models.Q(("review_percent__gte", 0), ("review_percent__lte", 100)),
            name="project_review_percent_range",
        ),
    ),
    migrations.AddConstraint(
        model_name="project",
        constraint=models.CheckConstraint(
            condition=models.Q(("review_names__in", ["names", "pseudonyms"])),
            name="project_review_names_known",
        ),
    ),
]


class Migration(migrations.Migration):
    atomic = False  # so that the first is tried again until it gets its lock

    dependencies = [("annotate", "0027_consent")]

    operations = [
        _patience.SeparateDatabaseAndState(database_operations=CHANGED, state_operations=CHANGED),
        migrations.CreateModel(
            name="Review",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "decision",
                    models.CharField(
                        choices=[
                            ("accept", "Accepted"),
                            ("amend", "Amended"),
                            ("return", "Returned"),
                            ("dismiss", "Dismissed"),
                        ],
                        max_length=8,
                    ),
                ),
                ("note", models.TextField(blank=True)),
                (
                    "settles_task",
                    models.BooleanField(
                        default=False, help_text="Whether this answer alone counts from now on."
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddField(
            model_name="review",
            name="amended",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="amendment",
                to="annotate.judgement",
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="author",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="judgement",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reviews",
                to="annotate.judgement",
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reviews",
                to="annotate.project",
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="replaces",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replaced_by",
                to="annotate.review",
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="reviewer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reviews",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="settled_by",
            field=models.ForeignKey(
                db_index=False,
                help_text="Of a dismissal: the decision that settled the task by another answer.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="settles",
                to="annotate.review",
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="task",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reviews",
                to="annotate.task",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(fields=["judgement", "-id"], name="review_newest"),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(fields=["task", "-id"], name="review_of_task"),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(fields=["project", "-id"], name="review_of_project"),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(("decision", "return")),
                fields=["author", "project", "id"],
                name="review_returned",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(("decision__in", ["accept", "amend", "return", "dismiss"])),
                name="review_decision_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amended__isnull", False), ("decision", "amend")),
                    models.Q(
                        models.Q(("decision", "amend"), _negated=True), ("amended__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="review_amended_fits",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("author__isnull", True),
                    models.Q(("author", models.F("reviewer")), _negated=True),
                    _connector="OR",
                ),
                name="review_not_own",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decision", "return"), _negated=True),
                    ("author__isnull", False),
                    _connector="OR",
                ),
                name="review_return_has_author",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("settled_by__isnull", True), ("decision", "dismiss"), _connector="OR"
                    ),
                    models.Q(
                        ("settles_task", False),
                        ("decision__in", ["accept", "amend"]),
                        _connector="OR",
                    ),
                ),
                name="review_settles_fits",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.UniqueConstraint(
                condition=models.Q(("replaces__isnull", True)),
                fields=("judgement",),
                name="review_first_once",
            ),
        ),
        guard("annotate_review"),
    ]
