"""Pairs in which people choose what names a source, and a scripted model that reads them."""

import json
import re

from tests.routing.judges.scripts import instructions, material, say

SOURCE = "Source: the almanac."
WORDINGS = (
    "Prefer the response that cites a source.",
    "Prefer the response that names where its claims come from.",
    "Prefer the response that gives references.",
)


def rows(count: int, *, start: int = 0, against: int = 5) -> list[dict]:
    """Either response is the longer one in half of them; every `against`-th choice is the other
    way round. Two people agree each time.
    """
    found = []
    for number in range(start, start + count):
        sourced = f"Fact {number}. {SOURCE}" + " more words" * (5 * (number // 2 % 2))
        plain = f"Fact {number} without. " + "plain words " * 3
        sides = [sourced, plain] if number % 2 else [plain, sourced]
        better = sides.index(plain if number % against == 0 else sourced)
        labels = [{"preferred": better, "annotator": f"p{vote}"} for vote in range(2)]
        found.append(
            {"id": f"row{number}", "prompt": f"Question {number}?", "responses": sides,
             "labels": labels}
        )  # fmt: skip
    return found


def explains(handler, body: dict) -> None:
    """Proposes the source where the preferred one has it, else its length; gathers by words; votes
    by each, and by politeness for whatever stands first.
    """
    told, found = instructions(body), material(body)
    if "People preferred" in told:
        value = {"principles": _proposed(told, found)}
    elif "PRINCIPLES" in found:
        value = {"groups": _groups(found["PRINCIPLES"])}
    else:
        listed = re.findall(r"^(\d+)\. (.+)$", body["messages"][-1]["content"], re.MULTILINE)
        value = {number: _vote(text, found) for number, text in listed}
    say(handler, json.dumps(value), tokens=(400, 30))


def _proposed(told: str, found: dict[str, str]) -> list[str]:
    better, worse = re.search(r"preferred RESPONSE (.) to RESPONSE (.)\.", told).groups()
    high, low = found[f"RESPONSE {better}"], found[f"RESPONSE {worse}"]
    if SOURCE in high:
        return [WORDINGS[len(high) % 3], "Prefer the response that is polite."]
    return [f"Prefer the response that is {'longer' if len(high) > len(low) else 'shorter'}."]


def _groups(text: str) -> list[dict]:
    listed = [line.split(". ", 1) for line in text.splitlines()]
    sourced = [int(number) for number, words in listed if words in WORDINGS]
    others = [(int(number), words) for number, words in listed if words not in WORDINGS]
    return [
        {"text": "Prefer the response that cites a source.", "members": sourced},
        *({"text": words, "members": [number]} for number, words in others),
    ]


def _vote(principle: str, found: dict[str, str]) -> str:
    first, second = found["RESPONSE A"], found["RESPONSE B"]
    if "polite" in principle:
        return "A"
    if "source" in principle:
        return "A" if SOURCE in first else "B"
    longer = "A" if len(first) > len(second) else "B"
    return longer if "longer" in principle else "AB".replace(longer, "")


def silent(handler, body: dict) -> None:
    say(handler, "I would rather not.")


def gathers_nothing(handler, body: dict) -> None:
    """As `explains`, but its groups are none."""
    if "PRINCIPLES" in material(body):
        return say(handler, json.dumps({"groups": [{"text": "All", "members": [99]}]}))
    return explains(handler, body)


SCRIPTS = {"explains": explains, "silent": silent, "gathers_nothing": gathers_nothing}
