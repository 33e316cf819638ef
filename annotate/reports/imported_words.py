"""What a row that is to be imported says, in words; letters by the order of the responses."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from annotate.interchange.orders import order_of
from annotate.interchange.records import ImportedAnswer, ImportedItem, ImportedLabel
from annotate.kinds import ranking

MOST = 3  # comparisons and rankings that are told
VERDICTS = {
    "tie": _("Tie"),
    "both_good": _("Both good"),
    "both_bad": _("Both bad"),
}
EQUAL = {
    "tie": _("All alike"),
    "all_good": _("All good"),
    "all_bad": _("All bad"),
}
ANSWERS = {
    "chat": _("Conversation"),
    "context": _("Comparison under a criterion"),
    "critique": _("Critique"),
    "form": _("Answers of a form"),
    "joint": _("Comparison over prompts"),
    "labels": _("Labels"),
    "pairwise": _("Comparison"),
    "ranking": _("Ranking"),
    "rating": _("Ratings"),
    "similarity": _("Similarity"),
    "spans": _("Marks"),
    "steps": _("Steps"),
}


def said_of(item: ImportedItem, kept: Iterable[ImportedAnswer]) -> str:
    """The first comparisons, those of one person that make an order as one, and what `kept` are."""
    told, kinds = _comparisons(item), set()
    for one in kept:
        order = _order_words(one.value, one.responses) if one.kind == ranking.NAME else None
        if order is None:
            kinds.add(str(ANSWERS.get(one.kind, one.kind)))
        elif order not in told:
            told.append(order)
    return "; ".join([*told[:MOST], *sorted(kinds)])


def _comparisons(item: ImportedItem) -> list[str]:
    count = len(item.responses)
    by_person: dict[str | None, list[ImportedLabel]] = {}
    for label in item.labels:
        by_person.setdefault(label.annotator, []).append(label)
    found = []
    for labels in by_person.values():
        order = order_of(labels, count) if count > 2 else None
        words = None if order is None else _order_words(order, range(count))
        if words is not None:
            found.append(words)
        else:
            found += [_comparison(label, among=count) for label in labels[:MOST]]
    return found


def _order_words(value: Mapping[str, Any], responses: Iterable[int]) -> str | None:
    """Such as "A, then B and C alike, then D"; None for what is no ranking of these."""
    known = set(responses)
    verdict = value.get("verdict")
    if verdict in EQUAL:
        return str(EQUAL[verdict])
    if verdict == "full":
        tiers = value.get("tiers", [])
        if not {place for tier in tiers for place in tier} <= known:
            return None
        return gettext(", then ").join(_tier_words(tier) for tier in tiers)
    if not {value.get("best"), value.get("worst", value.get("best"))} <= known:
        return None
    best = gettext("{letter} is the best").format(letter=_letter(value["best"]))
    if "worst" not in value:
        return best
    return gettext("%(best)s, %(letter)s the worst") % {
        "best": best,
        "letter": _letter(value["worst"]),
    }


def _tier_words(tier: list[int]) -> str:
    letters = [_letter(place) for place in sorted(tier)]
    if len(letters) == 1:
        return letters[0]
    listed = gettext("%(listed)s and %(last)s") % {
        "listed": ", ".join(letters[:-1]),
        "last": letters[-1],
    }
    return gettext("%(letters)s alike") % {"letters": listed}


def _comparison(label: ImportedLabel, *, among: int) -> str:
    """Such as "A is better"; among several responses "B is better than A"."""
    names = {"first": _letter(label.first), "second": _letter(label.second)}
    if label.verdict != "prefer":
        verdict = str(VERDICTS[label.verdict])
        return verdict if among == 2 else f"{names['first']}, {names['second']}: {verdict}"
    if among == 2:
        better = label.first if label.preferred == label.first else label.second
        return gettext("%s is better") % _letter(better)
    if label.preferred == label.second:
        names = {"first": names["second"], "second": names["first"]}
    return gettext("%(first)s is better than %(second)s") % names


def _letter(place: int) -> str:
    return chr(ord("A") + place)
