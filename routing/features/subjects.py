"""46 subjects of prompts, with words that point to them. English words, matched by their start."""

import re
from functools import cache

SUBJECTS: dict[str, str] = {
    "agriculture": "farm crop harvest soil livestock irrigat fertili gardening garden plant",
    "anthropology": "anthropolog indigenous tribe kinship ritual ethnograph",
    "architecture": "architect building facade skyscraper urban floor-plan",
    "art": "painting painter sculpt drawing canvas impressionis artwork museum",
    "astronomy": "planet galaxy telescope asteroid orbit solar-system star black-hole astronom",
    "biology": "cell protein gene dna species evolution organism bacteria photosynthe enzyme",
    "business": "business startup company customer revenue invoice vendor stakeholder strategy",
    "chemistry": "chemical molecul reaction acid compound periodic-table chemist oxid",
    "climate": "climate greenhouse carbon emission global-warming weather sustainab",
    "computer science": "algorithm comput complexity data-structure neural network",
    "cooking": "recipe cook bake ingredient dish meal restaurant chef lunch dinner",
    "cybersecurity": "malware phishing encrypt exploit vulnerab password hack firewall",
    "economics": "econom inflation gdp market-price supply demand monopol tariff monetary",
    "education": "teacher student school curriculum exam university classroom lesson homework",
    "electrical engineering": "circuit voltage resistor transistor amplifier signal-processing",
    "employment": "resume interview job salary career employer cover-letter",
    "engineering": "engineer mechanic turbine bridge manufactur hydraulic",
    "ethics": "ethic moral dilemma virtue unjust consent",
    "fashion": "fashion clothing dress outfit shoes jewel",
    "film and television": "movie film actor director screenplay sitcom cinema television",
    "finance": "invest stock bond bank loan portfolio dividend tax mortgage budget",
    "games": "game player chess puzzle nintendo quest dungeon riddle",
    "geography": "country capital-city river mountain continent map population island",
    "government": "government policy election parliament minister president citizen bureau",
    "health": "health diet sleep exercise vitamin fitness nutrition wellness stress",
    "history": "histor century empire ancient medieval war revolution king dynasty",
    "humour": "joke funny humor humour satire limerick sarcas pun",
    "journalism": "news headline journalis article reporter press",
    "law": "law legal court contract attorney statute copyright lawsuit judge",
    "linguistics": "grammar verb noun translat phonet linguis sentence word language",
    "literature": "novel poem poet haiku story author fiction character shakespeare sonnet",
    "management": "manager team leadership project deadline meeting agile productivity",
    "marketing": "marketing brand advert slogan campaign audience seo social-media",
    "mathematics": "equation integral triangle probabil theorem prime matrix solve algebra number",
    "medicine": "patient disease symptom diagnos treatment drug surg doctor clinical cancer",
    "military": "military army soldier weapon missile naval battle",
    "music": "music song melody guitar chord concert lyric piano album",
    "philosophy": "philosoph existential kant epistemolog metaphys free-will meaning-of-life",
    "physics": "physics quantum gravity velocity energy particle relativity force mass",
    "programming": "python javascript code function program html sql script bug c++ api kubernetes",
    "psychology": "psycholog emotion cognitive therapy behavior behaviour anxiety personality",
    "religion": "religio god bible church islam buddh christian prayer scripture",
    "sociology": "sociolog gender inequal social-class communit racism culture",
    "sports": "football soccer basketball olympic athlete race team-sport tennis marathon",
    "statistics": "statistic regression variance sample-size correlation p-value dataset",
    "travel": "travel trip tourist hotel flight vacation itinerary hawaii visit",
}


WORD_START = re.compile(r"\b[a-z]")
# What stands for an ASCII letter where case is ignored, beside its capital.
LETTERS = {ord("ı"): "i", ord("İ"): "i", ord("ſ"): "s"}


@cache
def _by_beginning() -> dict[str, list[tuple[str, str]]]:
    """(subject, stem) in their order, by the first two letters of the stem."""
    found: dict[str, list[tuple[str, str]]] = {}
    for subject, stems in SUBJECTS.items():
        for stem in stems.split():
            word = stem.replace("-", " ")
            found.setdefault(word[:2], []).append((subject, word))
    return found


def subjects_of(text: str, most: int = 3) -> tuple[str, ...]:
    """Up to `most` subjects, the one with most matches first; none where no word points to one.

    The text is read once, for a pattern of each subject would read it 46 times.
    """
    beginnings = _by_beginning()
    text = text.translate(LETTERS).lower()
    count: dict[str, int] = {}
    end: dict[str, int] = {}  # of a subject's last match: matches of one subject never overlap
    for match in WORD_START.finditer(text):
        at = match.start()
        for subject, stem in beginnings.get(text[at : at + 2], ()):
            if text.startswith(stem, at) and end.get(subject, 0) <= at:
                count[subject] = count.get(subject, 0) + 1
                end[subject] = at + len(stem)
    found = sorted((-n, name) for name, n in count.items())
    return tuple(name for _, name in found[:most])
