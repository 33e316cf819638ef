"""A critique of each response in words, and a refined response.

Value, version 1; ids are those of responses, in keys as texts::

    {"responses": {"3": {"critique": "Names no source.", "refined": "As the report says, …"},
                   "5": {"critique": "Good as it is."}}}

`refined` is the whole improved text. An export makes a new response of it, preferred to the
one it was written for; that one is never changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotate.inputs import Checks, clean_integer
from annotate.kinds import answers
from annotate.kinds.answers import SETTINGS, AnswerSettings
from annotate.kinds.contract import Pair, Shown, ShownResponse
from annotate.kinds.errors import InvalidValue
from annotate.kinds.sayings import Saying

NAME = "critique"
SCHEMA_VERSION = 1
RESPONSES = (1, 10)
NEEDS_CONTENT = True
REFINEMENTS = ("none", "optional", "required")
MAX_CRITIQUE_CHARS = 20_000
MAX_REFINED_CHARS = 100_000
SHINGLE = 4


@dataclass(frozen=True)
class CritiqueSettings(AnswerSettings):
    """0 for `critique_min_chars` leaves the critique optional."""

    critique_min_chars: int = 1
    refinement: str = "optional"


def clean_settings(raw: Mapping[str, Any]) -> CritiqueSettings:
    """The project's settings with defaults filled in. Raises InvalidValue."""
    given = answers.clean_fields(raw, CritiqueSettings, choices={"refinement": REFINEMENTS})
    settings = CritiqueSettings(**given)
    field = f"{SETTINGS}.critique_min_chars"
    clean_integer(field, settings.critique_min_chars, low=0, high=MAX_CRITIQUE_CHARS)
    return settings


def clean_value(
    raw: object, *, shown: Shown, settings: CritiqueSettings, rationale: str = ""
) -> dict[str, Any]:
    """The answer in its stored form, or InvalidValue. An empty answer is no answer."""
    check = Checks()
    answer = answers.begin(raw, ("responses",), settings=settings, rationale=rationale, check=check)

    def clean(field: str, entry: object, pk: int) -> dict[str, str]:
        return _one(field, entry, shown.response(pk, field), settings)

    given = answer.get("responses")
    entries = check.of(answers.for_responses, "value.responses", given, shown, clean)
    confidence = check.of(answers.confidence, answer, settings) or {}
    check.end()
    if entries is None or not any(entries.values()):
        raise InvalidValue("value.responses", "is empty: write a critique, or skip the task")
    return {"responses": entries, **confidence}


def _one(
    field: str, raw: object, response: ShownResponse, settings: CritiqueSettings
) -> dict[str, str]:
    given = answers.clean_object(field, raw, ("critique", "refined"))
    check = Checks()
    critique = check.of(
        answers.written,
        f"{field}.critique",
        given.get("critique", ""),
        low=settings.critique_min_chars,
        high=MAX_CRITIQUE_CHARS,
    )
    refined = check.of(_refined, f"{field}.refined", given, response, settings)
    check.end()
    cleaned = {} if critique is None or not critique.strip() else {"critique": critique}
    return cleaned if refined is None else {**cleaned, "refined": refined}


def _refined(
    path: str, given: Mapping[str, Any], response: ShownResponse, settings: CritiqueSettings
) -> str | None:
    """The improved text; None where there is none."""
    if settings.refinement == "none" and "refined" in given:
        raise InvalidValue(path, "is not asked for in this project; leave it out")
    if settings.refinement != "required" and "refined" not in given:
        return None
    refined = answers.written(path, given.get("refined", ""), low=1, high=MAX_REFINED_CHARS)
    if _even_lines(refined) == _even_lines(text_of(response)):
        raise InvalidValue(path, "is the response itself; improve it, or leave it out")
    return refined


def _even_lines(text: str) -> str:
    """Browsers change line ends of what stands in a field."""
    return text.replace("\r\n", "\n").strip()


def text_of(response: ShownResponse) -> str:
    """The text parts, joined by a blank line."""
    texts = (part.get("text") for part in response.parts if part.get("type") == "text")
    return "\n\n".join(text for text in texts if isinstance(text, str))


def pairs(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Pair]:
    """None: a critique prefers no shown response to another. See `refined` above."""
    return []


def said(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Saying]:
    """Nothing: words are no labels."""
    return []


def distance(a: Mapping[str, Any], b: Mapping[str, Any], response_ids: Sequence[int]) -> float:
    """How little two answers' texts share, in the mean over responses, critiques and refinements.

    One minus the resemblance of Broder (On the resemblance and containment of documents, 1997):
    the Jaccard index of the sets of all runs of four characters, case and space evened out; it
    needs no words, so it holds for any script. It compares wording, not meaning: read it as a
    hint. A text that only one of them wrote is at 1.
    """
    gaps = [
        _unlike(ours, theirs)
        for pk in map(str, response_ids)
        for name in ("critique", "refined")
        for ours, theirs in [(_text(a, pk, name), _text(b, pk, name))]
        if ours or theirs
    ]
    return answers.mean(gaps)


def _text(value: Mapping[str, Any], pk: str, name: str) -> str:
    text: str = value["responses"].get(pk, {}).get(name, "")
    return text


def _unlike(a: str, b: str) -> float:
    ours, theirs = _shingles(a), _shingles(b)
    return 1 - len(ours & theirs) / len(ours | theirs)


def _shingles(text: str) -> set[str]:
    even = " ".join(text.casefold().split())
    return {even[start : start + SHINGLE] for start in range(max(1, len(even) - SHINGLE + 1))}
