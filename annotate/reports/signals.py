"""Signals by model version, and how often their labels are wrong, with intervals."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from annotate.models import Judgement, Project, Signal
from annotate.quality.intervals import wilson

MOST_COMPARED = 20_000


@dataclass(frozen=True)
class VersionRow:
    """One model version: counts by type, and the share of good ones among those that say so."""

    generator: str
    version: str
    counts: Mapping[str, int]
    good: int
    labelled: int

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.good, self.labelled)

    @property
    def share(self) -> float | None:
        return self.good / self.labelled if self.labelled else None


def by_version(signals: QuerySet[Signal], labels: Mapping[str, bool]) -> list[VersionRow]:
    """By model version, in order of its name; `labels` as SignalRules has them. One query."""
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    rows = signals.order_by().values_list("generator", "generator_version", "type")
    for generator, version, type, count in rows.annotate(n=Count("*")):
        found[generator, version][type] = count
    return [
        VersionRow(
            *name,
            counts,
            good=sum(n for type, n in counts.items() if labels.get(type) is True),
            labelled=sum(n for type, n in counts.items() if type in labels),
        )
        for name, counts in sorted(found.items())
    ]


@dataclass(frozen=True)
class Noise:
    """Of a type: how many of its labels people contradict, of those that they can be held
    against.
    """

    wrong: int
    compared: int

    @property
    def rate(self) -> float | None:
        return self.wrong / self.compared if self.compared else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.wrong, self.compared)


def estimated_noise(project: Project, labels: Mapping[str, bool]) -> dict[str, Noise]:
    """By type that has a label, from the newest signals on responses that people judged in pairs.

    A response is good to people where more of their labels prefer it than prefer
    another; one that is as often preferred as not says nothing. Two queries.
    """
    rows = Signal.objects.filter(project=project, response__isnull=False, type__in=list(labels))
    pairs = list(rows.order_by("-pk").values_list("type", "response_id")[:MOST_COMPARED])
    balance = _balances(project, {response for _, response in pairs})
    counts: dict[str, list[int]] = {type: [0, 0] for type in labels}
    for type, response in pairs:
        said = balance.get(response, 0)
        if said:
            counts[type][0] += (said > 0) != labels[type]
            counts[type][1] += 1
    return {type: Noise(*both) for type, both in counts.items()}


def _balances(project: Project, responses: set[int]) -> dict[int, int]:
    """People's labels for the response, less those for another of its task."""
    balance: dict[int, int] = defaultdict(int)
    rows = (
        Judgement.objects.labels()
        .by_people()
        .filter(
            project=project,
            is_gold=False,
            value__has_key="preferred",
            task__places__response__in=responses,
        )
        .values_list("value__preferred", "task__places__response")
    )
    for preferred, response in rows:
        if preferred is not None:
            balance[response] += 1 if preferred == response else -1
    return balance
