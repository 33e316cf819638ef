"""Why a task was sent or put where it is: kept as a code with values, told in any language.

Decisions are kept by the million, so a row holds ["below", 0.61, 0.7] and no sentence, of which
every language is made. A code means the same for good; what was kept as a text before there were
codes is told as it is.
"""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from annotate.rounding import ABOUT_0, ABOUT_NOTHING, rounded
from annotate.wording import Told, translatable

Why = tuple[str | float | dict[str, Any], ...]  # a code and its values; JSON has it as a list

NAME = "name"  # a text that stays: people chose it
WORD = "word"  # a name of a tag or a signal
SAID = "said"  # what a judge says of itself: a message of the catalogues, or Told
FIGURE, SIGNED = "figure", "signed"  # a number of any size, told by annotate/rounding.py
KEPT = {FIGURE: ".3g", SIGNED: ".3g"}  # in rows, where that is not how it is told

# Code -> the message, and what its values are in the order in which they are kept: NAME, WORD,
# SAID, FIGURE, SIGNED, or how a number is written.
REASONS: dict[str, tuple[str, dict[str, str]]] = {
    # The judge's own certainty
    "below": (
        translatable("the judge is {score} sure, below {threshold}"),
        {"score": ".2f", "threshold": ".2f"},
    ),
    "at least": (
        translatable("the judge is {score} sure, at least {threshold}"),
        {"score": ".2f", "threshold": ".2f"},
    ),
    "audit": (
        translatable("drawn for the audit ({percent} % of the judge's share)"),
        {"percent": ".0f"},
    ),
    "abstains": (translatable("the judge abstains: {why}"), {"why": SAID}),
    "equal": (translatable("the judge abstains: both are equal to it"), {}),
    "held out": (translatable("its prompt is held out for tests, which need people"), {}),
    "begun": (translatable("a person had begun it meanwhile"), {}),
    # Fitted policies
    "rule": (translatable("rule: {name}"), {"name": WORD}),
    "explored": (translatable("drawn to explore, probability {p}"), {"p": FIGURE}),
    "no budget": (translatable("no budget left in this window"), {}),
    "inside": (translatable("within the tested guarantee"), {}),
    "outside": (translatable("outside the tested guarantee"), {}),
    "adds": (translatable("{column} ({by})"), {"column": WORD, "by": SIGNED}),
    "flat": (translatable("no single tag or signal moves it"), {}),
    "silent": (translatable("no judge prefers one"), {}),
    # The alternative annotator test: not made; too little to make it; failed
    "untested": (translatable("{judge} was not tested in this project"), {"judge": NAME}),
    "untested subject": (
        translatable("{judge} was not tested in {domain}"),
        {"judge": NAME, "domain": WORD},
    ),
    "untested stratum": (
        translatable("{judge} was not tested in {domain}"),
        {"judge": NAME, "domain": NAME},
    ),
    "untested no subject": (
        translatable("{judge} was not tested in prompts without a subject"),
        {"judge": NAME},
    ),
    "untested no stratum": (
        translatable("{judge} was not tested in tasks without a stratum"),
        {"judge": NAME},
    ),
    "unlabelled": (
        translatable("{judge} could not be tested for want of labels in this project"),
        {"judge": NAME},
    ),
    "unlabelled subject": (
        translatable("{judge} could not be tested for want of labels in {domain}"),
        {"judge": NAME, "domain": WORD},
    ),
    "unlabelled stratum": (
        translatable("{judge} could not be tested for want of labels in {domain}"),
        {"judge": NAME, "domain": NAME},
    ),
    "unlabelled no subject": (
        translatable("{judge} could not be tested for want of labels in prompts without a subject"),
        {"judge": NAME},
    ),
    "unlabelled no stratum": (
        translatable("{judge} could not be tested for want of labels in tasks without a stratum"),
        {"judge": NAME},
    ),
    "failed": (
        translatable("{judge} failed the alternative annotator test ({rate}) in this project"),
        {"judge": NAME, "rate": ".2f"},
    ),
    "failed subject": (
        translatable("{judge} failed the alternative annotator test ({rate}) in {domain}"),
        {"judge": NAME, "rate": ".2f", "domain": WORD},
    ),
    "failed stratum": (
        translatable("{judge} failed the alternative annotator test ({rate}) in {domain}"),
        {"judge": NAME, "rate": ".2f", "domain": NAME},
    ),
    "failed no subject": (
        translatable(
            "{judge} failed the alternative annotator test ({rate}) in prompts without a subject"
        ),
        {"judge": NAME, "rate": ".2f"},
    ),
    "failed no stratum": (
        translatable(
            "{judge} failed the alternative annotator test ({rate}) in tasks without a stratum"
        ),
        {"judge": NAME, "rate": ".2f"},
    ),
    # What is labelled next
    "drawn": (translatable("drawn"), {}),
    "by chance": (
        translatable("drawn by chance, so that what is measured on such tasks holds"),
        {},
    ),
    "part": (translatable("the turn of {part}"), {"part": NAME}),
    "labels": (translatable("labels so far: {count}"), {"count": "d"}),
    "unlabelled yet": (translatable("nobody has labelled it yet"), {}),
    "doubt": (
        translatable("what most people would say is open ({bits} bits)"),
        {"bits": ".2f"},
    ),
    "sure": (translatable("{judge} is {percent} % sure"), {"judge": NAME, "percent": ".0f"}),
    "first better": (
        translatable("{judge}: first better with {percent} %"),
        {"judge": NAME, "percent": ".0f"},
    ),
    "against it": (translatable("{judge}: with {percent} %"), {"judge": NAME, "percent": ".0f"}),
    "members": (
        translatable("members of {judge}: first better with {low} to {high} %"),
        {"judge": NAME, "low": ".0f", "high": ".0f"},
    ),
    "apart": (
        translatable("rewards of {count} responses are {gap} apart"),
        {"count": "d", "gap": ".2f"},
    ),
    "rare": (
        translatable("{tag} ({percent} % of what is labelled)"),
        {"tag": WORD, "percent": ".0f"},
    ),
    "best": (
        translatable("{generator} (utility {utility})"),
        {"generator": NAME, "utility": ".2f"},
    ),
    "rival": (
        translatable("against {generator} (may reach {bound})"),
        {"generator": NAME, "bound": ".2f"},
    ),
}


def why(code: str, *values: str | float | Told) -> Why:
    """What a row keeps; numbers about as far as shown, and as texts where JSON has none such.

    Raises KeyError, and ValueError for another number of values than the code has.
    """
    styles = REASONS[code][1].values()
    return (code, *(_kept(value, style) for value, style in zip(values, styles, strict=True)))


def _kept(value: str | float | Told, style: str) -> str | float | dict[str, Any]:
    if isinstance(value, Told):
        return value.as_dict() if value.values else value.reason
    if isinstance(value, str):
        return value
    shown = format(value, KEPT.get(style, style))
    if not isfinite(value):
        return shown
    return int(shown) if style in ("d", ".0f") else float(shown)


def told(
    kept: str | Sequence[Any],
    word: Callable[[str], str] = str,
    number: Callable[[str], str] = str,
) -> Told:
    """Of what `why` gave or JSON has of it; `word` says a WORD, and `number` a number that is
    written in English, in the reader's language.
    """
    if isinstance(kept, str):
        return Told(kept)
    text, styles = REASONS[kept[0]]
    values: dict[str, str | Told] = {}
    for (name, style), value in zip(styles.items(), kept[1:], strict=True):
        if style == SAID:
            values[name] = Told.from_dict(value) if isinstance(value, dict) else Told(value)
        elif style == WORD:
            values[name] = word(value)
        else:
            values[name] = value if isinstance(value, str) else _number(value, style, number)
    return Told(text, **values)


def _number(value: float, style: str, number: Callable[[str], str]) -> str | Told:
    if style not in KEPT:
        return number(format(value, style))
    text = rounded(value, signed=style == SIGNED)
    return Told("about 0") if text == ABOUT_0 else number(text)


def worth_telling(reasons: Sequence[str | Sequence[Any]]) -> list[str | Sequence[Any]]:
    """Where several tags and signals all add next to nothing, that is said once, not of each."""
    adding = [one for one in reasons if one[0] == "adds"]
    if len(adding) < 2 or any(abs(float(one[2])) >= ABOUT_NOTHING for one in adding):
        return list(reasons)
    return [why("flat"), *(one for one in reasons if one[0] != "adds")]


def in_english(reasons: Sequence[str | Sequence[Any]]) -> list[str]:
    """As programs read them."""
    return [told(one).message for one in reasons]
