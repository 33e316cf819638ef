"""A lease begins once its person's lock is held, so seats are leased in the order of the locks."""

from pathlib import Path

from django.db import migrations

HANDOUT = Path(__file__).resolve().parent.parent / "sql" / "handout.sql"


class Migration(migrations.Migration):
    dependencies = [("annotate", "0054_installation")]

    operations = [migrations.RunSQL(HANDOUT.read_text(), migrations.RunSQL.noop)]
