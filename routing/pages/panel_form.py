"""The form that sets up a panel: judges of the project by name, and what each vote weighs."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from annotate.models import Judge, Project
from routing.judges import panel
from routing.pages.judge_forms import KindForm

SEVERAL = 2


class PanelForm(KindForm):
    members = forms.MultipleChoiceField(
        required=False, label=_("Members"), widget=forms.CheckboxSelectMultiple
    )
    weights = forms.CharField(
        required=False,
        label=_("Weights of the members"),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=_("One line each, such as “Big model v2 = 2”. Who is missing has 1."),
    )
    pool = forms.ChoiceField(
        label=_("How they decide"),
        choices=[
            ("votes", _("Each gives its weight to one side")),
            ("logits", _("By the weighted mean of how sure they are")),
        ],
    )
    quorum = forms.FloatField(
        min_value=0,
        max_value=1,
        initial=0.5,
        label=_("Least share of the weights that has to say something"),
        help_text=_("From 0 to 1. With less the panel abstains."),
    )

    def prepare(self, kind: str, project: Project) -> None:
        judges = Judge.objects.filter(project=project).exclude(kind=panel.NAME).order_by("-pk")
        choices = [(str(one.pk), str(one)) for one in judges]
        field = cast(forms.MultipleChoiceField, self.fields["members"])
        field.choices = choices
        if len(choices) < SEVERAL:
            field.help_text = gettext("A panel takes two judges or more. Set them up first.")

    def clean(self) -> dict[str, Any]:
        """Weights by the member's id, under `weights`."""
        given = self.cleaned_data
        field = cast(forms.MultipleChoiceField, self.fields["members"])
        ids = {str(name): str(pk) for pk, name in cast(list[tuple[str, str]], field.choices)}
        found: dict[str, float] = {}
        for line in filter(str.strip, given.get("weights", "").splitlines()):
            name, _equals, weight = line.rpartition("=")
            pk = ids.get(name.strip(), "")
            try:
                found[pk] = float(weight)
            except ValueError:
                pk = ""
            if pk not in given.get("members", []):
                said = gettext("“%(line)s” is not a chosen member, an equals sign and a number.")
                self.add_error("weights", said % {"line": line.strip()})
                break
        given["weights"] = found
        return given

    def config_of(self) -> dict[str, Any]:
        given = self.cleaned_data
        weights = given.get("weights", {})
        members = [
            {"judge": int(pk), "weight": weights.get(pk, 1)} for pk in given.get("members", [])
        ]
        found = {"members": members, "pool": given.get("pool"), "quorum": given.get("quorum")}
        return {name: value for name, value in found.items() if value is not None}
