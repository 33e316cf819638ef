"""The hand-out and the answering look rows up one table at a time."""

from pathlib import Path

from django.db import migrations

FOLDER = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("annotate", "0008_chat")]
    operations = [
        migrations.RunSQL(
            [(FOLDER / name).read_text() for name in ("handout.sql", "judgements.sql")],
            migrations.RunSQL.noop,
        ),
    ]
