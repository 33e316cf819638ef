"""Known answers in files: the field `gold` of prompts with their responses, and of tables.

    "gold": 1 | "tie" | …                                        as in `label`
    "gold": {"preferred" or "verdict", "strength"?, …}           as in `label`
    "gold": {"ranking": [2, [0, 1]], …}                          as in `ranking`
    "gold": {"value": {…}, …}                                    an answer of the project's kind,
                                                                 positions in place of response ids

Objects may also have `explanation` (Markdown), `use` ("hidden", "attention", "quiz", "training")
and `tolerance`, the distance from 0 to 1 that still counts as right.
"""

from collections.abc import Callable
from typing import Any

from annotate.interchange import fields
from annotate.interchange.records import ImportedGold, ImportedLabel, RowProblem
from annotate.interchange.streams import Limits

USES = ("hidden", "attention", "quiz", "training")
OWN = frozenset({"value", "explanation", "use", "tolerance", "ranking"})
Labels = Callable[[Any], list[ImportedLabel]]


def gold_of(
    given: Any, name: str, limits: Limits, *, label: Labels, ranking: Labels
) -> ImportedGold | None:
    """None without any. `label` and `ranking` read what the format has for these."""
    if given is None:
        return None
    if not isinstance(given, dict):
        return ImportedGold(tuple(label(given)))
    said = {key: value for key, value in given.items() if key not in OWN}
    told = [key for key in ("value", "ranking") if given.get(key) is not None]
    if len(told) + bool(said) != 1:
        raise RowProblem(
            name,
            given,
            "Give one of: value, ranking, or what is preferred.",
        )
    labels: list[ImportedLabel] = []
    value = None
    if told == ["value"]:
        value = given["value"]
        if not isinstance(value, dict):
            raise fields.not_an_object(f"{name}.value", value)
    else:
        labels = ranking(given["ranking"]) if told else label(said)
    return ImportedGold(tuple(labels), value, **_about(given, name, limits))


def _about(given: dict[str, Any], name: str, limits: Limits) -> dict[str, Any]:
    explanation, tolerance = given.get("explanation"), given.get("tolerance")
    if tolerance is not None:
        tolerance = fields.number(tolerance, f"{name}.tolerance")
        if not 0 <= tolerance <= 1:
            raise RowProblem(f"{name}.tolerance", tolerance, "Expected a number from 0 to 1.")
    return {
        "explanation": ""
        if explanation is None
        else fields.text(explanation, f"{name}.explanation", limits),
        "use": use_of(given.get("use"), f"{name}.use"),
        "tolerance": tolerance,
    }


def use_of(given: Any, name: str) -> str | None:
    if given in (None, ""):
        return None
    if given not in USES:
        raise RowProblem(name, given, "Expected one of {uses}.", uses=", ".join(USES))
    use: str = given
    return use
