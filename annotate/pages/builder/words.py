"""What the settings of the kinds are called on the page, and which values they choose from.

Names, types and defaults come from the dataclasses themselves (`schema`); what has no entry here
is shown under its own name.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from annotate.finegrained.labels import CATEGORIES
from annotate.kinds import criteria, labels, rating, scales, span_settings
from annotate.kinds.answers import AnswerSettings
from annotate.kinds.chat import ChatSettings
from annotate.kinds.critique import CritiqueSettings
from annotate.kinds.labels import LabelsSettings
from annotate.kinds.pairwise import PairwiseSettings
from annotate.kinds.ranking import RankingSettings
from annotate.kinds.rating import RatingSettings
from annotate.kinds.similarity import SimilaritySettings
from annotate.kinds.span_settings import SpansSettings
from annotate.kinds.steps import StepsSettings

Choices = Sequence[tuple[str | int, str | Promise]]


@dataclass(frozen=True)
class Words:
    """How one setting is shown. `item` names an entry of a list; `long` texts get several lines.

    A setting with `only` is there for those values of another one, and at its default otherwise.
    """

    label: str | Promise
    help: str | Promise = ""
    choices: Choices = ()
    low: float | None = None
    high: float | None = None
    long: bool = False
    item: str | Promise = ""
    only: tuple[str, tuple[str, ...]] | None = None


# Title, and when to use it.
KINDS: dict[str, tuple[str | Promise, str | Promise]] = {
    "pairwise": (_("Pair"), _("Which of two responses is better, how clearly, and by what.")),
    "ranking": (
        _("Ranking"),
        _("2 to 10 responses: the whole order, best and worst, or the best."),
    ),
    "rating": (_("Rating"), _("Each response by each criterion: points, numbers, yes or no.")),
    "labels": (_("Labels"), _("From a tree of labels, for the task or for each response.")),
    "spans": (_("Spans"), _("Mark errors in the text, with type, evidence and correction.")),
    "steps": (_("Steps"), _("Each step of a solution, or where the first wrong one stands.")),
    "critique": (_("Critique"), _("Say what is wrong in words, and write a better version.")),
    "chat": (
        _("Live chat"),
        _(
            "Talk with one to six models and judge every turn. Once the project is there, set "
            "them up under Chat models."
        ),
    ),
    "similarity": (_("Similarity"), _("Which of two responses is closer to a third.")),
    "context": (
        _("Pair in a context"),
        _("Which is better by the criterion that the task states."),
    ),
    "joint": (_("Joint pair"), _("Which of two answers to different prompts is better.")),
}

_NAME = Words(_("Name in the data"))
_TITLE = Words(_("Title that people read"))
_DESCRIPTION = Words(_("Description"), long=True)
_COLORS = (
    *(_("Red"), _("Orange"), _("Yellow"), _("Lime"), _("Green"), _("Teal")),
    *(_("Cyan"), _("Blue"), _("Indigo"), _("Violet"), _("Magenta"), _("Pink")),
)
_ASKED: Choices = (
    ("none", _("Nothing")),
    ("preference", _("Which is best")),
    ("rating", _("Points for each")),
    ("both", _("Both")),
)
_EVIDENCE: Choices = (
    (span_settings.NO_EVIDENCE, _("None")),
    (span_settings.EARLIER_TEXT, _("An earlier place in the response")),
    (span_settings.PASSAGE_SENTENCES, _("Sentences of the passages")),
)

_OF: dict[type, dict[str, Words]] = {
    AnswerSettings: {
        "confidence": Words(_("Ask how sure one is")),
        "rationale_min_chars": Words(
            _("Shortest rationale, characters"), _("0 makes it optional."), low=0, high=10_000
        ),
    },
    PairwiseSettings: {
        "strength_levels": Words(
            _("Strength"),
            _("Three: slightly, clearly, much better."),
            choices=((3, _("Three levels")), (1, _("One level"))),
        ),
        "allow_tie": Words(_("Tie")),
        "allow_both_bad": Words(_("Both bad")),
        "allow_both_good": Words(_("Both good")),
        "criteria": Words(
            _("Criteria"), _("Each is judged on the scale of the whole."), item=_("Criterion")
        ),
    },
    criteria.Criterion: {
        "name": _NAME,
        "title": _TITLE,
        "description": _DESCRIPTION,
        "reasons": Words(_("Reasons to check"), _("One a line.")),
    },
    RankingSettings: {
        "modes": Words(
            _("Ways to answer"),
            _("The first one is offered first."),
            choices=(
                ("best_worst", _("Best and worst")),
                ("full", _("The whole order")),
                ("best", _("The best alone")),
            ),
        ),
        "allow_ties": Words(_("Ties")),
        "allow_all_good": Words(_("All good")),
        "allow_all_bad": Words(_("All bad")),
        "allow_unrankable": Words(_("A response may be unrankable, with the reason")),
    },
    RatingSettings: {
        "criteria": Words(_("Criteria"), item=_("Criterion")),
        "overall": Words(
            _("Criterion that makes preferences"), _("Its name; the first one when empty.")
        ),
        "words": Words(
            _("Ask about each word that the task lists"), _("Such as those of an image's prompt.")
        ),
    },
    rating.Criterion: {
        "name": _NAME,
        "title": _TITLE,
        "description": _DESCRIPTION,
        "scale": Words(_("Scale")),
        "required": Words(_("Must be rated")),
        "allow_na": Words(_("May be said not to apply")),
    },
    scales.Scale: {
        "type": Words(
            _("Type"),
            choices=(
                ("likert", _("Points")),
                ("number", _("A number")),
                ("yes_no", _("Yes, no, unsure")),
            ),
        ),
        "points": Words(_("Points"), low=2, high=scales.MAX_POINTS, only=("type", ("likert",))),
        "labels": Words(
            _("Words for the points"),
            _("One a line, from the lowest; all or none."),
            only=("type", ("likert",)),
        ),
        "min": Words(_("Least"), only=("type", ("number",))),
        "max": Words(_("Greatest"), only=("type", ("number",))),
        "step": Words(_("Step"), _("0 takes any number."), low=0, only=("type", ("number",))),
    },
    LabelsSettings: {
        "tree": Words(_("Labels"), item=_("Label")),
        "scope": Words(
            _("Labels are for"),
            choices=(("task", _("the task")), ("response", _("each response"))),
        ),
        "multiple": Words(_("Several may be chosen")),
        "leaf_only": Words(_("Only labels without others below them")),
        "min": Words(_("At least"), low=0),
        "max": Words(_("At most"), _("0: as many as there are."), low=0),
    },
    labels.Label: {
        "name": _NAME,
        "title": _TITLE,
        "children": Words(_("Labels below it"), item=_("Label")),
    },
    SpansSettings: {
        "types": Words(
            _("Types, the most important first"),
            _("Where several would fit, the first does."),
            item=_("Type"),
        ),
        "overlap": Words(_("Spans may overlap")),
        "snapping": Words(
            _("A selection grows to"),
            choices=(
                ("none", _("nothing: as selected")),
                ("grapheme", _("whole characters")),
                ("word", _("whole words")),
                ("sentence", _("whole sentences")),
            ),
        ),
        "severities": Words(_("Severities"), _("One name a line; none asks for no severity.")),
        "missing_types": Words(_("What may be missing"), item=_("Item")),
        "correction": Words(_("Ask for a corrected text")),
        "submit_gate": Words(
            _("Insist on it"), _("What is marked must be corrected, what is corrected marked.")
        ),
        "suggestions": Words(
            _("Show what AI judges marked"),
            _(
                "As suggestions to accept, change or dismiss. They sway people: what is taken over "
                "is no independent label. At one question of a form."
            ),
        ),
        "decide_suggestions": Words(_("Every suggestion must be decided on")),
        "blind_percent": Words(
            _("Seats without suggestions, %"),
            _("Drawn by chance: what people mark there tells how far suggestions sway them."),
            low=0,
            high=100,
        ),
    },
    span_settings.SpanType: {
        "name": _NAME,
        "title": _TITLE,
        "description": _DESCRIPTION,
        "color": Words(_("Colour"), choices=tuple(enumerate(_COLORS))),
        "category": Words(
            _("Trains the reward model of"),
            choices=(
                ("", _("none")),
                *(
                    (name, format_lazy("{}: {}", name, _(category.title)))
                    for name, category in CATEGORIES.items()
                ),
            ),
        ),
        "evidence": Words(_("Evidence"), choices=_EVIDENCE),
        "correction": Words(_("Needs a text in its place")),
    },
    span_settings.MissingType: {
        "name": _NAME,
        "title": _TITLE,
        "description": _DESCRIPTION,
        "evidence": Words(_("Evidence"), choices=(_EVIDENCE[0], _EVIDENCE[2])),
    },
    StepsSettings: {
        "mode": Words(
            _("To judge"),
            choices=(("each", _("every step")), ("first_wrong", _("the first wrong step"))),
        ),
        "split": Words(
            _("A step ends at"),
            choices=(
                ("blank_lines", _("a blank line")),
                ("lines", _("the end of a line")),
                ("numbered", _("the next number, such as “Step 2”")),
            ),
        ),
        "critiques": Words(
            _("Words about a step"),
            choices=(
                ("none", _("not asked")),
                ("optional", _("optional")),
                ("on_wrong", _("needed where it is wrong")),
            ),
        ),
    },
    CritiqueSettings: {
        "critique_min_chars": Words(
            _("Shortest critique, characters"), _("0 makes it optional."), low=0, high=20_000
        ),
        "refinement": Words(
            _("A better version"),
            choices=(
                ("none", _("not asked")),
                ("optional", _("optional")),
                ("required", _("required")),
            ),
        ),
    },
    SimilaritySettings: {"allow_cant_tell": Words(_("One may say that neither is closer"))},
    ChatSettings: {
        "models": Words(_("Models"), _("Which ones is set under Chat."), low=1, high=6),
        "turn": Words(_("Asked at every turn"), choices=_ASKED),
        "final": Words(_("Asked at the end"), choices=_ASKED),
        "final_criteria": Words(_("Criteria at the end"), _("One name a line.")),
        "points": Words(_("Greatest number of points"), low=2, high=100),
        "min_turns": Words(_("Fewest turns"), low=1, high=200),
        "max_turns": Words(_("Most turns"), low=1, high=200),
        "arena": Words(
            _("Arena: conversations without end"),
            _("People write the prompts; the models’ names are told after each vote, which stays."),
        ),
    },
}


def words_of(of: type, name: str) -> Words:
    """The words for a setting; those of a base class count, its bare name is the last resort."""
    for each in of.__mro__:
        if name in _OF.get(each, {}):
            return _OF[each][name]
    return Words(name.replace("_", " ").capitalize())
