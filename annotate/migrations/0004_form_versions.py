"""Versions of a project's form, passages of prompts, contexts of tasks.

The database functions of annotate/sql are made again, since they hand these out.
"""

from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FOLDER = Path(__file__).resolve().parent.parent / "sql"
FUNCTIONS = "".join(
    [
        "DROP FUNCTION tandem_lease_seat;",
        "DROP FUNCTION tandem_look_at_seat;",
        "DROP FUNCTION tandem_answer_seat;",
        *((FOLDER / name).read_text() for name in ("handout.sql", "judgements.sql")),
    ]
)
GUARD = """
CREATE TRIGGER annotate_formversion_append_only BEFORE UPDATE OR DELETE ON annotate_formversion
    FOR EACH ROW EXECUTE FUNCTION tandem_refuse_change();
CREATE TRIGGER annotate_formversion_no_truncate BEFORE TRUNCATE ON annotate_formversion
    FOR EACH STATEMENT EXECUTE FUNCTION tandem_refuse_change();
"""
GUARD_REVERSE = """
DROP TRIGGER annotate_formversion_append_only ON annotate_formversion;
DROP TRIGGER annotate_formversion_no_truncate ON annotate_formversion;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0003_functions"),
    ]

    operations = [
        migrations.AddField(
            model_name="prompt",
            name="passages",
            field=models.JSONField(
                blank=True,
                db_default=models.Value([], models.JSONField()),
                default=list,
                help_text='References: list of {"title", "sentences": […]}.',
            ),
        ),
        migrations.AddField(
            model_name="task",
            name="context",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text="What is asked beside the prompt, such as a criterion.",
            ),
        ),
        migrations.CreateModel(
            name="FormVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(help_text="From 1 within the project.")),
                ("kind", models.CharField(max_length=32)),
                ("kind_settings", models.JSONField(default=dict)),
                ("guidelines", models.TextField(blank=True)),
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
                        related_name="form_versions",
                        to="annotate.project",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="judgement",
            name="form_version",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="What its author was asked; empty where nobody was shown a form.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="judgements",
                to="annotate.formversion",
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="form_version",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                help_text="The version that kind, settings and guidelines are a copy of.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="annotate.formversion",
            ),
        ),
        migrations.AddConstraint(
            model_name="formversion",
            constraint=models.UniqueConstraint(
                fields=("project", "number"), name="form_version_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="formversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__gte", 1)), name="form_version_number_from_one"
            ),
        ),
        migrations.RunSQL(GUARD, GUARD_REVERSE),
        migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop),
    ]
