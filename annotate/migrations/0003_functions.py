"""The database functions of annotate/sql. After a change there, a new migration runs them again."""

from pathlib import Path

from django.db import migrations

FOLDER = Path(__file__).resolve().parent.parent / "sql"
NAMES = [
    "tandem_is_free",
    "tandem_pick_seat",
    "tandem_lease_seat",
    "tandem_look_at_seat",
    "tandem_answer_seat",
]


class Migration(migrations.Migration):
    dependencies = [("annotate", "0002_guards")]
    operations = [
        migrations.RunSQL(
            "".join((FOLDER / name).read_text() for name in ("handout.sql", "judgements.sql")),
            "".join(f"DROP FUNCTION {name};" for name in NAMES),
        ),
    ]
