"""What the tasks of a snapshot came to, kept with it."""

import django.db.models.deletion
from django.db import migrations, models

from annotate.migrations import _patience

GUARD = """
CREATE TRIGGER annotate_snapshotconsensus_append_only
    BEFORE UPDATE OR DELETE ON annotate_snapshotconsensus
    FOR EACH ROW EXECUTE FUNCTION tandem_refuse_change();
CREATE TRIGGER annotate_snapshotconsensus_no_truncate BEFORE TRUNCATE ON annotate_snapshotconsensus
    FOR EACH STATEMENT EXECUTE FUNCTION tandem_refuse_change();
"""
UNGUARD = """
DROP TRIGGER annotate_snapshotconsensus_append_only ON annotate_snapshotconsensus;
DROP TRIGGER annotate_snapshotconsensus_no_truncate ON annotate_snapshotconsensus;
"""
CHANGES = [
    migrations.CreateModel(
        name="SnapshotConsensus",
        fields=[
            (
                "id",
                models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                ),
            ),
            (
                "voices",
                models.CharField(
                    choices=[
                        ("human", "People"),
                        ("simulated", "Simulated people"),
                        ("judges", "AI judges"),
                    ],
                    max_length=12,
                ),
            ),
            (
                "method",
                models.CharField(
                    choices=[
                        ("majority", "Majority"),
                        ("dawid_skene", "Dawid–Skene"),
                        ("plackett_luce", "Plackett–Luce by annotator"),
                        ("span_vote", "Vote on spans"),
                    ],
                    max_length=16,
                ),
            ),
            ("version", models.PositiveSmallIntegerField(help_text="Of the method.")),
            (
                "votes",
                models.PositiveIntegerField(
                    help_text="Judgements of the project that it rests on."
                ),
            ),
            ("answers", models.JSONField()),
            ("entropy", models.FloatField()),
            ("divided", models.FloatField()),
        ],
    ),
    migrations.AddField(
        model_name="snapshot",
        name="consensus_at",
        field=models.DateTimeField(
            blank=True, help_text="When the oldest of those rows was computed.", null=True
        ),
    ),
    migrations.AddField(
        model_name="snapshot",
        name="consensus_rows",
        field=models.PositiveIntegerField(
            db_default=0,
            default=0,
            help_text="Of what its tasks came to; 0 without a report then.",
        ),
    ),
    migrations.AddField(
        model_name="snapshot",
        name="consensus_sha256",
        field=models.CharField(
            blank=True,
            db_default="",
            default="",
            help_text="Over its consensus rows, in order; empty where there are none.",
            max_length=64,
        ),
    ),
    migrations.AddConstraint(
        model_name="snapshot",
        constraint=models.CheckConstraint(
            condition=models.Q(
                models.Q(("consensus_at", None), ("consensus_rows", 0), ("consensus_sha256", "")),
                models.Q(
                    ("consensus_at__isnull", False),
                    ("consensus_rows__gt", 0),
                    models.Q(("consensus_sha256", ""), _negated=True),
                ),
                _connector="OR",
            ),
            name="snapshot_consensus_hashed",
        ),
    ),
    migrations.AddField(
        model_name="snapshotconsensus",
        name="snapshot",
        field=models.ForeignKey(
            db_index=False,
            on_delete=django.db.models.deletion.PROTECT,
            related_name="consensus",
            to="annotate.snapshot",
        ),
    ),
    migrations.AddField(
        model_name="snapshotconsensus",
        name="task",
        field=models.ForeignKey(
            db_index=False,
            on_delete=django.db.models.deletion.PROTECT,
            related_name="+",
            to="annotate.task",
        ),
    ),
    migrations.AddConstraint(
        model_name="snapshotconsensus",
        constraint=models.UniqueConstraint(
            fields=("snapshot", "task", "voices", "method"), name="snapshot_consensus_unique"
        ),
    ),
    migrations.AddConstraint(
        model_name="snapshotconsensus",
        constraint=models.CheckConstraint(
            condition=models.Q(("voices__in", ["human", "simulated", "judges"])),
            name="snapshot_consensus_voices_known",
        ),
    ),
    migrations.AddConstraint(
        model_name="snapshotconsensus",
        constraint=models.CheckConstraint(
            condition=models.Q(
                ("method__in", ["majority", "dawid_skene", "plackett_luce", "span_vote"])
            ),
            name="snapshot_consensus_method_known",
        ),
    ),
    migrations.RunSQL(GUARD, UNGUARD),
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("annotate", "0047_former_standings")]

    operations = [
        _patience.SeparateDatabaseAndState(database_operations=CHANGES, state_operations=CHANGES)
    ]
