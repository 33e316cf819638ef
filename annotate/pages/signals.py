"""Implicit feedback of a product: counts by model version, noise, and how long it is kept."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from annotate.access import MANAGE, get_project
from annotate.models import FollowUp, Signal, SignalType
from annotate.reports.signals import by_version, estimated_noise
from annotate.services.signals.rules import rules_of, set_rules


class RulesForm(forms.Form):
    """What follow-ups say, a noise rate for each type (empty: as estimated), and the days."""

    keep_days = forms.IntegerField(min_value=1, max_value=3650, label=_("Days that they are kept"))
    follow_up = forms.ChoiceField(
        required=False, choices=FollowUp.choices, label=_("Asking on says of the answer")
    )

    def __init__(self, *given, **named) -> None:
        super().__init__(*given, **named)
        for type in SignalType:
            self.fields[f"noise_{type.value}"] = forms.FloatField(
                required=False, min_value=0, max_value=0.5, label=type.label
            )

    def clean_noise_follow_up(self) -> float | None:
        rate = self.cleaned_data["noise_follow_up"]
        if (
            rate is not None
            and (self.data.get("follow_up") or self.initial["follow_up"]) == FollowUp.NOTHING
        ):
            raise forms.ValidationError(
                _("A follow-up that says nothing has no rate. Leave it empty, or say what it says.")
            )
        return rate

    def noise(self) -> dict[str, float | None]:
        """Of follow-ups only where they say something."""
        silent = (self.cleaned_data["follow_up"] or self.initial["follow_up"]) == FollowUp.NOTHING
        return {
            type.value: self.cleaned_data[f"noise_{type.value}"]
            for type in SignalType
            if not (silent and type == SignalType.FOLLOW_UP)
        }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def signals(request: HttpRequest, project_id: int) -> HttpResponse:
    """GET: the figures. POST: how far they are trusted, and for how long they are kept."""
    project = get_project(request.user, project_id, MANAGE)
    rules = rules_of(project)
    kept = {f"noise_{type}": rate for type, rate in rules.noise.items()}
    form = RulesForm(
        request.POST if request.method == "POST" else None,
        initial={"keep_days": rules.keep_days, "follow_up": rules.follow_up, **kept},
    )
    if form.is_valid():
        set_rules(
            project=project,
            actor=request.user,
            address=request.META["REMOTE_ADDR"],
            follow_up=form.cleaned_data["follow_up"] or rules.follow_up,
            noise=form.noise(),
            keep_days=form.cleaned_data["keep_days"],
        )
        messages.success(request, gettext("The rules are saved."))
        return redirect("signals", project.pk)
    context = {
        "project": project,
        "tab": "settings",
        "form": form,
        "types": [type.label for type in SignalType],
        "versions": [
            {"row": row, "counts": [row.counts.get(type, 0) for type in SignalType.values]}
            for row in by_version(Signal.objects.filter(project=project), rules.labels)
        ],
        "noise": [
            {"label": SignalType(type).label, "noise": noise}
            for type, noise in estimated_noise(project, rules.labels).items()
        ],
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "annotate/projects/signals.html", context, status=status)


urlpatterns = [path("projects/<int:project_id>/signals/", signals, name="signals")]
