"""What a response looks and sounds like: the factors that a report reckons with. Pure.

Words are known in English, German, French and Spanish; a text in another language has none of them.
"""

import re
from collections.abc import Callable

from annotate.factors.languages import differ
from annotate.ranking.style import FEATURES, style_of

OPENING = 300  # characters in which a refusal, an apology or praise stands
POSITION = "position"

_TABLE_ROW = re.compile(r"^ {0,3}\|.*\|[ \t]*$", re.MULTILINE)
_LINK = re.compile(r"https?://\S+|\]\([^()\s]{1,2000}\)")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)(?:" + "|".join(patterns) + r")(?!\w)", re.IGNORECASE)


_NOT_ABLE = (
    r"(?:can['’]?t|cannot|can not|won['’]?t|will not|am unable to|am not able to"
    r"|['’]m unable to|['’]m not able to)"
)
_HELP = (
    r"(?:help|assist|provide|comply|answer|do that|fulfil\w*|support|write|give|share|discuss"
    r"|continue)"
)
_REFUSAL = _words(
    rf"I(?: |(?=['’])){_NOT_ABLE}[^.!?\n]{{0,40}}\b{_HELP}",
    r"as an AI(?: language model| assistant)?,? I (?:can['’]?t|cannot|don['’]?t|do not|am not)",
    r"ich kann (?:dir|Ihnen|euch|das|dies|dabei|dazu)[^.!?\n]{0,40}\bnicht",
    r"(?:dabei|damit|dazu) kann ich (?:dir |Ihnen |euch )?(?:leider )?nicht",
    r"je ne peux pas[^.!?\n]{0,20}\b(?:aider|fournir|répondre|donner)",
    r"no puedo[^.!?\n]{0,20}\b(?:ayudar\w*|proporcionar\w*|responder|dar\w*)",
)
_APOLOGY = _words(
    "sorry", r"I apologi[sz]e", "my apologies", "unfortunately", "es tut mir leid", "leider",
    "entschuldigung", "désolée?", "malheureusement", "lo siento", "lamentablemente", "perdón",
)  # fmt: skip
_PRAISE = _words(
    r"(?:great|good|excellent|fantastic|wonderful|interesting) (?:question|point|idea|choice)",
    r"(?:gute|tolle|interessante|spannende) (?:frage|idee)",
    r"(?:excellente|très bonne|bonne) question",
    r"(?:excelente|buena|gran) pregunta",
)  # fmt: skip
# Words and sayings in lower case; sayings of several words are written with single blanks.
_HEDGES = """maybe; perhaps; possibly; probably; might; could be; may be; it seems; it appears;
    likely; i think; i believe; i'm not sure; it depends; generally; typically; vielleicht;
    möglicherweise;
    wahrscheinlich; könnte; vermutlich; ich glaube; ich denke; es scheint; kommt darauf an;
    peut-être; probablement; il semble; je pense; je crois; quizá; quizás; tal vez; probablemente;
    parece que; creo que"""
_CERTAIN = """definitely; certainly; absolutely; clearly; obviously; always; never; without doubt;
    without a doubt; undoubtedly; of course; auf jeden fall; sicher; sicherlich; eindeutig;
    zweifellos; immer; niemals; selbstverständlich; certainement; absolument; évidemment; toujours;
    jamais; sin duda; ciertamente; siempre; nunca; por supuesto"""
_FIRST_PERSON = """i; i'm; i've; i'd; i'll; my; me; ich; mir; mich; mein; meine; meiner; meinem;
    meinen; je; moi; yo; mí"""
_ADDRESS = """you; your; yours; you're; you've; you'll; you'd; du; dir; dich; dein; deine; deinem;
    deinen; deiner; ihnen; ihr; ihre; ihrem; ihren; vous; votre; vos; tu; usted; tú"""
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")


class _Said:
    """How often any of some words and sayings comes in a text."""

    def __init__(self, listed: str) -> None:
        known = [" ".join(one.split()) for one in listed.split(";")]
        self._words = frozenset(one for one in known if " " not in one)
        self._sayings = tuple(f" {one} " for one in known if " " in one)

    def count(self, words: list[str], joined: str) -> int:
        alone = sum(map(self._words.__contains__, words))
        return alone + sum(joined.count(saying) for saying in self._sayings)


_SAID = {
    "hedges": _Said(_HEDGES),
    "certain": _Said(_CERTAIN),
    "first_person": _Said(_FIRST_PERSON),
    "address": _Said(_ADDRESS),
}


def _said(text: str) -> list[int]:
    words = _WORD.findall(text.lower().replace("’", "'"))
    joined = f" {' '.join(words)} "
    return [said.count(words, joined) for said in _SAID.values()]


def _opens_with(pattern: re.Pattern[str]) -> Callable[[str, str], float]:
    return lambda prompt, text: float(pattern.search(text, 0, OPENING) is not None)


def _counts(pattern: re.Pattern[str]) -> Callable[[str], float]:
    return lambda text: len(pattern.findall(text))


def _asks(prompt: str, text: str) -> float:
    return float(text.rstrip(" \t\r\n*_`)\"'”»").endswith(("?", "？", "؟")))


_COUNTED: dict[str, Callable[[str], float]] = {
    "tables": _counts(_TABLE_ROW),
    "links": _counts(_LINK),
    "emoji": _counts(_EMOJI),
    "exclamations": lambda text: text.count("!") + text.count("！"),
    "numbers": _counts(_NUMBER),
}
_HAD: dict[str, Callable[[str, str], float]] = {
    "refusal": _opens_with(_REFUSAL),
    "apology": _opens_with(_APOLOGY),
    "praise": _opens_with(_PRAISE),
    "asks": _asks,
    "other_language": lambda prompt, text: float(differ(prompt, text)),
}
COUNTED = (*FEATURES, *_COUNTED, *_SAID)
HAD = tuple(_HAD)
OF_TEXT = (*COUNTED, *HAD)
FACTORS = (*OF_TEXT, POSITION)


def factors_of(prompt: str, text: str) -> tuple[float, ...]:
    """OF_TEXT of a response: COUNTED as numbers from 0, then HAD as 0 or 1.

    `prompt` is what it answers; only the language is read from it.
    """
    return (
        *map(float, style_of(text)),
        *(count(text) for count in _COUNTED.values()),
        *map(float, _said(text)),
        *(had(prompt, text) for had in _HAD.values()),
    )
