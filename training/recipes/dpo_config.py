"""What a policy trained on preferences may be asked for; importable without torch."""

import dataclasses
from dataclasses import dataclass

from training.data.hindsight import BAD, GOOD
from training.losses.registry import DIVERGENCES, POLICY_LOSSES, PolicyLoss
from training.recipes.config import TIE_RULES, FilteredConfiguration

LOSS_FIELDS = (
    "label_smoothing",
    "target_margin",
    "discopop_tau",
    "tdpo_alpha",
    "unchanged_weight",
    "desirable_weight",
    "undesirable_weight",
    "cut_threshold",
    "unlike_weight",
    "rationale_weight",
    "scope_weight",
    "rejected_beta",
    "root_share",
    "ranking_depth",
)
"""Fields of a few losses; the others would ignore them, so they refuse them."""
DATA_FIELDS = (
    "unrefined",
    "good_phrase",
    "bad_phrase",
    "criterion",
    "criterion_weight",
    "criterion_scale",
    "own_samples",
    "own_tokens",
    "mixture_share",
)
"""Fields that say how the rows of a few losses are made; the others refuse them too."""
OF_A_LOSS = (
    *LOSS_FIELDS,
    *DATA_FIELDS,
    *("divergence", "divergence_alpha", "off_policy_weighting", "tail_weight", "changed_weight"),
    *("sft_weight", "curriculum_stages", "reference_sync_steps", "reference_mixup"),
)
"""Fields that one loss takes and another may refuse."""
PAIRS_FROM = ("people", "best_worst", "rejection", "anchored")
UNREFINED = ("drop", "bad", "good")
MAX_PHRASE = 200


@dataclass(frozen=True, kw_only=True)
class DpoConfig(FilteredConfiguration):
    """Direct preference optimization of a causal language model; docs/methods.md compares.

    loss: one of training/losses/registry.py.
    beta: strength of the tie to the reference; simpo: scale of the average log-probability;
        orpo, asft: weight of the preference against the likelihood of chosen.
    label_smoothing: assumed probability that a label is flipped; exo_pair needs one.
    target_margin: how far apart the pair should be, in logits: SimPO's gamma, ODPO's offset.
    discopop_tau: temperature of the mixture in discopop.
    tdpo_alpha: weight of the sequential KL in tdpo2.
    unchanged_weight: mask of tokens that both responses share, in sparse; 1 at the others.
    desirable_weight, undesirable_weight: of good and bad responses in kto.
    ranking_depth: plackett_luce: how many places from the top of a list count; 0: all.
    cut_threshold, unlike_weight: cut: how much likelier than without its critique a token has to be
        to be wrong, and the weight of making it unlikely.
    unrefined: cut: what a critique says of a response for which nobody wrote a better one: bad,
        good, or nothing (drop).
    good_phrase, bad_phrase: hindsight, conditional: what stands before a response. The published
        model is asked with good_phrase: it ends its prompt.
    rationale_weight: weight of the log-probability of the reasons, in rationale.
    scope_weight: weight of the responses that are to stay as they are, in c3po.
    criterion, criterion_weight: modpo: the criterion that makes the pairs (empty: the overall one)
        and its weight; the others share the rest equally.
    criterion_scale: modpo: what another criterion's scale is worth from end to end, in logits.
    rejected_beta: d2o: strength of the tie at bad responses; beta is that at the model's own.
    own_samples, own_tokens: d2o, pairs_from: how many responses the base writes to each prompt
        before training, and how long they may be; nash_md: how many games each prompt of a batch
        is played in, and how long a response may be.
    root_share: inpo: how much the model that the policy's line began with counts beside the policy
        that wrote the pairs (tau / eta; beta is eta).
    mixture_share: nash_md: how much the reference counts in the opponent, token by token.
    pairs_from: train on people's pairs, or on pairs of the base's own samples, judged by a reward
        model of people's pairs: best against worst (a step of iterative DPO), drawn by rejection
        sampling (RSO), or the best against the worst of the model that the policy's line began
        with (anchored rejections).
    acceptance_beta: rejection: temperature of the policy that the samples are to come from.
    divergence, divergence_alpha: what ties the policy to its reference, and alpha's alpha.
    sft_weight: weight of the negative log-likelihood per token of the chosen response.
    off_policy_weighting: weigh pairs by how likely the policy is to write them (WPO).
    tail_weight: weight of tokens beyond the shorter response's length (LD-DPO's alpha); 1: all.
    changed_weight: weight of tokens in which the two responses differ (gamma of dense DPO).
    reference_sync_steps: every so many steps the reference moves towards the policy (TR-DPO), for
        full fine-tuning; 0: never. reference_mixup: how far, 1 being all the way.
    curriculum_stages: train in so many stages, clearest preferences first; 1: all mixed.
    displacing_share: which share of the pairs goes because training on them would make the chosen
        response less likely (highest CHES scores under the base model).
    sample_prompts, sample_tokens: held-out prompts and new tokens for the KL estimate.
    """

    base_model: str
    loss: str = "sigmoid"
    beta: float = 0.1
    label_smoothing: float = 0.0
    target_margin: float = 0.0
    discopop_tau: float = 0.05
    tdpo_alpha: float = 0.5
    unchanged_weight: float = 0.1
    desirable_weight: float = 1.0
    undesirable_weight: float = 1.0
    cut_threshold: float = 1.1
    unlike_weight: float = 1.0
    unrefined: str = "drop"
    good_phrase: str = GOOD
    bad_phrase: str = BAD
    rationale_weight: float = 0.1
    scope_weight: float = 0.3
    criterion: str = ""
    criterion_weight: float = 0.5
    criterion_scale: float = 5.0
    rejected_beta: float = 0.1
    root_share: float = 0.33
    ranking_depth: int = 0
    mixture_share: float = 0.125
    own_samples: int = 4
    own_tokens: int = 128
    pairs_from: str = "people"
    acceptance_beta: float = 0.5
    divergence: str = "reverse_kl"
    divergence_alpha: float = 0.5
    sft_weight: float = 0.0
    off_policy_weighting: bool = False
    tail_weight: float = 1.0
    changed_weight: float = 1.0
    max_length: int = 512
    prompt_tokens: int = 256
    epochs: float = 1.0
    batch_size: int = 8
    learning_rate: float = 1e-4
    lora: bool = True
    lora_rank: int = 16
    tie_rule: str = "drop"
    reference_sync_steps: int = 0
    reference_mixup: float = 0.6
    curriculum_stages: int = 1
    displacing_share: float = 0.0
    sample_prompts: int = 16
    sample_tokens: int = 48

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("base_model", bool(self.base_model.strip()), "a folder or a model id")
        self.require_choice("loss", tuple(POLICY_LOSSES))
        self.require_choice("tie_rule", TIE_RULES)
        self.require_choice("divergence", DIVERGENCES)
        self.require("beta", self.beta > 0, "above 0")
        self.require("label_smoothing", 0 <= self.label_smoothing < 0.5, "at least 0 and below 0.5")
        self.require("discopop_tau", self.discopop_tau > 0, "above 0")
        self.require("tdpo_alpha", self.tdpo_alpha >= 0, "at least 0")
        self.require("unchanged_weight", 0 <= self.unchanged_weight <= 1, "from 0 to 1")
        for name in ("desirable_weight", "undesirable_weight"):
            self.require(name, 0 < getattr(self, name) <= 1000, "above 0 and at most 1000")
        self.require("ranking_depth", 0 <= self.ranking_depth <= 100, "from 0 to 100")
        self.require("displacing_share", 0 <= self.displacing_share <= 0.9, "from 0 to 0.9")
        self._require_words()
        self.require("sft_weight", self.sft_weight >= 0, "at least 0")
        self.require("tail_weight", 0 <= self.tail_weight <= 1, "from 0 to 1")
        self.require("changed_weight", 0 < self.changed_weight <= 1000, "above 0, at most 1000")
        self.require("reference_sync_steps", self.reference_sync_steps >= 0, "0 or more")
        self.require("reference_mixup", 0 < self.reference_mixup <= 1, "above 0 and at most 1")
        self.require("curriculum_stages", 1 <= self.curriculum_stages <= 100, "from 1 to 100")
        self._require_what_the_loss_takes()
        self.require_lengths(self.max_length, self.prompt_tokens)
        self.require("lora_rank", 1 <= self.lora_rank <= 1024, "from 1 to 1024")
        self.require("sample_prompts", 0 <= self.sample_prompts <= 512, "from 0 to 512")
        self.require("sample_tokens", 1 <= self.sample_tokens <= 4096, "from 1 to 4096")

    @property
    def chosen_loss(self) -> PolicyLoss:
        return POLICY_LOSSES[self.loss]

    @property
    def loss_options(self) -> dict[str, float]:
        """What the loss takes beside the tensors."""
        return {name: getattr(self, name) for name in self.chosen_loss.parameters}

    @property
    def reads_rows_together(self) -> bool:
        """aot compares them; the reference point of kto is the mean over them."""
        return not self.chosen_loss.by_row or self.chosen_loss.takes == "votes"

    @property
    def reads_reference_beforehand(self) -> bool:
        """Whether the reference's sums are made once, before training, and kept."""
        return self.chosen_loss.takes == "pairs" and self.reference_sync_steps == 0

    @property
    def alone_because(self) -> str:
        """Shared are losses whose rows stand for themselves, on what people said."""
        loss, named = self.chosen_loss, f"loss {self.loss!r}"
        reasons = (
            (self.base_model == "tiny", "base_model 'tiny' is made within the run"),
            (
                loss.takes in ("negatives", "play") or loss.line or self.pairs_from != "people",
                f"with {named} and pairs_from {self.pairs_from!r} it learns from its own samples",
            ),
            (
                loss.takes == "votes" or not loss.by_row,
                f"{named} compares the rows of a batch with each other",
            ),
            (
                loss.of_pairs and not self.reads_reference_beforehand,
                f"{named} reads the reference at every step",
            ),
            (self.displacing_share > 0, "displacing_share has the base read every pair first"),
        )
        return next((reason for applies, reason in reasons if applies), "")

    @property
    def needs_changes(self) -> bool:
        """Whether the two responses of a pair have to be compared token by token."""
        return self.chosen_loss.changes or self.changed_weight != 1

    def _require_words(self) -> None:
        self.require("cut_threshold", 0 < self.cut_threshold <= 1000, "above 0 and at most 1000")
        self.require("unlike_weight", 0 <= self.unlike_weight <= 1000, "from 0 to 1000")
        self.require("rationale_weight", 0 <= self.rationale_weight <= 1000, "from 0 to 1000")
        self.require("scope_weight", 0 <= self.scope_weight <= 1000, "from 0 to 1000")
        self.require("criterion_weight", 0 < self.criterion_weight <= 1, "above 0 and at most 1")
        self.require("criterion_scale", 0 < self.criterion_scale <= 1000, "above 0, at most 1000")
        self.require("rejected_beta", 0 < self.rejected_beta <= 1000, "above 0, at most 1000")
        self.require("root_share", 0 <= self.root_share <= 1, "from 0 to 1")
        self.require("mixture_share", 0 <= self.mixture_share <= 1, "from 0 to 1")
        self.require("own_samples", 1 <= self.own_samples <= 64, "from 1 to 64")
        self.require("own_tokens", 1 <= self.own_tokens <= 32768, "from 1 to 32768")
        self.require("acceptance_beta", 0 < self.acceptance_beta <= 1000, "above 0, at most 1000")
        self.require_choice("pairs_from", PAIRS_FROM)
        self.require_choice("unrefined", UNREFINED)
        for name in ("good_phrase", "bad_phrase"):
            phrase = getattr(self, name)
            holds = bool(phrase.strip()) and len(phrase) <= MAX_PHRASE
            self.require(name, holds, "some text of at most {most} characters", most=MAX_PHRASE)
        differ = self.good_phrase.strip() != self.bad_phrase.strip()
        self.require("bad_phrase", differ, "another text than good_phrase")

    def _require_what_the_loss_takes(self) -> None:
        loss = self.chosen_loss
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        for name in (*LOSS_FIELDS, *DATA_FIELDS):
            default = defaults[name]
            if name in ("own_samples", "own_tokens") and self.pairs_from != "people":
                continue
            self.require(
                name,
                name in (*loss.parameters, *loss.data) or getattr(self, name) == default,
                "{default} for loss {loss}, which would ignore it",
                default=default if isinstance(default, float) else repr(default),
                loss=self.loss,
            )
        self.require(
            "sft_weight",
            self.sft_weight == 0 or loss.of_pairs,
            "0 for loss {loss}, which has no chosen response",
            loss=self.loss,
        )
        self._require_what_can_be_filtered()
        self._require_a_reference_that_can_move()
        self.require(
            "curriculum_stages",
            self.curriculum_stages == 1 or loss.of_pairs,
            "1 for loss {loss}, which has no strength of preference to order by",
            loss=self.loss,
        )
        self.require(
            "label_smoothing",
            self.label_smoothing > 0 or self.loss != "exo_pair",
            "above 0 for loss exo_pair (its authors take 0.001)",
        )
        self.require(
            "tie_rule",
            self.tie_rule == "drop" or loss.ties,
            "drop: loss {loss} cannot learn from ties (these can: {others})",
            loss=self.loss,
            others=_names("ties"),
        )
        self.require(
            "divergence",
            self.divergence == "reverse_kl" or loss.divergences,
            "reverse_kl for loss {loss} (others go with {others})",
            loss=self.loss,
            others=_names("divergences"),
        )
        self.require(
            "divergence_alpha",
            self.divergence == "alpha_divergence"
            or self.divergence_alpha == defaults["divergence_alpha"],
            "{default} for divergence {divergence}, which has no alpha",
            default=defaults["divergence_alpha"],
            divergence=self.divergence,
        )
        self.require(
            "off_policy_weighting",
            not self.off_policy_weighting or (loss.by_row and loss.takes == "pairs"),
            "false for loss {loss}, which does not weigh single pairs this way",
            loss=self.loss,
        )
        for name in ("tail_weight", "changed_weight"):
            self.require(
                name,
                getattr(self, name) == 1
                or (loss.reference and loss.takes == "pairs" and not loss.line),
                "1 for loss {loss}, which does not compare weighted sums with a reference",
                loss=self.loss,
            )

    def _require_what_can_be_filtered(self) -> None:
        loss = self.chosen_loss
        self.require_pairs_to_filter(not loss.of_judgements, self.loss)
        self.require(
            "pairs_from",
            self.pairs_from == "people" or not loss.of_judgements,
            "people for loss {loss}, which learns from judgements",
            loss=self.loss,
        )
        self.require(
            "pairs_from",
            self.pairs_from == "people" or loss.takes != "play",
            "people for loss {loss}, which writes its own in the course of training",
            loss=self.loss,
        )
        self.require(
            "pairs_from",
            self.pairs_from in ("best_worst", "rejection") or not loss.own_pairs,
            "best_worst or rejection for loss {loss}, which learns from the policy's own responses",
            loss=self.loss,
        )
        self.require(
            "own_samples",
            self.pairs_from == "people" or self.own_samples >= 2,
            "at least 2 with pairs_from {pairs}",
            pairs=self.pairs_from,
        )
        self.require(
            "displacing_share",
            self.displacing_share == 0 or loss.of_pairs,
            "{default} for {learner}: filters are for pairs",
            default=0.0,
            learner=self.loss,
        )
        self.require(
            "strength_rule",
            self.strength_rule != "soften" or loss.ties,
            "drop or flip: loss {loss} cannot learn from soft labels (these can: {others})",
            loss=self.loss,
            others=_names("ties"),
        )

    def _require_a_reference_that_can_move(self) -> None:
        syncs, loss = self.reference_sync_steps > 0, self.chosen_loss
        self.require(
            "reference_sync_steps",
            not syncs or (loss.reference and loss.of_pairs and not loss.line),
            "0 for loss {loss}, which has no reference or one that is read beforehand",
            loss=self.loss,
        )
        self.require(
            "lora",
            not syncs or not self.lora,
            "false with reference_sync_steps: under LoRA the reference is the model itself",
        )
        self.require(
            "reference_mixup",
            syncs or self.reference_mixup == 0.6,
            "0.6 without reference_sync_steps, which would use it",
        )


def _names(need: str) -> str:
    return ", ".join(name for name, loss in POLICY_LOSSES.items() if getattr(loss, need))
