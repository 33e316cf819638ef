"""Answers in words for reviewers, with letters for responses as the task's page has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from annotate import kinds
from annotate.kinds.sayings import Label, Marked, Order, Saying
from annotate.models import Judgement, Project, User
from annotate.pages.consensus_words import about_words, label_words, question_words
from annotate.pages.kinds.default_words import type_words
from annotate.review.compare import Line, compare
from annotate.review.overlay import Marking, Piece, overlay
from annotate.review.texts import Said, beside

Letters = Mapping[int, str]


@dataclass(frozen=True)
class Row:
    """One thing that was asked; `cells` are (what an answer says of it, whether it differs)."""

    question: str
    about: str
    divides: bool
    cells: list[tuple[str, bool]]


def rows_of(answers: Sequence[Judgement | None], letters: Letters) -> list[Row]:
    """Every thing that was asked, what is said in words and degrees last. None says nothing."""
    said = [[] if one is None else sayings_of(one, list(letters)) for one in answers]
    rows = [_row(line, dict(letters)) for line in compare(said)]
    extra: dict[tuple[str, tuple[str, ...]], list[list[str]]] = {}
    for place, one in enumerate(answers):
        for more in beside(one.value) if one is not None else ():
            cells = extra.setdefault((more.name, more.about), [[] for _one in answers])
            cells[place].append(_text(more))
    for (name, about), cells in extra.items():
        texts = ["; ".join(cell) for cell in cells]
        place = " ".join(_place(one, letters) for one in about)
        divides = len({text for text in texts if text}) > 1
        rows.append(Row(_name(name), place, divides, [(text, False) for text in texts]))
    return rows


def sayings_of(row: Judgement, response_ids: Sequence[int]) -> list[Saying]:
    return kinds.get(row.kind).said(row.value, list(response_ids))


def said_in_words(saying: Saying, letters: dict[int, str]) -> str:
    """Such as "B", "4", "A > B = C" or "typo 3–9"."""
    if isinstance(saying, Label):
        return label_words(saying.value, saying.about, letters)
    if isinstance(saying, Order):
        tiers = [" = ".join(letters.get(pk, "?") for pk in tier) for tier in saying.tiers if tier]
        rest = ", ".join(letters.get(pk, "?") for pk in saying.rest)
        return " > ".join([*tiers, *([rest] if rest else [])])
    marks = sorted(mark for found in saying.marks.values() for mark in found)
    listed = ", ".join(f"{type_words(name)} {start}–{end}" for start, end, name in marks)
    return listed or _("nothing marked")


def overlays(answers: Sequence[Judgement], letters: Letters, content: Mapping) -> dict:
    """Response id -> pieces of each of its text parts with who marked them, where any did."""
    found: dict[int, list[list[Piece]]] = {}
    markings: dict[tuple[int, int], list[Marking]] = {}
    for who, one in enumerate(answers):
        for saying in sayings_of(one, list(letters)):
            if isinstance(saying, Marked):
                for part, marks in saying.marks.items():
                    mine = markings.setdefault((saying.response, part), [])
                    mine += [Marking(start, end, name, who) for start, end, name in marks]
    for pk in {pk for pk, _part in markings}:
        found[pk] = [
            overlay(part["text"], markings.get((pk, number), []))
            for number, part in enumerate(content[pk])
            if isinstance(part.get("text"), str)
        ]
    return found


def person_words(project: Project, person: User | None, reader: User | None = None) -> str:
    """Name or pseudonym, as the project shows reviewers; empty for nobody. Readers see their own
    name.
    """
    if person is None:
        return ""
    if reader is not None and person.pk == reader.pk:
        return person.username
    hidden = project.review_names == Project.ReviewNames.PSEUDONYMS
    return person.pseudonym if hidden else person.username


def author_words(project: Project, row: Judgement, reader: User | None = None) -> str:
    """Whose answer it is: a person, a judge, or who a file says."""
    if row.annotator is not None:
        return person_words(project, row.annotator, reader)
    if row.judge is not None:
        return str(row.judge)
    hidden = project.review_names == Project.ReviewNames.PSEUDONYMS
    return _("imported") if hidden else row.imported_author or _("imported")


def _row(line: Line, letters: dict[int, str]) -> Row:
    cells = [
        ("", False) if one is None else (said_in_words(one, letters), line.differs(place))
        for place, one in enumerate(line.cells)
    ]
    about = about_words(line.about, letters)
    return Row(question_words(line.question) or _("Answer"), about, line.divides, cells)


def _name(name: str) -> str:
    names = {
        "strength": _("How much better"),
        "confidence": _("How sure"),
        "critique": _("Critique"),
        "critiques": _("Critique"),
        "refined": _("Refined response"),
        "corrected": _("Corrected text"),
        "note": pgettext("of a marked span", "Note"),
        "replacement": _("Replacement"),
        "comment": _("Comment"),
        "missing": _("Missing"),
        "turn": _("Turn"),
    }
    return names[name]


def _text(said: Said) -> str:
    if said.name == "strength":
        degrees = {1: _("slightly better"), 2: _("clearly better"), 3: _("much better")}
        return degrees.get(said.text, str(said.text)) if isinstance(said.text, int) else said.text
    if said.name == "confidence":
        sure = {
            "absolutely": _("absolutely sure"),
            "fairly": _("fairly sure"),
            "not": _("not sure"),
        }
        return sure.get(str(said.text), str(said.text))
    if said.name == "missing":
        return type_words(str(said.text))
    return label_words(said.text, "", {}) if said.name == "turn" else str(said.text)


def _place(about: str, letters: Letters) -> str:
    """A response's letter; a question's or a criterion's name; a step's or a turn's number."""
    if about == "final":
        return _("the whole conversation")
    if about.isdecimal():
        return letters.get(int(about)) or str(int(about) + 1)
    return question_words(about)
