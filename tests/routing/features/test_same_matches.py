"""What is matched without a pattern for each word, against such patterns."""

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from routing.features.likeness import NAME, SENTENCE_START, entities
from routing.features.subjects import SUBJECTS, subjects_of

STEMS = [stem.replace("-", " ") for stems in SUBJECTS.values() for stem in stems.split()]
PIECES = st.sampled_from([*STEMS, *" .,ıİſ\u212aSi+-\né_0", "x", " the "])
NAMES = st.sampled_from(
    ["Foo", "Bar", "Foo’", " ", "'", "-", "_", "é", "Über", "1", ".", "\n", "I"]
)


def by_patterns(text: str) -> tuple[str, ...]:
    counted = []
    for subject, stems in SUBJECTS.items():
        words = "|".join(re.escape(stem.replace("-", " ")) for stem in stems.split())
        counted.append((-len(re.findall(rf"\b(?:{words})", text, re.I)), subject))
    return tuple(subject for count, subject in sorted(counted) if count)


@settings(max_examples=60)
@given(st.lists(PIECES, max_size=15).map("".join), st.booleans())
@example("SOLAR SYSTEM systems, Medıcİne diſeaſe \u212aant", False)
def test_subjects_are_those_of_a_pattern_each(text: str, loud: bool) -> None:
    text = text.upper() if loud else text
    assert subjects_of(text, most=99) == by_patterns(text)


@settings(max_examples=60)
@given(st.lists(NAMES, max_size=12).map("".join))
@example("Foo’ x. Foo and Bar. Bar")
def test_entities_are_those_of_a_pattern_each(text: str) -> None:
    starts, found = SENTENCE_START.findall(text), set()
    for name in NAME.findall(text):
        name = re.sub(r"\s+", " ", name).strip(".,:-/")
        alone = " " not in name and not name[:1].isdigit() and not name.isupper()
        times = len(re.findall(rf"\b{re.escape(name)}\b", text))
        if name and name != "I" and not (alone and starts.count(name) >= times):
            found.add(name.lower())
    assert entities(text) == found
