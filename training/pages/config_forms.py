"""Forms for what a run may be asked: the few options that matter, defaults from the recipes.

`training/services/configs.py` decides what is allowed; its InvalidValue goes to its field.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.kinds import InvalidValue
from annotate.pages.reasons import in_words
from training.losses.registry import POLICY_LOSSES
from training.models import TrainingRun
from training.recipes.config import LEAST_RESPONSE_TOKENS, OBJECTIVE_DATA, RewardModelConfig
from training.recipes.dpo_config import MAX_PHRASE, OF_A_LOSS, DpoConfig

Recipe = TrainingRun.Recipe

TIE_RULES = {"drop": _("leave them out"), "half": _("count them as half a win for each side")}
METHODS = {
    "finetune": _("fine-tune the network"),
    "frozen": _("fit a head on frozen embeddings"),
}
OBJECTIVES = {
    "bradley_terry": _("pairs, by Bradley–Terry"),
    "plackett_luce": _("rankings as wholes, by Plackett–Luce"),
    "span": _("errors in segments, from marked spans"),
    "steps": _("wrong steps"),
    "multi_objective": _("ratings by criteria, weighed by the prompt"),
    "general_preference": _("pairs whose preferences may go round in a circle"),
    "personal": _("people who want different things"),
    "ensemble": _("pairs, by several models that say how unsure they are"),
}
LOSSES = {
    "sigmoid": "DPO (sigmoid)",
    "ipo": "IPO",
    "hinge": _("hinge (SLiC)"),
    "robust": _("robust DPO"),
    "exo_pair": "EXO",
    "sigmoid_norm": _("DPO by token (LN-DPO)"),
    "discopop": "DiscoPOP",
    "aot": "AOT",
    "nca_pair": "NCA",
    "bco_pair": "BCO",
    "sppo_hard": "SPPO",
    "apo_zero": "APO-zero",
    "apo_down": "APO-down",
    "simpo": "SimPO",
    "orpo": "ORPO",
    "asft": "ASFT",
    "tdpo1": "TDPO 1",
    "tdpo2": "TDPO 2",
    "sparse": "SparsePO",
    "inpo": _("INPO, from own samples"),
    "nash_md": _("Nash-MD: playing against itself"),
    "plackett_luce": _("DPO of rankings (Plackett–Luce)"),
    "lambda": "LiPO-λ",
    "kto": _("KTO, from ratings and signals"),
    "cut": _("CUT, from critiques"),
    "hindsight": _("Chain of Hindsight, from pairs and critiques"),
    "conditional": _("training by phrases that say good or bad"),
    "rationale": _("DPO with the reasons of preferences"),
    "c3po": _("C3PO: critiques that hold where they apply only"),
    "d2o": _("D²O, from bad responses alone"),
    "dove": _("DOVE, from joint preferences"),
    "modpo": _("MODPO, by several criteria"),
}
STRENGTH_RULES = {
    "none": _("leave all as they are"),
    "drop": _("leave them out"),
    "flip": _("turn those round that it would label the other way"),
    "soften": _("take its probability for the label"),
}
PAIRS_FROM = {
    "people": _("what was judged"),
    "best_worst": _("the best against the worst of its own samples"),
    "rejection": _("own samples by rejection sampling (RSO)"),
    "anchored": _("its best samples against the worst of the model its line began with"),
}
UNREFINED = {
    "drop": _("nothing"),
    "bad": _("it is bad"),
    "good": _("it is good"),
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


def _phrase(name: str, label: str) -> forms.Field:
    """The blank at its end counts."""
    return forms.CharField(
        required=False,
        strip=False,
        max_length=MAX_PHRASE,
        initial=_default(DpoConfig, name),
        label=label,
        help_text=_("For training by phrases."),
    )


def _longest_text(recipe: type, **more) -> forms.Field:
    """Room for the prompt's part, which the form does not ask for, and the least response."""
    least = _default(recipe, "prompt_tokens") + LEAST_RESPONSE_TOKENS
    return _number(recipe, "max_length", min_value=least, label=_("Longest text, tokens"), **more)


def _changes(name: str, before: Mapping[str, Any] | None, given: Mapping[str, Any]) -> bool:
    return before is not None and before.get(name) != given.get(name)


class ConfigForm(forms.Form):
    """What both recipes share. `sections`: fields that few runs need, folded away, by title."""

    sections: dict[str, tuple[str, ...]] = {}

    def main_fields(self) -> list[forms.BoundField]:
        folded = {name for names in self.sections.values() for name in names}
        return [field for field in self if field.name not in folded]

    def folded(self) -> list[dict]:
        """Each section with its fields; open where one of them is wrong."""
        return [
            {
                "title": title,
                "fields": [self[name] for name in names],
                "open": any(name in self.errors for name in names),
            }
            for title, names in self.sections.items()
        ]

    def as_config(self, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The configuration for `queue_run`, fields left empty left out: they take their default.

        What the form does not ask for stays as it is in `before`; but what only some losses take,
        and refuse each other, goes with the loss.
        """
        given = {name: one for name, one in self.cleaned_data.items() if one not in (None, "")}
        asked = {*self.fields, *(OF_A_LOSS if _changes("loss", before, given) else ())}
        kept = {name: value for name, value in (before or {}).items() if name not in asked}
        return {**kept, **given}

    def add_invalid(self, error: InvalidValue) -> None:
        """Show a service's refusal at its field, or on top when it names none of ours."""
        name = error.field.removeprefix("config.")
        said = in_words(error) if name == "recipe" else f"{name} {in_words(error)}"
        self.add_error(name if name in self.fields else None, said)


FILTERS = ("strength_rule", "strength_share", "select_share")
WATCHED = ("evaluate_every",)


class FilteredForm(ConfigForm):
    """Recipes that learn from pairs can filter them first."""

    strength_rule = forms.ChoiceField(
        required=False,
        choices=STRENGTH_RULES.items(),
        label=_("Where an ensemble contradicts the label"),
        help_text=_("Small reward models judge each pair without having seen its prompt."),
    )
    strength_share = _number(
        RewardModelConfig,
        "strength_share",
        required=False,
        min_value=0.001,
        max_value=0.9,
        label=_("Share of the pairs it may be"),
        help_text=_("Those that it contradicts most."),
    )
    select_share = _number(
        RewardModelConfig,
        "select_share",
        required=False,
        min_value=0.001,
        max_value=1,
        label=_("Keep by margin and diversity"),
        help_text=_("Share of the pairs; 1 keeps all."),
    )
    evaluate_every = forms.IntegerField(
        required=False,
        min_value=0,
        label=_("Look at held-out rows every so many steps"),
        help_text=_("Empty: about ten times a run. 0: never."),
    )


class RewardModelForm(FilteredForm):
    sections = {_("Filters of training pairs"): FILTERS, _("While it trains"): WATCHED}
    objective = forms.ChoiceField(
        choices=[(name, OBJECTIVES[name]) for name in OBJECTIVE_DATA],
        required=False,
        label=_("Learns from"),
    )
    base_model = forms.CharField(
        max_length=300,
        initial="minilm",
        label=_("Base model"),
        help_text=_("minilm is built in and needs no download; or a folder, or a Hugging Face id."),
    )
    method = forms.ChoiceField(
        choices=METHODS.items(),
        initial="frozen",
        label=_("Method"),
        help_text=_(
            "A head takes a minute or two on a processor. Fine-tuning takes far longer without a "
            "GPU; it shows a loss curve."
        ),
    )
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


class DpoForm(FilteredForm):
    sections = {
        _("Filters of training pairs"): (*FILTERS, "displacing_share"),
        _("Pairs of its own samples"): (
            *("pairs_from", "own_samples", "own_tokens", "root_share", "mixture_share"),
        ),
        _("For single losses"): (
            *("unrefined", "good_phrase", "bad_phrase", "rationale_weight", "scope_weight"),
            *("criterion", "criterion_weight"),
            "signals",
        ),
        _("While it trains"): WATCHED,
    }
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
        choices=[(name, LOSSES.get(name, name)) for name in POLICY_LOSSES], label=_("Loss")
    )
    beta = _number(
        DpoConfig,
        "beta",
        min_value=0,
        label=_("Beta"),
        help_text=_("Higher keeps the policy closer to its start."),
    )
    label_smoothing = _number(
        DpoConfig,
        "label_smoothing",
        min_value=0,
        max_value=0.5,
        label=_("Label smoothing"),
        help_text=_("The share of labels taken for wrong. EXO needs some, such as 0.001."),
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
    pairs_from = forms.ChoiceField(
        required=False,
        choices=PAIRS_FROM.items(),
        label=_("Train on"),
        help_text=_("Own samples are judged by a small reward model of people’s pairs."),
    )
    own_samples = _number(
        DpoConfig, "own_samples", required=False, min_value=1, max_value=64, label=_("Samples")
    )
    own_tokens = _number(
        DpoConfig, "own_tokens", required=False, min_value=1, label=_("Longest sample, tokens")
    )
    root_share = _number(
        DpoConfig,
        "root_share",
        required=False,
        min_value=0,
        max_value=1,
        label=_("Weight of the model its line began with"),
        help_text=_("For INPO; the policy that wrote the samples has the rest."),
    )
    mixture_share = _number(
        DpoConfig,
        "mixture_share",
        required=False,
        min_value=0,
        max_value=1,
        label=_("Share of that model in the opponent"),
        help_text=_("For Nash-MD."),
    )
    displacing_share = _number(
        DpoConfig,
        "displacing_share",
        required=False,
        min_value=0,
        max_value=0.9,
        label=_("Leave out of likely displacement (CHES)"),
        help_text=_("Share of the pairs whose two responses the base model takes for alike."),
    )
    unrefined = forms.ChoiceField(
        required=False,
        choices=UNREFINED.items(),
        label=_("Critique without a better response"),
        help_text=_("For CUT: what it says of the response."),
    )
    good_phrase = _phrase("good_phrase", _("Phrase before good responses"))
    bad_phrase = _phrase("bad_phrase", _("Phrase before bad responses"))
    rationale_weight = _number(
        DpoConfig,
        "rationale_weight",
        required=False,
        min_value=0,
        max_value=1000,
        label=_("Weight of the reasons"),
        help_text=_("For DPO with the reasons of preferences."),
    )
    scope_weight = _number(
        DpoConfig,
        "scope_weight",
        required=False,
        min_value=0,
        max_value=1000,
        label=_("Weight of what is to stay"),
        help_text=_("For C3PO: responses that nobody refined."),
    )
    criterion = forms.CharField(
        required=False,
        max_length=200,
        label=_("Criterion that makes the pairs"),
        help_text=_("For MODPO. Empty: the overall one."),
    )
    criterion_weight = _number(
        DpoConfig,
        "criterion_weight",
        required=False,
        min_value=0,
        max_value=1,
        label=_("Weight of this criterion"),
        help_text=_("For MODPO. The others share the rest."),
    )
    signals = forms.BooleanField(
        required=False,
        label=_("Learn from signals of your product too"),
        help_text=_("For KTO. Each counts as far as its noise rate says; see Settings, Signals."),
    )
    seed = _number(DpoConfig, "seed", label=_("Seed"), min_value=0, max_value=2**31 - 1)


FORMS: dict[str, type[ConfigForm]] = {Recipe.REWARD_MODEL: RewardModelForm, Recipe.DPO: DpoForm}
