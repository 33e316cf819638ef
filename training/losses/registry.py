"""Every loss a policy can be trained with, and what it needs; importable without torch.

The configuration checks itself against these, the trainer calls what they name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

FEEDBACK = {
    "critiques": "responses, read with and without their critique",
    "texts": "texts that say how good a response is before they give it",
    "reasons": "preferences and why",
    "scopes": "refined responses, and others that are to stay as they are",
    "joint": "preferences between two prompts, each with its response",
    "criteria": "preferences by one criterion, and ratings by others",
    "negatives": "bad responses, and what the model itself writes",
}
"""What losses take that is more than responses to one prompt."""
DIVERGENCES = ("reverse_kl", "forward_kl", "js_divergence", "alpha_divergence")


@dataclass(frozen=True, kw_only=True)
class PolicyLoss:
    """What one loss takes and needs.

    function: module and name of the pure function.
    takes: "pairs" (summed log-probabilities of two responses) or "tokens" (every token's, and
        the KL at its position, for which both models' logits are kept in memory at once), of
        preferences; "play" (what the policy writes in the course of training, judged by a reward
        model of preferences); "lists" (ranked responses) or "votes" (single good or bad ones), of
        judgements; or of judgements one of FEEDBACK.
    parameters: fields of the configuration passed by keyword; the others are refused.
    data: fields of the configuration that say how its rows are made; the others are refused.
    kinds: what a project has to ask, any of them: "pairs" is any kind with preferences.
    reference: whether log-probabilities of a reference model are used.
    ties: whether a pair without a winner can be learned from.
    by_row: whether each value belongs to one row; if not, rows can have no weight.
    divergences: whether a divergence other than reverse KL may replace the log-ratios.
    changes: whether it asks which tokens differ between the two responses.
    line: whether it reads the model that the policy's line began with, too.
    own_pairs: whether its pairs have to be the policy's own samples.
    """

    function: str
    takes: str = "pairs"
    parameters: tuple[str, ...] = ("beta",)
    data: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("pairs",)
    reference: bool = True
    ties: bool = False
    by_row: bool = True
    divergences: bool = False
    changes: bool = False
    line: bool = False
    own_pairs: bool = False

    @property
    def of_judgements(self) -> bool:
        """Whether it learns from judgements as they are, not from the pairs they hold."""
        return self.takes not in ("pairs", "tokens", "play")

    @property
    def takes_signals(self) -> bool:
        """Whether it can learn from implicit feedback on single responses."""
        return self.takes == "votes"

    @property
    def of_pairs(self) -> bool:
        """Whether its rows are pairs of responses, with weights, margins and chosen ones."""
        return self.takes in ("pairs", "tokens")

    @property
    def of_feedback(self) -> bool:
        """Whether its rows are made by `training/recipes/feedback_rows.py`."""
        return self.takes in FEEDBACK

    def load(self) -> Callable[..., Any]:
        """The function itself. Imports torch."""
        module, name = self.function.split(":")
        loaded: Callable[..., Any] = getattr(import_module(f"training.losses.{module}"), name)
        return loaded


SMOOTHED = ("beta", "label_smoothing")
POLICY_LOSSES: dict[str, PolicyLoss] = {
    "sigmoid": PolicyLoss(
        function="dpo:sigmoid_loss",
        parameters=(*SMOOTHED, "target_margin"),
        ties=True,
        divergences=True,
    ),
    "ipo": PolicyLoss(function="dpo:ipo_loss", divergences=True),
    "hinge": PolicyLoss(function="dpo:hinge_loss", divergences=True),
    "robust": PolicyLoss(function="dpo:robust_loss", parameters=SMOOTHED, divergences=True),
    "exo_pair": PolicyLoss(function="dpo:exo_pair_loss", parameters=SMOOTHED, divergences=True),
    "sigmoid_norm": PolicyLoss(
        function="dpo:sigmoid_norm_loss",
        parameters=(*SMOOTHED, "target_margin"),
        ties=True,
        divergences=True,
    ),
    "discopop": PolicyLoss(
        function="dpo:discopop_loss", parameters=("beta", "discopop_tau"), divergences=True
    ),
    "aot": PolicyLoss(function="dpo:aot_loss", parameters=SMOOTHED, by_row=False),
    "nca_pair": PolicyLoss(function="anchored:nca_pair_loss"),
    "bco_pair": PolicyLoss(function="anchored:bco_pair_loss"),
    "sppo_hard": PolicyLoss(function="anchored:sppo_hard_loss", ties=True),
    "apo_zero": PolicyLoss(function="anchored:apo_zero_loss"),
    "apo_down": PolicyLoss(function="anchored:apo_down_loss"),
    "simpo": PolicyLoss(
        function="reference_free:simpo_loss",
        parameters=("beta", "target_margin"),
        reference=False,
        ties=True,
    ),
    "orpo": PolicyLoss(function="reference_free:orpo_loss", reference=False),
    "asft": PolicyLoss(function="reference_free:asft_loss", reference=False),
    "tdpo1": PolicyLoss(function="tokens:tdpo1_loss", takes="tokens"),
    "tdpo2": PolicyLoss(
        function="tokens:tdpo2_loss", takes="tokens", parameters=("beta", "tdpo_alpha")
    ),
    "sparse": PolicyLoss(
        function="tokens:sparse_loss",
        takes="tokens",
        parameters=("beta", "unchanged_weight"),
        changes=True,
    ),
    "inpo": PolicyLoss(
        function="self_play:inpo_loss",
        parameters=("beta", "root_share"),
        line=True,
        own_pairs=True,
    ),
    "nash_md": PolicyLoss(
        function="self_play:nash_md_loss",
        takes="play",
        data=("mixture_share", "own_samples", "own_tokens"),
    ),
    "plackett_luce": PolicyLoss(
        function="listwise:plackett_luce_dpo_loss",
        takes="lists",
        parameters=("beta", "ranking_depth"),
    ),
    "lambda": PolicyLoss(function="listwise:lambda_loss", takes="lists"),
    "kto": PolicyLoss(
        function="unpaired:kto_loss",
        takes="votes",
        parameters=("beta", "desirable_weight", "undesirable_weight"),
        kinds=("rating",),
    ),
    "cut": PolicyLoss(
        function="feedback:cut_loss",
        takes="critiques",
        parameters=("cut_threshold", "unlike_weight"),
        data=("unrefined",),
        kinds=("critique",),
        reference=False,
    ),
    "hindsight": PolicyLoss(
        function="feedback:likelihood_loss",
        takes="texts",
        parameters=(),
        data=("good_phrase", "bad_phrase"),
        kinds=("pairs", "critique"),
        reference=False,
    ),
    "conditional": PolicyLoss(
        function="feedback:likelihood_loss",
        takes="texts",
        parameters=(),
        data=("good_phrase", "bad_phrase"),
        kinds=("pairs", "critique"),
        reference=False,
    ),
    "rationale": PolicyLoss(
        function="feedback:rationale_loss",
        takes="reasons",
        parameters=("beta", "rationale_weight"),
    ),
    "c3po": PolicyLoss(
        function="feedback:c3po_loss",
        takes="scopes",
        parameters=("beta", "scope_weight"),
        kinds=("critique",),
    ),
    "d2o": PolicyLoss(
        function="self_play:d2o_loss",
        takes="negatives",
        parameters=("beta", "rejected_beta"),
        data=("own_samples", "own_tokens"),
        kinds=("pairs", "critique"),
    ),
    "dove": PolicyLoss(function="criteria:dove_loss", takes="joint", kinds=("joint",)),
    "modpo": PolicyLoss(
        function="criteria:modpo_loss",
        takes="criteria",
        data=("criterion", "criterion_weight", "criterion_scale"),
        kinds=("rating",),
    ),
}
