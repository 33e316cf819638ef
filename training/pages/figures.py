"""The figures of a run or version in the words of a page: what a name in `metrics` means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.charts import number


@dataclass(frozen=True)
class Figure:
    """`value` as text; `interval`: 95 %, as text or empty; `hint`: how to read it."""

    label: str
    value: str
    interval: str = ""
    hint: str = ""


def figures_of(metrics: Mapping[str, Any]) -> list[Figure]:
    """Figures on the held-out labels, the most telling first; none before the evaluation."""
    test = metrics.get("test") or {}
    votes = _votes(test.get("votes") or {}) + _feedback(test.get("feedback") or {})
    if not test.get("rows"):
        return votes
    read = _reward_model
    if "reward_accuracy" in test:
        read = _policy
    elif "majority_accuracy" in test:
        read = _segments
    figures = read(test)
    return [figure for figure in figures if figure is not None] + votes


def short_figure(metrics: Mapping[str, Any]) -> str:
    """The one figure for a list, such as "64.9 %"; empty without an evaluation."""
    test = metrics.get("test") or {}
    share = test.get("accuracy") or test.get("reward_accuracy")
    return percent(share["value"]) if isinstance(share, Mapping) and share.get("rows") else ""


def _reward_model(test: Mapping[str, Any]) -> list[Figure | None]:
    return [
        _share(
            test, "accuracy", _("Accuracy"), _("held-out preferences that the model gets right")
        ),
        _share(
            test,
            "length_only_accuracy",
            _("Length only"),
            _("what always preferring by length gets right"),
        ),
        _plain(
            test,
            "ece",
            _("Calibration error (ECE)"),
            _("0 is best: how far stated probabilities are from what happens"),
        ),
        _plain(test, "log_loss", _("Log-loss, nats"), _("0.693 is a coin")),
        _plain(
            test,
            "length_correlation",
            _("Reward and length, correlation"),
            _("near 0: length does not drive the reward"),
        ),
        _better_than_length(test),
        _share(
            test,
            "accuracy_without_person",
            _("Accuracy for nobody in particular"),
            _("the same preferences, without saying whose they are: what serving gives"),
        ),
        _plain(
            test,
            "ece_without_person",
            _("Calibration error for nobody in particular"),
            _("of the probabilities that serving states"),
        ),
        _plain(
            test,
            "kendall_tau",
            _("Kendall’s tau"),
            _("1: every held-out ranking in its order; 0: a coin"),
        ),
        _rows(test),
    ]


def _segments(test: Mapping[str, Any]) -> list[Figure | None]:
    return [
        _share(test, "accuracy", _("Accuracy"), _("held-out segments that the model gets right")),
        _share(
            test,
            "majority_accuracy",
            _("The commoner answer"),
            _("what always giving it gets right"),
        ),
        _plain(test, "f1", _("F1 of wrong segments"), _("precision and recall in one; 1 is best")),
        _plain(
            test,
            "auc",
            _("Wrong above right (AUC)"),
            _("0.5 is a coin: how often a wrong segment scores worse than a right one"),
        ),
        _plain(test, "log_loss", _("Log-loss, nats"), _("0.693 is a coin")),
        _share(
            test,
            "pair_accuracy",
            _("Accuracy on preferences"),
            _("held-out preferences that the sum over segments gets right"),
        ),
        Figure(_("Held-out segments"), number(test["rows"]), "", _("of prompts not trained on")),
    ]


def _policy(test: Mapping[str, Any]) -> list[Figure | None]:
    drift = test.get("drift") or {}
    error = drift.get("kl_standard_error")
    kl = _plain(drift, "kl", _("KL to the reference, nats"), _("how far the policy moved"))
    if kl and error is not None:
        kl = Figure(kl.label, kl.value, f"± {number(1.96 * error)}", kl.hint)
    return [
        _share(
            test,
            "reward_accuracy",
            _("Reward accuracy"),
            _("held-out pairs in which the policy favours the chosen response more than before"),
        ),
        _plain(
            test, "reward_margin", _("Reward margin"), _("mean implicit reward, chosen − rejected")
        ),
        kl,
        _share(
            drift,
            "win_rate",
            _("Wins against the start"),
            _(
                "held-out prompts to which the policy’s response scores higher than the start’s, "
                "by the reward model in service when it was trained"
            ),
        ),
        _share(
            test,
            "reference_accuracy",
            _("The start, by likelihood"),
            _("held-out pairs in which the start gives the chosen response more probability"),
        ),
        _plain(
            test,
            "logp_chosen_change",
            _("Change of log p(chosen)"),
            _("below 0: chosen responses became less likely (displacement)"),
        ),
        _rows(test),
    ]


def _votes(votes: Mapping[str, Any]) -> list[Figure]:
    """Of a policy that learned from single responses called good or bad."""
    if not votes.get("good") and not votes.get("bad"):
        return []
    counted = {"good": number(votes["good"]), "bad": number(votes["bad"])}
    found = [
        _plain(
            votes,
            "separation",
            _("Good above bad"),
            _("how often a good response became likelier than a bad one; 0.5 is a coin"),
        ),
        _plain(votes, "logp_good_change", _("Change of log p(good)"), _("held-out, nats")),
        _plain(votes, "logp_bad_change", _("Change of log p(bad)"), _("held-out, nats")),
        Figure(_("Held-out votes"), _("%(good)s good, %(bad)s bad") % counted, "", ""),
    ]
    return [figure for figure in found if figure is not None]


def _feedback(found: Mapping[str, Any]) -> list[Figure]:
    """Of a policy that learned from more than responses to one prompt."""
    figures = [
        _plain(
            found,
            "critique_contrast",
            _("What a critique is worth, nats"),
            _("log p(bad response | its critique) − log p(bad response); it is to grow"),
        ),
        _plain(
            found, "critique_contrast_reference", _("The same before training"), _("held-out, nats")
        ),
        _share(
            found,
            "phrase_accuracy",
            _("Phrases tell good from bad"),
            _("held-out pairs in which the good phrase favours the chosen response more"),
        ),
        _plain(
            found,
            "logp_reasons_change",
            _("Change of log p(reasons)"),
            _("held-out, nats by token"),
        ),
        _plain(
            found,
            "logp_kept_change",
            _("Change of log p(what is to stay)"),
            _("below 0: responses out of scope became less likely"),
        ),
        _share(
            found,
            "joint_accuracy",
            _("Joint accuracy"),
            _("held-out pairs in which the policy favours the chosen prompt and response more"),
        ),
        _plain(
            found,
            "margin_others_agree",
            _("Margin where other criteria agree"),
            _("mean implicit reward, chosen − rejected by the pairs’ own criterion"),
        ),
        _plain(
            found,
            "margin_others_disagree",
            _("Margin where they disagree"),
            _("lower is what weighing them is for"),
        ),
        _share(
            found,
            "weighted_accuracy",
            _("Accuracy by all criteria"),
            _("held-out pairs in which it sides with the weighted sum of the criteria"),
        ),
    ]
    return [figure for figure in figures if figure is not None]


def _share(test: Mapping[str, Any], name: str, label: str, hint: str) -> Figure | None:
    share = test.get(name)
    if not isinstance(share, Mapping) or not share.get("rows"):
        return None
    ends = {"low": percent(share["low"]), "high": percent(share["high"])}
    interval = _("%(low)s to %(high)s") % ends
    return Figure(label, percent(share["value"]), interval, hint)


def _plain(test: Mapping[str, Any], name: str, label: str, hint: str) -> Figure | None:
    value = test.get(name)
    return None if value is None else Figure(label, number(value), "", hint)


def _better_than_length(test: Mapping[str, Any]) -> Figure | None:
    found = test.get("against_length_only")
    if not isinstance(found, Mapping):
        return None
    return Figure(
        _("Against length only, p"),
        number(found["p_value"]),
        "",
        _("McNemar: only the model is right on %(model)s, only length on %(length)s")
        % {"model": found["only_a"], "length": found["only_b"]},
    )


def _rows(test: Mapping[str, Any]) -> Figure:
    ties = test.get("ties", 0)
    left_out = ngettext("%(count)s tie left out", "%(count)s ties left out", ties)
    hint = left_out % {"count": ties} if ties else _("pairs no model trained on")
    return Figure(_("Held-out pairs"), number(test["rows"]), "", hint)


def percent(share: float) -> str:
    """Such as "64.9 %"."""
    return f"{number_format(f'{100 * share:.1f}')} %"
