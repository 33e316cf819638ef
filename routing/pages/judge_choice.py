"""What the forms of policies and simulations share: judges from cheap to strong, refusals."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from annotate.inputs import InvalidValue
from annotate.pages.reasons import in_words
from routing.settings.policy import DOMAIN_NAMES

JUDGES = 3


class JudgeChoiceForm(forms.Form):
    """Up to three judges, and where they may label alone. `judges`: ids and names to offer."""

    judge_1 = forms.ChoiceField(label=_("The judge"))
    judge_2 = forms.ChoiceField(required=False, label=_("A stronger judge"))
    judge_3 = forms.ChoiceField(required=False, label=_("The strongest judge"))
    domains = forms.ChoiceField(
        choices=DOMAIN_NAMES.items(),
        required=False,
        label=_("A judge alone only where it passed"),
        help_text=_("The alternative annotator test, on the judge’s page. Elsewhere people label."),
    )

    def __init__(self, *args: Any, judges: Sequence[tuple[int, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        for number in range(1, JUDGES + 1):
            field = cast(forms.ChoiceField, self.fields[f"judge_{number}"])
            field.choices = judges if number == 1 else [("", gettext("no other judge")), *judges]

    def judges_of(self) -> list[int]:
        given = [self.cleaned_data[f"judge_{number}"] for number in range(1, JUDGES + 1)]
        return [int(one) for one in given if one]

    def put(self, error: InvalidValue) -> None:
        """All that was refused, each at its field: "settings.share" at share, "judges[1]" at the
        judges; what has no field of its own above the form.
        """
        for one in error.all:
            top, *rest = one.field.split(".")
            name = rest[0].partition("[")[0] if rest else top
            name = "judge_1" if name.startswith("judges") else name
            self.add_error(name if name in self.fields else None, in_words(one))
