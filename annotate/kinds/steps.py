"""Steps of a response, each right, neutral or wrong; or where the first wrong one stands.

Value, version 1; ids are those of responses, in keys as texts, steps are counted from 0::

    {"labels": {"3": [1, 0, -1, 1]}, "critiques": {"3": {"2": "3 x 4 is 12"}},
     "mode": "each", "split": "blank_lines"}
    {"labels": {"3": [1, 1, -1, null]}, "mode": "first_wrong", "split": "blank_lines"}

With mode `each` every step is judged: 1 right, 0 neutral (neither right nor wrong, or of no
use), -1 wrong. With `first_wrong` the steps before the first wrong one are 1 and those after it
are null, not judged, as in PRM800K (Lightman et al., 2023, arXiv 2305.20050); without a wrong
step all are 1. `mode` and `split` are added by `clean_value`: how the steps were judged and cut.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotate.inputs import Checks
from annotate.kinds import answers
from annotate.kinds.answers import AnswerSettings
from annotate.kinds.contract import Pair, Shown
from annotate.kinds.errors import InvalidValue
from annotate.kinds.sayings import Label, Saying

NAME = "steps"
SCHEMA_VERSION = 1
RESPONSES = (1, 10)
NEEDS_CONTENT = True
MODES = ("each", "first_wrong")
SPLITS = ("blank_lines", "lines", "numbered")
CRITIQUES = ("none", "optional", "on_wrong")
LABELS = (-1, 0, 1)
MAX_CRITIQUE_CHARS = 10_000
MAX_STEPS = 10_000

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_LINES = re.compile(r"\n\s*")
# "Step 2:", "step 2.", "2." or "2)" at the start of a line, also as a Markdown heading or in bold.
_NUMBERED = re.compile(
    r"^(?=[^\S\n]*(?:\#{1,6}[^\S\n]+)?(?:\*\*)?(?:step[^\S\n]+\d+\b|\d+[.)][^\S\n]))",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class StepsSettings(AnswerSettings):
    """`split` cuts texts; `critiques`: not asked, optional, or required of wrong steps."""

    mode: str = "each"
    split: str = "blank_lines"
    critiques: str = "optional"


def clean_settings(raw: Mapping[str, Any]) -> StepsSettings:
    """The project's settings with defaults filled in. Raises InvalidValue."""
    choices = {"mode": MODES, "split": SPLITS, "critiques": CRITIQUES}
    return StepsSettings(**answers.clean_fields(raw, StepsSettings, choices=choices))


def split_steps(parts: Iterable[Mapping[str, Any]], split: str) -> tuple[str, ...]:
    """The steps of a response.

    A part {"type": "steps", "steps": [text or {"text": …}, …]} brings its own. The text of every
    other part is cut: at blank lines, at line ends, or (`numbered`) before each line that begins
    like "Step 2" or "2."; what stands before the first number is a step of its own. Steps are
    stripped, blank ones are dropped. Raises InvalidValue for a part of steps that are no texts.
    """
    found: list[str] = []
    for part in parts:
        if part.get("type") == "steps":
            found += _listed(part.get("steps"))
        elif isinstance(part.get("text"), str):
            pattern = {"blank_lines": _BLANK_LINES, "lines": _LINES, "numbered": _NUMBERED}[split]
            found += pattern.split(part["text"].replace("\r\n", "\n"))
    return tuple(step.strip() for step in found if step.strip())


def _listed(raw: object) -> list[str]:
    """The steps that a part brings. Raises InvalidValue for a wrong content."""
    entries = answers.clean_list("content.steps", raw, low=0, high=MAX_STEPS)
    texts = []
    for index, entry in enumerate(entries):
        text = entry.get("text") if isinstance(entry, Mapping) else entry
        if not isinstance(text, str):
            raise InvalidValue(f"content.steps.{index}", "must be a text or have one")
        texts.append(text)
    return texts


def clean_value(
    raw: object, *, shown: Shown, settings: StepsSettings, rationale: str = ""
) -> dict[str, Any]:
    """The answer in its stored form, or InvalidValue. An empty answer is no answer."""
    check = Checks()
    answer = answers.begin(
        raw,
        ("labels", "critiques", "mode", "split"),
        settings=settings,
        rationale=rationale,
        check=check,
    )
    added = {"mode": settings.mode, "split": settings.split}
    for name, right in added.items():
        if answer.get(name) not in (None, right):
            raise InvalidValue(
                f"value.{name}", "is {right} in this project; leave it out", right=right
            )
    counts = {
        response.id: len(split_steps(response.parts, settings.split))
        for response in shown.responses
    }
    if not any(counts.values()):
        raise InvalidValue("value.labels", "the responses have no steps; skip the task")

    def clean(field: str, entry: object, pk: int) -> list[int | None]:
        return _labels(field, entry, counts[pk], settings.mode)

    labels = check.of(answers.for_responses, "value.labels", answer.get("labels"), shown, clean)
    critiques = {}
    if labels is not None:
        critiques = check.of(_critiques, answer.get("critiques"), shown, labels, settings) or {}
    confidence = check.of(answers.confidence, answer, settings) or {}
    check.end()
    return {"labels": labels, **critiques, **added, **confidence}


def _labels(field: str, raw: object, count: int, mode: str) -> list[int | None]:
    labels = answers.clean_list(field, raw, low=count, high=count)
    check, wrong = Checks(), None
    for index, label in enumerate(labels):
        path = f"{field}.{index}"
        if mode == "each":
            if type(label) is not int or label not in LABELS:
                check.refuse(InvalidValue(path, "must be -1 (wrong), 0 (neutral) or 1 (right)"))
        elif wrong is not None:
            if label is not None:
                raise InvalidValue(
                    path, "comes after the first wrong step ({wrong}) and must be null", wrong=wrong
                )
        elif type(label) is not int or label not in (-1, 1):
            raise InvalidValue(path, "must be 1 (right), or -1 if it is the first wrong step")
        elif label == -1:
            wrong = index
    check.end()
    return labels


def _critiques(
    raw: object, shown: Shown, labels: Mapping[str, list[int | None]], settings: StepsSettings
) -> dict[str, Any]:
    if raw is not None and settings.critiques == "none":
        raise InvalidValue("value.critiques", "is not asked for in this project; leave it out")

    def clean(field: str, entry: object, pk: int) -> dict[str, str]:
        steps = {str(index): index for index in range(len(labels[str(pk)]))}
        given = answers.clean_object(field, entry, steps)
        return {
            name: answers.written(f"{field}.{name}", given[name], low=1, high=MAX_CRITIQUE_CHARS)
            for name in sorted(given, key=steps.__getitem__)
        }

    field = "value.critiques"
    found = answers.for_responses(field, {} if raw is None else raw, shown, clean, every=False)
    if settings.critiques == "on_wrong":
        check = Checks()
        for pk, judged in labels.items():
            for index, label in enumerate(judged):
                if label == -1 and str(index) not in found.get(pk, {}):
                    path = f"{field}.{pk}.{index}"
                    check.refuse(InvalidValue(path, "is missing; say what is wrong"))
        check.end()
    written = {pk: texts for pk, texts in found.items() if texts}
    return {"critiques": written} if written else {}


def first_wrong(value: Mapping[str, Any], response_id: int) -> int | None:
    """The number of the first wrong step, from 0; None when there is none."""
    labels = value["labels"][str(response_id)]
    return labels.index(-1) if -1 in labels else None


def pairs(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Pair]:
    """None: labels of steps say nothing of one response against another."""
    return []


def said(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Saying]:
    """The label of each step that was judged, for steps that were cut by the same rule."""
    return [
        Label("", f"{pk}.{place}.{value['split']}", label, "ordinal")
        for pk, labels in value["labels"].items()
        for place, label in enumerate(labels)
        if label is not None
    ]


def distance(a: Mapping[str, Any], b: Mapping[str, Any], response_ids: Sequence[int]) -> float:
    """The mean of half the difference of the labels, over the steps that both answers judge.

    -1 and 1 are at 1, 0 is half-way. What lies behind a first wrong step was not judged and is
    left out. Answers whose steps were cut by different rules are at 1, as are answers without a
    step in common.
    """
    if a["split"] != b["split"]:
        return 1.0
    gaps = [
        abs(ours - theirs) / 2
        for pk in map(str, response_ids)
        for ours, theirs in zip(a["labels"].get(pk, ()), b["labels"].get(pk, ()), strict=False)
        if ours is not None and theirs is not None
    ]
    return answers.mean(gaps) if gaps else 1.0
