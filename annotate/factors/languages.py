"""Which language a text is written in, as far as its script and its commonest words tell. Pure."""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

LOOKED_AT = 2000  # characters
LEAST_LETTERS = 4
LEAST_WORDS = 3
MAIN = 0.6  # share of the letters
LEAD = 2.0  # times as many words as the next language has

_COMMON = {
    "en": "the and of to is that it you for with this are not be have your can from",
    "de": "der die das und ist nicht ein eine zu mit auf für sich dass sie ich den auch wird",
    "fr": "le les des et est une pour que dans pas vous qui sur ce avec sont plus au",
    "es": "el los las y es una para que en no por con su del se más como está",
    "it": "il gli che è una per non con sono della di nel più come anche questo si le",
    "pt": "os as e é uma para que não com do da em você mais por se são ao",
    "nl": "de het een en van is niet dat je voor met op zijn te aan ook wordt die",
}
_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _words in _COMMON.items():
    for _one in _words.split():
        _LANGUAGES_OF.setdefault(_one, []).append(_language)
_LETTERS = re.compile("[A-Za-z]")
_WORD = re.compile(r"[^\W\d_]+")


def differ(first: str, second: str) -> bool:
    """Whether two texts are in different languages for certain."""
    scripts = script_of(first), script_of(second)
    if "" in scripts or scripts[0] != scripts[1]:
        return "" not in scripts
    languages = [language_of(text) for text in (first, second)]
    return "" not in languages and languages[0] != languages[1]


def script_of(text: str) -> str:
    """What most letters of its beginning are of, as Unicode names it; "" for few or mixed ones."""
    text = text[:LOOKED_AT]
    if text.isascii():
        return "LATIN" if len(_LETTERS.findall(text)) >= LEAST_LETTERS else ""
    scripts = Counter(filter(None, map(_script, text)))
    if scripts["HIRAGANA"] + scripts["KATAKANA"]:  # Japanese is written in three scripts.
        scripts["KATAKANA"] += scripts.pop("HIRAGANA", 0) + scripts.pop("CJK", 0)
    most = max(scripts.values(), default=0)
    if scripts.total() < LEAST_LETTERS or most < MAIN * scripts.total():
        return ""
    return scripts.most_common(1)[0][0]


def language_of(text: str) -> str:
    """Of text in Latin script, one of seven languages; "" for others and where it is not clear."""
    if script_of(text) != "LATIN":
        return ""
    found: Counter[str] = Counter()
    for word in _WORD.findall(text[:LOOKED_AT].lower()):
        for language in _LANGUAGES_OF.get(word, ()):
            found[language] += 1
    (language, most), (_, next_most) = [*found.most_common(2), ("", 0), ("", 0)][:2]
    return language if most >= LEAST_WORDS and most >= LEAD * next_most else ""


@lru_cache(maxsize=10_000)
def _script(letter: str) -> str:
    if letter.isascii():
        return "LATIN" if letter.isalpha() else ""
    return unicodedata.name(letter, "").partition(" ")[0] if letter.isalpha() else ""
