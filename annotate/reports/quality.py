"""The latest report on quality, as pages and programs show it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.http import urlencode
from django.utils.translation import gettext as _

from annotate.models import JobState, Judge, Judgement, Project, QualityRun, User, Voices
from annotate.reports.behind_figures import HABITS, key_of

PEOPLE_SHOWN, PAIRS_SHOWN = 100, 30

JSON = dict[str, Any]


@dataclass(frozen=True)
class Standing:
    """`report` is the latest one that was finished, `last` the latest run of all; `new` counts the
    judgements that came since the report."""

    report: QualityRun | None
    last: QualityRun | None
    new: int

    @property
    def is_going(self) -> bool:
        return self.last is not None and not self.last.is_over


def standing(project: Project) -> Standing:
    """Three queries; the reports of older runs are not read."""
    done = project.quality_runs.filter(state=JobState.DONE).order_by("-pk").first()
    last = project.quality_runs.order_by("-pk").defer("report").first()
    seen = done.newest_judgement if done else 0
    new = Judgement.objects.filter(project=project, pk__gt=seen).count()
    return Standing(done, last, new)


@dataclass(frozen=True)
class Rater:
    """`key` is how addresses name it, such as "user:7"; `name` is for the eyes of reviewers."""

    key: str
    name: str
    user_id: int | None = None


def raters_of(who: list[Mapping[str, Any]]) -> list[Rater]:
    """In the order of their numbers in the report. Two queries."""
    users = dict(
        User.objects.filter(pk__in=[one["user"] for one in who if "user" in one]).values_list(
            "pk", "username"
        )
    )
    judges = {
        judge.pk: str(judge)
        for judge in Judge.objects.filter(pk__in=[one["judge"] for one in who if "judge" in one])
    }
    found = []
    for one in who:
        [(sort, value)] = one.items()
        name = {"user": users, "judge": judges}.get(sort, {}).get(value)
        if name is None:
            name = str(value) if sort == "imported" and value else _("imported")
        found.append(Rater(key_of(one), name, value if sort == "user" else None))
    return found


@dataclass(frozen=True)
class Shown:
    """What one page shows of a report: that of some voices, with names and links to the rows."""

    voices: str
    choices: list[tuple[str, str]]
    report: JSON
    questions: list[JSON]
    people: list[JSON]
    rows: str  # the query that leads to the answers


def shown(
    report: JSON, voices: str, team: Collection[int] | None = None, most: int | None = PEOPLE_SHOWN
) -> Shown | None:
    """None for a report without any labels. `voices` that it lacks stand for the first it has.

    `team`: the people are those of these user ids alone; `most` of them, all for None.
    """
    there = report["voices"]
    if not there:
        return None
    voices = voices if voices in there else next(iter(there))
    found = there[voices]
    raters = raters_of(found["who"])

    def rows(**more: object) -> str:
        return urlencode({"voices": voices, **more})

    return Shown(
        voices=voices,
        choices=[(one, Voices(one).label) for one in Voices.values if one in there],
        report=found,
        questions=[_question(one, raters, rows) for one in found["questions"]],
        people=[
            one
            for one in people_of(found, raters, rows)
            if team is None or one["rater"].user_id in team
        ][:most],
        rows=rows(),
    )


def _question(question: JSON, raters: list[Rater], rows: Callable[..., str]) -> JSON:
    of_question = {"question": question["question"], "checks": "without"}

    def group(name: str, one: JSON) -> JSON:
        by = {name: one["name"]}
        if name == "stretch":
            by = {"first": one["first"], "last": one["last"]}
            one = {**one, "days": [date.fromisoformat(one[end]) for end in ("first", "last")]}
        return {**one, "rows": rows(**of_question, **by)}

    return {
        **question,
        "rows": rows(**of_question),
        "strata": [group("stratum", one) for one in question["strata"]],
        "languages": [group("language", one) for one in question["languages"]],
        "stretches": [group("stretch", one) for one in question["stretches"]],
        "pairs": [
            {
                **one,
                "first": raters[one["first"]],
                "second": raters[one["second"]],
                "rows": rows(
                    rater=raters[one["first"]].key,
                    other=raters[one["second"]].key,
                    **of_question,
                ),
            }
            for one in question["pairs"][:PAIRS_SHOWN]
        ],
    }


def people_of(
    found: JSON, raters: list[Rater], rows: Callable[..., str], only: int | None = None
) -> list[JSON]:
    """The people of a report with names and links; `only` the one of that user id."""
    against = {one["rater"]: one for one in found.get("against_people", ())}
    people = []
    for one in found["people"]:
        rater = raters[one["rater"]]
        if only is not None and rater.user_id != only:
            continue
        mine = {"rater": rater.key}
        run = one["run"]
        people.append(
            {
                **one,
                "rater": rater,
                "first_share": one["side"]["hits"] / one["side"]["count"] if one["side"] else None,
                "hasty_share": one["hasty"] / one["timed"] if one["timed"] else None,
                "flat_share": one["flat"] / one["rows_of_numbers"]
                if one["rows_of_numbers"]
                else None,
                "against": against.get(one["rater"]),
                "rows": rows(**mine),
                "behind": {name: rows(**mine, habit=name) for name in HABITS},
                "rows_run": rows(**mine, habit="run", since=run["first"], until=run["last"])
                if run
                else "",
            }
        )
    return people


def own_figures(report: JSON, user: User) -> JSON | None:
    """What a report says of one person, without anybody else; None where it says nothing."""
    for voices in (Voices.HUMAN.value, Voices.SIMULATED.value):
        found = report["voices"].get(voices)
        if found is None or {"user": user.pk} not in found["who"]:
            continue
        number = found["who"].index({"user": user.pk})
        for one in found["people"]:
            if one["rater"] == number:
                return {name: said for name, said in one.items() if name != "rater"}
    return None
