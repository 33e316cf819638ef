"""How what was selected is written: every rule, what it may be, and the words for it."""

from dataclasses import dataclass, replace
from typing import Any

from annotate.finegrained.labels import CATEGORIES
from annotate.interchange.pair_choice import PAIRS
from annotate.interchange.preferences import AGGREGATIONS, ESTIMATED, TIE_RULES
from annotate.services.outgoing.export_parameters import Parameter, check_all
from annotate.wording import translatable

ALL_CATEGORIES = "all"
JSONL, PARQUET = "jsonl", "parquet"
MEDIA_TYPES = {JSONL: "application/x-ndjson", PARQUET: "application/vnd.apache.parquet"}
_TIES = Parameter("tie_rule", translatable("Ties"), TIE_RULES)
_SEVERAL = Parameter("aggregation", translatable("Several judgements"), AGGREGATIONS)
# The rules of snapshots, whose rows may not depend on how reliable anybody is found to be.
SNAPSHOT_RULES = (_TIES, _SEVERAL)
OPTIONS = (
    Parameter(
        "file_type",
        translatable("File"),
        {JSONL: translatable("JSON lines"), PARQUET: translatable("Parquet")},
    ),
    _TIES,
    replace(_SEVERAL, words={**AGGREGATIONS, **ESTIMATED}),
    Parameter("pairs", translatable("Pairs of one answer"), PAIRS),
    Parameter(
        "criterion",
        translatable("Criterion"),
        hint=translatable("Preferences by this one, by name, in place of the whole."),
    ),
    Parameter(
        "agreement",
        translatable("Least agreement"),
        hint=translatable("The part of a pair’s judgements that must say the same."),
        sort="share",
    ),
    Parameter(
        "margin",
        translatable("A column with the margin"),
        sort="flag",
    ),
    Parameter(
        "category",
        translatable("Labels made from spans"),
        {
            ALL_CATEGORIES: translatable("of every category"),
            **{one.name: one.title for one in CATEGORIES.values()},
        },
    ),
    Parameter(
        "metadata",
        translatable("Metadata of prompts"),
        hint=translatable(
            "As files brought it along: it may name people. Of raw and feedback rows."
        ),
        sort="flag",
    ),
)
DEFAULTS: dict[str, Any] = {one.name: one.default for one in OPTIONS}
OF_PAIRS = ("tie_rule", "aggregation", "pairs", "criterion", "agreement", "margin")


@dataclass(frozen=True)
class ExportOptions:
    """`margin` adds the column that TRL's RewardTrainer reads.

    With the tie rule "half" every row has a `weight`: 1, or 0.5 for the two rows of a tie; with
    "keep" every row says in `tie` whether it is one, chosen and rejected then in storage order.
    `pairs`: which of an answer's pairs, where it holds several.
    `criterion`: preferences by this one of those asked beside the whole.
    `agreement`: the least part of a pair's selected judgements that says the same.
    `metadata` adds what files brought along with their prompts to raw and feedback rows; it may
    name people.
    `category` is for labels made from spans: rows for every category, or for one.
    """

    tie_rule: str = DEFAULTS["tie_rule"]
    aggregation: str = DEFAULTS["aggregation"]
    pairs: str = DEFAULTS["pairs"]
    margin: bool = DEFAULTS["margin"]
    metadata: bool = DEFAULTS["metadata"]
    category: str = DEFAULTS["category"]
    criterion: str = DEFAULTS["criterion"]
    agreement: float = DEFAULTS["agreement"]
    file_type: str = DEFAULTS["file_type"]

    def __post_init__(self) -> None:
        check_all(OPTIONS, self)
