"""What is wrong with a refused answer, in words: the place as the page names it, then the reason.

Kinds name a field by its path, such as `value.ratings.17.helpful`, which is for programs. Of what
was left empty the reader is asked to answer it; other reasons are the kind's own, translated.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.inputs import InvalidValue
from annotate.pages.reasons import in_words

if TYPE_CHECKING:
    from annotate.pages.questions import ShownQuestion
    from annotate.pages.shown import ShownTask


# More refusals than this are not listed at the foot of the page; all stand at their places.
MOST_LISTED = 4


@dataclass(frozen=True)
class Wrong:
    """One thing that was refused. `at` is named as the fields of the page's form are.

    `places` are what the page calls where it is, from the outside in.
    """

    at: str
    places: Sequence[str]
    reason: str

    @property
    def words(self) -> str:
        """The places, the reason behind them."""
        return ": ".join([*filter(None, self.places), self.reason])

    def is_in(self, place: str) -> bool:
        """Whether it is about the place, something inside of it, or a whole that it is part of."""
        return f"{self.at}.".startswith(f"{place}.") or f"{place}.".startswith(f"{self.at}.")


def wrongs(error: InvalidValue, task: "ShownTask") -> tuple[Wrong, ...]:
    """All that was refused of the answer that stands in the task's form."""
    return tuple(_wrong(one, task) for one in error.all)


def listed(refused: Sequence[Wrong]) -> str:
    """What stands at the foot of the page, a line each."""
    lines = [wrong.words for wrong in refused[:MOST_LISTED]]
    more = len(refused) - len(lines)
    if more:
        text = ngettext("And %(count)s more place.", "And %(count)s more places.", more)
        lines.append(text % {"count": more})
    return "\n".join(dict.fromkeys(lines))


def _wrong(error: InvalidValue, task: "ShownTask") -> Wrong:
    top, *path = error.field.split(".")
    least = task.rationale_min_chars
    if top == "rationale" and len(task.entered.rationale.strip()) < least:
        return Wrong(top, (), _("Say why, in at least {least} characters.").format(least=least))
    if top != "value":
        names = {"rationale": _("Why?"), "flag": _("Flag")}
        return Wrong(top, [names.get(top, "")], in_words(error))
    question, path = _question(path, task)
    if question is None:
        return Wrong("", (), in_words(error))
    at, places = ".".join([question.prefix, *path]), [question.own_title]
    value = question.value
    if question.kind == "ranking" and (words := _of_ranking(error, path, value, task)):
        return Wrong(at, places, words)
    if path == ["confidence"] and not _at(value, path):
        return Wrong(at, places, _("Say how sure you are."))
    places += _places(path, question, task)
    if _at(value, path) in (None, "", [], {}) and not _is_gate(path, question):
        return Wrong(at, places, _("Answer this question first."))
    return Wrong(at, places, in_words(error))


def _of_ranking(
    error: InvalidValue, path: Sequence[str], value: object, task: "ShownTask"
) -> str | None:
    """What the script says too; the kind names responses by their ids."""
    letters = {str(response.pk): response.letter for response in task.responses}
    if path == ["tiers"] and "missing" in error.values and _at(value, path):
        missing = str(error.values["missing"]).split(", ")
        there = ", ".join(sorted(letters.get(pk, pk) for pk in missing))
        return _("Give a place to: {letters}").format(letters=there)
    if _at(value, path):
        return None
    if len(path) == 2 and path[0] == "unrankable" and path[1] in letters:
        return _("Say why {letter} cannot be ranked.").format(letter=letters[path[1]])
    ends = {"best": _("Choose the best response."), "worst": _("Choose the worst response.")}
    return ends.get(path[0]) if len(path) == 1 else None


def _is_gate(path: Sequence[str], question: "ShownQuestion") -> bool:
    """Whether it is about how parts of an answer go together: marks, and a text left as it was."""
    return question.kind == "spans" and (path[:1] == ["corrected"] or len(path) == 1)


def _question(
    path: Sequence[str], task: "ShownTask"
) -> tuple["ShownQuestion | None", Sequence[str]]:
    """The question that the path leads into, and the path inside its answer."""
    if len(task.questions) == 1 and not task.questions[0].name:
        return task.questions[0], path
    if len(path) > 1 and path[0] == "answers":
        for question in task.questions:
            if question.name == path[1]:
                return question, path[2:]
    return (None if path else task.questions[0]), path


def _at(value: object, path: Sequence[str]) -> object:
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, Sequence) and not isinstance(value, str) and step.isdigit():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value


def _places(path: Sequence[str], question: "ShownQuestion", task: "ShownTask") -> Iterator[str]:
    """What the steps of the path are called on the page; those without a name are left out."""
    letters = {str(response.pk): response.letter for response in task.responses}
    titles = dict(_titles(asdict(question.settings)))
    inside: object = question.value
    above = ""
    for step in path:
        is_entry = isinstance(inside, Sequence) and not isinstance(inside, str)
        if above == "turns" and step.isdigit():
            yield _("Turn %(number)s") % {"number": int(step) + 1}
        elif question.kind == "steps" and above in letters and step.isdigit():
            yield _("Step %(number)s") % {"number": int(step) + 1}
        elif step in letters and not is_entry:
            yield _("Response %(letter)s") % {"letter": letters[step]}
        elif step in titles and not is_entry:
            yield titles[step]
        inside, above = _at(inside, [step]), step


def _titles(settings: Any) -> Iterator[tuple[str, str]]:
    """The names in a kind's settings with the words that the page has for them."""
    if isinstance(settings, Mapping):
        if isinstance(settings.get("name"), str):
            yield settings["name"], settings.get("title") or settings["name"]
        settings = settings.values()
    elif not isinstance(settings, list | tuple):
        return
    for inside in settings:
        yield from _titles(inside)
