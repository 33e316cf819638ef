"""A hand-out that finds nothing ranked remembers it."""

from pathlib import Path

from django.db import migrations

FUNCTIONS = Path(__file__).resolve().parent.parent / "sql" / "handout.sql"


class Migration(migrations.Migration):
    dependencies = [("annotate", "0017_ranked_seats")]
    operations = [migrations.RunSQL(FUNCTIONS.read_text(), migrations.RunSQL.noop)]
