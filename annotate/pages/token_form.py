"""What is asked where a token is made."""

from datetime import timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

SCOPES = {
    "read": _("read: projects, tasks, judgements, exports"),
    "annotate": _("annotate: lease tasks and submit judgements"),
    "manage": _("manage: import, change projects, train models"),
}


class TokenForm(forms.Form):
    """A new API token: what it is for, what it may do, how long."""

    name = forms.CharField(
        label=_("What is it for?"),
        max_length=100,
        widget=forms.TextInput(attrs={"placeholder": _("Nightly export"), "autocomplete": "off"}),
    )
    days = forms.TypedChoiceField(
        label=_("It works"),
        choices=[
            ("30", _("for 30 days")),
            ("90", _("for 90 days")),
            ("365", _("for a year")),
            ("", _("until it is revoked")),
        ],
        coerce=int,
        empty_value=None,
        required=False,
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        choices=SCOPES.items(),
        widget=forms.CheckboxSelectMultiple,
        initial=["read"],
    )

    def values(self) -> dict[str, object]:
        """As services/people/tokens.py takes them."""
        days = self.cleaned_data["days"]
        return {
            "name": self.cleaned_data["name"],
            "scopes": self.cleaned_data["scopes"],
            "expires_at": timezone.now() + timedelta(days=days) if days else None,
        }
