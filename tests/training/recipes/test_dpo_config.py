"""What a policy run may be asked for: a loss refuses what it would ignore."""

import dataclasses

import pytest

from training.losses.registry import POLICY_LOSSES
from training.recipes.dpo_config import DATA_FIELDS, LOSS_FIELDS, DpoConfig
from training.recipes.errors import ConfigError

OTHER_VALUES = {
    "label_smoothing": 0.1,
    "target_margin": 0.5,
    "discopop_tau": 1.0,
    "tdpo_alpha": 0.7,
    "unchanged_weight": 0.5,
    "desirable_weight": 2.0,
    "undesirable_weight": 2.0,
    "cut_threshold": 1.5,
    "unlike_weight": 0.5,
    "rationale_weight": 0.5,
    "scope_weight": 1.0,
    "rejected_beta": 0.4,
    "root_share": 0.5,
    "ranking_depth": 2,
}


OTHER_DATA = {
    "unrefined": "bad",
    "good_phrase": "Good: ",
    "bad_phrase": "Bad: ",
    "criterion": "fun",
    "criterion_weight": 0.7,
    "criterion_scale": 2.0,
    "own_samples": 2,
    "own_tokens": 16,
    "mixture_share": 0.5,
}


def make(loss, **other):
    needed = {"exo_pair": {"label_smoothing": 0.001}, "inpo": {"pairs_from": "best_worst"}}
    return DpoConfig(base_model="x", loss=loss, **{**needed.get(loss, {}), **other})


def weighs_sums(loss):
    return loss.reference and loss.takes == "pairs" and not loss.line


def test_every_parameter_of_a_loss_is_a_field():
    names = {field.name for field in dataclasses.fields(DpoConfig)}
    declared = {name for loss in POLICY_LOSSES.values() for name in loss.parameters}
    assert declared <= names
    assert declared - {"beta"} == set(LOSS_FIELDS) == set(OTHER_VALUES)
    of_rows = {name for loss in POLICY_LOSSES.values() for name in loss.data}
    assert of_rows == set(DATA_FIELDS) == set(OTHER_DATA)
    assert of_rows <= names


@pytest.mark.parametrize("loss", POLICY_LOSSES)
def test_parameters_are_taken_or_refused_as_declared(loss):
    for name, value in OTHER_VALUES.items():
        if name in POLICY_LOSSES[loss].parameters:
            assert make(loss, **{name: value}).loss_options[name] == value
            continue
        with pytest.raises(ConfigError, match=f"{name} is {value}; .* loss {loss}, which would"):
            make(loss, **{name: value})
    for name, value in OTHER_DATA.items():
        drawn = POLICY_LOSSES[loss].own_pairs and name in ("own_samples", "own_tokens")
        if drawn or name in POLICY_LOSSES[loss].data:
            assert getattr(make(loss, **{name: value}), name) == value
            continue
        with pytest.raises(ConfigError, match=f"{name} is .*; .* loss {loss}, which would"):
            make(loss, **{name: value})


@pytest.mark.parametrize("loss", POLICY_LOSSES)
@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("tie_rule", "half", lambda loss: loss.ties),
        ("divergence", "js_divergence", lambda loss: loss.divergences),
        ("off_policy_weighting", True, lambda loss: loss.by_row and loss.takes == "pairs"),
        ("curriculum_stages", 3, lambda loss: loss.of_pairs),
        (
            "reference_sync_steps",
            4,
            lambda loss: loss.reference and loss.of_pairs and not loss.line,
        ),
        ("sft_weight", 0.5, lambda loss: loss.of_pairs),
        ("tail_weight", 0.5, lambda loss: weighs_sums(loss)),
        ("changed_weight", 5.0, lambda loss: weighs_sums(loss)),
    ],
)
def test_what_changes_the_input_is_allowed_where_it_counts(loss, field, value, allowed):
    full = {"lora": False} if field == "reference_sync_steps" else {}
    if allowed(POLICY_LOSSES[loss]):
        assert getattr(make(loss, **{field: value}, **full), field) == value
        return
    with pytest.raises(ConfigError, match=rf"DpoConfig\.{field} is {value!r}; .* loss {loss}"):
        make(loss, **{field: value})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"loss": "kl"}, r"loss is 'kl'; it must be one of sigmoid, ipo"),
        ({"loss": "cut", "unrefined": "x"}, r"unrefined is 'x'; it must be one of drop, bad, good"),
        (
            {"loss": "hindsight", "bad_phrase": "A good response: "},
            r"bad_phrase is 'A good response: '; it must be another text than good_phrase",
        ),
        ({"loss": "modpo", "criterion_weight": 0}, r"criterion_weight is 0; it must be above 0"),
        ({"loss": "exo_pair"}, r"label_smoothing is 0.0; it must be above 0 for loss exo_pair"),
        ({"divergence": "kl"}, r"divergence is 'kl'; it must be one of reverse_kl"),
        ({"divergence_alpha": 0.2}, r"0.5 for divergence reverse_kl, which has no alpha"),
        ({"discopop_tau": 0}, r"discopop_tau is 0; it must be above 0"),
        ({"tail_weight": 1.5}, r"tail_weight is 1.5; it must be from 0 to 1"),
        ({"changed_weight": 0}, r"changed_weight is 0; it must be above 0"),
        ({"reference_sync_steps": 4}, r"lora is True; it must be false with reference_sync_steps"),
        ({"reference_mixup": 0.5}, r"reference_mixup is 0.5; it must be 0.6 without"),
        ({"curriculum_stages": 0}, r"curriculum_stages is 0; it must be from 1 to 100"),
        ({"tdpo_alpha": -1}, r"tdpo_alpha is -1; it must be at least 0"),
        ({"unchanged_weight": 2}, r"unchanged_weight is 2; it must be from 0 to 1"),
        ({"loss": "inpo", "root_share": 2}, r"root_share is 2; it must be from 0 to 1"),
        ({"loss": "nash_md", "mixture_share": -1}, r"mixture_share is -1; it must be from 0 to 1"),
        (
            {"loss": "nash_md", "displacing_share": 0.5},
            r"displacing_share is 0.5; it must be 0.0 for nash_md: filters are for pairs",
        ),
        ({"loss": "inpo"}, r"pairs_from is 'people'; it must be best_worst or rejection for loss"),
        (
            {"loss": "inpo", "pairs_from": "anchored"},
            r"pairs_from is 'anchored'; it must be best_worst or rejection for loss inpo",
        ),
        (
            {"loss": "nash_md", "pairs_from": "best_worst"},
            r"people for loss nash_md, which writes its own in the course of training",
        ),
    ],
)
def test_wrong_values_are_named(values, message):
    with pytest.raises(ConfigError, match=message):
        DpoConfig(base_model="x", **values)


def test_alpha_goes_with_its_divergence():
    config = DpoConfig(base_model="x", divergence="alpha_divergence", divergence_alpha=0.2)
    assert DpoConfig.from_dict(config.to_dict()) == config


def test_who_compares_the_responses_token_by_token():
    assert make("sparse").needs_changes
    assert make("sigmoid_norm", changed_weight=5.0).needs_changes
    assert not make("tdpo2").needs_changes
