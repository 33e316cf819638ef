"""Forms for what a run may be asked: the few options that matter, defaults from the recipes.

`training/services/configs.py` decides what is allowed; its InvalidValue goes to its field.
"""

import dataclasses

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.kinds import InvalidValue
from training.models import TrainingRun
from training.recipes.config import (
    LEAST_RESPONSE_TOKENS,
    PAIR_LOSSES,
    DpoConfig,
    RewardModelConfig,
)

Recipe = TrainingRun.Recipe

TIE_RULES = {"drop": _("leave them out"), "half": _("count them as half a win for each side")}
METHODS = {
    "finetune": _("fine-tune the network"),
    "frozen": _("fit a linear head on frozen embeddings (each text is read once)"),
}
LOSSES = {
    "sigmoid": "DPO (sigmoid)",
    "ipo": "IPO",
    "hinge": _("hinge (SLiC)"),
    "robust": _("robust DPO"),
    "simpo": "SimPO",
}
START = {"base": _("the base model"), "in_service": _("the policy in service")}


def _default(recipe: type, name: str) -> object:
    return next(f.default for f in dataclasses.fields(recipe) if f.name == name)


def _number(recipe: type, name: str, **more) -> forms.Field:
    """A number field with the recipe's own default."""
    default = _default(recipe, name)
    kind = forms.IntegerField if isinstance(default, int) else forms.FloatField
    if kind is forms.FloatField:
        more.setdefault("widget", forms.NumberInput(attrs={"step": "any"}))
    return kind(initial=default, **more)


def _longest_text(recipe: type, **more) -> forms.Field:
    """Room for the prompt's part, which the form does not ask for, and the least response."""
    least = _default(recipe, "prompt_tokens") + LEAST_RESPONSE_TOKENS
    return _number(recipe, "max_length", min_value=least, label=_("Longest text, tokens"), **more)


class ConfigForm(forms.Form):
    """What both recipes share."""

    def as_config(self) -> dict:
        """The configuration for `queue_run`, fields left empty left out."""
        return {name: value for name, value in self.cleaned_data.items() if value is not None}

    def add_invalid(self, error: InvalidValue) -> None:
        """Show a service's refusal at its field, or on top when it names none of ours."""
        name = error.field.removeprefix("config.")
        self.add_error(name if name in self.fields else None, f"{name} {error.message}")


class RewardModelForm(ConfigForm):
    base_model = forms.CharField(
        max_length=300,
        initial="minilm",
        label=_("Base model"),
        help_text=_("minilm is built in and needs no download; or a folder, or a Hugging Face id."),
    )
    method = forms.ChoiceField(choices=METHODS.items(), label=_("Method"))
    epochs = _number(RewardModelConfig, "epochs", label=_("Epochs"), min_value=0.01, max_value=1000)
    batch_size = _number(
        RewardModelConfig, "batch_size", label=_("Batch size"), min_value=1, max_value=4096
    )
    learning_rate = _number(
        RewardModelConfig, "learning_rate", label=_("Learning rate"), min_value=0, max_value=1
    )
    max_length = _longest_text(
        RewardModelConfig, help_text=_("Longer ones are cut, never dropped.")
    )
    tie_rule = forms.ChoiceField(choices=TIE_RULES.items(), label=_("Ties"))
    lora = forms.BooleanField(required=False, label=_("Train a LoRA adapter only"))
    seed = _number(RewardModelConfig, "seed", label=_("Seed"), min_value=0, max_value=2**31 - 1)


class DpoForm(ConfigForm):
    base_model = forms.CharField(
        max_length=300,
        initial="tiny",
        label=_("Base model"),
        help_text=_(
            "tiny is made here from the project’s own texts; or a folder, or a Hugging Face id."
        ),
    )
    start_from = forms.ChoiceField(choices=START.items(), label=_("Start from"))
    loss = forms.ChoiceField(
        choices=[(name, LOSSES.get(name, name)) for name in PAIR_LOSSES], label=_("Loss")
    )
    beta = _number(
        DpoConfig,
        "beta",
        min_value=0,
        label=_("Beta"),
        help_text=_("Higher keeps the policy closer to its start."),
    )
    epochs = _number(DpoConfig, "epochs", label=_("Epochs"), min_value=0.01, max_value=1000)
    batch_size = _number(
        DpoConfig, "batch_size", label=_("Batch size"), min_value=1, max_value=4096
    )
    learning_rate = _number(
        DpoConfig, "learning_rate", label=_("Learning rate"), min_value=0, max_value=1
    )
    max_length = _longest_text(DpoConfig)
    lora_rank = _number(DpoConfig, "lora_rank", min_value=1, max_value=1024, label=_("LoRA rank"))
    tie_rule = forms.ChoiceField(choices=TIE_RULES.items(), label=_("Ties"))
    seed = _number(DpoConfig, "seed", label=_("Seed"), min_value=0, max_value=2**31 - 1)


FORMS: dict[str, type[ConfigForm]] = {Recipe.REWARD_MODEL: RewardModelForm, Recipe.DPO: DpoForm}


class ScheduleForm(forms.Form):
    """When to train. At least one of the two triggers."""

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
    enabled = forms.BooleanField(required=False, initial=True, label=_("Enabled"))

    def clean(self) -> dict:
        values = super().clean()
        if not self.errors and not (values["every_hours"] or values["every_judgements"]):
            raise forms.ValidationError(_("Give hours, or a number of judgements, or both."))
        return values
