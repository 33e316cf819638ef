"""Teams of a project: made, renamed, dissolved. Who is in them: services/people/members.py."""

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from annotate.inputs import InvalidValue, clean_text
from annotate.models import Project, Team, User
from annotate.services import audit

MAX_NAME_CHARS = 80
MOST_TEAMS = 500  # of a project


@transaction.atomic
def create_team(*, project: Project, name: object, actor: User, address: str | None = None) -> Team:
    """A new team. Raises InvalidValue: the name, whatever its case, is taken."""
    text = _clean_name(name)
    if project.teams.count() >= MOST_TEAMS:
        raise InvalidValue("name", "there are {most} teams already, the most", most=MOST_TEAMS)
    team = Team(project=project, name=text)
    _save(team)
    audit.record(
        action="team.created",
        target=team,
        actor=actor,
        project=project,
        address=address,
        name=text,
    )
    return team


@transaction.atomic
def rename_team(*, team: Team, name: object, actor: User, address: str | None = None) -> Team:
    """Another name. Raises InvalidValue."""
    before, team.name = team.name, _clean_name(name)
    if team.name != before:
        _save(team)
        audit.record(
            action="team.renamed",
            target=team,
            actor=actor,
            project=team.project,
            address=address,
            before={"name": before},
            after={"name": team.name},
        )
    return team


@transaction.atomic
def delete_team(*, team: Team, actor: User, address: str | None = None) -> None:
    """The team goes; its members stay members."""
    audit.record(
        action="team.deleted",
        target=team,
        actor=actor,
        project=team.project,
        address=address,
        name=team.name,
        people=team.members.count(),
    )
    team.delete()


def people_of_team(project: Project, name: object) -> list[int]:
    """Ids of who is in the team of this name now. Raises ValidationError: there is none."""
    is_name = isinstance(name, str) and "\0" not in name
    if not is_name or not project.teams.filter(name__iexact=name).exists():
        known = ", ".join(project.teams.order_by("name").values_list("name", flat=True)[:20])
        message = _("There is no such team here. Known: %(known)s.")
        raise ValidationError({"team": ValidationError(message, params={"known": known or "–"})})
    members = project.memberships.filter(team__name__iexact=name)
    return list(members.order_by("user_id").values_list("user_id", flat=True))


def _clean_name(name: object) -> str:
    text = clean_text("name", name, max_chars=MAX_NAME_CHARS, required=True, lines=False)
    return " ".join(text.split())


def _save(team: Team) -> None:
    try:
        with transaction.atomic():
            team.save()
    except IntegrityError as error:
        if "team_name_unique" not in str(error):
            raise
        raise InvalidValue(
            "name", 'there is a team named "{name}" here already', name=team.name
        ) from error
