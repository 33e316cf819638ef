"""How many rows a run trained on, and what its rules and filters left out or changed."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from annotate.charts import number
from training.pages.figures import Figure, percent

# What a rule is called in a run's metrics, in words; a rule that left nothing out is not shown.
DROPPED = {
    "identical_responses": lambda: _("equal responses"),
    "ties": lambda: _("ties"),
    "zero_weight": lambda: _("weight of 0"),
    "no_list": lambda: _("no order"),
    "no_preference": lambda: _("all equal"),
    "too_many_equals": lambda: _("too many equals"),
    "noise_unknown": lambda: _("signals whose noise is not known"),
    "coins": lambda: _("signals that are wrong half of the time"),
    "undecided": lambda: _("neither good nor bad"),
    "unrefined": lambda: _("critiques without a better response"),
    "no_critique": lambda: _("responses without a critique"),
    "good": lambda: _("good responses"),
    "equal": lambda: _("equal by the criterion"),
    "unrated": lambda: _("not rated by all criteria"),
    "without_annotator": lambda: _("without an annotator"),
    "without_ratings": lambda: _("without ratings"),
    "low_strength": lambda: _("an ensemble disagrees most"),
    "not_selected": lambda: _("not selected by margin and diversity"),
    "displacing": lambda: _("would displace chosen responses (CHES)"),
}


def rows_of(metrics: Mapping[str, Any]) -> list[Figure]:
    """Figures of the training rows; none before they are read."""
    data = metrics.get("data") or {}
    if "train_rows" not in data:
        return []
    found = [Figure(_("Training rows"), number(data["train_rows"]), "", "")]
    for name, count in (data.get("dropped") or {}).items():
        if count:
            said = DROPPED[name]() if name in DROPPED else name.replace("_", " ")
            found.append(Figure(_("Left out: %(why)s") % {"why": said}, number(count), "", ""))
    filters = data.get("filters") or {}
    strength = filters.get("strength") or {}
    if strength:
        hint = _("of the labels, in an ensemble that never saw their prompts")
        found.append(Figure(_("The ensemble agrees with"), percent(strength["agrees"]), "", hint))
    own = filters.get("own_pairs") or filters.get("self_play") or {}
    if own:
        hint = _("people’s pairs that the reward model of the samples gets right")
        found.append(
            Figure(_("Judge of its own samples"), percent(own["judge_accuracy"]), "", hint)
        )
    for name, said in (("flipped", _("Labels flipped")), ("softened", _("Labels softened"))):
        if strength.get(name):
            found.append(Figure(said, number(strength[name]), "", ""))
    return found
