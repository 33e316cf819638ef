"""How people stood who left, and what the trail may forget as an account ends."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORGET = """
CREATE OR REPLACE FUNCTION tandem_keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wiped jsonb;
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.address IS NULL OR NEW.address = OLD.address)
       AND to_jsonb(NEW) - ARRAY['address', 'detail'] = to_jsonb(OLD) - ARRAY['address', 'detail']
    THEN
        IF NEW.detail = OLD.detail AND NEW.address IS NULL THEN
            RETURN NEW;
        END IF;
        wiped := OLD.detail - ARRAY['tier', 'languages', 'skills', 'team', 'before', 'after'];
        IF OLD.action IN ('member.added', 'member.changed', 'member.joined')
           AND NEW.detail = wiped
           AND EXISTS (SELECT FROM annotate_user u
                       WHERE u.id = (OLD.detail ->> 'user')::bigint AND NOT u.is_active) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Add a new row; an address may be taken away, and what is known of a member '
                     'whose account has ended.';
END $$;
"""
KEEP = """
CREATE OR REPLACE FUNCTION tandem_keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.address IS NULL
       AND to_jsonb(NEW) - 'address' = to_jsonb(OLD) - 'address' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Add a new row; an address alone may be taken away.';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0046_follow_ups_as_labels"),
    ]

    operations = [
        migrations.AlterField(
            model_name="participation",
            name="participant",
            field=models.CharField(
                help_text="The panel's id of the person; FORGOTTEN and a hash of it.",
                max_length=100,
            ),
        ),
        migrations.CreateModel(
            name="FormerStanding",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "draws",
                    models.PositiveIntegerField(
                        db_default=0,
                        default=0,
                        help_text="Seats handed out, hidden items among them.",
                    ),
                ),
                (
                    "gold_cursor",
                    models.BigIntegerField(
                        help_text="The draw_key of the last hidden item; empty before the first.",
                        null=True,
                    ),
                ),
                (
                    "gold_spent",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="There was no further hidden item.",
                    ),
                ),
                (
                    "gold_from",
                    models.DateTimeField(
                        help_text="The floor counts hidden items from then on.", null=True
                    ),
                ),
                ("paused_at", models.DateTimeField(null=True)),
                (
                    "paused_why",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "not paused"),
                            ("gold", "too many known answers missed"),
                            ("manager", "by a manager"),
                        ],
                        db_default="",
                        default="",
                        max_length=8,
                    ),
                ),
                ("trained_at", models.DateTimeField(null=True)),
                ("qualified_at", models.DateTimeField(null=True)),
                (
                    "quiz_from",
                    models.DateTimeField(help_text="Tries count from then on.", null=True),
                ),
                ("hour_began", models.DateTimeField(null=True)),
                ("hour_count", models.PositiveIntegerField(db_default=0, default=0)),
                ("day_began", models.DateTimeField(null=True)),
                ("day_count", models.PositiveIntegerField(db_default=0, default=0)),
                (
                    "cap_own",
                    models.PositiveIntegerField(
                        help_text=(
                            "Tasks this member may answer, whatever the rules allow: of panels."
                        ),
                        null=True,
                    ),
                ),
                (
                    "stretch_began",
                    models.DateTimeField(help_text="Of work without a pause.", null=True),
                ),
                ("last_answer_at", models.DateTimeField(null=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="former_standings",
                        to="annotate.project",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="former_standings",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("paused_why__in", ["", "gold", "manager"])),
                        name="formerstanding_why_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("paused_at__isnull", True), ("paused_why", "")),
                            models.Q(
                                ("paused_at__isnull", False),
                                models.Q(("paused_why", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="formerstanding_pause_told",
                    ),
                    models.UniqueConstraint(
                        fields=("project", "user"), name="former_standing_once"
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORGET, KEEP),
    ]
