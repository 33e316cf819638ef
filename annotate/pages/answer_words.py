"""Answers in words, where a kind has short ones."""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from annotate import kinds
from annotate.models import Judgement


def pair_words(row: Judgement, letters: Mapping[int, str]) -> str | None:
    """A pair's answer with letters for responses, such as "B, much better"; None of other kinds."""
    if row.kind != kinds.pairwise.NAME:
        return None
    verdict = row.value.get("verdict", "")
    if verdict != "prefer":
        return {"tie": _("Tie"), "both_good": _("Both good"), "both_bad": _("Both bad")}.get(
            verdict, verdict
        )
    degrees = {1: _("slightly better"), 2: _("clearly better"), 3: _("much better")}
    return f"{letters.get(row.value['preferred'], '?')}, {degrees[row.value['strength']]}"
