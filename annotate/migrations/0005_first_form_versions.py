"""Every project's form as it is becomes version 1."""

from django.db import migrations

FIRST = """
INSERT INTO annotate_formversion
    (project_id, number, kind, kind_settings, guidelines, created_by_id, created_at)
SELECT id, 1, kind, kind_settings, guidelines, created_by_id, statement_timestamp()
FROM annotate_project;
UPDATE annotate_project p SET form_version_id = v.id
FROM annotate_formversion v WHERE v.project_id = p.id;
"""


class Migration(migrations.Migration):
    dependencies = [("annotate", "0004_form_versions")]
    operations = [
        migrations.RunSQL(FIRST, migrations.RunSQL.noop),
    ]
