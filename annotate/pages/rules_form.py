"""The rules of a project's work, a few of them in each form. What is allowed is decided by
`annotate/services/people/standing.py`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotate.kinds import InvalidValue
from annotate.models import Project
from annotate.pages.reasons import in_words
from annotate.services.people.standing import BOOLEANS, INTEGERS, rules_of, set_rules

# Label and hint of each.
WORDS: Mapping[str, tuple[str | Promise, str | Promise]] = {
    "gold_percent": (
        _("Hidden items, % of what each person gets"),
        _("0 to 50. They look like any other task and come at places that are drawn."),
    ),
    "gold_floor": (
        _("Pause who has fewer right than, %"),
        _("Of the latest hidden items. 0: nobody is paused."),
    ),
    "training": (
        _("Training first"),
        _("Everybody goes through the training items before anything else."),
    ),
    "quiz_pass_percent": (
        _("Quiz: right answers needed, %"),
        _("Before any real task. 0: there is no quiz."),
    ),
    "quiz_tries": (_("Tries"), _("0: as many as one likes.")),
    "quiz_wait_minutes": (
        _("Minutes between two tries"),
        _("After a try that was not passed."),
    ),
    "cap_hour": (
        _("Tasks a person may answer in an hour"),
        _("0: no limit. The hour begins with the first answer after the last one is over."),
    ),
    "cap_day": (
        _("Tasks a person may answer in 24 hours"),
        _("0: no limit. They begin with the first answer after the last ones are over."),
    ),
    "cap_total": (
        _("Tasks a person may answer in all"),
        _("0: no limit. In this project, from their first one on."),
    ),
    "break_minutes": (
        _("Suggest a pause after so many minutes"),
        _("Of work without five minutes of rest. 0: no pause is suggested."),
    ),
    "gold_floor_from": (
        _("Over how many hidden items"),
        _("The latest so many; nobody is paused before."),
    ),
}


class RulesForm(forms.Form):
    """Fields by the names in FIELDS."""

    FIELDS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.FIELDS:
            label, hint = WORDS[name]
            if name in BOOLEANS:
                self.fields[name] = forms.BooleanField(required=False, label=label, help_text=hint)
            else:
                low, high = INTEGERS[name]
                self.fields[name] = forms.IntegerField(
                    min_value=low, max_value=high, label=label, help_text=hint
                )

    @classmethod
    def of(cls, project: Project) -> "RulesForm":
        """With the project's present rules."""
        rules = rules_of(project)
        return cls(initial={name: getattr(rules, name) for name in cls.FIELDS})

    def save(self, project: Project, request: HttpRequest) -> bool:
        """Whether what was sent is taken; else the form says why not."""
        if not self.is_valid():
            return False
        try:
            set_rules(
                project=project,
                actor=request.user,
                address=request.META["REMOTE_ADDR"],
                **self.cleaned_data,
            )
        except InvalidValue as error:
            self.add_error(error.field if error.field in self.fields else None, in_words(error))
            return False
        return True
