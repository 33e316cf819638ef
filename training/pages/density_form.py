"""The form that sets up a judge by two policies: versions by name, never by ids."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from annotate.models import Project
from routing.pages.judge_forms import KindForm
from training.models import ModelVersion


class DensityRatioForm(KindForm):
    strong = forms.ChoiceField(label=_("The stronger policy"))
    weak = forms.ChoiceField(required=False, label=_("The weaker policy"))
    criteria = forms.CharField(
        required=False,
        label=_("Criteria"),
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Both policies are told them before the prompt. A change makes a new version."),
    )
    scale = forms.FloatField(
        initial=1,
        label=_("Scale"),
        help_text=_(
            "What the difference is multiplied by to become a probability: less, and it is less "
            "sure. Choose it by a dry run."
        ),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )

    def prepare(self, kind: str, project: Project) -> None:
        mine = ModelVersion.objects.of_project(project).filter(kind=ModelVersion.Kind.POLICY)
        choices = [
            (str(one.pk), gettext("%(version)s, in service") % {"version": one})
            if one.state == ModelVersion.State.IN_SERVICE
            else (str(one.pk), str(one))
            for one in mine
        ]
        strong = cast(forms.ChoiceField, self.fields["strong"])
        strong.choices = choices
        if not choices:
            strong.help_text = gettext("The project has no policy yet. Train one first.")
        start = gettext("what the stronger one’s line began with")
        cast(forms.ChoiceField, self.fields["weak"]).choices = [("", start), *choices]

    def config_of(self) -> dict[str, Any]:
        """Without what the form itself refused."""
        given = self.cleaned_data
        found = {name: int(given[name]) for name in ("strong", "weak") if given.get(name)}
        rest = {name: given[name] for name in ("criteria", "scale") if name in given}
        return found | rest
