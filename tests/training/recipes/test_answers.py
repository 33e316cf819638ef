"""What a reward model says of a row beside its scores, held to the scores' own equations."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from annotate.finegrained.segments import sub_sentences
from tests.training.recipes.conftest import WORDS
from training.duties.score import score_batch
from training.recipes.answers import answer_rows
from training.recipes.head_model import HeadModel
from training.recipes.heads.ensemble import EnsembleHead
from training.recipes.heads.features import Features
from training.recipes.heads.general_preference import GeneralPreferenceHead
from training.recipes.heads.multi_objective import MultiObjectiveHead
from training.recipes.heads.personal import GroupsHead, IdealPointHead, LatentHead
from training.recipes.heads.plackett_luce import LinearHead
from training.recipes.heads.segments import SpanHead, StepHead
from training.recipes.models import load_classifier, load_encoder, load_tokenizer
from training.recipes.score import FinetunedEnsemble, RewardCard

WIDTH = 16
TEMPERATURE = 2.0
PROMPT = [{"role": "user", "content": "tell me how to cook rice"}]
TEXTS = ["good rice yes", "bad rude answer", "kind answer thanks please"]


def rows(*texts, **more):
    return [{"prompt": PROMPT, "responses": list(texts), **more}]


@pytest.fixture
def model(encoder):
    """model(Head, tensors, options) -> a published model with that head on a random encoder."""

    def make(kind, tensors, options=None):
        features = Features(
            load_tokenizer(str(encoder)),
            load_encoder(str(encoder)).eval(),
            max_length=64,
            prompt_tokens=16,
            batch_size=8,
        )
        generator = torch.Generator().manual_seed(0)
        drawn = {
            name: torch.randn(*shape, generator=generator, dtype=torch.float64)
            for name, shape in tensors.items()
        }
        plain = {
            "centre": torch.zeros(WIDTH, dtype=torch.float64),
            "scale": torch.ones(1, dtype=torch.float64),
        }
        card = SimpleNamespace(temperature=TEMPERATURE, objective=kind.objective)
        return HeadModel(card, kind({**plain, **drawn}, options or {}), features)

    return make


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def test_a_list_has_scores_alone(model):
    linear = model(LinearHead, {"coefficients": (WIDTH,)})
    (answer,) = answer_rows(linear, rows(*TEXTS))
    assert set(answer) == {"scores"}
    assert answer["scores"] == linear.score_sets([(PROMPT, TEXTS)])[0]


def test_texts_are_forgotten(model):
    linear = model(LinearHead, {"coefficients": (WIDTH,)})
    answer_rows(linear, rows(*TEXTS))
    assert not linear.features._known


def test_an_ensemble_tells_mean_and_spread(model):
    ensemble = model(EnsembleHead, {"members": (4, WIDTH)}, {"penalty": 1.5})
    (answer,) = answer_rows(ensemble, rows(*TEXTS))
    for score, mean, spread in zip(answer["scores"], answer["mean"], answer["spread"], strict=True):
        assert spread > 0
        assert score == pytest.approx(mean - 1.5 * spread)
    assert answer["scores"] == pytest.approx(ensemble.score_sets([(PROMPT, TEXTS)])[0])
    assert "members" not in answer
    two = rows(*TEXTS[:2], members=True) + rows(*TEXTS[1:], members=True)
    first, second = answer_rows(ensemble, two)
    assert (len(first["members"]), len(first["members"][0])) == (4, 2)
    for place in range(2):
        assert np.mean(second["members"], axis=0)[place] == pytest.approx(second["mean"][place])
    assert [one[1] for one in first["members"]] == [one[0] for one in second["members"]]


def test_networks_tell_mean_and_spread_too(encoder):
    tokenizer = load_tokenizer(str(encoder))
    networks = []
    for seed in range(3):
        torch.manual_seed(seed)
        networks.append(load_classifier(str(encoder), tokenizer))
        torch.nn.init.normal_(networks[-1].classifier.weight)
    card = RewardCard(
        method="finetune",
        base_model="",
        max_length=64,
        prompt_tokens=16,
        temperature=TEMPERATURE,
        objective="ensemble",
        options={"members": 3, "penalty": 0.5},
    )
    ensemble = FinetunedEnsemble(card, tokenizer, networks, [0.1, 0.2, 0.3])
    (answer,) = answer_rows(ensemble, rows(*TEXTS))
    for score, mean, spread in zip(answer["scores"], answer["mean"], answer["spread"], strict=True):
        assert spread > 0
        assert score == pytest.approx(mean - 0.5 * spread, abs=1e-5)
    # What the judge's child writes down is the same, and scores as the model itself does.
    [row] = score_batch(ensemble, [{"id": 7, "prompt": PROMPT, "responses": TEXTS}])
    assert row["scores"] == pytest.approx(ensemble.score_sets([(PROMPT, TEXTS)])[0])
    assert np.std(row["members"], axis=0, ddof=1) == pytest.approx(answer["spread"], abs=1e-6)


def test_criteria_weigh_up_to_the_score(model):
    tensors = {
        "criteria": (WIDTH, 2),
        "means": (2,),
        "gate": (WIDTH, 2),
        "gate_bias": (2,),
        "prompt_centre": (WIDTH,),
    }
    rated = model(MultiObjectiveHead, tensors, {"criteria": ["clear", "true"]})
    rated.head.tensors["prompt_scale"] = torch.ones(1, dtype=torch.float64)
    rated.head.tensors["sharpness"] = torch.full((1,), 3.0, dtype=torch.float64)
    (answer,) = answer_rows(rated, rows(*TEXTS))
    weights = answer["weights"]
    assert sum(weights.values()) == pytest.approx(1)
    for score, criteria in zip(answer["scores"], answer["criteria"], strict=True):
        weighed = sum(weights[name] * value for name, value in criteria.items())
        assert score == pytest.approx(3 * weighed / TEMPERATURE)
    (one,) = answer_rows(rated, rows(*TEXTS, criteria=["true"]))
    assert [list(found) for found in one["criteria"]] == [["true"]] * 3
    bad, good = answer_rows(rated, [*rows("yes", criteria=["loud"]), *rows("yes")])
    assert bad["error"]["field"] == "criteria"
    assert "it has: clear, true" in bad["error"]["message"]
    assert len(good["scores"]) == 1


def test_segments_add_up_to_the_score(model):
    names = {"C1.centre": (WIDTH,), "C1.coefficients": (WIDTH,), "C1.bias": (1,)}
    spans = model(SpanHead, names, {"names": ["C1"]})
    spans.head.tensors["C1.scale"] = torch.ones(1, dtype=torch.float64)
    text = "good rice yes please tell me, bad rude answer no thanks. kind answer thanks please why"
    (answer,) = answer_rows(spans, rows(text))
    (segments,) = answer["segments"]
    assert [(one["start"], one["end"]) for one in segments] == [
        (one.start, one.end) for one in sub_sentences(text)
    ]
    signs = [-1 if one["p_wrong"] > 0.5 else 1 for one in segments]
    assert answer["scores"][0] == pytest.approx(0.3 * sum(signs) / TEMPERATURE)


def test_steps_multiply_to_the_score(model):
    names = {"steps.centre": (WIDTH,), "steps.coefficients": (WIDTH,), "steps.bias": (1,)}
    steps = model(StepHead, names, {"names": ["steps"], "split": "lines"})
    steps.head.tensors["steps.scale"] = torch.ones(1, dtype=torch.float64)
    (answer,) = answer_rows(steps, rows("good rice\nbad answer\nthanks"))
    (told,) = answer["steps"]
    assert [one["text"] for one in told] == ["good rice", "bad answer", "thanks"]
    right = sum(math.log(1 - one["p_wrong"]) for one in told)
    assert answer["scores"][0] == pytest.approx(right / TEMPERATURE)


def test_what_was_cut_off_has_no_probability(model):
    names = {"steps.centre": (WIDTH,), "steps.coefficients": (WIDTH,), "steps.bias": (1,)}
    steps = model(StepHead, names, {"names": ["steps"], "split": "lines"})
    steps.head.tensors["steps.scale"] = torch.ones(1, dtype=torch.float64)
    (answer,) = answer_rows(steps, rows(" ".join(WORDS * 5) + "\nbad answer"))
    assert [one["p_wrong"] is None for one in answer["steps"][0]] == [False, True]


def test_pairs_are_compared_both_ways(model):
    general = model(GeneralPreferenceHead, {"linear": (WIDTH,), "planes": (WIDTH, 4)})
    (answer,) = answer_rows(general, rows(*TEXTS))
    matrix = answer["pairwise"]
    for first in range(3):
        assert matrix[first][first] == pytest.approx(0.5)
        for second in range(3):
            assert matrix[first][second] + matrix[second][first] == pytest.approx(1)
    (two,) = answer_rows(general, rows(*TEXTS[:2]))
    a, b = two["scores"]
    assert two["pairwise"][0][1] == pytest.approx(sigmoid(a - b))


PERSONAL = {
    IdealPointHead: {"map": (WIDTH, 3), "prototypes": (3, 3), "weights": (4, 3)},
    LatentHead: {"shared": (WIDTH,), "loadings": (3, WIDTH), "latents": (4, 3)},
    GroupsHead: {"groups": (2, WIDTH)},
}


@pytest.mark.parametrize("kind", PERSONAL)
def test_one_person_has_scores_of_their_own(model, kind):
    personal = model(kind, PERSONAL[kind])
    if kind is GroupsHead:
        shares = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.5, 0.5]])
        personal.head.tensors["responsibilities"] = shares.double()
    everybody, first, second, stranger = answer_rows(
        personal,
        [
            *rows(*TEXTS),
            *rows(*TEXTS, person=0),
            *rows(*TEXTS, person=1),
            *rows(*TEXTS, person=4),
        ],
    )
    assert first["scores"] != pytest.approx(second["scores"])
    assert first["scores"] != pytest.approx(everybody["scores"])
    assert stranger["error"]["field"] == "annotator"
    if kind is GroupsHead:
        assert everybody["scores"] == pytest.approx([min(one) for one in everybody["groups"]])
        assert everybody["group_shares"] == [0.5, 0.5]
        # Who is of one group alone prefers as that group does.
        a, b = (one[0] for one in first["groups"][:2])
        assert first["pairwise"][0][1] == pytest.approx(sigmoid(a - b))
    else:
        chances = [
            answer_rows(personal, rows(*TEXTS, person=place))[0]["pairwise"] for place in range(4)
        ]
        for one in chances:
            assert one[0][1] + one[1][0] == pytest.approx(1)


def test_people_and_criteria_are_refused_by_models_without(model):
    linear = model(LinearHead, {"coefficients": (WIDTH,)})
    person, criteria, plain = answer_rows(
        linear, [*rows("yes", person=0), *rows("yes", criteria=["x"]), *rows("yes")]
    )
    assert person["error"]["field"] == "annotator"
    assert "plackett_luce" in person["error"]["message"]
    assert criteria["error"]["field"] == "criteria"
    assert math.isfinite(plain["scores"][0])


def test_a_score_that_is_no_number_is_an_error_of_its_row(model):
    linear = model(LinearHead, {"coefficients": (WIDTH,)})
    linear.head.tensors["coefficients"] *= math.nan
    (answer,) = answer_rows(linear, rows("yes"))
    assert "finite" in answer["error"]["message"]
