"""Known answers in files: the field `gold` of prompts with their responses, and of tables.

    "gold": 1 | "tie" | …                                        as in `label`
    "gold": {"preferred" or "verdict", "strength"?, …}           as in `label`
    "gold": {"ranking": [2, [0, 1]], …}                          as in `ranking`
    "gold": {"value": {…}, …}                                    an answer of the project's kind,
                                                                 positions in place of response ids

Objects may also have `explanation` (Markdown), `use` ("hidden", "attention", "quiz", "training")
and `tolerance`, the distance from 0 to 1 that still counts as right. The first two may also stand
beside it, as `gold_explanation` and `gold_use`; what stands in it goes first.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from annotate.interchange import fields
from annotate.interchange.records import ImportedGold, ImportedLabel, RowProblem
from annotate.interchange.streams import Limits

USES = ("hidden", "attention", "quiz", "training")
COLUMNS_OF_GOLD = ("gold", "gold_explanation", "gold_use")
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


def gold_beside(
    found: ImportedGold | None, row: Mapping[str, Any], limits: Limits
) -> ImportedGold | None:
    """With the row's own `gold_explanation` and `gold_use`. Raises RowProblem where these speak of
    a known answer that is not there.
    """
    said = {name: row.get(name) for name in COLUMNS_OF_GOLD[1:] if row.get(name) not in (None, "")}
    if not said:
        return found
    if found is None:
        name, value = next(iter(said.items()))
        raise RowProblem(name, value, "There is no known answer to say it of; give it as 'gold'.")
    explanation = said.get("gold_explanation")
    use = use_of(said.get("gold_use"), "gold_use")
    if explanation is not None:
        explanation = fields.text(explanation, "gold_explanation", limits)
    return replace(found, explanation=found.explanation or explanation or "", use=found.use or use)


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
