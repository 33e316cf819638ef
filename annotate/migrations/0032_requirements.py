"""What tasks require of people, and who wrote their texts."""

from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

from annotate.migrations import _patience

SQL = Path(__file__).resolve().parent.parent / "sql"
AT_ONCE = 5_000  # tasks whose seats are held at a time

SKILLS = migrations.AddField(
    model_name="task",
    name="skills",
    field=ArrayField(
        base_field=models.CharField(max_length=40),
        blank=True,
        db_default=models.Value([], ArrayField(models.CharField(max_length=40))),
        default=list,
        help_text="Those that whoever judges it must have, all of them, in small letters.",
        size=None,
    ),
)
REQUIREMENT = migrations.AddField(
    model_name="seat",
    name="requirement",
    field=models.ForeignKey(
        blank=True,
        db_constraint=False,
        db_index=False,
        editable=False,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="annotate.requirement",
    ),
)

NAME_LANGUAGES = """
INSERT INTO annotate_requirement (project_id, language, skills)
SELECT DISTINCT project_id, lower(language), '{}'::varchar(40)[]
FROM annotate_prompt WHERE language <> ''
ON CONFLICT DO NOTHING
"""
SET_REQUIREMENTS = """
UPDATE annotate_seat seat SET requirement_id = wanted.id
FROM annotate_task task
JOIN annotate_prompt prompt ON prompt.id = task.prompt_id AND prompt.language <> ''
JOIN annotate_requirement wanted ON wanted.project_id = task.project_id
    AND wanted.language = lower(prompt.language) AND wanted.skills = '{}'
WHERE task.id >= %s AND task.id < %s AND seat.task_id = task.id
  AND seat.state <> 'done' AND seat.requirement_id IS NULL
"""


def require_languages(apps, schema_editor) -> None:
    """Of the seats that are there, by their prompts' languages; some tasks at a time."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(NAME_LANGUAGES)
        if not cursor.rowcount:
            return
        cursor.execute("SELECT min(id), max(id) FROM annotate_task")
        first, last = cursor.fetchone()
        for start in range(first or 0, (last or -1) + 1, AT_ONCE):
            cursor.execute(SET_REQUIREMENTS, [start, start + AT_ONCE])


class Migration(migrations.Migration):
    atomic = False  # so that no row is held for longer than a part takes

    dependencies = [("annotate", "0031_discussions")]

    operations = [
        _patience.SeparateDatabaseAndState(database_operations=[SKILLS], state_operations=[SKILLS]),
        migrations.CreateModel(
            name="Requirement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        blank=True, help_text="BCP 47, in small letters.", max_length=35
                    ),
                ),
                (
                    "skills",
                    ArrayField(
                        base_field=models.CharField(max_length=40),
                        default=list,
                        help_text="All of them.",
                        size=None,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="requirements",
                        to="annotate.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "language", "skills"), name="requirement_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("language", ""), ("skills__len", 0), _negated=True),
                        name="requirement_of_something",
                    ),
                ]
            },
        ),
        _patience.SeparateDatabaseAndState(
            database_operations=[REQUIREMENT], state_operations=[REQUIREMENT]
        ),
        migrations.CreateModel(
            name="TaskAuthor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="own_tasks",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="authors",
                        to="annotate.task",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("task", "author"), name="task_author_unique")
                ]
            },
        ),
        migrations.RunPython(require_languages, migrations.RunPython.noop),
        migrations.RunSQL(
            [(SQL / name).read_text() for name in ("handout.sql", "requirements.sql")],
            migrations.RunSQL.noop,
        ),
    ]
