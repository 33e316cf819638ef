"""References are checked without joins, whatever was there when the plan was made."""

from pathlib import Path

from django.db import migrations

FUNCTIONS = Path(__file__).resolve().parent.parent / "sql" / "references.sql"


class Migration(migrations.Migration):
    dependencies = [("annotate", "0012_references_by_key")]
    operations = [migrations.RunSQL(FUNCTIONS.read_text(), migrations.RunSQL.noop)]
