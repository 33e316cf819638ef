"""Ranking of 2 to 10 responses: the whole order, the best and the worst, or the best alone.

Value, version 1; ids are those of responses::

    {"verdict": "full", "tiers": [[3], [1, 2]], "unrankable": {"4": "not in English"}}
    {"verdict": "best_worst", "best": 3, "worst": 1}
    {"verdict": "best", "best": 3}
    {"verdict": "tie" | "all_good" | "all_bad"}

`tiers` go from best to worst, members of one tier are ties. `unrankable` (left out when nothing
is) tells why a response cannot be compared. Every shown response stands in exactly one of them.
An order with all responses in one tier is stored as `tie`.

`tie`, `all_good` and `all_bad` are answers of their own: `all_bad` says that none is acceptable,
which a tie does not. The order in which responses were shown is no answer; the page sends one
after a first move, or when told that the order is right.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotate.inputs import Checks, clean_choice
from annotate.kinds import answers
from annotate.kinds.answers import SETTINGS, AnswerSettings
from annotate.kinds.contract import Pair, Shown
from annotate.kinds.errors import InvalidValue
from annotate.kinds.sayings import Order, Saying

NAME = "ranking"
SCHEMA_VERSION = 1
RESPONSES = (2, 10)
NEEDS_CONTENT = False
MODES = ("best_worst", "full", "best")
MAX_REASON_CHARS = 500

# What an answer says of two responses: the first is better, the second is, they are equal, or
# one of them cannot be ranked. None: it says nothing of the two.
FIRST, SECOND, EQUAL, APART = "first", "second", "equal", "apart"


@dataclass(frozen=True)
class RankingSettings(AnswerSettings):
    """Ways to answer (`modes`, the first is the one offered first), and what else may be said."""

    modes: tuple[str, ...] = ("best_worst", "full")
    allow_ties: bool = True
    allow_all_good: bool = False
    allow_all_bad: bool = True
    allow_unrankable: bool = True


def clean_settings(raw: Mapping[str, Any]) -> RankingSettings:
    """The project's settings with defaults filled in. Raises InvalidValue."""
    given = answers.clean_fields(raw, RankingSettings)
    if "modes" in given:
        field = f"{SETTINGS}.modes"
        given["modes"] = tuple(
            answers.clean_unique(field, given["modes"], low=1, high=len(MODES), of=MODES)
        )
    return RankingSettings(**given)


def offered_modes(settings: RankingSettings, count: int) -> tuple[str, ...]:
    """The ways to rank `count` responses. Of two, best and worst are the whole order."""
    if count > 2:
        return settings.modes
    modes = ("full" if mode == "best_worst" else mode for mode in settings.modes)
    return tuple(dict.fromkeys(modes))


def offered_verdicts(settings: RankingSettings, count: int) -> tuple[str, ...]:
    """The modes, and the answers that rank nothing."""
    others = {
        "tie": settings.allow_ties,
        "all_good": settings.allow_all_good,
        "all_bad": settings.allow_all_bad,
    }
    return (*offered_modes(settings, count), *(name for name, allowed in others.items() if allowed))


def clean_value(
    raw: object, *, shown: Shown, settings: RankingSettings, rationale: str = ""
) -> dict[str, Any]:
    """The answer in its stored form, or InvalidValue. An empty answer is no answer."""
    fields = {
        "full": ("tiers", "unrankable"),
        "best_worst": ("best", "worst"),
        "best": ("best",),
    }
    check = Checks()
    every_field = ["verdict", *dict.fromkeys(itertools.chain(*fields.values()))]
    answer = answers.begin(raw, every_field, settings=settings, rationale=rationale, check=check)
    offered = offered_verdicts(settings, len(shown.responses))
    verdict = check.of(clean_choice, "value.verdict", answer.get("verdict"), offered)
    said: dict[str, Any] | None = {}
    if verdict is not None:
        wanted = ("verdict", *fields.get(verdict, ()))
        for name in every_field:
            if name in answer and name not in wanted:
                check.refuse(
                    InvalidValue(
                        f"value.{name}", "leave it out with verdict {verdict}", verdict=verdict
                    )
                )
        if verdict == "full":
            said = check.of(_order, answer, shown, settings)
        elif verdict in fields:
            said = check.of(_ends, answer, fields[verdict], shown)
    confidence = check.of(answers.confidence, answer, settings)
    check.end()
    return {"verdict": verdict, **(said or {}), **(confidence or {})}


def _ends(answer: Mapping[str, Any], names: Sequence[str], shown: Shown) -> dict[str, int]:
    """The best, or the best and the worst."""
    check = Checks()
    found = {name: check.of(shown.response, answer.get(name), f"value.{name}") for name in names}
    check.end()
    ends = {name: response.id for name, response in found.items() if response is not None}
    if ends.get("worst") == ends["best"]:
        raise InvalidValue("value.worst", "is the best one too; choose another")
    return ends


def _order(answer: Mapping[str, Any], shown: Shown, settings: RankingSettings) -> dict[str, Any]:
    check, count = Checks(), len(shown.responses)
    placed: dict[int, str] = {}
    given = check.of(answers.clean_list, "value.tiers", answer.get("tiers"), low=0, high=count)
    tiers = check.of(_tiers, given or (), shown, settings, placed) or []
    unrankable = check.of(_unrankable, answer.get("unrankable"), shown, settings, placed) or {}
    missing = [str(pk) for pk in sorted(shown.response_ids) if pk not in placed]
    if missing and given is not None:
        check.refuse(_left_out(", ".join(missing), settings))
    check.end()
    if len(tiers) == 1 and not unrankable:
        return {"verdict": "tie"}
    return {"tiers": tiers, **({"unrankable": unrankable} if unrankable else {})}


def _left_out(missing: str, settings: RankingSettings) -> InvalidValue:
    if settings.allow_unrankable:
        return InvalidValue(
            "value.tiers",
            "leaves out {missing}; give each a place or a reason in unrankable",
            missing=missing,
        )
    return InvalidValue("value.tiers", "leaves out {missing}; give each a place", missing=missing)


def _tiers(
    given: Sequence[object], shown: Shown, settings: RankingSettings, placed: dict[int, str]
) -> list[list[int]]:
    """The tiers, members by id; notes in `placed` where each stands."""
    check = Checks()
    tiers = [
        check.of(_tier, number, entry, shown, settings, placed)
        for number, entry in enumerate(given)
    ]
    check.end()
    return [tier for tier in tiers if tier]


def _tier(
    number: int, raw: object, shown: Shown, settings: RankingSettings, placed: dict[int, str]
) -> list[int]:
    check, field = Checks(), f"value.tiers.{number}"
    members = answers.clean_list(field, raw, low=1, high=len(shown.responses))
    for index, member in enumerate(members):
        response = check.of(shown.response, member, f"{field}.{index}")
        if response is not None:
            check.of(_place, response.id, f"tiers.{number}.{index}", placed)
    if len(members) > 1 and not settings.allow_ties:
        check.refuse(InvalidValue(field, "holds a tie; this project takes one response in a tier"))
    check.end()
    return sorted(members)


def _unrankable(
    raw: object, shown: Shown, settings: RankingSettings, placed: dict[int, str]
) -> dict[str, str]:
    if raw is None or raw == {}:
        return {}
    if not settings.allow_unrankable:
        raise InvalidValue("value.unrankable", "is not offered here; give every response a place")

    def clean(field: str, reason: object, pk: int) -> str:
        check = Checks()
        check.of(_place, pk, f"unrankable.{pk}", placed)
        text = check.of(answers.written, field, reason, low=1, high=MAX_REASON_CHARS)
        check.end()
        return text or ""

    return answers.for_responses("value.unrankable", raw, shown, clean, every=False)


def _place(pk: int, place: str, placed: dict[int, str]) -> None:
    if pk in placed:
        raise InvalidValue(
            f"value.{place}",
            "response {pk} stands in {place} already; take it out of one of them",
            pk=pk,
            place=placed[pk],
        )
    placed[pk] = place


def pairs(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Pair]:
    """Every pair that the answer compares, in the order of `response_ids`.

    Strength is 1 throughout: an order tells who is better, not how clearly, and the number of
    tiers between two depends on who else was shown. Unrankable ones are in no pair, and neither
    are two that best + worst, or best alone, left in the middle.
    """
    relations = _relations(value, response_ids)
    found = []
    for (first, second), relation in relations.items():
        if relation == EQUAL:
            found.append(Pair(chosen=first, rejected=second, strength=0, tie=True))
        elif relation in (FIRST, SECOND):
            chosen, rejected = (first, second) if relation == FIRST else (second, first)
            found.append(Pair(chosen=chosen, rejected=rejected, strength=1, tie=False))
    return found


def _relations(
    value: Mapping[str, Any], response_ids: Sequence[int]
) -> dict[tuple[int, int], str | None]:
    """What the answer says of every two of the responses."""
    return {
        (first, second): _relation(value, first, second)
        for first, second in itertools.combinations(response_ids, 2)
    }


def _relation(value: Mapping[str, Any], first: int, second: int) -> str | None:
    verdict = value["verdict"]
    if verdict == "full":
        tier_of = {pk: number for number, tier in enumerate(value["tiers"]) for pk in tier}
        if first not in tier_of or second not in tier_of:
            return APART
        if tier_of[first] == tier_of[second]:
            return EQUAL
        return FIRST if tier_of[first] < tier_of[second] else SECOND
    if verdict in ("best", "best_worst"):
        best, worst = value["best"], value.get("worst")
        if first == best or second == worst:
            return FIRST
        if second == best or first == worst:
            return SECOND
        return None
    return EQUAL


def said(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Saying]:
    """The order; best + worst is one with the middle tied. Unrankable ones stand in none."""
    verdict = value["verdict"]
    if verdict == "full":
        return [Order("", tuple(map(tuple, value["tiers"])))]
    if verdict not in ("best", "best_worst"):
        return [Order("", (tuple(sorted(response_ids)),))]
    best, worst = value["best"], value.get("worst")
    rest = tuple(sorted(pk for pk in response_ids if pk not in (best, worst)))
    if worst is None:
        return [Order("", ((best,),), rest)]
    return [Order("", tuple(tier for tier in ((best,), rest, (worst,)) if tier))]


def distance(a: Mapping[str, Any], b: Mapping[str, Any], response_ids: Sequence[int]) -> float:
    """How far two answers contradict each other: 0 (nowhere) .. 1 (on every pair).

    Kendall's distance with penalty 1/2, over the pairs of responses of which both answers say
    something, divided by the number of those pairs. A pair costs 1 when the answers order it
    oppositely, 1/2 when only one of them orders it (the other ties it or cannot rank it), else 0;
    the kinds of tie count as one. Between two full orders this is K^(1/2) of Fagin, Kumar,
    Mahdian, Sivakumar and Vee (Comparing Partial Rankings, SIAM J. Discrete Math. 20(3), 2006)
    over n(n-1)/2, a metric; without ties it is (1 - tau)/2.

    What best + worst leaves in the middle is unknown, not tied, so it neither agrees nor
    disagrees with anything. Hence best + worst is at 0 from every full order that has the same
    ends, and at 1 from its reverse.
    """
    ours, theirs = _relations(a, response_ids), _relations(b, response_ids)
    costs = []
    for pair, relation in ours.items():
        other = theirs[pair]
        if relation is None or other is None:
            continue
        if relation == other:
            costs.append(0.0)
        else:
            costs.append(1.0 if {relation, other} == {FIRST, SECOND} else 0.5)
    return answers.mean(costs)
