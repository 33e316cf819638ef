"""What a task came to, in words, with letters for responses as the task's page has them."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from annotate.models import Consensus
from annotate.pages.kinds.default_words import said, type_words
from annotate.quality.methods import DIVIDED

SURE = 0.005  # posteriors below this are not told
VERDICTS = {
    "tie": lambda: _("Tie"),
    "both_good": lambda: _("Both good"),
    "both_bad": lambda: _("Both bad"),
    "cant_tell": lambda: _("cannot be told"),
    "yes": lambda: _("yes"),
    "no": lambda: _("no"),
    "unsure": lambda: _("unsure"),
}


@dataclass(frozen=True)
class CameTo:
    """One answer. `chances`: (what, its probability); `minds`: both answers of divided people."""

    question: str
    about: str
    said: str
    chances: list[tuple[str, float]]
    minds: list[str]
    votes: int
    entropy: float


def tell(row: Consensus, letters: dict[int, str]) -> list[CameTo]:
    """Every answer of the row, the most divided and least sure first."""
    answers = sorted(row.answers, key=lambda one: (-one["divided"], -one["entropy"]))
    return [_told(one, letters) for one in answers]


def _told(answer: dict[str, Any], letters: dict[int, str]) -> CameTo:
    about = answer["about"]
    if "spans" in answer:
        came_to = span_words(answer["spans"]) or _("nothing marked")
        minds = [span_words(answer["stretches"])] if answer["stretches"] else []
        chances = []
    elif "order" in answer:
        came_to = order_words(answer["order"], letters)
        minds = [order_words(each, letters) for each in answer.get("minds", ())]
        chances = [(letters.get(int(pk), "?"), p) for pk, p in answer["posterior"].items()]
    else:
        came_to = (
            _("no majority")
            if answer["label"] is None
            else label_words(answer["label"], about, letters)
        )
        minds = [label_words(each, about, letters) for each in answer.get("minds", ())]
        chances = [(label_words(one, about, letters), p) for one, p in answer["posterior"].items()]
    return CameTo(
        question=question_words(answer["question"]),
        about=about_words(about, letters),
        said=came_to,
        chances=sorted((one for one in chances if one[1] > SURE), key=lambda one: -one[1])[:6],
        minds=minds if answer["divided"] > DIVIDED else [],
        votes=answer["votes"],
        entropy=answer["entropy"],
    )


def question_words(name: str) -> str:
    """Of a criterion or a form's question; what people named themselves as they did."""
    return _("single words") if name == "words" else said(name)


def label_words(label: str | float, about: str, letters: dict[int, str]) -> str:
    if label in ("first", "second") and "," in about:
        low, high = about.split(",")
        return letters.get(int(low if label == "first" else high), "?")
    if label in VERDICTS:
        return VERDICTS[label]()
    return str(label) or _("none")


def about_words(about: str, letters: dict[int, str]) -> str:
    """Two responses are named by the answer itself."""
    if not about or "," in about:
        return ""
    response, *rest = about.split(".")
    letter = letters.get(int(response), "?") if response.isdecimal() else response
    return ".".join((letter, *rest))


def order_words(order: list[int], letters: dict[int, str]) -> str:
    return " > ".join(letters.get(pk, "?") for pk in order)


def span_words(spans: list[dict[str, Any]]) -> str:
    return ", ".join(f"{type_words(one['type'])} {one['start']}–{one['end']}" for one in spans)
