"""Forms that set up judges and their limits. What is allowed is the services' to say."""

import json
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from annotate.chat.keys import VARIABLE
from annotate.inputs import InvalidValue
from annotate.models import Project
from annotate.pages.reasons import in_words
from routing.services.judges import MONEY_FIELDS, NO_LIMIT, PACE_FIELDS

KINDS = {
    "openai": _("Language model"),
    "systemone": _("Typed choices"),
    "rules": _("Rules"),
    "panel": _("Panel"),
    "simulated": _("Simulated"),
    "density_ratio": _("Density ratio"),
    "reward_model": _("Reward model"),
}
TOLD = {
    "openai": _(
        "Any OpenAI-compatible address: a hosted API, vLLM, llama.cpp or Ollama. Each pair is "
        "asked in both orders."
    ),
    "systemone": _(
        "A model behind transformers serve, which tells the probability of either choice. Each "
        "pair is asked in both orders."
    ),
    "rules": _("Length, format and patterns, each with a weight. Costs nothing."),
    "panel": _("A weighted vote of other judges of this project."),
    "simulated": _(
        "A program with a hidden preference, noise and a bias for the place, for demos and "
        "planning. What it says is marked as simulated for ever."
    ),
    "density_ratio": _(
        "How much likelier a stronger of your policies finds a response than a weaker one does."
    ),
}


# Of kinds whose configuration is JSON; docs/judges.md tells all that they take.
EXAMPLES = {
    "rules": '{"rules": [{"rule": "words", "low": 20, "high": 200, "weight": 1}]}',
    "simulated": '{"noise": 1, "position_bias": 0.8, "seed": 7}',
}


class KindForm(forms.Form):
    """What all kinds of judges are asked for."""

    name = forms.CharField(
        max_length=100,
        label=_("Name"),
        help_text=_("A name that is there already gets a new version."),
    )

    def prepare(self, kind: str, project: Project) -> None:
        """Offer what there is in the project."""

    def config_of(self) -> Any:
        """Without what the form itself refused."""
        return self.cleaned_data.get("config", {})

    def limits_of(self) -> dict[str, Any]:
        return {}


REGISTERED: dict[str, type[KindForm]] = {}


def register_form(kind: str, form: type[KindForm]) -> None:
    """A kind that another app brings is set up by its own form."""
    REGISTERED[kind] = form


class JudgeForm(KindForm):
    """A judge of a kind whose config is written as JSON."""

    config = forms.CharField(
        label=_("Configuration"),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=_("JSON; docs/judges.md tells what each kind takes."),
    )

    def prepare(self, kind: str, project: Project) -> None:
        if kind in EXAMPLES:
            self.fields["config"].help_text = gettext(
                "JSON, such as %(example)s; docs/judges.md tells what each kind takes."
            ) % {"example": EXAMPLES[kind]}

    def clean_config(self) -> Any:
        return _json(self.cleaned_data["config"])


class OpenAIForm(KindForm):
    base_url = forms.CharField(
        max_length=500,
        label=_("Base URL"),
        help_text=_("OpenAI-compatible, such as https://api.example.com/v1"),
    )
    model = forms.CharField(
        max_length=200, label=_("Model"), help_text=_("As the address calls it.")
    )
    key_name = forms.ChoiceField(required=False, label=_("Key"))
    principles = forms.CharField(
        required=False,
        label=_("Principles"),
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("By what it is to judge, in your words. A change makes a new version."),
    )
    answer = forms.ChoiceField(
        required=False,
        label=_("How pairs are answered"),
        choices=[
            ("letter", _("One letter, with its probability where the server tells it")),
            ("json", _("A comparison in words, then the verdict")),
        ],
    )
    parameters = forms.CharField(
        required=False,
        label=_("Parameters"),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=_('JSON that goes along with every request: {"temperature": 0.7}'),
    )
    samples = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=25,
        initial=1,
        label=_("Samples of each order"),
        help_text=_("More than one where the server tells no probabilities."),
    )
    input_price = forms.DecimalField(
        required=False,
        min_value=0,
        label=_("Price of a million tokens sent, $"),
        help_text=_("0 for a model of your own. For a new version, empty keeps what is set."),
    )
    output_price = forms.DecimalField(
        required=False, min_value=0, label=_("Price of a million tokens answered, $")
    )
    spending_limit = forms.DecimalField(
        required=False,
        min_value=0,
        label=_("Spending limit, $"),
        help_text=_("No call begins that could cost more than is left."),
    )

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        keys = sorted(settings.CHAT_KEYS.items())
        choices = [(name, f"{name} ({key.base_url})") for name, key in keys]
        self.fields["key_name"].choices = [("", _("No key")), *choices]
        self.fields["key_name"].help_text = gettext(
            "From %(variable)s… in the server's environment, each for one address."
        ) % {"variable": VARIABLE}

    def clean_parameters(self) -> Any:
        text = self.cleaned_data["parameters"].strip()
        return _json(text) if text else {}

    def config_of(self) -> dict[str, Any]:
        """Without what the form itself refused."""
        given = self.cleaned_data
        names = ("base_url", "model", "key_name", "principles")
        return {
            **{name: given.get(name, "") for name in names},
            "answer": given.get("answer") or "letter",
            "samples": given.get("samples") or 1,
            "parameters": given.get("parameters", {}),
        }

    def limits_of(self) -> dict[str, Any]:
        given = {name: self.cleaned_data.get(name) for name in MONEY_FIELDS}
        return {name: value for name, value in given.items() if value is not None}


class SystemOneForm(OpenAIForm):
    """Without what only text that is generated needs."""

    answer = None
    parameters = None
    samples = None
    base_url = forms.CharField(
        max_length=500,
        label=_("Base URL"),
        help_text=_("What is before /systemone, such as http://127.0.0.1:8000/v1"),
    )

    def config_of(self) -> dict[str, Any]:
        names = ("base_url", "model", "key_name", "principles")
        return {name: self.cleaned_data.get(name, "") for name in names}


class LimitsForm(forms.Form):
    """Money and pace of all versions of a judge."""

    spending_limit = forms.DecimalField(min_value=0, label=_("Spending limit, $"))
    input_price = forms.DecimalField(min_value=0, label=_("Price of a million tokens sent, $"))
    output_price = forms.DecimalField(min_value=0, label=_("Price of a million tokens answered, $"))
    requests_per_minute = forms.IntegerField(
        required=False, label=_("Requests per minute"), help_text=_("Empty: no limit.")
    )
    tokens_per_minute = forms.IntegerField(
        required=False, label=_("Tokens per minute"), help_text=_("Empty: no limit.")
    )
    concurrency = forms.IntegerField(label=_("Calls at a time"))
    attempts = forms.IntegerField(label=_("Attempts of one call"))
    patience = forms.IntegerField(label=_("Seconds for one call"))

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        for name, (low, high) in PACE_FIELDS.items():
            field = self.fields[name]
            field.validators = [MinValueValidator(low), MaxValueValidator(high)]
            field.widget.attrs |= {"min": low, "max": high}
        for name in MONEY_FIELDS:
            self.fields[name].widget.attrs |= {"step": "any"}

    def limits_of(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            name: value for name, value in given.items() if value is not None or name in NO_LIMIT
        }


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        why = InvalidValue("", "is not JSON: {error}", error=str(error))
        raise forms.ValidationError(in_words(why)) from error
