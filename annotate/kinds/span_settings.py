"""What a project that marks spans sets: types of error, evidence, overlap, snapping, correction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotate.finegrained.labels import CATEGORIES
from annotate.inputs import clean_boolean, clean_choice, clean_integer, clean_text
from annotate.kinds import answers
from annotate.kinds.answers import SETTINGS, AnswerSettings
from annotate.kinds.errors import InvalidValue
from annotate.wording import translatable

NO_EVIDENCE = "none"
EARLIER_TEXT = "earlier_text"
PASSAGE_SENTENCES = "passage_sentences"
EVIDENCE = (NO_EVIDENCE, EARLIER_TEXT, PASSAGE_SENTENCES)
SNAPPING = ("none", "grapheme", "word", "sentence")
COLORS = 12
MAX_TYPES = 40
MAX_SEVERITIES = 10
MAX_TITLE_CHARS = 200
MAX_DESCRIPTION_CHARS = 2_000


@dataclass(frozen=True)
class SpanType:
    """A type of error. `category` decides which segments it labels (finegrained/labels.py).

    `color` is an index, 0..11; `evidence` what must be pointed at beside the span; with
    `correction` every span needs a text to stand in its place.
    """

    name: str
    title: str = ""
    description: str = ""
    color: int = 0
    category: str = ""
    evidence: str = NO_EVIDENCE
    correction: bool = False


@dataclass(frozen=True)
class MissingType:
    """A sort of information that a response may lack. `evidence` is none or passage sentences."""

    name: str
    title: str = ""
    description: str = ""
    evidence: str = PASSAGE_SENTENCES


DEFAULT_TYPES = (
    SpanType("irrelevant", translatable("Irrelevant"), color=0, category="C1"),
    SpanType(
        "repetitive", translatable("Repetitive"), color=1, category="C1", evidence=EARLIER_TEXT
    ),
    SpanType(
        "inconsistent",
        translatable("Inconsistent fact"),
        color=2,
        category="C2",
        evidence=PASSAGE_SENTENCES,
    ),
    SpanType("unverifiable", translatable("Unverifiable fact"), color=3, category="C2"),
    SpanType("incoherent", translatable("Incoherent"), color=4, category="C1"),
)
DEFAULT_MISSING = (
    MissingType("missing_answer", translatable("Missing answer")),
    MissingType("missing_major", translatable("Missing major auxiliary information")),
    MissingType("missing_minor", translatable("Missing minor auxiliary information")),
)


@dataclass(frozen=True)
class SpansSettings(AnswerSettings):
    """`types` in order of priority; empty `severities` ask for none, as do `missing_types`.

    `snapping` is what a selection on the page grows to. With `submit_gate` a marked response
    must be corrected, and a corrected one marked; without `correction` it asks only for a mark or
    a tick that there is no error.

    With `suggestions` people see what AI judges marked, but for `blind_percent` of the seats;
    `decide_suggestions` asks that each mark be accepted, changed or dismissed.
    """

    types: tuple[SpanType, ...] = DEFAULT_TYPES
    overlap: bool = False
    snapping: str = "word"
    severities: tuple[str, ...] = ()
    missing_types: tuple[MissingType, ...] = DEFAULT_MISSING
    correction: bool = True
    submit_gate: bool = True
    suggestions: bool = False
    decide_suggestions: bool = False
    blind_percent: int = 20


def clean_settings(raw: Mapping[str, Any]) -> SpansSettings:
    """The project's settings with defaults filled in. Raises InvalidValue."""
    given = answers.clean_fields(raw, SpansSettings, choices={"snapping": SNAPPING})
    if "types" in given:
        field = f"{SETTINGS}.types"
        listed = answers.clean_list(field, given["types"], low=1, high=MAX_TYPES)
        types = tuple(_span_type(f"{field}.{i}", entry, i) for i, entry in enumerate(listed))
        given["types"] = types
        _check_names(field, [kind.name for kind in types])
    if "missing_types" in given:
        field = f"{SETTINGS}.missing_types"
        listed = answers.clean_list(field, given["missing_types"], low=0, high=MAX_TYPES)
        missing = tuple(_missing_type(f"{field}.{i}", entry) for i, entry in enumerate(listed))
        given["missing_types"] = missing
        _check_names(field, [kind.name for kind in missing])
    if "severities" in given:
        field = f"{SETTINGS}.severities"
        listed = answers.clean_list(field, given["severities"], low=0, high=MAX_SEVERITIES)
        names = [answers.clean_name(f"{field}.{i}", entry) for i, entry in enumerate(listed)]
        _check_names(field, names, "")
        given["severities"] = tuple(names)
    if "blind_percent" in given:
        clean_integer(f"{SETTINGS}.blind_percent", given["blind_percent"], low=0, high=100)
    return SpansSettings(**given)


def _span_type(field: str, raw: object, place: int) -> SpanType:
    given = answers.clean_object(field, raw, SpanType.__dataclass_fields__)
    color = given.get("color", place % COLORS)
    return SpanType(
        **_named(field, given),
        color=clean_integer(f"{field}.color", color, low=0, high=COLORS - 1),
        category=clean_choice(f"{field}.category", given.get("category", ""), ["", *CATEGORIES]),
        evidence=clean_choice(f"{field}.evidence", given.get("evidence", NO_EVIDENCE), EVIDENCE),
        correction=clean_boolean(f"{field}.correction", given.get("correction", False)),
    )


def _missing_type(field: str, raw: object) -> MissingType:
    given = answers.clean_object(field, raw, MissingType.__dataclass_fields__)
    evidence = given.get("evidence", PASSAGE_SENTENCES)
    choices = (NO_EVIDENCE, PASSAGE_SENTENCES)
    return MissingType(
        **_named(field, given), evidence=clean_choice(f"{field}.evidence", evidence, choices)
    )


def _named(field: str, given: Mapping[str, Any]) -> dict[str, str]:
    name = answers.clean_name(f"{field}.name", given.get("name"))
    title = clean_text(
        f"{field}.title", given.get("title", ""), max_chars=MAX_TITLE_CHARS, lines=False
    )
    description = clean_text(
        f"{field}.description", given.get("description", ""), max_chars=MAX_DESCRIPTION_CHARS
    )
    return {"name": name, "title": title, "description": description}


def _check_names(field: str, names: list[str], below: str = ".name") -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise InvalidValue(
                f"{field}.{index}{below}", "{name} stands there twice; names must differ", name=name
            )
