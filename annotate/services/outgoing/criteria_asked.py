"""Which criteria a project asks by, beside or in place of the whole."""

from annotate.forms import Form
from annotate.inputs import InvalidValue
from annotate.kinds import form
from annotate.models import FormVersion, Project
from annotate.services.outgoing.refused_choices import RefusedChoice


def criteria_of(project: Project) -> list[str]:
    """Their names, under any version of its form. One query."""
    versions = FormVersion.objects.filter(project=project).order_by("number")
    forms = [Form.read(row.kind, row.kind_settings) for row in versions]
    names: dict[str, None] = {}
    for asked in (Form.of_project(project), *forms):
        settings = [asked.settings]
        if isinstance(asked.settings, form.FormSettings):
            settings = [question.settings for question in asked.settings.questions]
        for one in settings:
            names |= dict.fromkeys(criterion.name for criterion in getattr(one, "criteria", ()))
    return list(names)


def require_criterion(project: Project, name: str) -> None:
    """Raises RefusedChoice naming the criteria there are."""
    known = criteria_of(project)
    if name not in known:
        raise RefusedChoice(
            InvalidValue(
                "criterion",
                "This project never asked by {name}. Known: {known}.",
                name=name[:80],
                known=", ".join(known) or "–",
            )
        )
