"""The form behind "new project" and "settings": which fields, in which words.

The questions have their own: annotate/pages/builder. What is allowed is decided by
`annotate/services/projects.py`; its InvalidValue is put at the field it names.
"""

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.kinds import InvalidValue
from annotate.models import Project
from annotate.pages.reasons import in_words


class ProjectForm(forms.Form):
    """What a manager may set beside the questions. Minutes here are seconds in the project."""

    name = forms.CharField(max_length=200, label=_("Name"), help_text=_("Annotators see it."))
    description = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        label=_("Description"),
        help_text=_("One or two sentences for the list of projects."),
    )
    guidelines = forms.CharField(
        required=False,
        strip=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 12, "class": "code"}),
        label=_("Guidelines"),
        help_text=_("Markdown. Always one key away on the work page."),
    )
    overlap = forms.IntegerField(
        min_value=1,
        max_value=100,
        initial=1,
        label=_("People per task"),
        help_text=_("Two or more show how far people agree."),
    )
    overlap_most = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100,
        label=_("At most, where answers differ"),
        help_text=_("Empty: no more than the number before."),
    )
    overlap_percent = forms.FloatField(
        required=False,
        min_value=1,
        max_value=99.9,
        label=_("Clear enough at, %"),
        help_text=_(
            "How sure it must be that most people would say so. Empty: once nobody who may still "
            "be asked can change which answer leads."
        ),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    order = forms.ChoiceField(choices=Project.Order.choices, label=_("Order of tasks"))
    lease_minutes = forms.FloatField(
        min_value=0.17,
        max_value=10_080,
        initial=15,
        label=_("Time for one task, minutes"),
        help_text=_("An idle task goes back to the others after this time."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    test_percent = forms.IntegerField(
        min_value=0,
        max_value=50,
        initial=12,
        label=_("Held out for evaluation, % of prompts"),
        help_text=_("No model ever trains on the labels of these prompts."),
    )

    review_percent = forms.IntegerField(
        min_value=0,
        max_value=100,
        initial=0,
        required=False,
        label=_("Answers that need a reviewer, %"),
        help_text=_("They are final once a reviewer accepted them. 0 asks for no review."),
    )
    review_names = forms.ChoiceField(
        choices=Project.ReviewNames.choices,
        initial=Project.ReviewNames.NAMES,
        required=False,
        label=_("Reviewers see whose answer it is by"),
    )
    board_readers = forms.ChoiceField(
        choices=Project.BoardReaders.choices,
        initial=Project.BoardReaders.REVIEWERS,
        required=False,
        label=_("Who sees published leaderboards"),
        help_text=_("Whoever knows the standings before judging may judge by them."),
    )
    license = forms.CharField(
        max_length=100,
        required=False,
        label=_("Licence of the data"),
        help_text=_("As SPDX writes it, such as CC-BY-4.0. Data cards tell it; empty: not stated."),
    )
    own_figures = forms.BooleanField(
        required=False,
        label=_("Show annotators their own figures"),
        help_text=_("Speed, reliability and habits: each their own, nobody else’s."),
    )

    def clean_description(self) -> str:
        return _plain_lines(self.cleaned_data["description"])

    def clean_guidelines(self) -> str:
        return _plain_lines(self.cleaned_data["guidelines"])

    @staticmethod
    def initial_of(project: Project) -> dict:
        """The project's present values in the form's fields."""
        plain = {
            name: getattr(project, name)
            for name in (
                "name",
                "description",
                "guidelines",
                "overlap",
                "overlap_most",
                "order",
                "test_percent",
                "board_readers",
                "review_percent",
                "review_names",
                "own_figures",
                "license",
            )
        }
        minutes = project.lease_seconds / 60
        share = project.overlap_threshold
        return {
            **plain,
            "overlap_percent": None if share is None else round(100 * share, 6),
            "lease_minutes": int(minutes) if minutes.is_integer() else round(minutes, 2),
        }

    def as_fields(self) -> dict:
        """The cleaned values in the words of the project services."""
        values = dict(self.cleaned_data)
        values["lease_seconds"] = round(values.pop("lease_minutes") * 60)
        percent = values.pop("overlap_percent")
        values["overlap_threshold"] = None if percent is None else percent / 100
        for name, sent_as in (
            ("overlap_most", "overlap_most"),
            ("overlap_threshold", "overlap_percent"),
        ):
            if sent_as not in self.data:
                del values[name]
        if "license" not in self.data:
            del values["license"]
        for name in ("board_readers", "review_percent", "review_names"):
            if values[name] in ("", None):  # not sent along: it stays as it is
                del values[name]
        return values

    def add_invalid(self, error: InvalidValue) -> None:
        """Show a service's refusal at its field, or on top when it names none of ours."""
        ours = {"lease_seconds": "lease_minutes", "overlap_threshold": "overlap_percent"}
        name = ours.get(error.field, error.field)
        self.add_error(name if name in self.fields else None, in_words(error))


def _plain_lines(text: str) -> str:
    """Browsers send CR LF; kept texts have LF alone."""
    return text.replace("\r\n", "\n")
