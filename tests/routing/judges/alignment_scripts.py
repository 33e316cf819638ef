"""What scripted judges say of pairs by length, of criteria, and as drafts of these."""

import json
import math

from tests.routing.judges.scripts import instructions, material, say


def by_length(handler, body: dict) -> None:
    """1.5 logits for each unit of log length; A gains .8 by its place."""
    found = material(body)
    first, second = (len(found[f"RESPONSE {letter}"].split()) + 1 for letter in "AB")
    x = 1.5 * math.log(first / second) + 0.8
    top = [("A", -math.log1p(math.exp(-x))), ("B", -math.log1p(math.exp(x)))]
    say(handler, "A" if x > 0 else "B", top=top)


def checks(handler, body: dict) -> None:
    """Fails what is long, unless its principles tell it to be lenient."""
    words = len(material(body)["RESPONSE A"].split())
    lenient = "lenient" in instructions(body)
    say(handler, json.dumps({"why": "by its length", "passes": lenient or words < 10}))


def drafts(handler, body: dict) -> None:
    titles = [title for title in material(body) if title.startswith("RESPONSE")]
    assert any("preferred" in title for title in titles)
    listed = [
        {"name": "Brief", "text": "A response should be brief."},
        {"name": "Polite", "text": "A response should be polite."},
    ]
    say(handler, json.dumps({"criteria": listed}), tokens=(300, 60))


def no_criteria(handler, body: dict) -> None:
    say(handler, json.dumps({"criteria": [{"name": "", "text": "x"}]}))


SCRIPTS = {
    "by_length": by_length, "checks": checks, "drafts": drafts, "no_criteria": no_criteria
}  # fmt: skip
