"""Hidden items suit whom they check; audited addresses may be wiped with an account."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"
FUNCTIONS = ("handout.sql", "checks.sql", "requirements.sql")

KEEP_AUDIT = """
CREATE FUNCTION tandem_keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.address IS NULL
       AND to_jsonb(NEW) - 'address' = to_jsonb(OLD) - 'address' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Add a new row; an address alone may be taken away.';
END $$;
DROP TRIGGER annotate_auditevent_append_only ON annotate_auditevent;
CREATE TRIGGER annotate_auditevent_append_only BEFORE UPDATE OR DELETE ON annotate_auditevent
    FOR EACH ROW EXECUTE FUNCTION tandem_keep_audit();
"""
KEEP_AUDIT_REVERSE = """
DROP TRIGGER annotate_auditevent_append_only ON annotate_auditevent;
CREATE TRIGGER annotate_auditevent_append_only BEFORE UPDATE OR DELETE ON annotate_auditevent
    FOR EACH ROW EXECUTE FUNCTION tandem_refuse_change();
DROP FUNCTION tandem_keep_audit();
"""


class Migration(migrations.Migration):
    dependencies = [("annotate", "0040_signals")]

    operations = [
        migrations.RunSQL(
            [
                (SQL / name).read_text()
                for name in ("handout.sql", "checks.sql", "requirements.sql")
            ],
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(KEEP_AUDIT, KEEP_AUDIT_REVERSE),
    ]
