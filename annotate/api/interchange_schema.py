"""Shapes of imports, judgements and snapshots, for the OpenAPI document alone."""

from rest_framework import serializers as s

from annotate.interchange.preferences import AGGREGATIONS, TIE_RULES
from annotate.models import Consensus, JobState, Voices
from annotate.models import Judgement as JudgementRow
from annotate.models import Snapshot as SnapshotRow
from annotate.reports.snapshot_changes import CAUSES, CHANGES
from annotate.reports.snapshot_consensus import SHIFTS


class RowError(s.Serializer):
    line = s.IntegerField()
    field = s.CharField(allow_blank=True)
    value = s.CharField(allow_blank=True, help_text="An excerpt.")
    message = s.CharField()


class RatingUse(s.Serializer):
    name = s.CharField(help_text="What the file calls them.")
    scale = s.JSONField(help_text='Both ends, or "yes_no".')
    criteria = s.ListField(
        child=s.CharField(), help_text="The project's criteria that take them; empty: none does."
    )
    answers = s.IntegerField(help_text="Rows in which they are answers.")
    metadata = s.IntegerField(help_text="Rows in which they stay in the prompt's metadata.")


class ImportReport(s.Serializer):
    format = s.CharField()
    created = s.IntegerField()
    updated = s.IntegerField()
    skipped = s.IntegerField()
    error_count = s.IntegerField()
    errors = RowError(many=True, help_text="The first 1,000.")
    counts = s.DictField(child=s.IntegerField(), help_text="New rows by table.")
    ratings = RatingUse(many=True, help_text="What the file's ratings became, by name.")


class ImportRun(s.Serializer):
    id = s.IntegerField()
    project = s.IntegerField()
    file_name = s.CharField()
    format = s.CharField()
    state = s.ChoiceField(JobState.choices)
    lines_read = s.IntegerField()
    lines = s.IntegerField(allow_null=True)
    percent = s.IntegerField(allow_null=True)
    created = s.IntegerField()
    updated = s.IntegerField()
    skipped = s.IntegerField()
    error_count = s.IntegerField()
    message = s.CharField()
    created_at = s.DateTimeField()
    finished_at = s.DateTimeField(allow_null=True)


class ExportedJudgement(s.Serializer):
    id = s.IntegerField()
    task = s.IntegerField()
    kind = s.CharField()
    value = s.DictField()
    source = s.ChoiceField(JudgementRow.Source.choices)
    simulated = s.BooleanField()
    annotator = s.CharField(allow_null=True, help_text="A pseudonym.")
    judge = s.CharField(allow_null=True)
    rationale = s.CharField()
    flag = s.CharField()
    shown_order = s.ListField(child=s.IntegerField())
    seconds_active = s.FloatField(allow_null=True)
    started_at = s.DateTimeField(allow_null=True)
    submitted_at = s.DateTimeField()
    arrived_at = s.DateTimeField(help_text="When it came here; of imports later than it was given.")
    late = s.BooleanField()
    supersedes = s.IntegerField(allow_null=True)


class JudgementPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = ExportedJudgement(many=True)


class NewSnapshot(s.Serializer):
    query = s.DictField(required=False, help_text="Filters as of the export.")
    tie_rule = s.ChoiceField(list(TIE_RULES), required=False)
    aggregation = s.ChoiceField(list(AGGREGATIONS), required=False)


class Snapshot(s.Serializer):
    id = s.IntegerField()
    project = s.IntegerField()
    number = s.IntegerField()
    query = s.DictField()
    holds = s.ChoiceField(SnapshotRow.Holds.choices, help_text="What a row of its files is.")
    tie_rule = s.CharField(allow_blank=True, help_text="Empty for judgements.")
    aggregation = s.CharField(allow_blank=True, help_text="Empty for judgements.")
    split = s.DictField()
    row_format = s.IntegerField(help_text="2: prompts hold what tasks of kind context state.")
    rows = s.IntegerField()
    sha256 = s.CharField()
    consensus_rows = s.IntegerField(help_text="Of consensus.jsonl; 0 where there is none.")
    consensus_sha256 = s.CharField(allow_blank=True, help_text="Of consensus.jsonl.")
    consensus_at = s.DateTimeField(
        allow_null=True, help_text="When the oldest of its rows was computed."
    )
    files = s.ListField(child=s.CharField())
    created_at = s.DateTimeField()


class SnapshotFile(s.Serializer):
    name = s.CharField()
    split = s.ChoiceField(
        ["train", "test"], allow_null=True, help_text="null: the card, the consensus."
    )
    media_type = s.CharField()
    url = s.CharField(help_text="Stable: the snapshot's rows never change.")


class SnapshotSetting(s.Serializer):
    name = s.CharField(help_text="A filter, a rule, or test_percent.")
    older = s.JSONField(allow_null=True)
    newer = s.JSONField(allow_null=True)


class SnapshotCount(s.Serializer):
    change = s.ChoiceField(list(CHANGES))
    cause = s.ChoiceField(list(CAUSES))
    count = s.IntegerField()


class ConsensusCount(s.Serializer):
    shift = s.ChoiceField(list(SHIFTS))
    count = s.IntegerField()


class ConsensusComparison(s.Serializer):
    same = s.IntegerField(help_text="Rows, each of a task by one method.")
    counts = ConsensusCount(many=True, help_text="Of what there is.")


class SnapshotComparison(s.Serializer):
    older = s.IntegerField()
    newer = s.IntegerField()
    same = s.IntegerField(help_text="Judgements in both, turned round in both or in neither.")
    counts = SnapshotCount(many=True, help_text="Of what there is.")
    settings = SnapshotSetting(many=True, help_text="Those that differ.")
    consensus = ConsensusComparison()


class SnapshotChange(s.Serializer):
    id = s.IntegerField(help_text="The judgement; of an answer given anew, the newer one.")
    task = s.IntegerField()
    change = s.ChoiceField(list(CHANGES))
    cause = s.ChoiceField(list(CAUSES))
    instead_of = s.IntegerField(allow_null=True, help_text="The judgement that it replaces.")
    source = s.ChoiceField(JudgementRow.Source.choices)
    annotator = s.CharField(allow_null=True, help_text="A pseudonym.")
    judge = s.CharField(allow_null=True)


class SnapshotChangePage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = SnapshotChange(many=True)


class ConsensusChange(s.Serializer):
    snapshot = s.IntegerField(help_text="Whose row it is: of what went, the older one's.")
    task = s.IntegerField()
    voices = s.ChoiceField(Voices.choices)
    method = s.ChoiceField(Consensus.Method.choices)
    version = s.IntegerField(help_text="Of the method.")
    votes = s.IntegerField()
    answers = s.ListField(child=s.DictField())
    entropy = s.FloatField()
    divided = s.FloatField()
    shift = s.ChoiceField(list(SHIFTS))


class ConsensusChangePage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = ConsensusChange(many=True)


class SnapshotPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = Snapshot(many=True)
