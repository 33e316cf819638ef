"""What constraints cannot say: tables that only grow, texts that never change.

TRUNCATE is refused too, unless the connection set `tandem.allow_truncate = on`, which only
the test run does.
"""

from django.db import migrations

APPEND_ONLY = [
    "annotate_judgement",
    "annotate_skip",
    "annotate_auditevent",
    "annotate_snapshot",
    "annotate_snapshotjudgement",
]

FUNCTIONS = """
CREATE FUNCTION tandem_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND current_setting('tandem.allow_truncate', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Add a new row that supersedes the old one.';
END $$;

CREATE FUNCTION tandem_keep_content() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the content of a response never changes'
        USING ERRCODE = 'restrict_violation', HINT = 'Add a new response.';
END $$;

CREATE FUNCTION tandem_keep_simulated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a simulated user stays simulated' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER response_content_fixed BEFORE UPDATE ON annotate_response
    FOR EACH ROW WHEN (
        OLD.content IS DISTINCT FROM NEW.content
        OR OLD.content_hash IS DISTINCT FROM NEW.content_hash
        OR OLD.prompt_id IS DISTINCT FROM NEW.prompt_id
    ) EXECUTE FUNCTION tandem_keep_content();

CREATE TRIGGER user_simulated_fixed BEFORE UPDATE ON annotate_user
    FOR EACH ROW WHEN (OLD.is_simulated IS DISTINCT FROM NEW.is_simulated)
    EXECUTE FUNCTION tandem_keep_simulated();

CREATE SEQUENCE annotate_seat_reopened_key AS bigint;
"""

FUNCTIONS_REVERSE = """
DROP SEQUENCE annotate_seat_reopened_key;
DROP TRIGGER user_simulated_fixed ON annotate_user;
DROP TRIGGER response_content_fixed ON annotate_response;
DROP FUNCTION tandem_keep_simulated();
DROP FUNCTION tandem_keep_content();
DROP FUNCTION tandem_refuse_change();
"""


def guard(table: str) -> migrations.RunSQL:
    """Refuse UPDATE, DELETE and TRUNCATE on the table."""
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION tandem_refuse_change();
        CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION tandem_refuse_change();
        """,
        f"""
        DROP TRIGGER {table}_append_only ON {table};
        DROP TRIGGER {table}_no_truncate ON {table};
        """,
    )


class Migration(migrations.Migration):
    dependencies = [("annotate", "0001_initial")]
    operations = [
        migrations.RunSQL(FUNCTIONS, FUNCTIONS_REVERSE),
        *[guard(table) for table in APPEND_ONLY],
    ]
