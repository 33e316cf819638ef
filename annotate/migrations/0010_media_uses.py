"""Which contents show which media files: see annotate/sql/media.sql."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

FUNCTIONS = Path(__file__).resolve().parent.parent / "sql" / "media.sql"

REFERENCE = """
ALTER TABLE annotate_mediause ADD CONSTRAINT media_use_file
    FOREIGN KEY (file_id) REFERENCES annotate_mediafile (id) ON DELETE RESTRICT;
"""
EXISTING = """
INSERT INTO annotate_mediause (file_id, prompt_id, response_id)
SELECT DISTINCT f.id, p.id, NULL::bigint
FROM annotate_prompt p
    CROSS JOIN jsonb_path_query(p.conversation, '$[*].content[*]') part
    JOIN annotate_mediafile f ON f.project_id = p.project_id AND f.sha256 = part ->> 'sha256'
WHERE p.conversation @? '$[*].content[*].file'
UNION ALL
SELECT DISTINCT f.id, r.prompt_id, r.id
FROM annotate_response r
    CROSS JOIN jsonb_path_query(r.content, '$[*]') part
    JOIN annotate_prompt p ON p.id = r.prompt_id
    JOIN annotate_mediafile f ON f.project_id = p.project_id AND f.sha256 = part ->> 'sha256'
WHERE r.content @? '$[*].file';
"""


def note(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER {table}_media AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION tandem_note_media();
        """,
        f"DROP TRIGGER {table}_media ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("annotate", "0009_lookups")]
    operations = [
        migrations.CreateModel(
            name="MediaUse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="uses",
                        to="annotate.mediafile",
                    ),
                ),
                (
                    "prompt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="media_uses",
                        to="annotate.prompt",
                    ),
                ),
                (
                    "response",
                    models.ForeignKey(
                        null=True,
                        blank=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="media_uses",
                        to="annotate.response",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("file", "prompt", "response"),
                        name="media_use_unique",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.RunSQL(REFERENCE, migrations.RunSQL.noop),
        migrations.RunSQL(EXISTING, migrations.RunSQL.noop),
        migrations.RunSQL(FUNCTIONS.read_text(), "DROP FUNCTION tandem_note_media();"),
        note("annotate_prompt"),
        note("annotate_response"),
    ]
