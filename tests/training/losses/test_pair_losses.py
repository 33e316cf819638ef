"""What holds for every loss over pairs: slopes, limits, symmetries, declared needs."""

import inspect
import math
from dataclasses import fields, replace

import pytest
import torch

from tests.training.losses.cases import one_pair, pairs, swapped, vector
from training.losses.pairs import Divergence, PairLogps, per_token
from training.losses.registry import DIVERGENCES, POLICY_LOSSES

VALUES = {"beta": 0.3, "label_smoothing": 0.1, "target_margin": 0.0, "discopop_tau": 0.05}
PAIR_LOSSES = {
    name: loss for name, loss in POLICY_LOSSES.items() if loss.takes == "pairs" and not loss.line
}
WITH_REFERENCE = [name for name, loss in PAIR_LOSSES.items() if loss.reference]
GAP_LOSSES = [name for name, loss in PAIR_LOSSES.items() if loss.function.startswith("dpo:")]
EXO_AT_ZERO = 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1)
DISCOPOP_SLOPE = (1 - math.log(2)) / (4 * 0.05) - 0.75

# At log-ratios of zero: the value, and d loss / d log p of chosen and of rejected, over beta.
# Worked by hand from the formulas, with smoothing 0.1 and one token a response.
AT_ZERO = {
    "sigmoid": (math.log(2), -0.4, 0.4),
    "sigmoid_norm": (math.log(2), -0.4, 0.4),
    "hinge": (1.0, -1.0, 1.0),
    "robust": (math.log(2), -0.5 / 0.8, 0.5 / 0.8),
    "exo_pair": (EXO_AT_ZERO, -0.25 * math.log(9), 0.25 * math.log(9)),
    "discopop": (0.5 * math.log(2) + 0.5, DISCOPOP_SLOPE, -DISCOPOP_SLOPE),
    "aot": (math.log(2), -0.4, 0.4),
    "nca_pair": (2 * math.log(2), -0.25, 0.25),
    "bco_pair": (2 * math.log(2), -0.5, 0.5),
    "apo_zero": (1.0, -0.25, 0.25),
    "apo_down": (1.0, 0.0, 0.25),
    "ipo": ((1 / 0.6) ** 2, -1 / 0.3**2, 1 / 0.3**2),
    "sppo_hard": (2 * (0.5 / 0.3) ** 2, -1 / 0.3**2, 1 / 0.3**2),
}


def options(name, **other):
    values = {**VALUES, **other}
    return {field: values[field] for field in POLICY_LOSSES[name].parameters}


def compute(name, values, **other):
    return POLICY_LOSSES[name].load()(values, **options(name, **other))


def test_averages_are_over_tokens_and_an_empty_response_has_one():
    averages = per_token(vector(-6.0, -1.0, 0.0), vector(4.0, 1.0, 0.0))
    assert averages.tolist() == [-1.5, -1.0, 0.0]


def test_all_losses_with_a_reference_are_worked_out():
    assert sorted(AT_ZERO) == sorted(WITH_REFERENCE)
    assert len(PAIR_LOSSES) == 16


# What the trainer works out of the fields that say how rows are made.
OF_DATA = {"modpo": ("weight", "other_weights"), "kto": ("noise_B",)}


@pytest.mark.parametrize("name", POLICY_LOSSES)
def test_a_loss_takes_the_parameters_it_declares(name):
    loss = POLICY_LOSSES[name]
    taken = inspect.signature(loss.load()).parameters.values()
    keywords = {one.name for one in taken if one.kind is one.KEYWORD_ONLY}
    assert keywords == {*loss.parameters, *OF_DATA.get(name, ())}


@pytest.mark.parametrize("name", WITH_REFERENCE)
def test_value_and_slopes_at_the_reference(name):
    start = one_pair(0.0, 0.0)
    chosen_B = start.chosen_B.requires_grad_()
    rejected_B = start.rejected_B.requires_grad_()
    loss_B = compute(name, start)
    value, chosen_slope, rejected_slope = AT_ZERO[name]
    assert loss_B.tolist() == pytest.approx([value])
    slopes = torch.autograd.grad(loss_B.sum(), (chosen_B, rejected_B))
    assert slopes[0].item() / 0.3 == pytest.approx(chosen_slope, abs=1e-12)
    assert slopes[1].item() / 0.3 == pytest.approx(rejected_slope, abs=1e-12)


@pytest.mark.parametrize("name", PAIR_LOSSES)
def test_gradients_are_those_of_finite_differences(name):
    torch.manual_seed(0)
    chosen_B, rejected_B = (-20 * torch.rand(4, dtype=torch.float64) - 1 for _ in range(2))
    rest = {field.name: -10 * torch.rand(4, dtype=torch.float64) for field in fields(PairLogps)[:4]}
    rest |= {
        "chosen_tokens_B": vector(3, 5, 7, 2),
        "rejected_tokens_B": vector(4, 4, 1, 9),
        "target_B": vector(1, 1, 1, 1),
    }

    def loss_of(chosen_B, rejected_B):
        values = {**rest, "chosen_B": chosen_B, "rejected_B": rejected_B}
        return compute(name, PairLogps(**values))

    inputs = (chosen_B.requires_grad_(), rejected_B.requires_grad_())
    assert torch.autograd.gradcheck(loss_of, inputs)


@pytest.mark.parametrize("name", sorted(set(GAP_LOSSES) - {"ipo"}))
def test_without_a_tie_to_the_reference_nothing_is_learned(name):
    """beta -> 0: every pair costs what it costs at the reference."""
    tiny = compute(name, pairs(), beta=1e-12)
    assert tiny.tolist() == pytest.approx([AT_ZERO[name][0]] * 2)


@pytest.mark.parametrize("name", sorted(set(GAP_LOSSES) - {"aot"}))
def test_equal_responses_cost_what_the_start_costs(name):
    same = one_pair(0.7, 0.7, tokens=(3.0, 3.0))
    assert compute(name, same).tolist() == pytest.approx([AT_ZERO[name][0]])
    assert compute(name, same).tolist() == pytest.approx(compute(name, swapped(same)).tolist())


@pytest.mark.parametrize("name", sorted(set(GAP_LOSSES) - {"aot"}))
def test_only_the_gap_counts(name):
    """Both responses likelier by the same factor change nothing."""
    moved = replace(pairs(), chosen_B=pairs().chosen_B + 5, rejected_B=pairs().rejected_B + 5)
    if name in ("ipo", "sigmoid_norm"):
        moved = replace(
            pairs(),
            chosen_B=pairs().chosen_B + 5 * pairs().chosen_tokens_B,
            rejected_B=pairs().rejected_B + 5 * pairs().rejected_tokens_B,
        )
    assert compute(name, moved).tolist() == pytest.approx(compute(name, pairs()).tolist())


@pytest.mark.parametrize("name", PAIR_LOSSES)
def test_losses_without_a_reference_do_not_look_at_it(name):
    other = replace(pairs(), ref_chosen_B=vector(-1.0, -2.0), ref_rejected_B=vector(-30.0, -40.0))
    same = torch.allclose(compute(name, pairs()), compute(name, other))
    assert same is not PAIR_LOSSES[name].reference


@pytest.mark.parametrize("name", [name for name, loss in PAIR_LOSSES.items() if loss.ties])
def test_ties(name):
    """Exchanging the responses and the target changes nothing; a tie asks for no difference."""
    for target in (0.5, 0.7, 1.0):
        here, there = pairs(target), swapped(pairs(target))
        assert compute(name, here).tolist() == pytest.approx(compute(name, there).tolist())
    tie = one_pair(0.0, 0.0, tokens=(3.0, 3.0), target=0.5)
    tie = replace(tie, rejected_B=tie.chosen_B, ref_rejected_B=tie.ref_chosen_B)
    chosen_B = tie.chosen_B.clone().requires_grad_()
    tie = replace(tie, chosen_B=chosen_B)
    (slope,) = torch.autograd.grad(compute(name, tie).sum(), (chosen_B,))
    assert slope.item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", [name for name, loss in PAIR_LOSSES.items() if not loss.ties])
def test_losses_that_know_no_ties_ignore_the_target(name):
    assert compute(name, pairs(0.5)).tolist() == compute(name, pairs(1.0)).tolist()


@pytest.mark.parametrize("name", PAIR_LOSSES)
def test_rows_are_independent_where_declared(name):
    """The order of rows moves values along, and each row costs what it costs alone."""
    whole = compute(name, pairs())
    first = replace(
        pairs(), **{f.name: getattr(pairs(), f.name)[:1] for f in fields(PairLogps)[:7]}
    )
    alone = torch.allclose(compute(name, first), whole[:1])
    assert alone is PAIR_LOSSES[name].by_row


@pytest.mark.parametrize("name", [name for name, loss in PAIR_LOSSES.items() if loss.divergences])
@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_a_divergence_replaces_the_log_ratio_by_its_worth(name, divergence):
    """A loss under f is the loss under reverse KL of a pair whose log-ratios are f'(u)."""
    worth = {
        "reverse_kl": lambda u: math.log(u),
        "forward_kl": lambda u: 1 - 1 / u,
        "js_divergence": lambda u: math.log(2 * u / (u + 1)),
        "alpha_divergence": lambda u: (u**-0.7 - 1) / -0.7,
    }[divergence]
    tokens = (3.0, 4.0)
    there = one_pair(worth(math.exp(0.8)), worth(math.exp(-0.4)), tokens=tokens)
    here = replace(one_pair(0.8, -0.4, tokens=tokens), divergence=Divergence(divergence, 0.3))
    assert compute(name, here).tolist() == pytest.approx(compute(name, there).tolist())


def test_alpha_divergence_has_reverse_kl_as_its_limit_and_stays_finite():
    near = Divergence("alpha_divergence", 1 + 1e-5).worth(vector(-3.0, 2.0))
    assert near.tolist() == pytest.approx([-3.0, 2.0], rel=1e-4)
    assert Divergence("alpha_divergence", 1.0).worth(vector(2.0)).tolist() == [2.0]
    assert torch.isfinite(Divergence("alpha_divergence", 2.0).worth(torch.tensor([1e6]))).all()


@pytest.mark.parametrize("name", PAIR_LOSSES)
@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_pairs_far_on_either_side_have_finite_losses_and_slopes(name, divergence):
    """In float32, as training has it, with log-ratios of long responses."""
    worth_is_exponential = divergence in ("forward_kl", "alpha_divergence")
    if divergence != "reverse_kl" and not PAIR_LOSSES[name].divergences:
        return
    if worth_is_exponential and name in ("ipo", "discopop"):
        return  # which square it, or take its exponential: no number holds that
    for gap in (-3000.0, 3000.0):
        values = {
            field.name: getattr(one_pair(gap, -gap, tokens=(200.0, 200.0)), field.name).float()
            for field in fields(PairLogps)[:7]
        }
        far = PairLogps(**values, divergence=Divergence(divergence))
        if not PAIR_LOSSES[name].reference:
            far = replace(far, chosen_B=-torch.tensor([3000.0]), rejected_B=torch.tensor([-0.1]))
        far = replace(far, chosen_B=far.chosen_B.requires_grad_())
        loss_B = compute(name, far, beta=0.1)
        assert torch.isfinite(loss_B).all(), (gap, loss_B)
        (slope,) = torch.autograd.grad(loss_B.sum(), far.chosen_B)
        assert torch.isfinite(slope).all(), (gap, slope)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target_B": torch.zeros(3)}, "target_B: shape"),
        ({"rejected_B": torch.zeros(2, 1)}, "rejected_B: shape"),
        ({"chosen_tokens_B": torch.ones(2, dtype=torch.int64)}, "chosen_tokens_B: torch.int64"),
    ],
)
def test_wrong_inputs_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        replace(pairs(), **change)


def test_an_unknown_divergence_is_refused():
    with pytest.raises(ValueError, match="'kl' is not known"):
        Divergence("kl").worth(vector(1.0))
