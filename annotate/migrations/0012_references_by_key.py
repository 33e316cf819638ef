"""References are checked by the parent's key alone, whatever was there when the plan was made."""

from pathlib import Path

from django.db import migrations

FOLDER = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("annotate", "0011_snapshots_of_any_kind")]
    operations = [
        migrations.RunSQL(
            [(FOLDER / name).read_text() for name in ("references.sql", "media.sql")],
            migrations.RunSQL.noop,
        ),
    ]
