"""The form behind "new project" and "settings": which fields, in which words.

What is allowed is decided by `annotate/services/projects.py`; its InvalidValue is put at the
field it names.
"""

from django import forms

from annotate import kinds
from annotate.kinds import InvalidValue
from annotate.models import Project

KIND_SETTINGS = (
    "strength_levels",
    "allow_tie",
    "allow_both_bad",
    "allow_both_good",
    "rationale_min_chars",
)
STRENGTHS = {"3": "Three levels: slightly, clearly, much better", "1": "One level: better"}


class ProjectForm(forms.Form):
    """Everything a manager may set. Minutes here are seconds in the project."""

    name = forms.CharField(max_length=200, help_text="Annotators see it.")
    description = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One or two sentences for the list of projects.",
    )
    guidelines = forms.CharField(
        required=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 12, "class": "code"}),
        help_text="Markdown. Always one key away on the work page.",
    )
    overlap = forms.IntegerField(
        min_value=1,
        max_value=100,
        initial=1,
        label="People per task",
        help_text="Two or more show how far people agree.",
    )
    order = forms.ChoiceField(choices=Project.Order.choices, label="Order of tasks")
    lease_minutes = forms.FloatField(
        min_value=0.17,
        max_value=10_080,
        initial=15,
        label="Time for one task, minutes",
        help_text="An idle task goes back to the others after this time.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    strength_levels = forms.ChoiceField(
        choices=STRENGTHS.items(), initial="3", label="Strength", widget=forms.RadioSelect
    )
    allow_tie = forms.BooleanField(required=False, initial=True, label="Tie")
    allow_both_bad = forms.BooleanField(required=False, initial=True, label="Both bad")
    allow_both_good = forms.BooleanField(required=False, label="Both good")
    rationale_min_chars = forms.IntegerField(
        min_value=0,
        max_value=10_000,
        initial=0,
        label="Shortest rationale, characters",
        help_text="0 makes the rationale optional.",
    )
    test_percent = forms.IntegerField(
        min_value=0,
        max_value=50,
        initial=12,
        label="Held out for evaluation, % of prompts",
        help_text="No model ever trains on the labels of these prompts.",
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
            for name in ("name", "description", "guidelines", "overlap", "order", "test_percent")
        }
        settings = kinds.get(project.kind).clean_settings(project.kind_settings)
        asked = {name: getattr(settings, name) for name in KIND_SETTINGS}
        minutes = project.lease_seconds / 60
        return {
            **plain,
            **asked,
            "lease_minutes": int(minutes) if minutes.is_integer() else round(minutes, 2),
        }

    def as_fields(self) -> dict:
        """The cleaned values in the words of the project services."""
        values = dict(self.cleaned_data)
        settings = {name: values.pop(name) for name in KIND_SETTINGS}
        settings["strength_levels"] = int(settings["strength_levels"])
        values["lease_seconds"] = round(values.pop("lease_minutes") * 60)
        return {**values, "kind_settings": settings}

    def add_invalid(self, error: InvalidValue) -> None:
        """Show a service's refusal at its field, or on top when it names none of ours."""
        name = error.field.removeprefix("kind_settings.")
        name = "lease_minutes" if name == "lease_seconds" else name
        self.add_error(name if name in self.fields else None, error.message)


def _plain_lines(text: str) -> str:
    """Browsers send CR LF; kept texts have LF alone."""
    return text.replace("\r\n", "\n")
