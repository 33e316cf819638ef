"""Tags of a prompt: by rules here, or by a language model that answers the same questions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from routing.features.subjects import SUBJECTS, subjects_of

EXPERTISE = ("general", "basic domain", "expert domain")
OPEN_ENDEDNESS = ("no", "low", "moderate", "high")
SAFETY = ("safe", "low", "moderate", "high")
COMPLEXITY = ("simple", "moderate", "complex")


@dataclass(frozen=True)
class PromptTags:
    """One answer to each question of the paper's taxonomy; up to three subjects."""

    subjects: tuple[str, ...]
    expertise: str
    english: bool
    open_endedness: str
    safety: str
    complexity: str
    material: bool
    format: bool

    def __post_init__(self) -> None:
        for name, value, known in (
            ("expertise", self.expertise, EXPERTISE),
            ("open_endedness", self.open_endedness, OPEN_ENDEDNESS),
            ("safety", self.safety, SAFETY),
            ("complexity", self.complexity, COMPLEXITY),
        ):
            if value not in known:
                raise ValueError(f"{name}: {value!r} is not one of {', '.join(known)}")
        unknown = set(self.subjects) - set(SUBJECTS)
        if unknown or len(self.subjects) > 3:
            raise ValueError(f"subjects: at most three of those known, got {self.subjects}")

    def names(self) -> set[str]:
        """The tags that apply, by the names that a feature specification has."""
        found = {f"subject: {one}" for one in self.subjects}
        found |= {
            f"expertise: {self.expertise}",
            f"open-endedness: {self.open_endedness}",
            f"safety: {self.safety}",
            f"complexity: {self.complexity}",
        }
        flags = (("English", self.english), ("material", self.material), ("format", self.format))
        return found | {name for name, holds in flags if holds}


PROMPT_TAGS = (
    *(f"subject: {one}" for one in SUBJECTS),
    *(f"expertise: {one}" for one in EXPERTISE),
    "English",
    *(f"open-endedness: {one}" for one in OPEN_ENDEDNESS),
    *(f"safety: {one}" for one in SAFETY),
    *(f"complexity: {one}" for one in COMPLEXITY),
    "material",
    "format",
)  # 63


class Tagger(Protocol):
    """Tags prompts, in their order. `name` with its version goes into what is kept of the tags."""

    name: str

    def tag(self, prompts: Sequence[str]) -> list[PromptTags]: ...


def _any(*stems: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(stems) + ")", re.IGNORECASE)


_COMMON_WORDS = (
    "the of and to in is that it for you with as are this be what how your from have write a an "
    "not can do which why explain give i my me who where when tell would should"
)
_ENGLISH = frozenset(_COMMON_WORDS.split())
_EXPERT = _any(
    "theorem", "integral", "derivative", "prove\\b", "algorithm", "complexity of", "quantum",
    "enzyme", "diagnos", "differential equation", "implement", "regression", "statute",
    "asymptot", "eigenvalue", "kubernetes", "dynamic programming", "thermodynam",
)  # fmt: skip
_BASIC = _any(
    "explain", "function", "code", "python", "equation", "econom", "chemical", "physic",
    "histor", "legal", "calculat", "market", "program", "c\\+\\+", "html", "triangle",
)  # fmt: skip
_CREATIVE = _any(
    "write a", "compose", "imagine", "story", "poem", "haiku", "song", "pretend", "role", "joke",
    "brainstorm", "create", "invent", "act as", "persona", "draft", "limerick",
)  # fmt: skip
_ADVICE = _any("how (?:do|can|should|to)", "suggest", "recommend", "advice", "opinion", "discuss",
               "compare", "describe", "why", "tips", "argue", "explain")  # fmt: skip
_CLOSED = _any("what is the", "how many", "who (?:is|was)", "when (?:did|was)", "which of", "solve",
               "calculate", "compute", "true or false", "yes or no", "answer with", "reply with",
               "extract", "translate", "convert", "count")  # fmt: skip
_DANGER = _any("kill", "bomb", "weapon", "suicid", "murder", "poison", "explosive", "terroris",
               "child abuse", "self-harm", "meth\\b")  # fmt: skip
_HARM = _any("hack", "steal", "fraud", "malware", "phishing", "illegal", "racis", "sexist", "drug",
             "hate", "cheat", "counterfeit", "porn")  # fmt: skip
_DELICATE = _any("medical", "diagnos", "lawsuit", "politic", "religio", "gender", "violen", "gun",
                 "alcohol", "sex", "depress", "invest")  # fmt: skip
_MATERIAL = re.compile(r"```|^\s*>|\n\n|\"[^\"\n]{80,}\"|: *\n|\bfollowing\b", re.M | re.I)
_FORMAT = _any(
    "json", "csv", "xml", "table", "bullet", "list of \\d", "in \\d+ words", "\\d+ words",
    "\\d+ sentences", "one word", "only the", "format", "start every", "numbered", "rhyme",
    "at most", "no more than", "fewer than", "exactly", "in the style of", "concise", "markdown",
)  # fmt: skip
_STEP = re.compile(r"[.;\n?]|\band\b|\bthen\b|\balso\b", re.IGNORECASE)


class RuleTagger:
    """Words and counts in the place of a model. Coarse: it costs nothing and never varies.

    Its words are English, so of prompts in other languages it knows little but that.
    """

    name = "rules 1"

    def tag(self, prompts: Sequence[str]) -> list[PromptTags]:
        return [self.tag_one(text) for text in prompts]

    def tag_one(self, text: str) -> PromptTags:
        return PromptTags(
            subjects=subjects_of(text),
            expertise=EXPERTISE[2 if _EXPERT.search(text) else int(bool(_BASIC.search(text)))],
            english=is_english(text),
            open_endedness=_open_endedness(text),
            safety=SAFETY[_first(text, _DANGER, _HARM, _DELICATE)],
            complexity=_complexity(text),
            material=len(text) > 200 and bool(_MATERIAL.search(text)),
            format=bool(_FORMAT.search(text)),
        )


def _first(text: str, *patterns: re.Pattern[str]) -> int:
    """len(patterns) for a match of the first, one less for the second, 0 for none."""
    for number, pattern in enumerate(patterns):
        if pattern.search(text):
            return len(patterns) - number
    return 0


def is_english(text: str) -> bool:
    """Mostly Latin letters, and common English words among the first 200; or a few words."""
    letters = [c for c in text if c.isalpha()]
    if not letters or sum(c.isascii() for c in letters) < 0.9 * len(letters):
        return False
    said = re.findall(r"[a-z']+", text.lower())[:200]
    return sum(word in _ENGLISH for word in said) >= 0.12 * len(said) or len(said) < 4


def _open_endedness(text: str) -> str:
    if _CREATIVE.search(text):
        return "high"
    closed, advice = bool(_CLOSED.search(text)), bool(_ADVICE.search(text))
    if closed:
        return "low" if advice else "no"
    return "moderate" if advice else "low"


def _complexity(text: str) -> str:
    steps = len(_STEP.findall(text.strip(" .?!\n")))
    size = len(text.split())
    return COMPLEXITY[(steps >= 3 or size >= 40) + (steps >= 8 or size >= 120)]
