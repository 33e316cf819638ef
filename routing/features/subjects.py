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


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {
        subject: re.compile(
            r"\b(?:" + "|".join(re.escape(w.replace("-", " ")) for w in stems.split()) + ")", re.I
        )
        for subject, stems in SUBJECTS.items()
    }


def subjects_of(text: str, most: int = 3) -> tuple[str, ...]:
    """Up to `most` subjects, the one with most matches first; none where no word points to one."""
    counted = [(len(pattern.findall(text)), name) for name, pattern in _patterns().items()]
    found = sorted((-n, name) for n, name in counted if n)
    return tuple(name for _, name in found[:most])
