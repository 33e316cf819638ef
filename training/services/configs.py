"""What a run may be asked for, checked before it is queued.

A run's configuration is flat: the fields of its recipe (`training/recipes/config.py`), and
beside them those that only the server understands, listed in `RUN_FIELDS`.
"""

import dataclasses
import json
import re
import types
import typing
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from annotate.forms import Form
from annotate.kinds import InvalidValue
from annotate.models import Project, Signal
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.export_options import SNAPSHOT_RULES
from annotate.services.outgoing.exports import holds_pairs
from annotate.services.outgoing.refused_choices import RefusedChoice
from training.losses.registry import POLICY_LOSSES
from training.models import TrainingRun
from training.recipes.config import (
    OBJECTIVE_DATA,
    Configuration,
    RewardModelConfig,
    TinyLmConfig,
)
from training.recipes.dpo_config import DpoConfig
from training.recipes.errors import FieldError

Recipe = TrainingRun.Recipe

RECIPES: dict[str, type[Configuration]] = {
    Recipe.REWARD_MODEL: RewardModelConfig,
    Recipe.DPO: DpoConfig,
}
DEFAULTS: dict[str, dict[str, Any]] = {
    Recipe.REWARD_MODEL: {},
    Recipe.DPO: {"base_model": "tiny"},
}
# What the server decides by itself: paths and threads would let one project touch another.
SERVER_FIELDS = frozenset({"threads", "embedding_cache"})
START_FROM = ("base", "in_service")
BUILT_IN = {Recipe.REWARD_MODEL: ("minilm",), Recipe.DPO: ("tiny",)}
KINDS_OF_OBJECTIVES: dict[str, tuple[str, ...]] = {
    "span": ("spans",),
    "steps": ("steps",),
    "multi_objective": ("rating",),
}
"""What a project has to ask, any of them, where preferences are not what is learned from."""
KINDS_OF_LOSSES = {name: loss.kinds for name, loss in POLICY_LOSSES.items()}
KINDS_OF: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    Recipe.REWARD_MODEL: ("objective", KINDS_OF_OBJECTIVES),
    Recipe.DPO: ("loss", KINDS_OF_LOSSES),
}
PAIRS = ("pairs",)
CONTEXT_OF_BUILT_IN = {"minilm": 512}
HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


def clean_config(*, recipe: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The whole configuration, defaults filled in, so that the row says all of it.

    `start_from`: "base", or "in_service" to go on from the policy in service (DPO).
    `tiny`: fields of TinyLmConfig, for base_model "tiny" (DPO).
    `signals`: whether to learn from the signals of a product too (kto).
    `data`: what to select for the snapshot: `query` and `aggregation`.
    Raises InvalidValue naming the field as `config.<field>`.
    """
    if recipe not in RECIPES:
        raise InvalidValue("recipe", "must be one of {choices}", choices=", ".join(RECIPES))
    if not isinstance(config, Mapping):
        raise InvalidValue("config", "must be an object of fields and values")
    own = {name: value for name, value in config.items() if name not in RUN_FIELDS[recipe]}
    cleaned = _clean(RECIPES[recipe], {**DEFAULTS[recipe], **own}, "config")
    require_base_model(BUILT_IN[recipe], cleaned["base_model"])
    _require_context_of_base(cleaned)
    _require_even_shares(recipe, cleaned)
    for name, clean in RUN_FIELDS[recipe].items():
        cleaned[name] = clean(config.get(name))
    if recipe == Recipe.DPO and cleaned["base_model"] == "tiny":
        _require_context(cleaned)
    if recipe == Recipe.DPO and POLICY_LOSSES[cleaned["loss"]].of_judgements:
        _require_each_judgement(cleaned)
    if cleaned.get("signals") and not POLICY_LOSSES[cleaned["loss"]].takes_signals:
        raise InvalidValue(
            "config.signals",
            "must be false for loss {loss}, which does not learn from single good or bad responses "
            "(these do: {others})",
            loss=cleaned["loss"],
            others=", ".join(name for name, loss in POLICY_LOSSES.items() if loss.takes_signals),
        )
    return cleaned


def _require_context_of_base(cleaned: Mapping[str, Any]) -> None:
    """Where the base says here how long a text it takes: else its run would find out later."""
    name = cleaned["base_model"]
    longest = CONTEXT_OF_BUILT_IN.get(name)
    if name.startswith("/"):
        config = json.loads((Path(name) / "config.json").read_text(encoding="utf-8"))
        longest = (config.get("text_config") or config).get("max_position_embeddings")
    if isinstance(longest, int) and cleaned["max_length"] > longest:
        raise InvalidValue(
            "config.max_length",
            "must be at most {longest}, the tokens that {name} takes",
            longest=longest,
            name=name,
        )


def _require_even_shares(recipe: str, own: Mapping[str, Any]) -> None:
    """Each of several processes takes as many rows of a batch as the others."""
    config, processes = RECIPES[recipe].from_dict(own), settings.TRAINING_PROCESSES
    if config.shares_work and own["batch_size"] % processes:
        raise InvalidValue(
            "config.batch_size",
            "must be a multiple of {processes}, the processes that share each batch here "
            "(TANDEM_TRAINING_PROCESSES)",
            processes=processes,
        )


def require_learnable(project: Project, recipe: str, config: Mapping[str, Any]) -> None:
    """Raises InvalidValue if the recipe cannot learn from what the project asks."""
    field, kinds = KINDS_OF[recipe] if recipe in RECIPES else ("", {})
    learner = config.get(field) if isinstance(config, Mapping) else None
    wanted = kinds.get(learner, PAIRS) if isinstance(learner, str) else PAIRS
    signals = recipe == Recipe.DPO and isinstance(config, Mapping) and config.get("signals") is True
    if signals:
        _require_signals(project)
    if recipe not in RECIPES or _asks(project, wanted) or (signals and learner in _of_signals()):
        return
    if wanted != PAIRS:
        raise InvalidValue(
            f"config.{field}",
            "{learner} learns from answers of kind {kind}, and this project does not ask for them",
            learner=learner,
            kind=", ".join(wanted),
        )
    raise InvalidValue(
        "recipe",
        "{recipe} learns from preferences, and answers of this project's kind "
        "({kind}) hold none; make a snapshot and train on its files elsewhere",
        recipe=Recipe(recipe).label,
        kind=project.kind,
    )


def learns_from(recipe: str, config: Mapping[str, Any]) -> str:
    """What the rows of a run's snapshot hold: "preferences" or "judgements"."""
    if recipe == Recipe.REWARD_MODEL:
        return OBJECTIVE_DATA[config.get("objective", "bradley_terry")]
    return "judgements" if POLICY_LOSSES[config["loss"]].of_judgements else "preferences"


def objectives_for(project: Project) -> list[str]:
    """The objectives of reward models that can learn from what the project asks."""
    return [name for name in OBJECTIVE_DATA if _asks(project, KINDS_OF_OBJECTIVES.get(name, PAIRS))]


def losses_for(project: Project) -> list[str]:
    """The losses of policies that can learn from what the project asks."""
    fitting = [name for name, kinds in KINDS_OF_LOSSES.items() if _asks(project, kinds)]
    weak = [name for name in _of_signals() if name not in fitting]
    has_signals = weak and Signal.objects.filter(project=project).exists()
    return fitting + weak if has_signals else fitting


def policies_learn(project: Project) -> bool:
    """Whether there is any loss for it. A query only where nothing that it asks is enough."""
    asked = any(_asks(project, kinds) for kinds in KINDS_OF_LOSSES.values())
    return asked or bool(losses_for(project))


def _of_signals() -> list[str]:
    return [name for name, loss in POLICY_LOSSES.items() if loss.takes_signals]


def _require_signals(project: Project) -> None:
    if not Signal.objects.filter(project=project).exists():
        raise InvalidValue(
            "config.signals",
            "must be false: the project has no signals yet. Send some, or leave it out",
        )


def _asks(project: Project, kinds: tuple[str, ...]) -> bool:
    asked = Form.of_project(project).asked_kinds
    return any(holds_pairs(project) if kind == "pairs" else kind in asked for kind in kinds)


def fields_of(recipe: str) -> list[dict[str, Any]]:
    """Name, type and default of each field of a recipe, for forms and documentation."""
    kind = RECIPES[recipe]
    hints = typing.get_type_hints(kind)
    return [
        {
            "name": field.name,
            "type": " or ".join(_names(hints[field.name])),
            "default": DEFAULTS[recipe].get(
                field.name, None if field.default is dataclasses.MISSING else field.default
            ),
        }
        for field in dataclasses.fields(kind)
        if field.name not in SERVER_FIELDS
    ]


def _clean(kind: type[Configuration], values: Mapping[str, Any], path: str) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    fields = {field.name for field in dataclasses.fields(kind)}
    for name, value in values.items():
        if name in SERVER_FIELDS and value is not None:
            raise InvalidValue(f"{path}.{name}", "is set by the server; leave it out")
        if name not in fields:
            known = ", ".join(sorted(fields - SERVER_FIELDS))
            raise InvalidValue(f"{path}.{name}", "unknown field; there are: {known}", known=known)
        if not _fits(value, hints[name]):
            wanted = " or ".join(_names(hints[name]))
            raise InvalidValue(
                f"{path}.{name}", "is {value!r}; it must be {wanted}", value=value, wanted=wanted
            )
    try:
        cleaned = kind.from_dict(values).to_dict()
    except FieldError as error:
        refusal = error.refusal
        raise InvalidValue(f"{path}.{error.field}", refusal.reason, **refusal.values) from error
    return {name: value for name, value in cleaned.items() if name not in SERVER_FIELDS}


def _choices(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def _fits(value: Any, hint: Any) -> bool:
    choices = _choices(hint)
    if isinstance(value, bool):
        return bool in choices
    if value is None:
        return type(None) in choices
    if isinstance(value, int) and float in choices:
        return True
    return type(value) in choices


def _names(hint: Any) -> list[str]:
    words = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return [words.get(choice, "empty") for choice in _choices(hint)]


def require_base_model(
    built_in: Collection[str], name: str, *, field: str = "config.base_model"
) -> None:
    """A built-in name, an id at the Hugging Face hub, or a folder in BASE_MODELS_DIR. Raises
    InvalidValue.
    """
    if name in built_in or HUB_ID.fullmatch(name):
        return
    allowed = settings.BASE_MODELS_DIR
    if name.startswith("/") and "\0" not in name:
        folder = Path(name).resolve()
        if folder.is_relative_to(allowed) and _is_model(folder):
            return
    raise InvalidValue(
        field,
        "must be {known}, the id of a model at the Hugging Face hub, "
        "or a folder with config.json inside {allowed} (TANDEM_BASE_MODELS)",
        known=", ".join(built_in),
        allowed=allowed,
    )


def _is_model(folder: Path) -> bool:
    try:
        return isinstance(json.loads((folder / "config.json").read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False


def _require_context(cleaned: Mapping[str, Any]) -> None:
    """Else the run would find out after it has made the base."""
    context = cleaned["tiny"]["context"]
    if cleaned["max_length"] > context:
        raise InvalidValue(
            "config.max_length",
            "must be at most tiny.context = {context} for base_model tiny",
            context=context,
        )


def _require_each_judgement(cleaned: Mapping[str, Any]) -> None:
    if cleaned["data"]["aggregation"] != "each":
        raise InvalidValue(
            "config.data.aggregation",
            "must be each for loss {loss}, which learns from judgements as they are",
            loss=cleaned["loss"],
        )


def _clean_start(value: Any) -> str:
    if value is not None and value not in START_FROM:
        raise InvalidValue(
            "config.start_from", "must be one of {choices}", choices=", ".join(START_FROM)
        )
    return value or "base"


def _clean_signals(value: Any) -> bool:
    if value is not None and not isinstance(value, bool):
        raise InvalidValue("config.signals", "must be true or false")
    return bool(value)


def _clean_tiny(value: Any) -> dict[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise InvalidValue("config.tiny", "must be an object of fields and values")
    return _clean(TinyLmConfig, value or {}, "config.tiny")


def _clean_data(value: Any) -> dict[str, Any]:
    """As `create_snapshot` wants it."""
    value = {} if value is None else value
    if not isinstance(value, Mapping):
        raise InvalidValue("config.data", "must be an object with query and aggregation")
    for name in sorted(set(value) - {"query", "aggregation"}):
        raise InvalidValue(f"config.data.{name}", "unknown field; there are: query, aggregation")
    query = value.get("query") or {}
    if not isinstance(query, Mapping):
        raise InvalidValue("config.data.query", "must be an object of filters")
    aggregation = value.get("aggregation", "each")
    try:
        filters = ExportFilters.from_query(query)
        for rule in SNAPSHOT_RULES:
            if rule.name == "aggregation":
                rule.check(aggregation)
    except RefusedChoice as error:
        name = error.why.field
        path = "config.data" if name == "aggregation" else "config.data.query"
        raise error.why.at(f"{path}.{name}") from error
    return {"query": filters.as_query(), "aggregation": aggregation}


def _clean_data_of_people(value: Any) -> dict[str, Any]:
    """As `_clean_data`, people's labels unless asked otherwise.

    A reward model that trains on its own labels learns little but to be surer.
    """
    value = {} if value is None else value
    if isinstance(value, Mapping) and not value.get("query"):
        value = {**value, "query": {"source": "human"}}
    return _clean_data(value)


RUN_FIELDS: dict[str, dict[str, Any]] = {
    Recipe.REWARD_MODEL: {"data": _clean_data_of_people},
    Recipe.DPO: {
        "data": _clean_data,
        "start_from": _clean_start,
        "tiny": _clean_tiny,
        "signals": _clean_signals,
    },
}
