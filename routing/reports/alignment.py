"""How far a judge's word on outputs, criterion by criterion, is what people say.

After EvalGen (arXiv:2404.12272, section 5): coverage is the share of what people call bad that the
judge fails, the false failure rate the share of what they call good that it fails, and alignment
the harmonic mean of coverage and 1 - false failure rate.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

from annotate.models import Judge, Project
from annotate.quality.intervals import Z95, wilson
from routing.judges.criteria import check_template
from routing.models import Criterion, Grade, JudgeCall, SampledOutput
from routing.services.ledger import fingerprint_of

Passes = dict[int, bool]  # by output


@dataclass(frozen=True)
class Rate:
    """hits of count, with Wilson's 95 % interval."""

    hits: int
    count: int

    @property
    def value(self) -> float | None:
        return self.hits / self.count if self.count else None

    @property
    def low(self) -> float:
        return wilson(self.hits, self.count)[0]

    @property
    def high(self) -> float:
        return wilson(self.hits, self.count)[1]


@dataclass(frozen=True)
class Alignment:
    """Counts of outputs by what people (the majority) and the judge say: bad means it fails."""

    bad_failed: int
    bad_passed: int
    good_failed: int
    good_passed: int

    @property
    def outputs(self) -> int:
        return self.bad_failed + self.bad_passed + self.good_failed + self.good_passed

    @property
    def coverage(self) -> Rate:
        return Rate(self.bad_failed, self.bad_failed + self.bad_passed)

    @property
    def false_failures(self) -> Rate:
        return Rate(self.good_failed, self.good_failed + self.good_passed)

    @property
    def agreement(self) -> Rate:
        return Rate(self.bad_failed + self.good_passed, self.outputs)

    @property
    def alignment(self) -> float | None:
        """None where people call no output bad, or none good."""
        coverage, wrong = self.coverage.value, self.false_failures.value
        if coverage is None or wrong is None:
            return None
        right = 1 - wrong
        return 2 * coverage * right / (coverage + right) if coverage + right else 0.0


@dataclass(frozen=True)
class Moved:
    """Against an earlier version of the judge, on the outputs that both read."""

    judge: Judge
    flipped: Rate
    now: Rate
    then: Rate
    difference: tuple[float, float, float] | None


@dataclass(frozen=True)
class Reworded:
    """Against an earlier version of the criterion: what turned of what the judge and of what most
    people say, each on the outputs that were judged by both versions.
    """

    criterion: Criterion
    judge: Rate
    people: Rate


@dataclass(frozen=True)
class Line:
    """One criterion; none stands for all together: an output fails where any criterion does."""

    criterion: Criterion | None
    alignment: Alignment
    read: Rate
    people: Rate
    undecided: int
    moved: Moved | None = None
    reworded: Reworded | None = None


def alignment_of(judge: Judge) -> list[Line]:
    """A line for each accepted criterion, then one for all together against the grades of outputs
    as a whole. Seven queries, whatever the sample's size.
    """
    project = judge.project
    criteria = list(Criterion.objects.filter(project=project, state="accepted").order_by("name"))
    outputs = list(SampledOutput.objects.filter(project=project))
    if not criteria or not outputs:
        return []
    grades = _grades(project)
    earlier = (
        Judge.objects.filter(project=project, name=judge.name, version__lt=judge.version)
        .order_by("-version")
        .first()
    )
    said = _said(judge, criteria, outputs)
    before = _said(earlier, criteria, outputs) if earlier is not None else {}
    old_of = _versions_before(criteria)
    old_said = _said(judge, list(old_of.values()), outputs) if old_of else {}
    lines = []
    for criterion in criteria:
        votes, old = grades.get(criterion.pk, {}), old_of.get(criterion.pk)
        now, then = said.get(criterion.pk, {}), before.get(criterion.pk, {})
        line = _line(criterion, now, votes, moved_since(earlier, now, then, majority(votes)))
        if old is not None:
            voted = majority(votes), majority(grades.get(old.pk, {}))
            line = replace(
                line, reworded=reworded_since(old, (now, old_said.get(old.pk, {})), voted)
            )
        lines.append(line)
    together = all_of(said, criteria)
    votes = grades.get(None, {})
    moved = moved_since(earlier, together, all_of(before, criteria), majority(votes))
    return [*lines, _line(None, together, votes, moved)]


def _versions_before(criteria: list[Criterion]) -> dict[int, Criterion]:
    """The newest version of other words before each criterion, by the criterion's id."""
    rows = Criterion.objects.filter(
        project__in={one.project_id for one in criteria}, name__in=[one.name for one in criteria]
    )
    by_name: dict[str, list[Criterion]] = {}
    for row in rows.order_by("version"):
        by_name.setdefault(row.name, []).append(row)
    found = {}
    for one in criteria:
        if older := [row for row in by_name[one.name] if row.version < one.version]:
            found[one.pk] = older[-1]
    return found


def reworded_since(
    old: Criterion, judge: tuple[Passes, Passes], people: tuple[Passes, Passes]
) -> Reworded | None:
    """Each by the version now and by the old one. None where neither said something by both."""
    said, voted = _turned(*judge), _turned(*people)
    return Reworded(old, said, voted) if said.count or voted.count else None


def _turned(now: Passes, then: Passes) -> Rate:
    common = [output for output in now if output in then]
    return Rate(sum(now[one] != then[one] for one in common), len(common))


def _line(
    criterion: Criterion | None,
    said: Passes,
    votes: Mapping[int, list[bool]],
    moved: Moved | None,
) -> Line:
    people = majority(votes)
    return Line(
        criterion=criterion,
        alignment=align(people, said),
        read=Rate(sum(not passes for passes in said.values()), len(said)),
        people=_among_themselves(votes.values()),
        undecided=len(votes) - len(people),
        moved=moved,
    )


def _grades(project: Project) -> dict[int | None, dict[int, list[bool]]]:
    """By criterion (None: as a whole) and output."""
    found: dict[int | None, dict[int, list[bool]]] = {}
    rows = Grade.objects.filter(output__project=project).order_by("pk")
    for criterion, output, passes in rows.values_list("criterion", "output", "passes"):
        found.setdefault(criterion, {}).setdefault(output, []).append(passes)
    return found


def majority(votes: Mapping[int, list[bool]]) -> Passes:
    """Of the outputs on which more than half of the people say the same."""
    return {
        output: sum(said) * 2 > len(said)
        for output, said in votes.items()
        if sum(said) * 2 != len(said)
    }


def _among_themselves(votes: Iterable[list[bool]]) -> Rate:
    """Pairs of people who graded the same output, and how many of them agree."""
    hits = pairs = 0
    for said in votes:
        good, count = sum(said), len(said)
        pairs += count * (count - 1) // 2
        hits += good * (good - 1) // 2 + (count - good) * (count - good - 1) // 2
    return Rate(hits, pairs)


def align(people: Passes, said: Passes) -> Alignment:
    """Over the outputs that both know."""
    counts = {(bad, failed): 0 for bad in (True, False) for failed in (True, False)}
    for output, passes in people.items():
        if output in said:
            counts[not passes, not said[output]] += 1
    return Alignment(
        counts[True, True], counts[True, False], counts[False, True], counts[False, False]
    )


def all_of(said: Mapping[int, Passes], criteria: list[Criterion]) -> Passes:
    """By output: whether it passes every criterion; a failure suffices where some are unknown."""
    together: dict[int, list[bool]] = {}
    for criterion in criteria:
        for output, passes in said.get(criterion.pk, {}).items():
            together.setdefault(output, []).append(passes)
    return {
        output: all(known)
        for output, known in together.items()
        if len(known) == len(criteria) or not all(known)
    }


def moved_since(earlier: Judge | None, now: Passes, then: Passes, people: Passes) -> Moved | None:
    """None where the earlier version read nothing that this one did."""
    common = [output for output in now if output in then]
    if earlier is None or not common:
        return None
    graded = [output for output in common if output in people]
    hits = [sum(said[one] == people[one] for one in graded) for said in (now, then)]
    won = sum(now[one] == people[one] != then[one] for one in graded)
    lost = sum(then[one] == people[one] != now[one] for one in graded)
    return Moved(
        judge=earlier,
        flipped=Rate(sum(now[one] != then[one] for one in common), len(common)),
        now=Rate(hits[0], len(graded)),
        then=Rate(hits[1], len(graded)),
        difference=paired(won, lost, len(graded)) if graded else None,
    )


def paired(won: int, lost: int, count: int) -> tuple[float, float, float]:
    """The difference of two shares of the same outputs with its 95 % interval, cut to -1..1.

    Adding half an output to each kind of discordance keeps it from being 0 wide (Agresti and Min,
    2005, "Simple improved confidence intervals for comparing matched proportions", of which this is
    the Wald interval with pseudo-counts of 1/2 in all four cells).
    """
    size = count + 2
    up, down = won + 0.5, lost + 0.5
    middle = (up - down) / size
    half = Z95 * sqrt(up + down - (up - down) ** 2 / size) / size
    return (won - lost) / count, max(-1.0, middle - half), min(1.0, middle + half)


def _said(
    judge: Judge, criteria: list[Criterion], outputs: list[SampledOutput]
) -> dict[int, Passes]:
    """By criterion and output: whether the judge lets it pass; from the calls on record."""
    by_print = {fingerprint_of(judge, check_template(one.pk)): one.pk for one in criteria}
    output_of = {(one.task_id, one.response_id): one.pk for one in outputs}
    calls = JudgeCall.objects.filter(
        task__in=[one.task_id for one in outputs],
        fingerprint__in=list(by_print),
        state=JudgeCall.State.ANSWERED,
    )
    found: dict[int, Passes] = {}
    rows: Iterable[tuple[Any, ...]] = calls.values_list(
        "task_id", "shown_order", "fingerprint", "value"
    )
    for task_id, shown, fingerprint, value in rows:
        output = output_of.get((task_id, shown[0])) if shown else None
        if output is not None:
            found.setdefault(by_print[fingerprint], {})[output] = value["passes"]
    return found


@dataclass(frozen=True)
class Grading:
    """How far one person is with the sample."""

    outputs: int
    graded: int
    following: SampledOutput | None


def grading_of(project: Project, person: Any, *, after: int = 0) -> Grading:
    """`following`: the next output that the person has not graded, from a number on, then from the
    beginning. Three queries.
    """
    outputs = SampledOutput.objects.filter(project=project)
    mine = Grade.objects.filter(output__project=project, person=person)
    rest = outputs.exclude(pk__in=mine.values("output")).order_by("number")
    following = rest.filter(number__gt=after).first() or rest.first()
    graded = mine.values("output").distinct().count()
    return Grading(outputs.count(), graded, following)
