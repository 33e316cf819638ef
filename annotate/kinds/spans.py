"""Marked spans of responses, what they leave out, and a minimal correction.

Value, version 1::

    {"marks": [{"response": 3, "part": 0, "start": 17, "end": 42, "type": "repetitive",
                "severity": "major", "evidence": {"start": 0, "end": 16},
                "note": "said before", "replacement": ""}],
     "missing": [{"response": 3, "type": "missing_answer",
                  "evidence": {"passage": 2, "sentences": [1, 4]}}],
     "corrected": {"3": "the whole corrected text"},
     "no_error": false}

`start` and `end` count code points of the part's text, the end exclusive. `severity`, `evidence`,
`note` and `replacement` stand only where given. Evidence is, as the type wants it, an earlier
range of the same part, or sentences of a passage: passages and sentences count from 1, and
sentence 0 is the passage's title. `corrected` holds only texts that were changed. Marks are
stored by response, part, start, end and the project's order of types.

Where the project shows what judges suggest, marks may name a suggestion that they were made of, and
`suggestions` tell what became of each: see span_suggestions.py.

Types stand in order of priority: where several would fit, the first does. Source of the default
types, the missing items and the gate: Wu et al. 2023 (Fine-Grained RLHF, arXiv 2306.01693).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from annotate.finegrained.layout import lay_out
from annotate.inputs import Checks, clean_boolean, clean_choice, clean_text
from annotate.kinds import answers, span_suggestions
from annotate.kinds.contract import Pair, Shown
from annotate.kinds.critique import text_of
from annotate.kinds.errors import InvalidValue
from annotate.kinds.sayings import Marked, Saying
from annotate.kinds.span_marks import (
    MAX_CORRECTED_CHARS,
    MAX_NOTE_CHARS,
    Mark,
    clean_evidence,
    clean_mark,
    place_of,
    response_of,
)
from annotate.kinds.span_settings import MissingType, SpansSettings, clean_settings

__all__ = [
    "MAX_MARKS",
    "MAX_NOTE_CHARS",
    "NAME",
    "NEEDS_CONTENT",
    "RESPONSES",
    "SCHEMA_VERSION",
    "clean_settings",
    "clean_value",
    "distance",
    "pairs",
    "renamed",
    "said",
]

NAME = "spans"
SCHEMA_VERSION = 1
RESPONSES = (1, 10)
NEEDS_CONTENT = True
MAX_MARKS = 2_000

Item = dict[str, Any]


def clean_value(
    raw: object, *, shown: Shown, settings: SpansSettings, rationale: str = ""
) -> dict[str, Any]:
    """The answer in its stored form, or InvalidValue. An empty answer is no answer."""
    check = Checks()
    answer = answers.begin(
        raw,
        ("marks", "missing", "corrected", "no_error", "suggestions"),
        settings=settings,
        rationale=rationale,
        check=check,
    )
    placed = check.of(_marks, answer.get("marks", ()), shown, settings) or []
    marks = [mark for _, mark in placed]
    missing = check.of(_missing, answer.get("missing", ()), shown, settings) or []
    corrected = check.of(_corrected, answer.get("corrected", {}), shown, settings) or {}
    no_error = bool(check.of(clean_boolean, "value.no_error", answer.get("no_error", False)))
    check.end()
    _check_gate(marks, missing, corrected, no_error, settings)
    suggestions = span_suggestions.clean(answer.get("suggestions"), placed, shown, settings)
    return {
        "marks": marks,
        "missing": missing,
        "corrected": corrected,
        "no_error": no_error,
        **suggestions,
        **answers.confidence(answer, settings),
    }


def _marks(raw: object, shown: Shown, settings: SpansSettings) -> list[tuple[int, Mark]]:
    """In order, each with its place in what was sent."""
    listed = answers.clean_list("value.marks", raw, low=0, high=MAX_MARKS)
    check = Checks()
    checked = [
        check.of(clean_mark, f"value.marks.{index}", entry, shown, settings)
        for index, entry in enumerate(listed)
    ]
    check.end()
    marks = [(index, mark) for index, mark in enumerate(checked) if mark is not None]
    order = {kind.name: place for place, kind in enumerate(settings.types)}
    marks.sort(key=lambda mark: (place_of(mark[1]), order[mark[1]["type"]]))
    _check_together(marks, settings)
    return marks


def _check_together(marks: Sequence[tuple[int, Mark]], settings: SpansSettings) -> None:
    """Raises InvalidValue for a mark that is there twice or, if they may not, overlaps another.

    `marks` are in order, each with its place in what was sent.
    """
    reach: tuple[int, Mark] | None = None
    for (index, mark), (before, earlier) in zip(marks[1:], marks, strict=False):
        if (place_of(mark), mark["type"]) == (place_of(earlier), earlier["type"]):
            late, first = max(index, before), min(index, before)
            raise InvalidValue(
                f"value.marks.{late}", "is mark {first} again; leave one out", first=first
            )
    for index, mark in marks:
        same = reach is not None and place_of(reach[1])[:2] == place_of(mark)[:2]
        if reach is None or not same or reach[1]["end"] <= mark["start"]:
            reach = (index, mark)
        elif not settings.overlap:
            late, first = sorted((index, reach[0]), reverse=True)
            start, end = reach[1]["start"], reach[1]["end"]
            raise InvalidValue(
                f"value.marks.{late}.start",
                "overlaps mark {first} ({start} to {end}, {begin} to {stop}); "
                "marks may not overlap in this project",
                first=first,
                start=start,
                end=end,
                begin=mark["start"],
                stop=mark["end"],
            )
        elif mark["end"] > reach[1]["end"]:
            reach = (index, mark)


def _missing(raw: object, shown: Shown, settings: SpansSettings) -> list[Item]:
    high = MAX_MARKS if settings.missing_types else 0
    listed = answers.clean_list("value.missing", raw, low=0, high=high)
    items: list[Item] = []
    types = {kind.name: kind for kind in settings.missing_types}
    check = Checks()
    for index, entry in enumerate(listed):
        field = f"value.missing.{index}"
        item = check.of(_missing_item, field, entry, types, shown)
        if item is None:
            continue
        if item in items:
            other = items.index(item)
            check.refuse(InvalidValue(field, "is item {other} again; leave one out", other=other))
        items.append(item)
    check.end()
    return items


def _missing_item(
    field: str, entry: object, types: Mapping[str, MissingType], shown: Shown
) -> Item:
    given = answers.clean_object(field, entry, ("response", "type", "evidence"))
    pk = response_of(f"{field}.response", given, shown).id
    kind = types[clean_choice(f"{field}.type", given.get("type"), types)]
    item: Item = {"response": pk, "type": kind.name}
    return item | clean_evidence(f"{field}.evidence", given.get("evidence"), kind, shown, 0)


def _corrected(raw: object, shown: Shown, settings: SpansSettings) -> dict[str, str]:
    """The texts that were changed. A text may be corrected to nothing."""
    if not settings.correction:
        if raw:
            raise InvalidValue("value.corrected", "is not asked for in this project; leave it out")
        return {}

    def clean(field: str, entry: object, pk: int) -> str:
        return clean_text(field, entry, max_chars=MAX_CORRECTED_CHARS)

    texts = answers.for_responses("value.corrected", raw, shown, clean, every=False)
    originals = {str(response.id): text_of(response) for response in shown.responses}
    return {pk: text for pk, text in texts.items() if text != originals[pk]}


def _check_gate(
    marks: Sequence[Mark],
    missing: Sequence[Item],
    corrected: Mapping[str, str],
    no_error: bool,
    settings: SpansSettings,
) -> None:
    """An answer says that nothing is wrong, or what is; with the gate it is also mended.

    Raises InvalidValue with the reason.
    """
    marked = {str(entry["response"]) for entry in (*marks, *missing)}
    if no_error and marked:
        raise InvalidValue(
            "value.no_error", "is ticked though something is marked; untick it or remove the marks"
        )
    if no_error and corrected:
        raise InvalidValue(
            f"value.corrected.{min(corrected)}",
            "was changed though no error is ticked; mark what was wrong or undo the change",
        )
    if not no_error and not marked and not corrected:
        raise InvalidValue(
            "value.marks",
            "is empty: mark an error or a missing item, or tick that there is no error",
        )
    if not (settings.submit_gate and settings.correction):
        return
    for pk in sorted(marked - set(corrected)):
        raise InvalidValue(
            f"value.corrected.{pk}", "is unchanged though something is marked; correct the text too"
        )
    for pk in sorted(set(corrected) - marked):
        raise InvalidValue(
            f"value.corrected.{pk}", "was changed though nothing is marked; mark what was wrong too"
        )


def renamed(value: Mapping[str, Any], names: Mapping[int, Any]) -> dict[str, Any]:
    """The stored answer with other ids of responses, such as their positions in a file."""
    named = dict(value)
    for field in ("marks", "missing"):
        if field in value:
            named[field] = [{**one, "response": names[one["response"]]} for one in value[field]]
    if "corrected" in value:
        texts = value["corrected"].items()
        named["corrected"] = {str(names[int(pk)]): text for pk, text in texts}
    return named


def pairs(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Pair]:
    """None: a project that marks several responses asks for a preference by itself."""
    return []


def said(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Saying]:
    """What is marked in each response, nothing marked included."""
    found: list[Saying] = []
    for pk in response_ids:
        parts: dict[int, list[tuple[int, int, str]]] = {}
        for mark in value["marks"]:
            if mark["response"] == pk:
                stretch = (mark["start"], mark["end"], mark["type"])
                parts.setdefault(mark["part"], []).append(stretch)
        found.append(Marked("", pk, parts))
    return found


def distance(a: Mapping[str, Any], b: Mapping[str, Any], response_ids: Sequence[int]) -> float:
    """1 - F1, in the mean over marked characters and over missing items, where either has any.

    A character with a type is found if the other has it with the same type, and half found if
    the other has it with another. A missing item is found if the other has its type for the same
    response, with the share of its evidence's sentences that both name (Jaccard).
    """
    gaps = []
    if a["marks"] or b["marks"]:
        gaps.append(_unlike_marks(a["marks"], b["marks"]))
    if a["missing"] or b["missing"]:
        gaps.append(_unlike_items(a["missing"], b["missing"]))
    return answers.mean(gaps)


def _unlike_marks(ours: Sequence[Mark], theirs: Sequence[Mark]) -> float:
    texts: dict[tuple[int, int], list[tuple[int, Mark]]] = {}
    for side, marks in enumerate((ours, theirs)):
        for mark in marks:
            texts.setdefault(place_of(mark)[:2], []).append((side, mark))
    found = total = 0.0
    for marks_of in texts.values():
        places = [(mark["start"], mark["end"]) for _, mark in marks_of]
        for segment in lay_out(max(end for _, end in places), places).segments:
            over = [marks_of[index] for index in segment.spans]
            mine = {mark["type"] for side, mark in over if side == 0}
            others = {mark["type"] for side, mark in over if side == 1}
            size = segment.end - segment.start
            found += size * len(mine & others)
            found += size * min(len(mine - others), len(others - mine)) / 2
            total += size * (len(mine) + len(others))
    return 1 - 2 * found / total


def _unlike_items(ours: Sequence[Item], theirs: Sequence[Item]) -> float:
    sides: list[dict[tuple[int, str], set[tuple[int, int]]]] = [{}, {}]
    for side, items in zip(sides, (ours, theirs), strict=True):
        for item in items:
            named = side.setdefault((item["response"], item["type"]), set())
            evidence = item.get("evidence", {"passage": 0, "sentences": [0]})
            named.update((evidence["passage"], number) for number in evidence["sentences"])
    mine, others = sides
    found = sum(
        len(mine[key] & others[key]) / len(mine[key] | others[key])
        for key in sorted(mine.keys() & others.keys())
    )
    return 1 - 2 * found / (len(mine) + len(others))
