"""Which judgements an export asks for: the filters, and what each may be."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from annotate.inputs import InvalidValue
from annotate.services.outgoing.refused_choices import RefusedChoice, unknown

SOURCES = {
    "all": ("person", "judge", "imported"),
    "people": ("person",),
    "judges": ("judge",),
    "imported": ("imported",),
    "human": ("person", "imported"),
}
CHOICES = {
    "source": tuple(SOURCES),
    "simulated": ("include", "exclude", "only"),
    "split": ("all", "train", "test"),
    "suggested": ("include", "unaided"),
    "superseded": (False, True),
    "flipped": ("as_judged", "turned", "left_out"),
    "gold": ("without", "with", "only"),
    "review": ("any", "final", "accepted"),
    "norming": ("exclude", "include", "only"),
}
AS_JUDGED, TURNED, LEFT_OUT = CHOICES["flipped"]


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
    """

    source: str = "all"
    simulated: str = "include"
    split: str = "all"
    superseded: bool = False
    suggested: str = "include"
    flipped: str = AS_JUDGED
    gold: str = "without"
    review: str = "any"
    norming: str = "exclude"
    team: str = ""

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices or isinstance(value, int) != isinstance(choices[0], int):
                known = ", ".join(map(str, choices)).lower()
                raise unknown(name, value, known)

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> "ExportFilters":
        """Raises RefusedChoice naming the filters there are."""
        known = [field.name for field in fields(cls)]
        for name in query:
            if name not in known:
                raise RefusedChoice(
                    InvalidValue(
                        str(name),
                        "There is no such filter. Known: {known}.",
                        known=", ".join(known),
                    )
                )
        return cls(**query)

    def as_query(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "team" or value}
