"""Which judgements an export asks for: every filter, what it may be, and the words for it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from annotate.inputs import InvalidValue
from annotate.services.outgoing.export_parameters import Parameter, check_all
from annotate.services.outgoing.refused_choices import RefusedChoice
from annotate.wording import translatable

SOURCES = {
    "all": ("person", "judge", "imported"),
    "people": ("person",),
    "judges": ("judge",),
    "imported": ("imported",),
    "human": ("person", "imported"),
}
AS_JUDGED, TURNED, LEFT_OUT = "as_judged", "turned", "left_out"
_WHEN = translatable("The day on which the answer was given.")
FILTERS = (
    Parameter(
        "source",
        translatable("Judged by"),
        {
            "all": translatable("people, AI judges and imported labels"),
            "people": translatable("people only"),
            "judges": translatable("AI judges only"),
            "imported": translatable("imported labels only"),
            "human": translatable("people and imported labels"),
        },
    ),
    Parameter(
        "simulated",
        translatable("Simulated people"),
        {
            "include": translatable("with simulated people"),
            "exclude": translatable("without simulated people"),
            "only": translatable("simulated people only"),
        },
    ),
    Parameter(
        "split",
        translatable("Prompts"),
        {
            "all": translatable("all prompts"),
            "train": translatable("training prompts"),
            "test": translatable("held-out prompts"),
        },
    ),
    Parameter(
        "person",
        translatable("People"),
        hint=translatable("Only theirs, by pseudonym."),
        sort="names",
    ),
    Parameter(
        "judge",
        translatable("AI judges"),
        hint=translatable("Only theirs, by name; beside those of the people named, if any."),
        sort="names",
    ),
    Parameter(
        "tier",
        translatable("Tier"),
        {
            "any": translatable("everybody, and AI judges"),
            "crowd": translatable("of people in the crowd tier now"),
            "expert": translatable("of people in the expert tier now"),
        },
    ),
    Parameter(
        "team",
        translatable("Team"),
        hint=translatable("Only of people who are in this team of the project now, by name."),
        sort="name",
    ),
    Parameter(
        "after",
        translatable("From this day on"),
        hint=_WHEN,
        sort="date",
    ),
    Parameter(
        "before",
        translatable("Before this day"),
        hint=_WHEN,
        sort="date",
    ),
    Parameter(
        "language",
        translatable("Languages of the prompts"),
        hint=translatable("By tag: “en” takes “en-GB” too."),
        sort="names",
    ),
    Parameter(
        "suggested",
        translatable("What judges suggested"),
        {
            "include": translatable("all answers"),
            "unaided": translatable("only those of people who were shown none"),
        },
    ),
    Parameter(
        "superseded",
        translatable("Also answers that were changed later"),
        sort="flag",
    ),
    Parameter(
        "flipped",
        translatable("Labels that a second look turned round"),
        {
            AS_JUDGED: translatable("as the judge gave them"),
            TURNED: translatable("turned round"),
            LEFT_OUT: translatable("left out"),
        },
        hint=translatable(
            "See Routing. They are as the judge gave them unless you choose otherwise."
        ),
    ),
    Parameter(
        "gold",
        translatable("Answers to hidden items with a known answer"),
        {
            "without": translatable("left out"),
            "with": translatable("with all others"),
            "only": translatable("these alone"),
        },
    ),
    Parameter(
        "review",
        translatable("Stage of review"),
        {
            "any": translatable("whether reviewed or not, but not dismissed"),
            "final": translatable("final: accepted, or not in need of a review"),
            "accepted": translatable("accepted by a reviewer"),
        },
    ),
    Parameter(
        "norming",
        translatable("Answers of norming sessions"),
        {
            "exclude": translatable("left out"),
            "include": translatable("among the others"),
            "only": translatable("these alone"),
        },
    ),
)
DEFAULTS: dict[str, Any] = {one.name: one.default for one in FILTERS}


@dataclass(frozen=True)
class ExportFilters:
    """`superseded` keeps answers that were changed later; `split` is the prompt's side.

    `suggested`: "unaided" leaves out answers of people who were shown what AI judges suggest.
    `flipped`: judges' labels that a second look turned round, as the judge gave them, turned, or
    left out.
    `gold`: people's answers to hidden items with a known answer, which check their authors and are
    no ordinary labels.
    `review`: "any" leaves out answers that a reviewer dismissed (unless `superseded`), "final" also
    those that still need a reviewer or were returned, "accepted" all that no reviewer accepted.
    `norming`: answers of norming sessions, left out unless asked for.
    `person`, `judge` and `language` hold names with commas between them, `after` and `before` days.
    """

    source: str = DEFAULTS["source"]
    simulated: str = DEFAULTS["simulated"]
    split: str = DEFAULTS["split"]
    superseded: bool = DEFAULTS["superseded"]
    suggested: str = DEFAULTS["suggested"]
    flipped: str = DEFAULTS["flipped"]
    gold: str = DEFAULTS["gold"]
    review: str = DEFAULTS["review"]
    norming: str = DEFAULTS["norming"]
    team: str = DEFAULTS["team"]
    person: str = DEFAULTS["person"]
    judge: str = DEFAULTS["judge"]
    tier: str = DEFAULTS["tier"]
    after: str = DEFAULTS["after"]
    before: str = DEFAULTS["before"]
    language: str = DEFAULTS["language"]

    def __post_init__(self) -> None:
        check_all(FILTERS, self)

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> "ExportFilters":
        """Raises RefusedChoice naming the filters there are."""
        for name in query:
            if name not in DEFAULTS:
                raise RefusedChoice(
                    InvalidValue(
                        str(name),
                        "There is no such filter. Known: {known}.",
                        known=", ".join(DEFAULTS),
                    )
                )
        return cls(**query)

    def as_query(self) -> dict[str, Any]:
        """What a snapshot keeps: later filters only where they leave anything out."""
        later = ("team", "person", "judge", "tier", "after", "before", "language")
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in later or value != DEFAULTS[name]
        }
