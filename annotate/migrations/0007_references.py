"""References of the tables that imports fill, by statement: see annotate/sql/references.sql."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

FUNCTIONS = Path(__file__).resolve().parent.parent / "sql" / "references.sql"

# trigger, the table whose new rows it checks
CHECKS = [
    ("response_of_prompt", "annotate_response"),
    ("task_of_prompt", "annotate_task"),
    ("place_of_task", "annotate_taskresponse"),
    ("place_of_response", "annotate_taskresponse"),
    ("seat_of_task", "annotate_seat"),
]
# table, the columns that never change
FIXED = [
    ("annotate_prompt", ["id", "project_id"]),
    ("annotate_response", ["id", "prompt_id"]),
    ("annotate_task", ["id", "project_id", "prompt_id"]),
    ("annotate_taskresponse", ["task_id", "response_id"]),
    ("annotate_seat", ["task_id", "project_id"]),
]
PARENTS = ["annotate_project", "annotate_prompt", "annotate_response", "annotate_task"]


def check(trigger: str, table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER {trigger} AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION tandem_check_references();
        """,
        f"DROP TRIGGER {trigger} ON {table};",
    )


def fix(table: str, columns: list[str]) -> migrations.RunSQL:
    moved = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in columns)
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER {table}_fixed BEFORE UPDATE ON {table}
            FOR EACH ROW WHEN ({moved}) EXECUTE FUNCTION tandem_refuse_move();
        """,
        f"DROP TRIGGER {table}_fixed ON {table};",
    )


def keep(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER {table}_kept BEFORE DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION tandem_refuse_move();
        """,
        f"DROP TRIGGER {table}_kept ON {table};",
    )


def unchecked(model: str, field: str, to: str, on_delete, **options) -> migrations.AlterField:
    return migrations.AlterField(
        model,
        field,
        models.ForeignKey(to, on_delete=on_delete, db_constraint=False, **options),
    )


CASCADE, PROTECT = django.db.models.deletion.CASCADE, django.db.models.deletion.PROTECT


class Migration(migrations.Migration):
    dependencies = [("annotate", "0006_media")]
    operations = [
        unchecked(
            "response",
            "prompt",
            "annotate.prompt",
            CASCADE,
            db_index=False,
            related_name="responses",
        ),
        unchecked("task", "prompt", "annotate.prompt", PROTECT, related_name="tasks"),
        unchecked(
            "task", "project", "annotate.project", CASCADE, db_index=False, related_name="tasks"
        ),
        unchecked(
            "taskresponse",
            "task",
            "annotate.task",
            CASCADE,
            db_index=False,
            related_name="places",
        ),
        unchecked("taskresponse", "response", "annotate.response", PROTECT, related_name="places"),
        unchecked("seat", "task", "annotate.task", CASCADE, db_index=False, related_name="seats"),
        unchecked(
            "seat", "project", "annotate.project", CASCADE, db_index=False, related_name="seats"
        ),
        migrations.RunSQL(
            FUNCTIONS.read_text(),
            "DROP FUNCTION tandem_check_references(); DROP FUNCTION tandem_refuse_move();",
        ),
        *[check(trigger, table) for trigger, table in CHECKS],
        *[fix(table, columns) for table, columns in FIXED],
        *[keep(table) for table in PARENTS],
    ]
