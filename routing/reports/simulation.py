"""What simulations tell: the cost and worth of a budget, charts, what is still to be labelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.charts import Chart, Series, line_chart
from annotate.models import Judge, Judgement, Project, Task
from routing import judges as judge_kinds
from routing.judges.asking import pairwise
from routing.judges.length import COEFFICIENT
from routing.models import JudgeCall, PolicySimulation, of_people, outside_second_looks
from routing.services.learned import new_to
from routing.services.simulations import Prices, prices_of
from routing.settings.simulation import FOLDS, least_rows

NAMES = {
    "error": gettext_lazy("By the expected error"),
    "cascade": gettext_lazy("Cascade"),
    "ppm": gettext_lazy("PPM"),
    "margin": gettext_lazy("By the judge’s certainty"),
    "random": gettext_lazy("By chance"),
}
PEOPLE, AI = "people", "ai"


@dataclass(frozen=True)
class Estimate:
    """Of `tasks` tasks at one budget: shares 0..1, dollars, and the share of wrong labels with its
    95 % interval. `against_chance` is the difference from a random policy, with its interval.
    """

    kind: str
    name: str
    share: float
    people: float
    cost: float
    error: float
    low: float
    high: float
    against_chance: tuple[float, float, float] | None = None

    @property
    def quality(self) -> float:
        return 1 - self.error


@dataclass(frozen=True)
class Stored:
    """The result of a simulation that is done, with prices of now."""

    simulation: PolicySimulation
    prices: Prices

    @property
    def result(self) -> Mapping[str, Any]:
        return self.simulation.result

    @property
    def kinds(self) -> list[str]:
        return [kind for kind in NAMES if kind in self.result["curves"]]

    @property
    def judge_ids(self) -> list[int]:
        return [one["id"] for one in self.result["judges"]]

    def cost(self, people: float, judged: Sequence[float], tasks: int = 1000) -> float:
        """Dollars for so many tasks."""
        rates = [float(self.prices.judges[pk]) for pk in self.judge_ids]
        judges = sum(share * rate for share, rate in zip(judged, rates, strict=True))
        return (people * float(self.prices.people) + judges) * tasks / 1000

    def estimate(self, kind: str, share: float, tasks: int = 1000) -> Estimate:
        """Between two replayed budgets by a straight line. Raises KeyError for another kind."""
        points = self.result["curves"][kind]["points"]
        after = next((i for i, one in enumerate(points) if one["share"] >= share), len(points) - 1)
        a, b = points[max(0, after - 1)], points[after]
        wide = b["share"] - a["share"]
        part = (share - a["share"]) / wide if wide else 0.0

        def between(one: float, other: float) -> float:
            return one + part * (other - one)

        def interval(name: str) -> tuple[float, float, float]:
            ends = ("value", "low", "high")
            value, low, high = (between(a[name][end], b[name][end]) for end in ends)
            return value, low, high

        people = between(a["people"], b["people"])
        judged = [between(one, other) for one, other in zip(a["judged"], b["judged"], strict=True)]
        value, low, high = map(_share, interval("error"))
        return Estimate(
            kind=kind,
            name=str(NAMES[kind]),
            share=share,
            people=people,
            cost=self.cost(people, judged, tasks),
            error=value,
            low=low,
            high=high,
            against_chance=interval("against_chance") if a["against_chance"] else None,
        )

    def extremes(self, tasks: int = 1000) -> list[Estimate]:
        """All people, and each judge alone."""
        nobody = [0.0] * len(self.judge_ids)
        found = [
            self._whole(PEOPLE, _("All by people"), 1.0, nobody, self.result["all_people"], tasks)
        ]
        for number, judge in enumerate(self.result["judges"]):
            judged = [float(place == number) for place in range(len(nobody))]
            name = _("All by %(judge)s") % {"judge": judge["name"]}
            mean = self.result["all_ai"][number]
            found.append(self._whole(AI, name, 0.0, judged, mean, tasks))
        return found

    def _whole(
        self,
        kind: str,
        name: str,
        people: float,
        judged: Sequence[float],
        mean: Mapping[str, float],
        tasks: int,
    ) -> Estimate:
        cost = self.cost(people, judged, tasks)
        value, low, high = (_share(mean[end]) for end in ("value", "low", "high"))
        return Estimate(kind, name, people, people, cost, value, low, high)

    def charts(self, chosen: str, share: float) -> list[Chart]:
        """Wrong labels by people's share and by cost; the chosen kind first, with its band."""
        kinds = [chosen, *(kind for kind in self.kinds if kind != chosen)]
        at = self.estimate(chosen, share)
        flat = self.extremes()
        costs = [self.cost(p["people"], p["judged"]) for k in kinds for p in self._points(k)]
        ends = (min(costs), max(costs))
        return [
            line_chart(
                _("Wrong labels, %, by the share of people"),
                [
                    *(self._series(kind, kind == chosen, self._people) for kind in kinds),
                    *(_level(one, (0.0, 100.0)) for one in (flat[0], flat[-1])),
                ],
                x_label=_("People, %"),
                mark=100 * at.people,
            ),
            line_chart(
                _("Wrong labels, %, by the cost of 1,000 tasks"),
                [
                    *(self._series(kind, kind == chosen, self._costs) for kind in kinds),
                    *(_level(one, ends) for one in (flat[0], flat[-1])),
                ],
                x_label=_("Cost, $"),
                mark=at.cost,
            ),
        ]

    def _points(self, kind: str) -> list[dict[str, Any]]:
        """By rising share of people; a policy that asks fewer than it may repeats its last."""
        found: list[dict[str, Any]] = []
        for point in self.result["curves"][kind]["points"]:
            if not found or point["people"] > found[-1]["people"] + 1e-9:
                found.append(point)
        return found

    def _people(self, point: Mapping[str, Any]) -> float:
        return 100 * float(point["people"])

    def _costs(self, point: Mapping[str, Any]) -> float:
        return self.cost(point["people"], point["judged"])

    def _series(self, kind: str, is_chosen: bool, place: Any) -> Series:
        points = self._points(kind)
        errors = [one["error"] for one in points]
        return Series(
            str(NAMES[kind]),
            [(place(one), 100 * _share(one["error"]["value"])) for one in points],
            [(100 * _share(one["low"]), 100 * _share(one["high"])) for one in errors],
            is_banded=is_chosen,
        )


def _level(one: Estimate, ends: tuple[float, float]) -> Series:
    """A level line, from end to end."""
    return Series(one.name, [(x, 100 * one.error) for x in ends])


def _share(value: float) -> float:
    """Unbiased estimates, and ends of intervals, may lie outside of what a share can be."""
    return min(1.0, max(0.0, value))


def latest_stored(project: Project) -> Stored | None:
    """The newest simulation that was done. Three queries."""
    done = PolicySimulation.objects.filter(project=project, state="done").order_by("-pk").first()
    return stored(done) if done is not None else None


def stored(simulation: PolicySimulation) -> Stored:
    ids = [one["id"] for one in simulation.result["judges"]]
    return Stored(simulation, prices_of(simulation.project, ids))


@dataclass(frozen=True)
class Stock:
    """How many tasks of people's a judge has answered too, and how many are still needed."""

    judge: Judge
    both: int
    reads_by_itself: bool

    @property
    def lacking(self) -> int:
        return max(0, least_rows(FOLDS) - self.both)


def _asks(judge: Judge) -> tuple[str, dict[str, Any]]:
    """What its calls are made of: whoever asks the same reads their answers on record."""
    return judge.kind, {k: v for k, v in judge.config.items() if k != COEFFICIENT}


def stocks(project: Project) -> list[Stock]:
    """For each judge, newest first. A judge that costs nothing reads what is missing by itself, so
    all that people answered counts, but for what it learned from. Two queries, and up to three
    for each judge that is priced, a panel or a reward model.
    """
    people = outside_second_looks(of_people(Judgement.objects.labels().filter(project=project)))
    answered = Task.objects.filter(project=project, pk__in=people.order_by().values("task"))
    everything = answered.count()
    found = []
    judges = list(Judge.objects.filter(project=project).order_by("-pk"))
    for judge in judges:
        priced = judge_kinds.get(judge.kind).priced
        tasks = new_to(judge, answered)
        if priced:
            asked = f"{pairwise.KIND}/"  # tags and checks of criteria are calls too, and no labels
            alike = [one.pk for one in judges if _asks(one) == _asks(judge)]
            calls = JudgeCall.objects.filter(
                judge__in=alike, state="answered", template__startswith=asked
            ).order_by()
            tasks = tasks.filter(pk__in=calls.values("task"))
        both = everything if tasks is answered else tasks.count()
        found.append(Stock(judge, both, not priced))
    return found
