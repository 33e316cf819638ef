"""Accounts, runs and suggestions of judges; a call is begun, then ended once."""

import hashlib
import json
from decimal import Decimal
from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

guard = import_module("annotate.migrations.0002_guards").guard

GUARD_CALLS = """
DROP TRIGGER routing_judgecall_append_only ON routing_judgecall;
CREATE TRIGGER routing_judgecall_append_only BEFORE DELETE ON routing_judgecall
    FOR EACH ROW EXECUTE FUNCTION tandem_refuse_change();
CREATE TRIGGER routing_judgecall_ends_once BEFORE UPDATE ON routing_judgecall
    FOR EACH ROW WHEN (OLD.state <> 'asked') EXECUTE FUNCTION tandem_refuse_change();
"""
GUARD_CALLS_REVERSE = """
DROP TRIGGER routing_judgecall_ends_once ON routing_judgecall;
DROP TRIGGER routing_judgecall_append_only ON routing_judgecall;
CREATE TRIGGER routing_judgecall_append_only BEFORE UPDATE OR DELETE ON routing_judgecall
    FOR EACH ROW EXECUTE FUNCTION tandem_refuse_change();
"""
# While calls that are there already get their fingerprints.
LET_FILL = "ALTER TABLE routing_judgecall DISABLE TRIGGER routing_judgecall_append_only"
GUARD_AGAIN = "ALTER TABLE routing_judgecall ENABLE TRIGGER routing_judgecall_append_only"


def fill_fingerprints(apps, schema_editor) -> None:
    """As routing/services/ledger.py makes them for kinds that need no template."""
    for judge in apps.get_model("annotate", "Judge").objects.all():
        text = json.dumps([judge.kind, judge.config, ""], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        calls = apps.get_model("routing", "JudgeCall").objects.filter(judge=judge)
        calls.update(fingerprint=digest)


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0015_references_counted"),
        ("routing", "0002_guards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="JudgeAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(help_text="The judge's.", max_length=100)),
                (
                    "input_price",
                    models.DecimalField(
                        decimal_places=6,
                        default=Decimal("0"),
                        help_text="Dollars for a million tokens sent.",
                        max_digits=14,
                    ),
                ),
                (
                    "output_price",
                    models.DecimalField(
                        decimal_places=6,
                        default=Decimal("0"),
                        help_text="Dollars for a million tokens answered.",
                        max_digits=14,
                    ),
                ),
                (
                    "spending_limit",
                    models.DecimalField(decimal_places=6, default=Decimal("0"), max_digits=14),
                ),
                (
                    "spent",
                    models.DecimalField(decimal_places=6, default=Decimal("0"), max_digits=14),
                ),
                (
                    "reserved",
                    models.DecimalField(decimal_places=6, default=Decimal("0"), max_digits=14),
                ),
                ("requests_per_minute", models.PositiveIntegerField(blank=True, null=True)),
                ("tokens_per_minute", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "concurrency",
                    models.PositiveSmallIntegerField(default=4, help_text="Calls at a time."),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=3, help_text="Of one call.")),
                (
                    "patience",
                    models.PositiveSmallIntegerField(default=60, help_text="Seconds for one call."),
                ),
                (
                    "blocked_until",
                    models.DateTimeField(
                        blank=True, help_text="The server asked to wait.", null=True
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="JudgeRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=12,
                    ),
                ),
                ("owner", models.CharField(blank=True, max_length=100)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
                ("attempt", models.PositiveSmallIntegerField(default=0)),
                ("cancel_requested", models.BooleanField(default=False)),
                ("progress", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(blank=True, null=True)),
                (
                    "message",
                    models.TextField(blank=True, help_text="What it is doing, or why it failed."),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "purpose",
                    models.CharField(
                        choices=[("label", "Labels"), ("dry_run", "Dry run")],
                        default="label",
                        max_length=8,
                    ),
                ),
                ("most_tasks", models.PositiveIntegerField(blank=True, null=True)),
                ("retry_failed", models.BooleanField(default=False)),
                ("cursor", models.BigIntegerField(default=0)),
                ("labelled", models.PositiveIntegerField(default=0)),
                ("abstained", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
                ("report", models.JSONField(default=dict)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Suggestion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=32)),
                ("schema_version", models.PositiveSmallIntegerField(default=1)),
                ("value", models.JSONField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="judgecall",
            name="judge_call_unique",
        ),
        migrations.AddField(
            model_name="judgecall",
            name="attempt",
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="judgecall",
            name="completion_tokens",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="judgecall",
            name="cost",
            field=models.DecimalField(decimal_places=6, default=Decimal("0"), max_digits=14),
        ),
        migrations.AddField(
            model_name="judgecall",
            name="detail",
            field=models.CharField(blank=True, help_text="For managers.", max_length=500),
        ),
        migrations.AddField(
            model_name="judgecall",
            name="failure",
            field=models.CharField(
                blank=True,
                choices=[
                    ("rate_limited", "Too many requests (429)"),
                    ("refused", "The request was refused (4xx)"),
                    ("server_error", "The model's server failed (5xx)"),
                    ("unreachable", "No connection"),
                    ("timed_out", "Nothing came in time"),
                    ("broken_off", "The reply broke off"),
                    ("malformed", "The reply could not be read"),
                    ("invalid", "The answer was not what was asked for"),
                    ("interrupted", "This server was interrupted"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="judgecall",
            name="fingerprint",
            field=models.CharField(default="", max_length=64),
        ),
        migrations.AddField(
            model_name="judgecall",
            name="finished_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="judgecall",
            name="most_tokens",
            field=models.PositiveIntegerField(default=0, help_text="Counted by the rate limit."),
        ),
        migrations.AddField(
            model_name="judgecall",
            name="prompt_tokens",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="judgecall",
            name="reserved",
            field=models.DecimalField(decimal_places=6, default=Decimal("0"), max_digits=14),
        ),
        migrations.AddField(
            model_name="judgecall",
            name="sample",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="judgecall",
            name="state",
            field=models.CharField(
                choices=[("asked", "Under way"), ("answered", "Answered"), ("failed", "Failed")],
                default="answered",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="judgecall",
            name="template",
            field=models.CharField(blank=True, help_text="Kind and version of it.", max_length=40),
        ),
        migrations.AddField(
            model_name="judgecall",
            name="value",
            field=models.JSONField(help_text="The answer, for other kinds than pairs.", null=True),
        ),
        migrations.AlterField(
            model_name="judgecall",
            name="p_first",
            field=models.FloatField(
                help_text="Probability that the first shown is better.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="judgecall",
            name="raw",
            field=models.JSONField(default=dict, help_text="The judge's answer as it came."),
        ),
        migrations.AddField(
            model_name="judgeaccount",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="judge_accounts",
                to="annotate.project",
            ),
        ),
        migrations.AddField(
            model_name="judgecall",
            name="account",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="calls",
                to="routing.judgeaccount",
            ),
        ),
        migrations.AddField(
            model_name="judgerun",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="judgerun",
            name="judge",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="runs",
                to="annotate.judge",
            ),
        ),
        migrations.AddField(
            model_name="judgerun",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="judge_runs",
                to="annotate.project",
            ),
        ),
        migrations.AddField(
            model_name="judgecall",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="calls",
                to="routing.judgerun",
            ),
        ),
        migrations.RunSQL(LET_FILL, GUARD_AGAIN),
        migrations.RunPython(fill_fingerprints, migrations.RunPython.noop),
        migrations.RunSQL(GUARD_AGAIN, LET_FILL),
        migrations.AddIndex(
            model_name="judgecall",
            index=models.Index(
                condition=models.Q(("account__isnull", False)),
                fields=["account", "created_at"],
                name="judge_call_rate",
            ),
        ),
        migrations.AddIndex(
            model_name="judgecall",
            index=models.Index(
                condition=models.Q(("state", "failed")),
                fields=["judge", "id"],
                name="judge_call_failures",
            ),
        ),
        migrations.AddIndex(
            model_name="judgecall",
            index=models.Index(
                condition=models.Q(("state", "asked")),
                fields=["judge", "created_at"],
                name="judge_call_under_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgecall",
            constraint=models.UniqueConstraint(
                fields=("task", "fingerprint", "shown_order", "sample", "attempt"),
                name="judge_call_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgecall",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["asked", "answered"])),
                fields=("task", "fingerprint", "shown_order", "sample"),
                name="judge_call_answered_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgecall",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["asked", "answered", "failed"])),
                name="judge_call_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgecall",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("p_first", None),
                        ("state", "failed"),
                        ("value", None),
                        models.Q(("failure", ""), _negated=True),
                    ),
                    models.Q(("failure", ""), ("state__in", ["asked", "answered"])),
                    _connector="OR",
                ),
                name="judge_call_failure_told",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgecall",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "failure__in",
                        [
                            "",
                            "rate_limited",
                            "refused",
                            "server_error",
                            "unreachable",
                            "timed_out",
                            "broken_off",
                            "malformed",
                            "invalid",
                            "interrupted",
                        ],
                    )
                ),
                name="judge_call_failure_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgecall",
            constraint=models.CheckConstraint(
                condition=models.Q(("cost__gte", 0), ("reserved__gte", 0)),
                name="judge_call_money_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgecall",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("account__isnull", False), ("finished_at", None), ("state", "asked")),
                    models.Q(
                        models.Q(("state", "asked"), _negated=True),
                        ("finished_at__gte", models.F("created_at")),
                    ),
                    models.Q(
                        models.Q(("state", "asked"), _negated=True),
                        ("account", None),
                        ("finished_at", None),
                    ),
                    _connector="OR",
                ),
                name="judge_call_end_complete",
            ),
        ),
        migrations.AddField(
            model_name="suggestion",
            name="judge",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="suggestions",
                to="annotate.judge",
            ),
        ),
        migrations.AddField(
            model_name="suggestion",
            name="task",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="suggestions",
                to="annotate.task",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgeaccount",
            constraint=models.UniqueConstraint(
                fields=("project", "name"), name="judge_account_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="judgeaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("input_price__gte", 0),
                    ("output_price__gte", 0),
                    ("reserved__gte", 0),
                    ("spending_limit__gte", 0),
                    ("spent__gte", 0),
                ),
                name="judge_account_money_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgeaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("attempts__gte", 1),
                    ("attempts__lte", 10),
                    ("concurrency__gte", 1),
                    ("concurrency__lte", 64),
                    ("patience__gte", 1),
                    ("patience__lte", 600),
                ),
                name="judge_account_pace_range",
            ),
        ),
        migrations.AddIndex(
            model_name="judgerun",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "running"])),
                fields=["state", "lease_until"],
                name="judgerun_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgerun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["queued", "running", "done", "failed", "cancelled"])
                ),
                name="judgerun_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgerun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "running"), _negated=True),
                    ("lease_until__isnull", False),
                    _connector="OR",
                ),
                name="judgerun_running_is_leased",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgerun",
            constraint=models.CheckConstraint(
                condition=models.Q(("purpose__in", ["label", "dry_run"])),
                name="judgerun_purpose_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgerun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["queued", "running"])),
                fields=("judge",),
                name="judgerun_one_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="suggestion",
            constraint=models.UniqueConstraint(fields=("task", "judge"), name="suggestion_unique"),
        ),
        migrations.RunSQL(GUARD_CALLS, GUARD_CALLS_REVERSE),
        guard("routing_suggestion"),
    ]
