"""How many steps of strength a judgement's form told apart, whatever the project asks by now."""

from bisect import bisect_right

from annotate import kinds
from annotate.forms import Form
from annotate.models import FormVersion, Project


class StrengthLevels:
    """Of every version of the project's form. One query."""

    def __init__(self, project: Project) -> None:
        rows = FormVersion.objects.filter(project=project).order_by("number")
        self._of = {row.pk: strength_levels(Form.read(row.kind, row.kind_settings)) for row in rows}
        self._in_order = list(self._of.values())
        self._begun = [row.created_at.timestamp() for row in rows]

    @property
    def vary(self) -> bool:
        return len(set(self._in_order)) > 1

    def of(self, version: int | None, arrived: float | None) -> int:
        """Without a version, as of imported answers, that by which it was taken in when it
        `arrived` (seconds since 1970).
        """
        if version is not None:
            return self._of[version]
        return self._in_order[max(0, bisect_right(self._begun, arrived or 0.0) - 1)]


def strength_levels(form: Form) -> int:
    return kinds.strength_levels(form.module, form.settings)
