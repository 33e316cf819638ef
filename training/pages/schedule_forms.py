"""Forms for when models are retrained, and for what training may take."""

from django import forms
from django.utils.translation import gettext_lazy as _

from training.models import TrainingLimits


class ScheduleForm(forms.Form):
    """When to train. At least one of the triggers."""

    every_hours = forms.FloatField(
        required=False,
        min_value=0.01,
        max_value=24 * 365,
        label=_("Every so many hours"),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    every_judgements = forms.IntegerField(
        required=False, min_value=1, max_value=10**9, label=_("After so many new judgements")
    )
    cron = forms.CharField(
        required=False,
        max_length=100,
        label=_("At times (cron)"),
        help_text=_(
            "Minute, hour, day of month, month, day of week: 0 3 * * 1-5 is 3:00 on weekdays."
        ),
    )
    drift_above = forms.FloatField(
        required=False,
        min_value=0.01,
        max_value=100,
        label=_("When what is judged drifts by more than"),
        help_text=_("Population stability index; 0.1 is a moderate change, 0.25 a large one."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    on_routing = forms.BooleanField(
        required=False, label=_("When people contradict the AI judge more than it expects")
    )
    enabled = forms.BooleanField(required=False, initial=True, label=_("Enabled"))

    def clean(self) -> dict:
        values = super().clean()
        triggers = ("every_hours", "every_judgements", "cron", "drift_above", "on_routing")
        if not self.errors and not any(values[name] for name in triggers):
            raise forms.ValidationError(_("Give at least one trigger."))
        return values


class LimitsForm(forms.ModelForm):
    """A project's budget and quiet hours."""

    class Meta:
        model = TrainingLimits
        fields = ["device_hours", "period", "quiet_from", "quiet_until", "time_zone"]
        labels = {
            "device_hours": _("Device hours"),
            "period": _("For"),
            "quiet_from": _("Quiet from"),
            "quiet_until": _("until"),
            "time_zone": _("Time zone"),
        }
        help_texts = {
            "device_hours": _(
                "Of training and sampling, on any device. Empty: no limit. When they are used up, "
                "no run is taken; one under way goes on to its end."
            ),
            "period": "",
            "quiet_from": _("Schedules start nothing then. Runs asked for by hand do start."),
            "time_zone": _("As in Europe/Berlin; also of the cron times."),
        }
        widgets = {
            "device_hours": forms.NumberInput(attrs={"step": "any", "min": 0}),
            "quiet_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "quiet_until": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }
