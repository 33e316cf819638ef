"""Which votes a leaderboard counts, and how: what a manager chooses, checked and kept with it."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from annotate.inputs import clean_choice, clean_integer, clean_text
from annotate.kinds import InvalidValue
from annotate.models import Membership, Project
from annotate.ranking.style import STYLES
from annotate.services.outgoing.export_filters import SOURCES, ExportFilters
from annotate.services.outgoing.selection import Selection, select
from annotate.services.reports.profile_groups import of_group
from annotate.wording import Told

Role = Membership.Role
GROUPS = {
    "all": tuple(Role.values),
    "annotators": (Role.ANNOTATOR,),
    "reviewers": (Role.REVIEWER, Role.MANAGER, Role.OWNER),
}
BY = ("", "language", "taxonomy", "stratum", "criterion")
METADATA = "metadata:"
MAX_KEY = 100
MAX_TEAM = 80
MAX_ANSWER = 500
CHOICES = {
    "source": tuple(SOURCES),
    "simulated": ("exclude", "include", "only"),
    "group": tuple(GROUPS),
    "ties": ("davidson", "halves"),
    "intervals": ("auto", "people", "prompts"),
}
MOST_VOTES = 1_000_000


@dataclass(frozen=True)
class BoardRules:
    """`group`: people by their role in the project now; `team`: only those who are in the team of
    this name now, "" for all. `by`: one of BY, or "metadata:<key>" of
    prompts. `style`: what is taken out in the second board, none for no such board. `most`: how
    many votes of one person count at most. `intervals`: what is taken as drawn at random; "auto" is
    people, and prompts where only one person voted. `question`, `answer`: only votes of people who
    told this of themselves, where nothing else narrows whose votes count.
    """

    source: str = "people"
    simulated: str = "exclude"
    group: str = "all"
    by: str = ""
    ties: str = "davidson"
    style: tuple[str, ...] = STYLES
    most: int | None = None
    intervals: str = "auto"
    team: str = ""
    question: str = ""
    answer: str = ""

    @classmethod
    def clean(cls, given: Mapping[str, Any]) -> "BoardRules":
        """From what somebody sent. Raises InvalidValue."""
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise InvalidValue(
                    str(name)[:100], "is unknown here; known: {known}", known=", ".join(known)
                )
        values = dict(given)
        for name, choices in CHOICES.items():
            if name in values:
                values[name] = clean_choice(name, values[name], choices)
        if "by" in values:
            values["by"] = _clean_by(values["by"])
        if "style" in values:
            values["style"] = _clean_style(values["style"])
        if values.get("most") is not None:
            values["most"] = clean_integer("most", values["most"], low=1, high=MOST_VOTES)
        if "team" in values:
            values["team"] = clean_text("team", values["team"], max_chars=MAX_TEAM, lines=False)
        for name in ("question", "answer"):
            if name in values:
                values[name] = clean_text(name, values[name], max_chars=MAX_ANSWER, lines=False)
        rules = cls(**values)
        rules.check_alone()
        return rules

    @classmethod
    def of_stored(cls, kept: Mapping[str, Any]) -> "BoardRules":
        """What `as_dict` gave."""
        return cls(**{**kept, "style": tuple(kept["style"])})

    def as_dict(self) -> dict[str, Any]:
        """Without `team`, `question` and `answer` where there is none, so that boards keep their
        hashes.
        """
        found = {**asdict(self), "style": list(self.style)}
        for name in ("team", "question", "answer"):
            if not found[name]:
                del found[name]
        return found

    def check_alone(self) -> None:
        """Raises InvalidValue where a question goes without its answer, or with what could single
        somebody out: boards of a group and of a part of it tell of who is in one alone.
        """
        if bool(self.question) != bool(self.answer):
            missing = "answer" if self.question else "question"
            raise InvalidValue(missing, "is missing; give question and answer, or neither")
        if not self.question:
            return
        for name in ("source", "simulated", "group", "by", "team"):
            usual = getattr(BoardRules, name)
            if getattr(self, name) != usual:
                raise InvalidValue(
                    name,
                    "must be {usual} for a board of a group by a question, so that nobody can be"
                    " singled out",
                    usual=usual or Told("left out"),
                )

    def check_team(self, project: Project) -> None:
        """Raises InvalidValue for a team that the project does not have. One query, two if so."""
        if self.team and not project.teams.filter(name__iexact=self.team).exists():
            known = ", ".join(project.teams.order_by("name").values_list("name", flat=True)[:20])
            raise InvalidValue(
                "team", "There is no such team here. Known: {known}.", known=known or "–"
            )

    @property
    def metadata_key(self) -> str | None:
        """The key of the prompts' metadata that categories are made by."""
        return self.by.removeprefix(METADATA) if self.by.startswith(METADATA) else None

    def select(self, project: Project, last_id: int | None = None) -> Selection:
        """The judgements that may hold votes, as of now or as of `last_id`."""
        filters = ExportFilters(source=self.source, simulated=self.simulated)
        found = select(project=project, filters=filters, last_id=last_id)
        if self.group != "all":
            found = _of_members(found, "m.role = ANY(%s)", list(GROUPS[self.group]))
        if self.team:
            of_team = "m.team_id IN (SELECT t.id FROM annotate_team t WHERE t.project_id = %s"
            of_team += " AND lower(t.name) = lower(%s))"
            found = _of_members(found, of_team, project.pk, self.team)
        if self.question:
            found = of_group(found, self.question, self.answer)
        return found


def _of_members(found: Selection, which: str, *params: object) -> Selection:
    """Those by members of the project of whom the condition holds now."""
    return replace(
        found,
        where=f"{found.where} AND j.annotator_id IN (SELECT m.user_id"
        f" FROM annotate_membership m WHERE m.project_id = %s AND {which})",
        params=(*found.params, found.project.pk, *params),
    )


def _clean_by(value: object) -> str:
    if isinstance(value, str) and value.startswith(METADATA):
        key = value.removeprefix(METADATA)
        if not re.fullmatch(r"[^\x00-\x1f]{1,100}", key):
            raise InvalidValue(
                "by", "names no key of metadata; give 1 to {most} characters", most=MAX_KEY
            )
        return value
    if not isinstance(value, str) or value not in BY:
        named = ", ".join(one for one in BY if one)
        raise InvalidValue(
            "by", "must be empty, one of {choices}, or metadata:<key>", choices=named
        )
    return value


def _clean_style(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidValue("style", "must be a list of: {choices}", choices=", ".join(STYLES))
    given = {clean_choice(f"style.{at}", one, STYLES) for at, one in enumerate(value)}
    return tuple(name for name in STYLES if name in given)
