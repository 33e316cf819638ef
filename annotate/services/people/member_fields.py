"""What a project knows of a member beside the role: tier, languages, skills, team."""

from collections.abc import Callable, Mapping
from typing import Any

from annotate.inputs import Checks, InvalidValue, clean_choice, clean_text
from annotate.language_tags import clean_language_tag
from annotate.models import Membership, Project, Team

MOST_NAMES = 50
MAX_SKILL_CHARS = 40
FIELDS = ("tier", "languages", "skills", "team")


def clean_member_fields(project: Project, fields: Mapping[str, object]) -> dict[str, Any]:
    """The fields as they are stored; `team` as the Team or None.

    Raises InvalidValue, of several InvalidValues; of an unknown field TypeError.
    """
    checks = Checks()
    cleaned = {name: checks.of(_CHECKS[name], project, value) for name, value in fields.items()}
    checks.end()
    return cleaned


def clean_languages(value: object, field: str = "languages") -> list[str]:
    """BCP 47 tags, each once, in order of the alphabet. Raises InvalidValue."""
    return _clean_names(field, value, clean_language_tag)


def clean_skills(value: object, field: str = "skills") -> list[str]:
    """Short names in small letters, each once, in order of the alphabet. Raises InvalidValue."""
    return _clean_names(field, value, _clean_skill)


def _clean_skill(field: str, value: object) -> str:
    text = clean_text(field, value, max_chars=MAX_SKILL_CHARS, required=True, lines=False)
    if "," in text:
        raise InvalidValue(field, "holds a comma; give each skill by itself")
    return " ".join(text.casefold().split())


def _clean_names(field: str, value: object, clean: Callable[[str, object], str]) -> list[str]:
    if not isinstance(value, list | tuple):
        raise InvalidValue(field, "must be a list of texts")
    if len(value) > MOST_NAMES:
        raise InvalidValue(
            field, "has {count} entries; at most {most} fit", count=len(value), most=MOST_NAMES
        )
    checks = Checks()
    names = [checks.of(clean, f"{field}.{place}", one) for place, one in enumerate(value)]
    checks.end()
    return sorted({name for name in names if name is not None})


def clean_team(project: Project, value: object) -> Team | None:
    """A team of this project, or its id, or its name whatever the case; None and "" are none."""
    if value is None or value == "":
        return None
    teams = Team.objects.filter(project=project)
    found = None
    if isinstance(value, Team):
        found = teams.filter(pk=value.pk).first()
    elif isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63:
        found = teams.filter(pk=value).first()
    elif isinstance(value, str):
        name = clean_text("team", value, max_chars=80, lines=False).strip()
        found = teams.filter(name__iexact=name).first()
    if found is None:
        raise InvalidValue(
            "team",
            "there is no such team here; there are: {known}",
            known=", ".join(teams.order_by("name").values_list("name", flat=True)[:20]) or "–",
        )
    return found


_CHECKS: dict[str, Callable[[Project, object], Any]] = {
    "tier": lambda project, value: clean_choice("tier", value, Membership.Tier.values),
    "languages": lambda project, value: clean_languages(value),
    "skills": lambda project, value: clean_skills(value),
    "team": clean_team,
}


def as_json(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Cleaned fields as the audit trail keeps them: a team by its name."""
    return {
        name: value.name if isinstance(value, Team) else value for name, value in fields.items()
    }
